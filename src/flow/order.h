/* SPDX-License-Identifier: Apache-2.0 */
/* Standing orders: "2x RTX 4090 in the EU at most 0.25 a GPU, start when found", or tell me only.
 *
 * A query waits for the first offer that it finds. What is found is rented in the transaction that
 * ends the order, or the order is ended as told; so it fires once, however many servers look, and
 * an order that says it has fired has what it was for. Who looks is server/orders.h. */

#ifndef BERTH_FLOW_ORDER_H
#define BERTH_FLOW_ORDER_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/standing_order.h"

enum {
    ORDERS_PER_USER_MAX = 32, /* that wait */
    ORDERS_SHOWN_MAX = 200,
    ORDER_DAYS_DEFAULT = 30,
    ORDER_DAYS_MAX = 365,
};

enum order_outcome {
    ORDER_DONE,
    ORDER_NONE,     /* no such order on the account, or it does not wait any more */
    ORDER_TOO_MANY, /* ORDERS_PER_USER_MAX wait already */
};

struct order_request {
    const char *label;
    const char *query, *launch; /* checked; as store/standing_order.h has them */
    int64_t days;               /* how long it waits */
};

struct order_reply {
    enum order_outcome outcome;
    struct order_row order; /* texts are the request's */
};

NODISCARD bool flow_order_create(const struct flow *flow, const struct caller *caller,
                                 const struct order_request *request, struct order_reply *ret,
                                 struct error *err);
NODISCARD bool flow_order_list(const struct flow *flow, const struct caller *caller,
                               struct arena *arena, struct order_row **ret, size_t *ret_count,
                               struct error *err);
NODISCARD bool flow_order_cancel(const struct flow *flow, const struct caller *caller, int64_t id,
                                 enum order_outcome *ret, struct error *err);

/* For those who look for offers: any account's that wait, above `after`. */
NODISCARD bool flow_order_waiting(const struct flow *flow, int64_t after, int64_t max,
                                  struct arena *arena, struct order_row **ret, size_t *ret_count,
                                  struct error *err);
NODISCARD bool flow_order_load(const struct flow *flow, int64_t id, struct arena *arena,
                               struct order_row *ret, bool *ret_has, struct error *err);

/* End one that only tells. `*ret_has_fired` is false where it did not wait any more. One that
 * rents is ended by flow_rent() with its id. */
NODISCARD bool flow_order_tell(const struct flow *flow, int64_t id, int64_t offer_id,
                               bool *ret_has_fired, struct error *err);

/* Why what was found was not rented; it goes on waiting. */
NODISCARD bool flow_order_note(const struct flow *flow, int64_t id, const char *note,
                               struct error *err);

/* End those whose time is over. */
NODISCARD bool flow_order_expire(const struct flow *flow, struct error *err);

#endif
