/* SPDX-License-Identifier: Apache-2.0 */
/* Random machines with offers, random queries for them, and the plainest possible search: by
 * structs and loops, sharing nothing with the catalog or the query language but the prices of
 * offer_quote(). */

#ifndef BERTH_TEST_MARKET_SUPPORT_STALLS_H
#define BERTH_TEST_MARKET_SUPPORT_STALLS_H

#include "market/catalog_search.h"

enum { STALL_OFFERS_MAX = 10, STALLS_MAX = 500, OPERANDS_MAX = 12 };

/* A machine and its offers, where it stands. */
struct stall {
    struct machine machine;
    struct offer offers[STALL_OFFERS_MAX];
    size_t count;

    struct machine shown[2]; /* what stall_stock() gave out */
    struct offer shown_offers[2][STALL_OFFERS_MAX];
    int shown_last;
};

/* Few different values of each kind, with extremes among them, so that there are ties, edges and
 * nothing known. Ids of offers are new ones from `*next_id`, which they scramble. */
void stall_fill(struct stall *stall, int64_t machine_id, int64_t *next_id);

/* The same offers at other prices, of a machine that is doing otherwise. */
void stall_change(struct stall *stall);

/* A copy of it, which stays as it is until the stall's next but one. */
struct catalog_stock stall_stock(struct stall *stall);

/* A query, and what it borrows. */
struct asked {
    struct query query;
    struct query_caller caller;
    struct query_value values[8][OPERANDS_MAX];
    int64_t extra_ids[4];
};

/* Operands are drawn from what the stalls have, and from just beside it. */
void asked_fill(struct asked *asked, const struct stall *stalls, size_t count);

/* What an offer has in a field: not known, a number or a text. */
struct worth {
    enum { NOTHING, NUMBER, TEXT, UNHEARD_OF /* a field that is not told of here */ } kind;
    double number;
    const char *text;
};

struct worth worth_of(const struct asked *asked, const struct offer *offer, int field);

/* All ids that match, best first. `ids` has room for all offers. */
size_t stalls_search(const struct stall *stalls, size_t count, const struct asked *asked,
                     int64_t *ids);

#endif
