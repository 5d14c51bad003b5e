/* SPDX-License-Identifier: Apache-2.0 */
#include "support_auction.h"

#include <string.h>

#include "check.h"
#include "support.h"

struct hall hall_open(int64_t gpu_count)
{
    return (struct hall){ .now = NOON, .gpu_count = gpu_count };
}

struct auction_facts hall_facts(const struct hall *hall)
{
    return (struct auction_facts){ .now = hall->now,
                                   .gpu_count = hall->gpu_count,
                                   .firm_count = hall->firm_count,
                                   .firms = hall->firms,
                                   .bid_count = hall->bid_count,
                                   .bids = hall->bids };
}

void hall_bid(struct hall *hall, int64_t id, int64_t gpus, int64_t ticks, bool is_running)
{
    struct instant placed = { ++hall->now.microseconds };

    CHECK(hall->bid_count < HALL_MAX);
    hall->bids[hall->bid_count++] = (struct auction_bid){
        .id = id,
        .gpus = gpus,
        .ticks = ticks,
        .placed = placed,
        .is_running = is_running,
        .ran = is_running ? instant_add(placed, -US_PER_HOUR) : INSTANT_NEVER,
    };
}

void hall_firm(struct hall *hall, int64_t id, int64_t gpus, bool is_running)
{
    CHECK(hall->firm_count < HALL_MAX);
    hall->now.microseconds++;
    hall->firms[hall->firm_count++] = (struct auction_firm){
        .id = id, .gpus = gpus, .is_running = is_running, .since = hall->now
    };
}

struct auction_bid *hall_find(struct hall *hall, int64_t id)
{
    for (size_t i = 0; i < hall->bid_count; i++)
        if (hall->bids[i].id == id)
            return &hall->bids[i];
    CHECK(false);
    return NULL;
}

void hall_leave(struct hall *hall, int64_t id)
{
    for (size_t i = 0; i < hall->bid_count; i++)
        if (hall->bids[i].id == id)
            hall->bids[i] = hall->bids[--hall->bid_count];
    for (size_t i = 0; i < hall->firm_count; i++)
        if (hall->firms[i].id == id)
            hall->firms[i] = hall->firms[--hall->firm_count];
}

void hall_decide(struct hall *hall)
{
    struct auction_facts facts = hall_facts(hall);

    auction_decide(&facts, hall->firm_rulings, hall->bid_rulings, &hall->plan);
}

void hall_settle(struct hall *hall)
{
    hall_decide(hall);
    auction_carry_out(hall->firm_rulings, hall->bid_rulings, hall->firms, hall->firm_count,
                      hall->bids, hall->bid_count);
}

struct auction_ruling hall_ruling(const struct hall *hall, int64_t id)
{
    for (size_t i = 0; i < hall->bid_count; i++)
        if (hall->bids[i].id == id)
            return hall->bid_rulings[i];
    for (size_t i = 0; i < hall->firm_count; i++)
        if (hall->firms[i].id == id)
            return hall->firm_rulings[i];
    CHECK(false);
    return (struct auction_ruling){ 0 };
}

/* Bids in the order in which the rules prefer them, as a permutation of their indexes. */
static void sort_brute(const struct hall *hall, bool is_forced, size_t *order)
{
    for (size_t i = 0; i < hall->bid_count; i++)
        order[i] = i;
    for (size_t i = 0; i < hall->bid_count; i++) {
        for (size_t k = i + 1; k < hall->bid_count; k++) {
            const struct auction_bid *a = &hall->bids[order[i]], *b = &hall->bids[order[k]];
            int64_t key_a[3] = { 0, a->placed.microseconds, a->id };
            int64_t key_b[3] = { 0, b->placed.microseconds, b->id };

            if (is_forced) {
                key_a[0] = !a->is_running;
                key_b[0] = !b->is_running;
                if (a->is_running)
                    key_a[1] = a->ran.microseconds;
                if (b->is_running)
                    key_b[1] = b->ran.microseconds;
            }
            for (int n = 0; n < 3; n++) {
                if (key_a[n] == key_b[n])
                    continue;
                if (key_a[n] > key_b[n]) {
                    size_t swap = order[i];
                    order[i] = order[k];
                    order[k] = swap;
                }
                break;
            }
        }
    }
}

/* Of all sets of `among` that contain `must` and fit, the best. */
static uint32_t best_set(const struct hall *hall, int64_t places, uint32_t among, uint32_t must,
                         bool is_forced)
{
    size_t order[HALL_MAX];
    uint32_t best = 0;
    int64_t best_value = -1, best_stops = 0;

    sort_brute(hall, is_forced, order);
    for (uint32_t set = 0; set < 1U << hall->bid_count; set++) {
        int64_t gpus = 0, value = 0, stops = 0;

        if ((set & ~among) != 0 || (must & ~set) != 0)
            continue;
        for (size_t i = 0; i < hall->bid_count; i++) {
            bool is_in = ((set >> i) & 1) != 0;

            gpus += is_in ? hall->bids[i].gpus : 0;
            value += is_in ? hall->bids[i].gpus * hall->bids[i].ticks : 0;
            stops += !is_in && hall->bids[i].is_running;
        }
        if (gpus > places)
            continue;
        bool is_better = value > best_value || (value == best_value && stops < best_stops);
        if (value == best_value && stops == best_stops) {
            for (size_t i = 0; i < hall->bid_count; i++) {
                uint32_t bit = 1U << order[i];

                if ((set & bit) == (best & bit))
                    continue;
                is_better = (set & bit) != 0;
                break;
            }
        }
        if (is_better) {
            best = set;
            best_value = value;
            best_stops = stops;
        }
    }
    return best;
}

