/* SPDX-License-Identifier: Apache-2.0 */
/* What putting stocks would change in a catalog, found out once, and then done to it and to its
 * twin: a catalog of the same stocks, to which the same was always put.
 *
 * Stocks come by the hundred, each of a machine that lies somewhere else: what is needed of the
 * next ones is asked for while one is worked at, so that memory is not waited for. */

#ifndef BERTH_MARKET_CATALOG_NOTES_H
#define BERTH_MARKET_CATALOG_NOTES_H

#include "market/catalog.h"

struct catalog_notes;

struct catalog_notes *catalog_notes_new(void);
void catalog_notes_clear(struct catalog_notes *notes);
void catalog_notes_release(struct catalog_notes **notes);

/* Adds what putting these would change, each machine once. The stocks are borrowed by the notes
 * too, and what is in the catalog must be as it is until they are put. */
void catalog_note(const struct catalog *catalog, const struct catalog_stock *stocks, size_t count,
                  struct catalog_notes *notes);

/* All that was noted, in its order, as catalog_put() would do it. */
void catalog_put_noted(struct catalog *catalog, const struct catalog_notes *notes);

#endif
