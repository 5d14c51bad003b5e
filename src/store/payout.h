/* SPDX-License-Identifier: Apache-2.0 */
/* Payouts to hosts: at most one for a host and week, whatever the program believes. */

#ifndef BERTH_STORE_PAYOUT_H
#define BERTH_STORE_PAYOUT_H

#include "base/arena.h"
#include "market/payout.h"
#include "store/db.h"

struct payout_row {
    int64_t id, host_id;
    struct instant cut; /* the Friday that it pays up to */
    struct money amount;
    enum payout_state state;
    const char *provider;  /* "manual" */
    const char *reference; /* the provider's name for it, or the operator's */
    const char *reason;    /* why it failed */
    struct instant created, state_at;
};

/* A second one for the same host and cut is ERROR_CONFLICT. The id comes with db_settle(). */
NODISCARD bool payout_insert_later(struct db *db, const struct payout_row *payout, int64_t *ret_id,
                                   struct error *err);
NODISCARD bool payout_load(struct db *db, int64_t id, struct arena *arena, struct payout_row *ret,
                           bool *ret_has, struct error *err);

/* State, reference, reason and when, if it is still in `before`; else ERROR_CONFLICT. */
NODISCARD bool payout_update(struct db *db, const struct payout_row *payout,
                             enum payout_state before, struct error *err);

/* In order of id, above `after`; of one host, or all for 0; in one state, or any for 0. */
struct payout_filter {
    int64_t host_id, after;
    int64_t state;
    size_t max;
};
NODISCARD bool payout_list(struct db *db, const struct payout_filter *filter, struct arena *arena,
                           struct payout_row **ret, size_t *ret_count, struct error *err);

/* A host's, newest first: of the weeks that ended before `before`, at most so many. */
struct payout_range {
    int64_t host_id;
    struct instant before; /* INSTANT_NEVER: any */
    size_t max;
};
NODISCARD bool payout_latest(struct db *db, const struct payout_range *range, struct arena *arena,
                             struct payout_row **ret, size_t *ret_count, struct error *err);

/* How many are on their way, and the cut that the oldest pays up to; 0: none is. */
struct payout_waiting {
    int64_t count;
    struct instant since;
};
NODISCARD bool payout_waiting(struct db *db, struct payout_waiting *ret, struct error *err);

/* What was paid to a host, or is on its way: not what failed, came back or was called off. */
NODISCARD bool payout_sum(struct db *db, int64_t host_id, struct money *ret, struct error *err);

#endif