struct brute {
    int64_t places;
    uint32_t running, stay, guarded;
    bool is_forced;
};

static int64_t serve_brute(struct hall *hall)
{
    int64_t left = hall->gpu_count;
    bool is_seen[HALL_MAX] = { false };

    for (size_t i = 0; i < hall->firm_count; i++) {
        left -= hall->firms[i].is_running ? hall->firms[i].gpus : 0;
        is_seen[i] = hall->firms[i].is_running;
        hall->firm_rulings[i].verdict = is_seen[i] ? AUCTION_RUNS : AUCTION_WAITS;
    }
    for (size_t round = 0; round < hall->firm_count; round++) {
        size_t first = HALL_MAX;

        for (size_t i = 0; i < hall->firm_count; i++)
            if (!is_seen[i] &&
                (first == HALL_MAX ||
                 hall->firms[i].since.microseconds < hall->firms[first].since.microseconds ||
                 (hall->firms[i].since.microseconds == hall->firms[first].since.microseconds &&
                  hall->firms[i].id < hall->firms[first].id)))
                first = i;
        if (first == HALL_MAX)
            break;
        is_seen[first] = true;
        if (hall->firms[first].gpus > left)
            continue;
        left -= hall->firms[first].gpus;
        hall->firm_rulings[first].verdict = AUCTION_RUNS;
    }
    return left;
}

static struct brute open_brute(struct hall *hall)
{
    struct brute brute = { .places = serve_brute(hall) };
    int64_t running = 0;

    for (size_t i = 0; i < hall->bid_count; i++) {
        brute.running |= hall->bids[i].is_running ? 1U << i : 0;
        running += hall->bids[i].is_running ? hall->bids[i].gpus : 0;
    }
    brute.is_forced = running > brute.places;
    brute.stay = best_set(hall, brute.places, brute.running, 0, brute.is_forced);
    for (size_t i = 0; i < hall->bid_count; i++)
        if (((brute.stay >> i) & 1) != 0 && hall->bids[i].ran.microseconds != INT64_MAX &&
            hall->now.microseconds - hall->bids[i].ran.microseconds < 60000000)
            brute.guarded |= 1U << i;
    return brute;
}

static uint32_t set_of(const struct hall *hall, const struct brute *brute)
{
    return best_set(hall, brute->places, UINT32_MAX, brute->guarded, brute->is_forced);
}

void brute_decide(struct hall *hall)
{
    struct hall tried = *hall;
    struct brute brute = open_brute(hall);
    uint32_t set = set_of(&tried, &brute), asked = 0;
    size_t order[HALL_MAX];

    sort_brute(hall, brute.is_forced, order);
    for (size_t n = 0; n < hall->bid_count; n++) {
        size_t i = order[n];
        uint32_t bit = 1U << i;
        int64_t before = tried.bids[i].ticks;

        if (!tried.bids[i].is_running || (set & bit) != 0 || (asked & bit) != 0)
            continue;
        asked |= bit;
        do
            tried.bids[i].ticks++;
        while (tried.bids[i].ticks <= tried.bids[i].max_ticks &&
               (set_of(&tried, &brute) & bit) == 0);
        if (tried.bids[i].ticks > tried.bids[i].max_ticks) {
            tried.bids[i].ticks = before;
            continue;
        }
        set = set_of(&tried, &brute);
        n = (size_t)-1;
    }
    for (size_t i = 0; i < hall->bid_count; i++) {
        bool runs = ((set >> i) & 1) != 0, ran = hall->bids[i].is_running;

        hall->bid_rulings[i].ticks = runs ? tried.bids[i].ticks : hall->bids[i].ticks;
        hall->bid_rulings[i].verdict = runs                         ? AUCTION_RUNS
                                       : !ran                       ? AUCTION_WAITS
                                       : (brute.stay >> i & 1) != 0 ? AUCTION_OUTBID
                                                                    : AUCTION_OUTRANKED;
    }
}

int64_t brute_quote(const struct hall *hall, int64_t gpus, int64_t floor, int64_t limit)
{
    struct hall tried = *hall;
    size_t at = tried.bid_count;

    tried.now.microseconds++;
    hall_bid(&tried, INT64_MAX, gpus, floor > 1 ? floor : 1, false);
    tried.now = hall->now;
    for (; tried.bids[at].ticks <= limit; tried.bids[at].ticks++) {
        struct brute brute = open_brute(&tried);

        if ((set_of(&tried, &brute) >> at & 1) != 0)
            return tried.bids[at].ticks;
    }
    return -1;
}
