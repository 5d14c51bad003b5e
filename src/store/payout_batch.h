/* SPDX-License-Identifier: Apache-2.0 */
/* Payouts that go to a provider together, by one call: which are in it, how far it has come, and
 * when it is looked at again. */

#ifndef BERTH_STORE_PAYOUT_BATCH_H
#define BERTH_STORE_PAYOUT_BATCH_H

#include "base/arena.h"
#include "base/money.h"
#include "store/db.h"

/* Stored in payout_batch.state. */
enum payout_batch_state {
    PAYOUT_BATCH_SENT,  /* left for the provider, which has not said that it has it */
    PAYOUT_BATCH_TAKEN, /* and may say something new of it */
    PAYOUT_BATCH_OVER,
};

struct payout_batch_row {
    int64_t id;
    const char *provider, *object_id; /* the provider's name for it; "" not known yet */
    enum payout_batch_state state;
    int64_t looks;             /* at it, so far */
    struct instant made, next; /* when to look again */
};
NODISCARD bool payout_batch_insert(struct db *db, const struct payout_batch_row *row,
                                   int64_t *ret_id, struct error *err);
NODISCARD bool payout_batch_load(struct db *db, int64_t id, struct arena *arena,
                                 struct payout_batch_row *ret, bool *ret_has, struct error *err);
NODISCARD bool payout_batch_find(struct db *db, const char *provider, const char *object_id,
                                 struct arena *arena, struct payout_batch_row *ret, bool *ret_has,
                                 struct error *err);
NODISCARD bool payout_batch_update(struct db *db, const struct payout_batch_row *row,
                                   struct error *err);
/* Those to look at by then, at most `max`, the longest due first. */
NODISCARD bool payout_batch_due(struct db *db, const char *provider, struct instant now, size_t max,
                                struct arena *arena, struct payout_batch_row **ret,
                                size_t *ret_count, struct error *err);
/* When the next is due; false in `*ret_has`: none. */
NODISCARD bool payout_batch_next(struct db *db, struct instant *ret, bool *ret_has,
                                 struct error *err);

/* Payouts that are in no batch, were cut up to `cut` and may go by `now`; or those in one. By
 * rising id. */
struct payout_batch_item {
    int64_t payout_id;
    struct money amount;
    const char *account;
};
NODISCARD bool payout_batch_waiting(struct db *db, const char *provider, struct instant cut,
                                    struct instant now, size_t max, struct arena *arena,
                                    struct payout_batch_item **ret, size_t *ret_count,
                                    struct error *err);
NODISCARD bool payout_batch_items(struct db *db, int64_t batch_id, struct arena *arena,
                                  struct payout_batch_item **ret, size_t *ret_count,
                                  struct error *err);

/* From batch `from` to `to`, not before `next`; 0 is none. ERROR_CONFLICT, to be tried again, where
 * it is not in `from`. */
struct payout_batch_move {
    int64_t payout_id, from, to;
    struct instant next;
};
NODISCARD bool payout_batch_put(struct db *db, const struct payout_batch_move *move,
                                struct error *err);

#endif
