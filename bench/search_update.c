/* SPDX-License-Identifier: Apache-2.0 */
/* What searches lose while offers change: the twelve in rotation by one client, quiet and under
 * 100,000 updates a second by one other thread, in turn.
 *
 * Of the updates 80 % are heartbeats, which change how reliable a machine is and so the scores of
 * its offers, 15 % change a price, 5 % rent an offer out or take it back. Each is put into both
 * catalogs as the server does it, five milliseconds' worth at a time. How many a second came to
 * pass is printed. Searches are counted by the CPU time of the client, who waits for nobody: what
 * else runs on this machine does not count. Medians.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "search_market.h"
#include "server/catalog_pair.h"

enum {
    ROUNDS = 7,
    ROUND_MS = 400,
    BATCH_MS = 5,
    BATCH = 102 * BATCH_MS, /* some of the time goes into starting and ending a round */
    LATE_MS_MAX = ROUND_MS / 2,
};

/* What a machine offers, twice: one is in the catalogs, the other is made anew for the next update.
 */
struct stall {
    struct machine machines[2];
    struct offer *offers[2]; /* owned */
    size_t count;
    int present;
    size_t batch; /* the last that it was in */
};

static struct market market;
static struct stall *stalls;
static struct catalog_pair *pair;
static struct bench_query queries[QUERY_COUNT];
static atomic_bool is_over;
static size_t updated;
static double update_cpu_us;

static double now_us(clockid_t clock)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void open_stalls(void)
{
    stalls = calloc(market.machine_count, sizeof *stalls);
    for (size_t i = 0; i < market.machine_count; i++) {
        struct stall *stall = &stalls[i];

        stall->count = market.stocks[i].count;
        stall->machines[0] = market.machines[i];
        for (int side = 0; side < 2; side++)
            stall->offers[side] = calloc(stall->count, sizeof *stall->offers[side]);
        memcpy(stall->offers[0], market.stocks[i].offers, stall->count * sizeof *stall->offers[0]);
        for (size_t j = 0; j < stall->count; j++)
            stall->offers[0][j].machine = &stall->machines[0];
        market.stocks[i].offers = stall->offers[0];
    }
    pair = catalog_pair_of(market.stocks, market.machine_count);
}

static void close_stalls(void)
{
    catalog_pair_release(&pair);
    for (size_t i = 0; i < market.machine_count; i++) {
        free(stalls[i].offers[0]);
        free(stalls[i].offers[1]);
    }
    free(stalls);
}

static uint64_t randomness = 7;

static uint64_t roll(uint64_t limit)
{
    randomness = randomness * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (randomness >> 33) % limit;
}

/* The other copy becomes what the machine offers after one more event. */
static struct catalog_stock update(struct stall *stall)
{
    int next = 1 - stall->present;
    struct machine *machine = &stall->machines[next];
    struct offer *offers = stall->offers[next], *offer = &offers[roll(stall->count)];
    uint64_t kind = roll(100);

    *machine = stall->machines[stall->present];
    memcpy(offers, stall->offers[stall->present], stall->count * sizeof *offers);
    for (size_t i = 0; i < stall->count; i++)
        offers[i].machine = machine;
    if (kind < 80) {
        machine->reliability_ppm += machine->reliability_ppm < 999000 ? 1 : -500;
        double lasting = offer_lasts(machine, 0);
        for (size_t i = 0; i < stall->count; i++)
            offers[i].lasting = lasting;
    } else if (kind < 95) {
        offer->terms.gpu_hour.nanodollars += roll(2) == 0 ? 1000000 : -1000000;
        if (offer->terms.gpu_hour.nanodollars < 10000000)
            offer->terms.gpu_hour.nanodollars = 10000000;
    } else {
        offer->renter_id = offer->renter_id == 0 ? 5 : 0;
    }
    stall->present = next;
    return (struct catalog_stock){ machine->id, offers, stall->count };
}

static void update_some(size_t count)
{
    static size_t batch = 1;
    struct catalog_stock stocks[BATCH];

    for (size_t i = 0; i < count; i++) {
        size_t at = roll(market.machine_count);

        /* A copy is used again only when no catalog has it: each machine once in a batch. */
        while (stalls[at].batch == batch)
            at = (at + 1) % market.machine_count;
        stalls[at].batch = batch;
        stocks[i] = update(&stalls[at]);
    }
    batch++;
    catalog_pair_put(pair, stocks, count);
    updated += count;
}

static void *run_updates(void *context)
{
    double begin = now_us(CLOCK_MONOTONIC), next = begin;

    (void)context;
    while (!atomic_load(&is_over)) {
        update_some(BATCH);
        next += 1000 * BATCH_MS;
        double now = now_us(CLOCK_MONOTONIC);
        /* What the machine kept it from is made up for, unless that was half a round. */
        if (now - next > LATE_MS_MAX * 1000)
            next = now - LATE_MS_MAX * 1000;
        if (next > now)
            (void)nanosleep(&(struct timespec){ .tv_nsec = (long)((next - now) * 1e3) }, NULL);
    }
    update_cpu_us += now_us(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* Searches a second. */
static double search(void)
{
    static struct catalog_hit hits[QUERY_LIMIT_DEFAULT];
    const struct query_caller caller = { BENCH_NOW, 0 };
    double begin = now_us(CLOCK_THREAD_CPUTIME_ID), until = begin + ROUND_MS * 1e3, now = begin;
    int count = 0;

    for (; now < until; now = now_us(CLOCK_THREAD_CPUTIME_ID)) {
        for (int i = 0; i < QUERY_COUNT; i++, count++) {
            struct catalog_side *side = catalog_pair_take(pair);

            (void)catalog_search(catalog_side_catalog(side), &queries[i].query, &caller, hits);
            catalog_side_give_back(&side);
        }
    }
    return count / (now - begin) * 1e6;
}

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median(double values[static ROUNDS])
{
    qsort(values, ROUNDS, sizeof values[0], compare_doubles);
    return values[ROUNDS / 2];
}

static void measure(const char *name)
{
    double quiet[ROUNDS], busy[ROUNDS], seconds = 0;

    updated = 0;
    update_cpu_us = 0;
    (void)search();
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t updates;

        quiet[round] = search();
        atomic_store(&is_over, false);
        double begin = now_us(CLOCK_MONOTONIC);
        if (pthread_create(&updates, NULL, run_updates, NULL) != 0)
            exit(1);
        busy[round] = search();
        atomic_store(&is_over, true);
        (void)pthread_join(updates, NULL);
        seconds += (now_us(CLOCK_MONOTONIC) - begin) / 1e6;
    }
    double without = median(quiet), with = median(busy);
    printf("RESULT search-under-updates%s %.0f searches/s vs quiet %.0f ratio %.3f better=higher\n",
           name, with, without, with / without);
    printf("# search-under-updates%s %.0f updates/s, %.2f us of CPU an update\n", name,
           (double)updated / seconds, update_cpu_us / (double)updated);
    (void)fflush(stdout);
}

int main(void)
{
    static const struct {
        const char *name;
        size_t count;
    } sizes[] = { { "", 20000 }, { "-200k", 200000 } };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        market = market_of(sizes[i].count);
        bench_queries((int64_t)market.machine_count / 2, queries);
        open_stalls();
        measure(sizes[i].name);
        close_stalls();
        market_release(&market);
    }
    return 0;
}
