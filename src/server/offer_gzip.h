/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to a search, compressed: less than an eighth of the bytes on the asker's line, for
 * about the time of the processor that sending them all takes here (bench/http-search.py prints
 * both).
 *
 * Each offer repeats the one before it but for some values (server/gzip.h), and neighbours of one
 * search are mostly those of the next, so most rows are kept as they were last written
 * (server/offer_memo.h): what is left is to join them with the seconds that are left of each. */

#ifndef BERTH_SERVER_OFFER_GZIP_H
#define BERTH_SERVER_OFFER_GZIP_H

#include "base/buf.h"
#include "market/catalog_search.h"
#include "market/query.h"

/* {"offers":[...]} with one hit or more, whose offers are written ahead (server/stock.h). */
void offer_gzip(struct buf *out, const struct catalog_hit *hits, size_t count,
                const struct offer_ask *ask, const struct query_caller *asker);

#endif
