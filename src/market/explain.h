/* SPDX-License-Identifier: Apache-2.0 */
/* Why an offer stands where it does, and what would move it.
 *
 * The score is a product (trust.md C3): speed x memory x network x reliability / price. So the
 * score of one offer is that of another times the quotients of these five, and what one of them
 * would have to be for a given score can be worked out exactly. */

#ifndef BERTH_MARKET_EXPLAIN_H
#define BERTH_MARKET_EXPLAIN_H

#include <stdbool.h>

#include "base/compiler.h"
#include "market/query.h"

struct explain_factors {
    double speed;       /* dlperf; while that is not measured, TFLOPS */
    bool is_measured;   /* it is dlperf */
    double memory;      /* (GB of one GPU)^0.35 */
    double network;     /* ((down + 4) (up + 4))^0.1, in Mbit/s */
    double reliability; /* the chance of lasting as long as was asked */
    double price;       /* dollars an hour, with disk and 1.25 GB of traffic */
    double score;
};
struct explain_factors explain_factors(const struct offer *offer, const struct offer_ask *ask);

/* The highest price of a GPU and hour, in steps of $0.0001, with which the offer would score at
 * least that. False: not even for nothing. */
bool explain_price_for(const struct offer *offer, const struct offer_ask *ask, double score,
                       struct money *ret_gpu_hour);

/* The lowest reliability over a day, in millionths, with which it would. False: not even 1. */
bool explain_reliability_for(const struct offer *offer, const struct offer_ask *ask, double score,
                             int64_t *ret_ppm);

enum { EXPLAIN_MISSES_MAX = QUERY_CONDITIONS_MAX };

/* What keeps the offer from being found: which of the query's conditions, by their index. Beside
 * them, the disk, and that it is rented. */
struct explain_misses {
    size_t count;
    size_t conditions[EXPLAIN_MISSES_MAX];
    bool has_small_disk, is_rented;
};
struct explain_misses explain_misses(const struct query *query, const struct query_subject *subject,
                                     const struct query_caller *caller);

/* "gte", "notin", ... */
const char *query_relation_name(enum query_relation relation);

#endif
