/* SPDX-License-Identifier: Apache-2.0 */
#include "market/auction.h"

#include <assert.h>

enum {
    /* Of each size no more can run than fit: the sum of 64 / g for g from 1 to 64 is 280. */
    CANDIDATES_MAX = 280,
    RUNNING_SCALE = 2 * GPUS_MAX, /* counts of those who run, below values */
};

/* Those who are chosen, as indexes of bids. */
struct chosen {
    size_t count;
    size_t at[GPUS_MAX];
    int64_t gpus, value;
};

/* What is chosen among, and by which rules. The bid behind the last of the facts is `extra`. */
struct contest {
    const struct auction_facts *facts;
    const struct auction_ruling *rulings; /* the prices as they are by now; NULL: as in the facts */
    const struct auction_bid *extra;      /* NULL: none */
    int64_t except;                       /* leave out the bid with that id */
    int64_t places;
    bool is_forced;            /* class 1 takes away places of those who run */
    bool is_running_only;      /* nobody else is to start */
    const struct chosen *stay; /* of those who run, who would stay if nobody started */
};

/* What the best sets come to in so many places, those of the guarded ones taken off. */
struct tally {
    int64_t places;
    int64_t best[GPUS_MAX + 1];
};

/* In order of who goes first where value says nothing. */
struct candidates {
    size_t count;
    size_t at[CANDIDATES_MAX];
};

static const struct auction_bid *bid_at(const struct contest *contest, size_t i)
{
    return i < contest->facts->bid_count ? &contest->facts->bids[i] : contest->extra;
}

static int64_t ticks_of(const struct contest *contest, size_t i)
{
    if (contest->rulings == NULL || i >= contest->facts->bid_count)
        return bid_at(contest, i)->ticks;
    return contest->rulings[i].ticks;
}

/* Whether a goes before b, their prices aside. Where class 1 takes places away, those who run
 * stand in the order of their starts, before all others. */
static bool goes_before(const struct contest *contest, const struct auction_bid *a,
                        const struct auction_bid *b)
{
    int order;

    if (contest->is_forced && a->is_running != b->is_running)
        return a->is_running;
    if (contest->is_forced && a->is_running)
        order = instant_compare(a->ran, b->ran);
    else
        order = instant_compare(a->placed, b->placed);
    return order != 0 ? order < 0 : a->id < b->id;
}

/* Of two of the same size: no best set has b and lacks a. */
static bool is_better(const struct contest *contest, size_t a, size_t b)
{
    const struct auction_bid *bid_a = bid_at(contest, a), *bid_b = bid_at(contest, b);
    int64_t ticks_a = ticks_of(contest, a), ticks_b = ticks_of(contest, b);

    if (ticks_a != ticks_b)
        return ticks_a > ticks_b;
    if (bid_a->is_running != bid_b->is_running)
        return bid_a->is_running;
    return goes_before(contest, bid_a, bid_b);
}

static bool contains(const struct chosen *chosen, size_t i)
{
    for (size_t k = 0; k < chosen->count; k++)
        if (chosen->at[k] == i)
            return true;
    return false;
}

static void add(const struct contest *contest, struct chosen *chosen, size_t i)
{
    int64_t gpus = bid_at(contest, i)->gpus;

    assert(chosen->count < GPUS_MAX);
    chosen->at[chosen->count++] = i;
    chosen->gpus += gpus;
    chosen->value += gpus * ticks_of(contest, i);
}

/* Has run for less than its minimum, and is not about to lose its place to class 1. */
static bool is_guarded(const struct contest *contest, size_t i)
{
    const struct auction_bid *bid = bid_at(contest, i);

    return contest->stay != NULL && bid->is_running &&
           instant_compare(bid->ran, INSTANT_NEVER) != 0 &&
           instant_until(bid->ran, contest->facts->now) < AUCTION_RUN_MIN_US &&
           contains(contest->stay, i);
}

static bool takes_part(const struct contest *contest, size_t i)
{
    const struct auction_bid *bid = bid_at(contest, i);

    if (contest->is_running_only && !bid->is_running)
        return false;
    return i == contest->facts->bid_count || contest->except == 0 || bid->id != contest->except;
}

