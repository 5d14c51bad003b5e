/* SPDX-License-Identifier: Apache-2.0 */
/* Two catalogs of the same offers, so that searches never wait for what changes.
 *
 * Searches read one while the writer changes the other; then they change places, the writer waits
 * until the last search has left the one that was read, and makes the same changes there, from
 * notes. A search counts itself in and out, and that is all it does: it takes no lock, and no
 * change makes it look twice at anything. The writer, which is one thread at a time, waits for
 * searches under way and for nothing else. What it was told before it was asked to wait is what the
 * next search sees. */

#ifndef BERTH_SERVER_CATALOG_PAIR_H
#define BERTH_SERVER_CATALOG_PAIR_H

#include "market/catalog.h"

struct catalog_pair;

/* One of the two, with the searches in it counted. */
struct catalog_side;

/* What is in the stocks is borrowed until they are replaced, here and below. */
struct catalog_pair *catalog_pair_of(const struct catalog_stock *stocks, size_t count);
void catalog_pair_release(struct catalog_pair **pair);

/* Each stock is what its machine offers now, each machine once. On return no search looks at what
 * was there before. */
void catalog_pair_put(struct catalog_pair *pair, const struct catalog_stock *stocks, size_t count);

/* These stocks are all there are. On return no search looks at what was there before. */
void catalog_pair_replace(struct catalog_pair *pair, const struct catalog_stock *stocks,
                          size_t count);

/* The catalog as it is now, unchanged until it is given back. */
struct catalog_side *catalog_pair_take(struct catalog_pair *pair);
const struct catalog *catalog_side_catalog(const struct catalog_side *side);

/* Of the pair's last change that is in it: the same edition is the same offers. */
uint64_t catalog_side_edition(const struct catalog_side *side);
void catalog_side_give_back(struct catalog_side **side);

#endif
