/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for what standing orders wait for (flow/order.h).
 *
 * One thread keeps the orders that wait in memory. A change of a machine is held against them with
 * that machine's offers alone; a new order searches the catalog, and does so again once the catalog
 * has caught up with what changed while the order came in. As a backstop each looks at the catalog
 * again every ORDERS_SWEEP_SECONDS, since wake-ups are hints. Several servers may look at once:
 * the transaction that ends an order decides who fired it. */

#ifndef BERTH_SERVER_ORDERS_H
#define BERTH_SERVER_ORDERS_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/query.h"
#include "server/catalog_feed.h"

enum {
    ORDERS_QUEUE_MAX = 4096, /* changes that wait; beyond that, all is looked at again */
    ORDERS_SETTLE_SECONDS = 3,
    ORDERS_SWEEP_SECONDS = 60,
    ORDERS_BACKOFF_SECONDS = 5, /* after a find that could not be rented */
};

struct orders;

/* Both are borrowed; the catalog goes later than this. */
NODISCARD bool orders_open(const struct flow *flow, struct catalog_feed *catalog,
                           struct orders **ret_orders, struct error *err);

/* Ends its thread: nothing is rented any more. */
void orders_stop(struct orders *orders);
void orders_close(struct orders **orders);

/* This machine or order has changed; STORE_ID_ANY: any may have. Never waits. */
void orders_touch(struct orders *orders, enum db_topic topic, int64_t id);

/* The query that an order waits for, as it is stored, priced for the disk that it rents, and of a
 * bid for offers where it would run at once. A launch of NULL only tells. Texts are in the arena.
 */
NODISCARD bool orders_query(const char *query, const char *launch, struct arena *arena,
                            struct query *ret, struct error *err);

#endif
