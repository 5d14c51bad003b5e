/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes to decide who runs (market/auction.h), as a server does it: decide, carry it
 * out, and quote what a bid of each size on offer must be to run now.
 *
 * auction-one: one machine of 16 GPUs with 1,000 bids, every size, many prices equal, a third of
 * them raising themselves, a rental on demand coming or going each time. auction-market: 10,000
 * machines of 8 GPUs with 10 bids each; at each event one bid changes its price. */
#include "market/auction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SAMPLES = 9,
    ONE_BIDS = 1000,
    ONE_ROUNDS = 200,
    MARKET_MACHINES = 10000,
    MARKET_BIDS = 10,
    MARKET_EVENTS = 100000,
};

struct place {
    struct auction_facts facts;
    struct auction_firm firms[2];
    struct auction_bid *bids;
};

static uint64_t seed = 1;
static struct auction_ruling firm_rulings[2], bid_rulings[ONE_BIDS];

static int64_t pick(int64_t limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)limit);
}

static double now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct place open_place(int64_t gpus, size_t bid_count)
{
    struct place place = {
        .facts = { .now = { INT64_C(1795330553000000) }, .gpu_count = gpus, .bid_count = bid_count }
    };

    place.bids = calloc(bid_count, sizeof *place.bids);
    if (place.bids == NULL)
        abort();
    for (size_t i = 0; i < bid_count; i++) {
        int64_t ticks = 100 + pick(200);

        place.bids[i] =
            (struct auction_bid){ .id = (int64_t)i + 1,
                                  .gpus = INT64_C(1) << pick(gpus == 16 ? 5 : 4),
                                  .ticks = ticks,
                                  .max_ticks = pick(3) == 0 ? ticks + pick(50) : 0,
                                  .placed = instant_add(place.facts.now, -pick(1000000000)),
                                  .ran = INSTANT_NEVER };
    }
    return place;
}

/* Decide, carry out, and quote; returns what the optimizer cannot do without. */
static int64_t settle(struct place *place)
{
    struct auction_facts *facts = &place->facts;
    struct auction_plan plan;
    int64_t sum = 0;

    facts->firms = place->firms;
    facts->bids = place->bids;
    auction_decide(facts, firm_rulings, bid_rulings, &plan);
    auction_carry_out(firm_rulings, bid_rulings, place->firms, facts->firm_count, place->bids,
                      facts->bid_count);
    for (int64_t gpus = 1; gpus <= facts->gpu_count; gpus *= 2)
        sum += auction_quote(facts, gpus, 1, 0);
    return sum + plan.value_after;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_result(const char *name, double *samples, const char *unit, double limit)
{
    qsort(samples, SAMPLES, sizeof *samples, compare);
    double value = samples[SAMPLES / 2];
    (void)printf("RESULT %s %.4g %s vs limit %g ratio %.4f better=lower\n", name, value, unit,
                 limit, value / limit);
}

static void bench_one(int64_t *sum)
{
    struct place place = open_place(16, ONE_BIDS);
    double samples[SAMPLES], worst = 0;

    for (int sample = 0; sample < SAMPLES; sample++) {
        double total = 0;

        for (int round = 0; round < ONE_ROUNDS; round++) {
            struct auction_bid *bid = &place.bids[pick(ONE_BIDS)];

            bid->ticks = 100 + pick(300);
            bid->placed = place.facts.now = instant_add(place.facts.now, US_PER_SECOND);
            place.facts.firm_count = (size_t)pick(2);
            place.firms[0] = (struct auction_firm){ .id = 5000, .gpus = 1 + pick(8) };
            double start = now_us();
            *sum += settle(&place);
            double took = now_us() - start;
            total += took;
            worst = took > worst ? took : worst;
        }
        samples[sample] = total / ONE_ROUNDS / 1e3;
    }
    (void)printf("auction-one: the slowest of %d took %.3f ms\n", SAMPLES * ONE_ROUNDS,
                 worst / 1e3);
    print_result("auction-one", samples, "ms", 1);
    free(place.bids);
}

static void bench_market(int64_t *sum)
{
    struct place *places = calloc(MARKET_MACHINES, sizeof *places);
    double samples[SAMPLES];

    if (places == NULL)
        abort();
    for (int i = 0; i < MARKET_MACHINES; i++) {
        places[i] = open_place(8, MARKET_BIDS);
        *sum += settle(&places[i]);
    }
    for (int sample = 0; sample < SAMPLES; sample++) {
        double start = now_us();

        for (int event = 0; event < MARKET_EVENTS; event++) {
            struct place *place = &places[pick(MARKET_MACHINES)];
            struct auction_bid *bid = &place->bids[pick(MARKET_BIDS)];

            bid->ticks = 100 + pick(300);
            bid->placed = place->facts.now = instant_add(place->facts.now, US_PER_SECOND);
            *sum += settle(place);
        }
        samples[sample] = (now_us() - start) / MARKET_EVENTS;
    }
    print_result("auction-market", samples, "us/event", 50); /* 20,000 a second on one core */
    for (int i = 0; i < MARKET_MACHINES; i++)
        free(places[i].bids);
    free(places);
}

int main(void)
{
    int64_t sum = 0;

    bench_one(&sum);
    bench_market(&sum);
    return sum == 0;
}
