/* SPDX-License-Identifier: Apache-2.0 */
/* What putting stocks has changed in a catalog, so that the same is done to its twin at a third of
 * the cost: a catalog of the same stocks, to which the same was always put. */

#ifndef BERTH_MARKET_CATALOG_NOTES_H
#define BERTH_MARKET_CATALOG_NOTES_H

#include "market/catalog.h"

struct catalog_notes;

struct catalog_notes *catalog_notes_new(void);
void catalog_notes_clear(struct catalog_notes *notes);
void catalog_notes_release(struct catalog_notes **notes);

/* catalog_put(), and notes it behind what is there. The stock is borrowed by the notes too. Unless
 * `notes` is NULL. */
void catalog_put_noting(struct catalog *catalog, const struct catalog_stock *stock,
                        struct catalog_notes *notes);

/* All that was noted, in its order. */
void catalog_put_noted(struct catalog *twin, const struct catalog_notes *notes);

#endif
