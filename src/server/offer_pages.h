/* SPDX-License-Identifier: Apache-2.0 */
/* Whole replies to searches, for those who ask the same at the same time.
 *
 * What a search replies depends on the query, the catalog, who asks and the clock, and on nothing
 * else. So a page is found by all of them: the bytes of the query as they came, with the route that
 * reads them; the edition of the catalog, which every change of any offer makes another one; the
 * asker's account; and for no longer than PAGE_LIFE_US, which is how old the seconds that are left
 * of an offer may be. Whoever finds a page gets what a search would have found when it was made,
 * and nothing that could be seen has changed since.
 *
 * A page is made when something is asked for a second time: what is asked once costs nothing more,
 * and in a market that changes between any two searches there are no pages. There are few, each of
 * them small. Many threads may find and keep at once. */

#ifndef BERTH_SERVER_OFFER_PAGES_H
#define BERTH_SERVER_OFFER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "server/http.h"

enum {
    PAGE_COUNT = 64,
    PAGE_BYTES_MAX = 256 << 10, /* of a reply that is kept */
    PAGE_QUERY_MAX = 4096,      /* bytes of a query that is looked up at all */
    PAGE_LIFE_US = US_PER_SECOND,
};

struct offer_pages;

struct offer_pages *offer_pages_open(void);
void offer_pages_close(struct offer_pages **pages);

/* All that a reply depends on. */
struct offer_page_key {
    const void *route; /* who reads the query: any address that stands for it */
    const char *query; /* borrowed */
    size_t query_length;
    bool takes_gzip;
    int64_t user_id;  /* 0: nobody */
    uint64_t edition; /* of the catalog that is searched */
    struct instant now;
};

/* The page, held for the caller; or NULL, and then whether it was asked for a moment ago: who makes
 * it now may keep it. */
struct http_page *offer_pages_find(struct offer_pages *pages, const struct offer_page_key *key,
                                   bool *ret_is_wanted);

/* In place of another that falls together with it. */
void offer_pages_keep(struct offer_pages *pages, const struct offer_page_key *key,
                      struct http_page *page);

#endif
