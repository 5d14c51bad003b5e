/* SPDX-License-Identifier: Apache-2.0 */
/* What one machine offers, in one piece of memory that never changes: the catalog borrows it until
 * it is replaced by the next. Only what offers cost is added to it, as it is asked for
 * (server/offer_memo.h).
 *
 * All that can be worked out before anybody asks is: the merit of each offer, and the JSON of the
 * members that are the same for everybody. */

#ifndef BERTH_SERVER_STOCK_H
#define BERTH_SERVER_STOCK_H

#include "base/arena.h"
#include "market/catalog.h"

struct stock {
    struct catalog_stock offers; /* all in the arena */
    struct arena arena;
};

/* In front of an offer's json there lies a bracket, and behind it a comma: offer_text_of() takes
 * them along.
 *
 * Copies the offers of a machine, with the machine and its texts; none: it has no offers. Each
 * stock of a catalog has an edition of its own. The caller releases it. */
struct stock *stock_of(int64_t machine_id, const struct offer *offers, size_t count,
                       uint64_t edition);
void stock_release(struct stock **stock);

#endif
