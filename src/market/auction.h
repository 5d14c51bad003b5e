/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs on a machine: rule version 1. Pure, exact, and the same for every order of its inputs.
 *
 * A machine has GPUs of one model, and those who want some of them stand in three classes; none
 * ever loses to a later one:
 *
 *   1. On demand and reserved. Who runs keeps its GPUs; who waits is served first come, first
 *      served, and let past only by those who could not use the GPUs anyway.
 *   2. Bids. Of those that fit the GPUs left, the set with the highest total of GPUs times price
 *      runs. Of equal totals: the one that stops the fewest, then the one with the oldest bids,
 *      then the lower ids; where class 1 has taken GPUs away, those that started first before
 *      the oldest. So whoever runs is stopped only for a set worth at least a tick more.
 *   3. The host's idle job gets each GPU left over.
 *
 * A bid that has run for less than a minute is not stopped by other bids. A bid that may raise
 * itself does so, once a decision, by the least that keeps it running. Prices are ticks: $0.001
 * for a GPU and hour. Places are counted; which GPUs they are is rent_place()'s.
 *
 * A decision carried out and asked for again is the same (facts in which those run who shall). */

#ifndef BERTH_MARKET_AUCTION_H
#define BERTH_MARKET_AUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "base/money.h"
#include "market/machine.h"

enum {
    AUCTION_RULE_VERSION = 1,
    AUCTION_WAITING_MAX = 4096, /* of each class, on one machine */
};

#define AUCTION_TICK           INT64_C(1000000)  /* nanodollars */
#define AUCTION_TICKS_MAX      INT64_C(10000000) /* $10,000, for a GPU and hour */
#define AUCTION_RUN_MIN_US     INT64_C(60000000)
#define AUCTION_LOWER_AGAIN_US INT64_C(600000000) /* between lowerings of a running bid */

#define AUCTION_GRACE_S_MAX       120
#define AUCTION_GRACE_S_DEFAULT   10
#define AUCTION_GRACE_S_OUTRANKED 10 /* at most, where the winner is on demand */

/* Class 1: one that wants `gpus`, and either has them or waits for them. */
struct auction_firm {
    int64_t id;
    int64_t gpus;
    bool is_running;      /* holds its GPUs */
    struct instant since; /* it waits since then */
};

/* Class 2: an eligible one. */
struct auction_bid {
    int64_t id;
    int64_t gpus;
    int64_t ticks, max_ticks; /* max_ticks 0: does not raise itself */
    struct instant placed;    /* when the present price was bid */
    bool is_running;          /* holds its GPUs, and is not told to make way */
    struct instant ran;       /* its container runs since then; INSTANT_NEVER: not yet */
};

struct auction_facts {
    struct instant now;
    int64_t gpu_count; /* places: 1 on a machine without GPUs, whose instances want 1 */
    size_t firm_count;
    const struct auction_firm *firms;
    size_t bid_count;
    const struct auction_bid *bids;
};

enum auction_verdict {
    AUCTION_RUNS,      /* runs on, or starts */
    AUCTION_WAITS,     /* did not run, and does not now */
    AUCTION_OUTBID,    /* stops: the GPUs are worth more with others */
    AUCTION_OUTRANKED, /* stops: class 1 takes them */
};

struct auction_ruling {
    enum auction_verdict verdict;
    int64_t ticks;      /* its price from now on: as before, or what it raised itself to */
    int64_t keep_ticks; /* of one that stops: what would have kept it running; -1: nothing */
};

struct auction_plan {
    int64_t firm_gpus;                 /* for class 1, those who will get theirs included */
    int64_t bid_gpus;                  /* for bids */
    int64_t idle_gpus;                 /* left for the idle job */
    int64_t value_before, value_after; /* ticks that the bids running pay in an hour */
    struct instant again;              /* decide again then, whatever happens; or INSTANT_NEVER */
};

/* Rulings stand at the places of their facts; firms are told only RUNS or WAITS. */
void auction_decide(const struct auction_facts *facts, struct auction_ruling *ret_firms,
                    struct auction_ruling *ret_bids, struct auction_plan *ret_plan);

/* The facts after it: those run who shall, at the prices that they have by now. */
void auction_carry_out(const struct auction_ruling *firm_rulings,
                       const struct auction_ruling *bid_rulings, struct auction_firm *firms,
                       size_t firm_count, struct auction_bid *bids, size_t bid_count);

/* The lowest price, of at least `floor`, at which a bid for `gpus` that is not there yet would run
 * now; -1: none would. What others would raise themselves to is not given away. `except`: leave
 * out the bid with that id, whose next price this is; 0: none. */
int64_t auction_quote(const struct auction_facts *facts, int64_t gpus, int64_t floor,
                      int64_t except);

/* The lowest bid that is taken: the reserve price or the idle job's, whichever is higher, and a
 * tick above the idle job's while that runs; never 0. */
struct auction_floor {
    int64_t reserve_ticks;
    int64_t idle_ticks; /* 0: no idle job */
    bool is_idle_running;
};
int64_t auction_lowest(const struct auction_floor *floor);

/* Whole ticks for a GPU and hour in a price for `gpus` (0: a machine without, counted as one), by
 * the hour: rounded down for a renter's bid, never more than was said; up for a host's floor. */
int64_t auction_ticks_down(struct money price, int64_t gpus);
int64_t auction_ticks_up(struct money price, int64_t gpus);

/* The price of the slice, by the hour. */
struct money auction_price(int64_t ticks, int64_t gpus);

#endif
