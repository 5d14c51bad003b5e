/* SPDX-License-Identifier: Apache-2.0 */
/* What takes two operators, at rest (market/approval.h). One that was given stays as it is: the
 * database refuses a change, and that anybody gives what they asked for. */

#ifndef BERTH_STORE_APPROVAL_H
#define BERTH_STORE_APPROVAL_H

#include "base/arena.h"
#include "base/instant.h"
#include "base/money.h"
#include "store/db.h"

struct approval_row {
    int64_t id;
    const char *what, *body; /* the deed: "take:7"; how much of it */
    struct money amount;
    int64_t asked_by;
    struct instant asked;
    int64_t given_by; /* 0: nobody yet */
    struct instant given;
};

NODISCARD bool approval_find(struct db *db, const char *what, struct arena *arena,
                             struct approval_row *ret, bool *ret_has, struct error *err);

/* Ask for it, in place of what was asked for under that name and not given. */
NODISCARD bool approval_ask(struct db *db, const struct approval_row *row, struct error *err);

/* ERROR_CONFLICT where it was given meanwhile, or asked for by the same. */
NODISCARD bool approval_give(struct db *db, int64_t id, int64_t operator_id, struct instant now,
                             struct error *err);

/* In order of id, above `after`; those that wait alone, or all. */
struct approval_filter {
    int64_t after;
    size_t max;
    bool is_waiting;
};
NODISCARD bool approval_list(struct db *db, const struct approval_filter *filter,
                             struct arena *arena, struct approval_row **ret, size_t *ret_count,
                             struct error *err);

#endif
