/* SPDX-License-Identifier: Apache-2.0 */
/* A machine whose market can be read at a glance, and moved on as a decision says. */

#ifndef BERTH_TEST_MARKET_SUPPORT_AUCTION_H
#define BERTH_TEST_MARKET_SUPPORT_AUCTION_H

#include "market/auction.h"

enum { HALL_MAX = 64 };

struct hall {
    struct instant now;
    int64_t gpu_count;
    size_t firm_count, bid_count;
    struct auction_firm firms[HALL_MAX];
    struct auction_bid bids[HALL_MAX];
    struct auction_ruling firm_rulings[HALL_MAX], bid_rulings[HALL_MAX];
    struct auction_plan plan;
};

struct hall hall_open(int64_t gpu_count);
struct auction_facts hall_facts(const struct hall *hall);

/* Those who come last are the youngest. A running one has run for an hour. */
void hall_bid(struct hall *hall, int64_t id, int64_t gpus, int64_t ticks, bool is_running);
void hall_firm(struct hall *hall, int64_t id, int64_t gpus, bool is_running);
void hall_leave(struct hall *hall, int64_t id);
struct auction_bid *hall_find(struct hall *hall, int64_t id);

/* Decide; and carry it out. */
void hall_decide(struct hall *hall);
void hall_settle(struct hall *hall);

/* What was ruled about the bid or firm with that id. */
struct auction_ruling hall_ruling(const struct hall *hall, int64_t id);

/* The same, from the words of the rules alone, by trying every set: at most 14 bids. */
void brute_decide(struct hall *hall);
int64_t brute_quote(const struct hall *hall, int64_t gpus, int64_t floor, int64_t limit);

#endif
