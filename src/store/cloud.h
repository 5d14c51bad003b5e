/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts' connections to cloud stores (market/cloud.h). */

#ifndef BERTH_STORE_CLOUD_H
#define BERTH_STORE_CLOUD_H

#include "base/arena.h"
#include "store/db.h"

struct cloud_row {
    int64_t id, user_id;
    const char *name, *kind;
    const char *config; /* JSON, sealed */
    struct instant created;
};

NODISCARD bool cloud_insert(struct db *db, const struct cloud_row *row, int64_t *ret_id,
                            struct error *err);
NODISCARD bool cloud_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                          struct cloud_row *ret, bool *ret_has, struct error *err);

/* Oldest first. */
NODISCARD bool cloud_list(struct db *db, int64_t user_id, struct arena *arena,
                          struct cloud_row **ret, size_t *ret_count, struct error *err);

/* `*ret_count` is 0 where the account has none of that number. */
NODISCARD bool cloud_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                            struct error *err);

#endif
