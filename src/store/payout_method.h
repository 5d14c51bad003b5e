/* SPDX-License-Identifier: Apache-2.0 */
/* How a host is paid by a provider, and how far each payout has come there. */

#ifndef BERTH_STORE_PAYOUT_METHOD_H
#define BERTH_STORE_PAYOUT_METHOD_H

#include "base/arena.h"
#include "store/db.h"

struct payout_method_row {
    int64_t user_id;
    const char *provider, *country; /* "stripe", "US" */
    const char *account;            /* the provider's name for the host; "" none yet */
    bool is_ready;                  /* money may be sent there */
    const char *reason;             /* why it is not; "" */
    int64_t links;                  /* asked for so far */
    const char *link;               /* the newest; "" it is not there yet, or was used */
    struct instant created, updated;
    struct instant held; /* until then no payout is made, since it was changed; 0: it was not */
};

NODISCARD bool payout_method_load(struct db *db, int64_t user_id, struct arena *arena,
                                  struct payout_method_row *ret, bool *ret_has, struct error *err);
/* Those of people from `first` to `last`, by id. */
NODISCARD bool payout_method_list(struct db *db, int64_t first, int64_t last, struct arena *arena,
                                  struct payout_method_row **ret, size_t *ret_count,
                                  struct error *err);
NODISCARD bool payout_method_find(struct db *db, const char *provider, const char *account,
                                  struct arena *arena, struct payout_method_row *ret, bool *ret_has,
                                  struct error *err);
/* This in place of what there was. */
NODISCARD bool payout_method_put(struct db *db, const struct payout_method_row *row,
                                 struct error *err);

struct payout_route_row {
    int64_t payout_id;
    const char *account, *transfer, *object_id; /* "" not known yet */
    int64_t tries;
    struct instant failed; /* 0: the bank has not refused it */
    int64_t batch_id;      /* store/payout_batch.h, which alone sets it; 0: none */
};
NODISCARD bool payout_route_load(struct db *db, int64_t payout_id, struct arena *arena,
                                 struct payout_route_row *ret, bool *ret_has, struct error *err);
NODISCARD bool payout_route_find(struct db *db, const char *account, const char *object_id,
                                 struct arena *arena, struct payout_route_row *ret, bool *ret_has,
                                 struct error *err);
/* By Stripe. Of payouts that are under way, and, with object_id "", of hosts' accounts that are not
 * ready. */
NODISCARD bool payout_route_open(struct db *db, int64_t max, struct arena *arena,
                                 struct payout_route_row **ret, size_t *ret_count,
                                 struct error *err);
NODISCARD bool payout_route_put(struct db *db, const struct payout_route_row *row,
                                struct error *err);

#endif
