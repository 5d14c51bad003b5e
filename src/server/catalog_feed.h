/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog that searches read, kept current by the changes of machines.
 *
 * One thread hears which machines have changed, reads their offers from the store, works out what
 * can be known before anybody asks (server/stock.h), and puts them into the catalog in place of
 * what was there: a change costs what its machine costs, however large the market. A search takes
 * the present catalog for as long as it needs, and waits for nobody (server/catalog_pair.h). All of
 * it can be built anew from the store at any time, and is, where changes may have been missed. */

#ifndef BERTH_SERVER_CATALOG_FEED_H
#define BERTH_SERVER_CATALOG_FEED_H

#include <stdint.h>

#include "flow/flow.h"
#include "server/catalog_pair.h"

enum { CATALOG_QUEUE_MAX = 4096 }; /* changes that wait; beyond that, all is read again */

struct catalog_feed;

/* The first catalog is there on return. `flow` is borrowed. */
NODISCARD bool catalog_feed_open(const struct flow *flow, struct catalog_feed **ret_feed,
                                 struct error *err);

/* Ends its thread: the catalog stays as it is. */
void catalog_feed_stop(struct catalog_feed *feed);
void catalog_feed_close(struct catalog_feed **feed);

/* This machine has changed; STORE_ID_ANY: any may have. Never waits. */
void catalog_feed_touch(struct catalog_feed *feed, int64_t machine_id);

/* The present catalog, until it is given back: catalog_side_give_back(). */
struct catalog_side *catalog_feed_take(struct catalog_feed *feed);
#define auto_catalog_side __attribute__((cleanup(catalog_side_give_back)))

struct catalog_feed_totals {
    uint64_t machines, offers; /* in the present catalog */
    uint64_t builds, reloads;  /* since the start: of all of it, and of machines */
};
struct catalog_feed_totals catalog_feed_totals(struct catalog_feed *feed);

#endif
