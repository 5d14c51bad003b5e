/* SPDX-License-Identifier: Apache-2.0 */
/* Standing orders: searches that wait for their first find. Whoever moves one out of ORDER_WAITS
 * has fired it: that succeeds once, whoever else tries. */

#ifndef BERTH_STORE_STANDING_ORDER_H
#define BERTH_STORE_STANDING_ORDER_H

#include "base/arena.h"
#include "store/db.h"

/* Stored. */
enum order_state { ORDER_WAITS, ORDER_FIRED, ORDER_CANCELLED, ORDER_TOO_LATE };

struct order_row {
    int64_t id, owner_id;
    const char *label;
    const char *query;  /* a query object (api.md 2.3.2) as JSON */
    const char *launch; /* the body of a rental request, sealed (flow/order.c), "" once it has
                         * ended; NULL: only to be told */
    struct instant created, expires;
    enum order_state state;
    struct instant ended;          /* 0: it waits */
    int64_t offer_id, contract_id; /* what it found, and the rental; 0: none */
    const char *note;              /* why a find was not rented; "" */
};

NODISCARD bool order_insert(struct db *db, const struct order_row *order, int64_t *ret_id,
                            struct error *err);
NODISCARD bool order_load(struct db *db, int64_t id, struct arena *arena, struct order_row *ret,
                          bool *ret_has, struct error *err);

/* The owner's, newest first, at most `max`. */
NODISCARD bool order_list(struct db *db, int64_t owner_id, int64_t max, struct arena *arena,
                          struct order_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool order_count_waiting(struct db *db, int64_t owner_id, int64_t *ret_count,
                                   struct error *err);

/* Those that wait, above `after`, in order, at most `max`. */
NODISCARD bool order_waiting(struct db *db, int64_t after, int64_t max, struct arena *arena,
                             struct order_row **ret, size_t *ret_count, struct error *err);

/* `*ret_count` is 1 where it waited until now and its time was not over. */
NODISCARD bool order_fire(struct db *db, int64_t id, int64_t offer_id, struct instant now,
                          int64_t *ret_count, struct error *err);

/* The rental that it fired. */
NODISCARD bool order_set_contract(struct db *db, int64_t id, int64_t contract_id,
                                  struct error *err);

/* `*ret_count` is 0 where it does not wait, or is somebody else's. */
NODISCARD bool order_cancel(struct db *db, int64_t owner_id, int64_t id, struct instant now,
                            int64_t *ret_count, struct error *err);
NODISCARD bool order_set_note(struct db *db, int64_t id, const char *note, struct error *err);

/* All whose time is over. */
NODISCARD bool order_expire(struct db *db, struct instant now, int64_t *ret_count,
                            struct error *err);

#endif
