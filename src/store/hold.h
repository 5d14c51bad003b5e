/* SPDX-License-Identifier: Apache-2.0 */
/* Holds at rest (market/hold.h), and what they keep pending on the accounts.
 *
 * The pending columns of an account are the sum of its open holds: both change in the same
 * statement's transaction, and the database refuses a hold that an account's limits do not allow.
 * The key makes placing idempotent, as a journal's does. */

#ifndef BERTH_STORE_HOLD_H
#define BERTH_STORE_HOLD_H

#include "base/arena.h"
#include "market/hold.h"
#include "store/db.h"

struct hold_row {
    int64_t id;
    const char *key; /* "dep:17", "hold:<ticket>" */
    enum hold_kind kind;
    int64_t user_id; /* whose money it is */
    struct money amount;
    const char *note; /* why, in the operator's words */
    struct instant created;
    struct instant expires; /* INSTANT_NEVER: does not */

    enum hold_state state;
    struct instant resolved; /* 0 while it is open */
    int64_t journal_id;      /* of one that was captured; else 0 */
};

enum hold_placing {
    HOLD_PLACED,
    HOLD_EXISTS,  /* placed before, for the same: nothing changed */
    HOLD_DIFFERS, /* that key was used for another */
};

/* Of `hold` what comes before `state`. Sets `hold->id` unless it differs. */
NODISCARD bool hold_place(struct db *db, struct hold_row *hold, enum hold_placing *ret,
                          struct error *err);

NODISCARD bool hold_load(struct db *db, int64_t id, struct arena *arena, struct hold_row *ret,
                         bool *ret_has, struct error *err);
NODISCARD bool hold_find(struct db *db, const char *key, struct arena *arena, struct hold_row *ret,
                         bool *ret_has, struct error *err);

/* Let go of all of it: HOLD_RELEASED or HOLD_EXPIRED. One that is not open any more, as by somebody
 * faster, is ERROR_CONFLICT. */
NODISCARD bool hold_end(struct db *db, const struct hold_row *hold, enum hold_state state,
                        struct instant now, struct error *err);

/* Let go of it and post what takes its place, which debits its debit by at most its amount. */
NODISCARD bool hold_capture(struct db *db, const struct hold_row *hold,
                            const struct journal *journal, struct instant now, struct error *err);

/* Open ones whose time is over, longest ago first. */
NODISCARD bool hold_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err);

/* In order of id, above `after`; of one user, or all for 0; of one kind, or any for 0; in one
 * state, or any for -1. */
struct hold_filter {
    int64_t user_id, after;
    int64_t kind, state;
    size_t max;
};
NODISCARD bool hold_list(struct db *db, const struct hold_filter *filter, struct arena *arena,
                         struct hold_row **ret, size_t *ret_count, struct error *err);

/* What is held for a user now, by kind. */
struct hold_sums {
    struct money deposits, credit, earnings;
};
NODISCARD bool hold_sums(struct db *db, int64_t user_id, struct hold_sums *ret, struct error *err);

/* What was held for the account in captured ones, since then. */
NODISCARD bool hold_captured(struct db *db, int64_t user_id, enum hold_kind kind,
                             struct instant since, struct money *ret, struct error *err);

#endif