/* Of each size, the best as many as fit into `places`; the guarded ones are in already. */
static void find_candidates(const struct contest *contest, const struct chosen *guarded,
                            int64_t places, struct candidates *ret)
{
    size_t starts[GPUS_MAX + 1], counts[GPUS_MAX + 1] = { 0 }, slots[CANDIDATES_MAX], start = 0;
    size_t bid_count = contest->facts->bid_count + (contest->extra != NULL);

    for (int64_t gpus = 1; gpus <= places; gpus++) {
        starts[gpus] = start;
        start += (size_t)(places / gpus);
    }
    assert(start <= CANDIDATES_MAX);
    for (size_t i = 0; i < bid_count; i++) {
        int64_t gpus = bid_at(contest, i)->gpus;

        if (gpus > places || !takes_part(contest, i) || contains(guarded, i))
            continue;
        size_t *best = slots + starts[gpus], *count = &counts[gpus], at = *count;
        if (*count < (size_t)(places / gpus))
            ++*count;
        else if (is_better(contest, i, best[--at]))
            ; /* the last one drops out */
        else
            continue;
        for (; at > 0 && is_better(contest, i, best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
    for (int64_t gpus = 1; gpus <= places; gpus++) {
        for (size_t k = 0; k < counts[gpus]; k++) {
            size_t i = slots[starts[gpus] + k], at = ret->count++;

            for (; at > 0 &&
                   goes_before(contest, bid_at(contest, i), bid_at(contest, ret->at[at - 1]));
                 at--)
                ret->at[at] = ret->at[at - 1];
            ret->at[at] = i;
        }
    }
}

/* The best set: by value, then by how many run on, in one number; then by who is in it, in their
 * order. `best[k]` is that of the candidates from i on in k places. The oldest is looked at last,
 * and taken where it does not hurt: so it is in the best set if it can be. */
static void choose(const struct contest *contest, struct chosen *ret, struct tally *ret_tally)
{
    int64_t best[GPUS_MAX + 1] = { 0 };
    uint64_t takes[CANDIDATES_MAX]; /* bit k - 1: is taken with k places left */
    struct candidates candidates = { 0 };

    *ret = (struct chosen){ 0 };
    for (size_t i = 0; i < contest->facts->bid_count; i++)
        if (takes_part(contest, i) && is_guarded(contest, i))
            add(contest, ret, i);
    int64_t places = contest->places - ret->gpus;
    assert(places >= 0);
    if (ret_tally != NULL)
        ret_tally->places = places;
    find_candidates(contest, ret, places, &candidates);

    for (size_t i = candidates.count; i-- > 0;) {
        const struct auction_bid *bid = bid_at(contest, candidates.at[i]);
        int64_t worth = RUNNING_SCALE * bid->gpus * ticks_of(contest, candidates.at[i]);

        worth += bid->is_running;
        takes[i] = 0;
        for (int64_t k = places; k >= bid->gpus; k--) {
            if (worth + best[k - bid->gpus] < best[k])
                continue;
            best[k] = worth + best[k - bid->gpus];
            takes[i] |= UINT64_C(1) << (k - 1);
        }
    }
    for (size_t i = 0; i < candidates.count && places > 0; i++) {
        if (((takes[i] >> (places - 1)) & 1) == 0)
            continue;
        add(contest, ret, candidates.at[i]);
        places -= bid_at(contest, candidates.at[i])->gpus;
    }
    for (int64_t k = 0; ret_tally != NULL && k <= GPUS_MAX; k++)
        ret_tally->best[k] = best[k] / RUNNING_SCALE;
}

static bool waits_before(const struct auction_firm *a, const struct auction_firm *b)
{
    int order = instant_compare(a->since, b->since);

    return order != 0 ? order < 0 : a->id < b->id;
}

/* The first to wait, behind `last`, whom `places` are enough for; NULL: nobody. */
static const struct auction_firm *next_firm(const struct auction_facts *facts,
                                            const struct auction_firm *last, int64_t places)
{
    const struct auction_firm *next = NULL;

    for (size_t i = 0; i < facts->firm_count; i++) {
        const struct auction_firm *firm = &facts->firms[i];

        if (!firm->is_running && firm->gpus <= places &&
            (last == NULL || waits_before(last, firm)) &&
            (next == NULL || waits_before(firm, next)))
            next = firm;
    }
    return next;
}

/* The places that class 1 holds and will hold. Who waits is served in order; whoever does not fit
 * now does not fit later either, so that those behind take nothing from it. `rulings` may be
 * NULL. */
static int64_t serve_firms(const struct auction_facts *facts, struct auction_ruling *rulings)
{
    const struct auction_firm *next = NULL;
    int64_t taken = 0;

    for (size_t i = 0; i < facts->firm_count; i++) {
        bool runs = facts->firms[i].is_running;

        assert(facts->firms[i].gpus >= 1);
        taken += runs ? facts->firms[i].gpus : 0;
        if (rulings != NULL)
            rulings[i] = (struct auction_ruling){ .verdict = runs ? AUCTION_RUNS : AUCTION_WAITS };
    }
    assert(taken <= facts->gpu_count);
    while ((next = next_firm(facts, next, facts->gpu_count - taken)) != NULL) {
        taken += next->gpus;
        if (rulings != NULL)
            rulings[next - facts->firms].verdict = AUCTION_RUNS;
    }
    return taken;
}

/* The contest for `places`, with the minimum run of those who stay in spite of class 1. */
static void open_contest(const struct auction_facts *facts, int64_t places, struct contest *contest,
                         struct chosen *stay)
{
    int64_t running = 0;

    for (size_t i = 0; i < facts->bid_count; i++) {
        assert(facts->bids[i].gpus >= 1 && facts->bids[i].ticks >= 1);
        assert(facts->bids[i].ticks <= AUCTION_TICKS_MAX);
        running += facts->bids[i].is_running ? facts->bids[i].gpus : 0;
    }
    assert(facts->gpu_count <= GPUS_MAX && running <= facts->gpu_count);
    *contest = (struct contest){ .facts = facts, .places = places, .is_forced = running > places };
    contest->is_running_only = true;
    choose(contest, stay, NULL);
    contest->is_running_only = false;
    contest->stay = stay;
}

/* The least at which `bid`, which takes no part in the contest as it is, would be among the chosen.
 * Below the first guess their value is higher without it; at the guess it may be equal. */
static int64_t price_of(const struct contest *contest, struct auction_bid bid, int64_t floor)
{
    struct contest with = *contest;
    struct chosen chosen;
    struct tally tally;

    choose(contest, &chosen, &tally);
    if (bid.gpus > tally.places)
        return -1;

    int64_t worth = tally.best[tally.places] - tally.best[tally.places - bid.gpus];
    bid.ticks = (worth + bid.gpus - 1) / bid.gpus;
    bid.ticks = bid.ticks > floor ? bid.ticks : floor;
    bid.ticks = bid.ticks > 1 ? bid.ticks : 1;
    with.extra = &bid;
    for (int i = 0; i < 2 && bid.ticks <= AUCTION_TICKS_MAX; i++, bid.ticks++) {
        choose(&with, &chosen, NULL);
        if (contains(&chosen, contest->facts->bid_count))
            return bid.ticks;
    }
    assert(bid.ticks > AUCTION_TICKS_MAX);
    return -1;
}

/* Of those who run and are not chosen, may raise themselves and were not asked yet: the first. */
static size_t find_raiser(const struct contest *contest, const struct chosen *chosen,
                          const struct chosen *asked)
{
    const struct auction_facts *facts = contest->facts;
    size_t first = facts->bid_count;

    for (size_t i = 0; i < facts->bid_count; i++) {
        const struct auction_bid *bid = &facts->bids[i];

        if (bid->is_running && bid->max_ticks > bid->ticks && !contains(chosen, i) &&
            !contains(asked, i) &&
            (first == facts->bid_count || goes_before(contest, bid, &facts->bids[first])))
            first = i;
    }
    return first;
}

/* Each who would have to stop and may raise itself does so once, if that keeps it running. */
static void raise_bids(struct contest *contest, struct auction_ruling *rulings,
                       struct chosen *chosen)
{
    struct chosen asked = { 0 };

    for (;;) {
        size_t i = find_raiser(contest, chosen, &asked);

        if (i == contest->facts->bid_count)
            break;
        const struct auction_bid *bid = &contest->facts->bids[i];
        asked.at[asked.count++] = i;
        contest->except = bid->id;
        int64_t ticks = price_of(contest, *bid, bid->ticks);
        contest->except = 0;
        if (ticks < 0 || ticks > bid->max_ticks)
            continue;
        rulings[i].ticks = ticks;
        choose(contest, chosen, NULL);
    }
    /* One that was put out all the same, by another's raise, raised itself for nothing. */
    for (size_t i = 0; i < asked.count; i++)
        if (!contains(chosen, asked.at[i]))
            rulings[asked.at[i]].ticks = contest->facts->bids[asked.at[i]].ticks;
}

static void rule(struct contest *contest, const struct chosen *chosen, size_t i,
                 struct auction_ruling *ruling)
{
    const struct auction_bid *bid = bid_at(contest, i);

    if (contains(chosen, i)) {
        ruling->verdict = AUCTION_RUNS;
    } else if (!bid->is_running) {
        ruling->verdict = AUCTION_WAITS;
    } else {
        ruling->verdict = contains(contest->stay, i) ? AUCTION_OUTBID : AUCTION_OUTRANKED;
        contest->except = bid->id;
        ruling->keep_ticks = price_of(contest, *bid, ruling->ticks);
        contest->except = 0;
    }
}

/* A minimum run that ends lets in who waits, perhaps. */
static struct instant next_end(const struct contest *contest, const struct chosen *chosen)
{
    struct instant again = INSTANT_NEVER;

    if (chosen->count == contest->facts->bid_count)
        return again;
    for (size_t i = 0; i < contest->facts->bid_count; i++) {
        if (!contains(chosen, i) || !is_guarded(contest, i))
            continue;
        struct instant end = instant_add(contest->facts->bids[i].ran, AUCTION_RUN_MIN_US);
        again = instant_compare(end, again) < 0 ? end : again;
    }
    return again;
}

void auction_decide(const struct auction_facts *facts, struct auction_ruling *ret_firms,
                    struct auction_ruling *ret_bids, struct auction_plan *ret_plan)
{
    struct auction_plan plan = { .firm_gpus = serve_firms(facts, ret_firms) };
    struct chosen stay, chosen;
    struct contest contest;

    plan.bid_gpus = facts->gpu_count - plan.firm_gpus;
    open_contest(facts, plan.bid_gpus, &contest, &stay);
    for (size_t i = 0; i < facts->bid_count; i++) {
        const struct auction_bid *bid = &facts->bids[i];

        ret_bids[i] = (struct auction_ruling){ .ticks = bid->ticks };
        plan.value_before += bid->is_running ? bid->gpus * bid->ticks : 0;
    }
    contest.rulings = ret_bids;
    choose(&contest, &chosen, NULL);
    raise_bids(&contest, ret_bids, &chosen);
    for (size_t i = 0; i < facts->bid_count; i++)
        rule(&contest, &chosen, i, &ret_bids[i]);
    plan.value_after = chosen.value;
    plan.idle_gpus = plan.bid_gpus - chosen.gpus;
    plan.again = next_end(&contest, &chosen);
    *ret_plan = plan;
}

void auction_carry_out(const struct auction_ruling *firm_rulings,
                       const struct auction_ruling *bid_rulings, struct auction_firm *firms,
                       size_t firm_count, struct auction_bid *bids, size_t bid_count)
{
    for (size_t i = 0; i < firm_count; i++)
        firms[i].is_running = firm_rulings[i].verdict == AUCTION_RUNS;
    for (size_t i = 0; i < bid_count; i++) {
        bool runs = bid_rulings[i].verdict == AUCTION_RUNS;

        if (runs != bids[i].is_running)
            bids[i].ran = INSTANT_NEVER;
        bids[i].is_running = runs;
        bids[i].ticks = bid_rulings[i].ticks;
    }
}

int64_t auction_quote(const struct auction_facts *facts, int64_t gpus, int64_t floor,
                      int64_t except)
{
    /* The newest of all: whoever bids as much goes before it. */
    struct auction_bid bid = {
        .id = INT64_MAX, .gpus = gpus, .placed = INSTANT_NEVER, .ran = INSTANT_NEVER
    };
    struct contest contest;
    struct chosen stay;

    assert(gpus >= 1 && floor >= 0);
    open_contest(facts, facts->gpu_count - serve_firms(facts, NULL), &contest, &stay);
    contest.except = except;
    return price_of(&contest, bid, floor);
}

int64_t auction_lowest(const struct auction_floor *floor)
{
    int64_t lowest = floor->reserve_ticks;

    if (floor->idle_ticks >= lowest && floor->idle_ticks > 0)
        lowest = floor->idle_ticks + floor->is_idle_running;
    return lowest > 1 ? lowest : 1;
}

static int64_t places(int64_t gpus)
{
    return gpus == 0 ? 1 : gpus;
}

int64_t auction_ticks_down(struct money price, int64_t gpus)
{
    assert(price.nanodollars >= 0);
    return price.nanodollars / (AUCTION_TICK * places(gpus));
}

int64_t auction_ticks_up(struct money price, int64_t gpus)
{
    int64_t whole = auction_ticks_down(price, gpus);

    return whole + (price.nanodollars > whole * AUCTION_TICK * places(gpus));
}

struct money auction_price(int64_t ticks, int64_t gpus)
{
    return (struct money){ ticks * AUCTION_TICK * places(gpus) };
}
