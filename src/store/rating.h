/* SPDX-License-Identifier: Apache-2.0 */
/* What renters think of their hosts: one rating for a contract. */

#ifndef BERTH_STORE_RATING_H
#define BERTH_STORE_RATING_H

#include "base/arena.h"
#include "store/db.h"

struct rating_row {
    int64_t id, contract_id, machine_id, host_id, user_id;
    int64_t stars; /* 1 to 5 */
    const char *message;
    struct instant created;
};

NODISCARD bool rating_insert(struct db *db, const struct rating_row *rating, struct error *err);

NODISCARD bool rating_has(struct db *db, int64_t contract_id, bool *ret_has, struct error *err);

/* How many the host has, and their sum. */
NODISCARD bool rating_sum(struct db *db, int64_t host_id, int64_t *ret_count, int64_t *ret_stars,
                          struct error *err);

/* The host's, newest first. */
NODISCARD bool rating_list(struct db *db, int64_t host_id, size_t max, struct arena *arena,
                           struct rating_row **ret, size_t *ret_count, struct error *err);

#endif
