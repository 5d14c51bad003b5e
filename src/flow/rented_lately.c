/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rented_lately.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/hardware.h"
#include "store/interval.h"
#include "store/machine.h"

enum { FACTS_ARENA_MAX = 4 << 20, PAGE_SIZE = 64 };

#define WINDOW_US (RENTED_LATELY_DAYS * 24 * US_PER_HOUR)

struct lately_work {
    struct instant now;
    struct arena *arena;
    struct prices_rental *rentals;
    size_t count;
};

static int compare_machines(const void *a, const void *b)
{
    const struct interval_sum *first = a, *second = b;

    return (first->machine_id > second->machine_id) - (first->machine_id < second->machine_id);
}

/* What rentals of the machine have in common; `*ret_counts` is false for one that is left out. */
static bool describe(struct db *db, const struct lately_work *work, int64_t machine_id,
                     struct prices_rental *ret, bool *ret_counts, struct error *err)
{
    auto_arena struct arena arena = arena_of(FACTS_ARENA_MAX);
    struct machine_facts *facts = arena_alloc(&arena, 1, sizeof *facts);
    struct machine_row row;
    bool has;

    *ret_counts = false;
    if (facts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!machine_load(db, machine_id, &arena, &row, &has, err))
        return false;
    if (!has || row.is_simulated)
        return true;
    if (!hardware_facts(row.facts, facts, err))
        return false;
    if (facts->gpu_count == 0)
        return true;
    int64_t age_us = instant_until(row.created, work->now);
    *ret = (struct prices_rental){ .machine_id = machine_id,
                                   .machine_gpus = facts->gpu_count,
                                   .window_us = age_us < WINDOW_US ? age_us : WINDOW_US };
    (void)snprintf(ret->gpu_name, sizeof ret->gpu_name, "%.*s", GPU_NAME_SIZE - 1,
                   facts->gpus[0].name);
    (void)machine_country(row.geolocation, ret->country);
    *ret_counts = true;
    return true;
}

static bool lately_work(struct db *db, void *context, struct error *err)
{
    struct lately_work *work = context;
    struct prices_rental machine = { .machine_id = 0 };
    struct interval_sum *sums;
    bool counts = false;
    size_t count;

    work->count = 0;
    if (!interval_sums(db, instant_add(work->now, -WINDOW_US), RENTED_LATELY_MAX, work->arena,
                       &sums, &count, err))
        return false;
    work->rentals = arena_alloc(work->arena, count, sizeof *work->rentals);
    if (work->rentals == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the rentals");
    if (count > 1)
        qsort(sums, count, sizeof sums[0], compare_machines);
    for (size_t i = 0; i < count; i++) {
        if ((i == 0 || sums[i].machine_id != sums[i - 1].machine_id) &&
            !describe(db, work, sums[i].machine_id, &machine, &counts, err))
            return false;
        /* What is not metered yet does not count yet. */
        if (!counts || sums[i].num_gpus == 0 || sums[i].run_us == 0)
            continue;
        struct prices_rental *rental = &work->rentals[work->count++];
        *rental = machine;
        rental->gpus = sums[i].num_gpus;
        rental->gpu_hour = (struct money){ sums[i].gpu_hour.nanodollars / sums[i].num_gpus };
        rental->fee_bps = sums[i].fee_bps;
        rental->run_us = sums[i].run_us;
    }
    return true;
}

bool flow_rented_lately(const struct flow *flow, struct arena *arena, struct prices_rental **ret,
                        size_t *ret_count, struct error *err)
{
    struct lately_work work = { .now = clock_now(flow->clock), .arena = arena };

    if (!store_read(flow->store, lately_work, &work, err))
        return error_context(err, "look for what was rented lately");
    *ret = work.rentals;
    *ret_count = work.count;
    return true;
}

struct runs_work {
    struct lately_work lately; /* of which no rentals */
    struct prices_run *runs;
    size_t count;
};

static int compare_run_machines(const void *a, const void *b)
{
    const struct interval_run *first = a, *second = b;

    return (first->machine_id > second->machine_id) - (first->machine_id < second->machine_id);
}

static int compare_run_prices(const void *a, const void *b)
{
    const struct prices_run *first = a, *second = b;

    return money_compare(first->gpu_hour, second->gpu_hour);
}

static struct prices_run run_of(const struct interval_run *interval, const char *gpu_name)
{
    struct prices_run run = {
        .gpus = interval->num_gpus,
        .gpu_hour = { interval->gpu_hour.nanodollars / interval->num_gpus },
        .start = interval->start,
        .end = interval->end,
    };

    (void)snprintf(run.gpu_name, sizeof run.gpu_name, "%s", gpu_name);
    return run;
}

static bool runs_work(struct db *db, void *context, struct error *err)
{
    struct runs_work *work = context;
    struct prices_rental machine = { .machine_id = 0 };
    struct interval_run *intervals;
    bool counts = false;
    size_t count;

    work->count = 0;
    if (!interval_runs(db, instant_add(work->lately.now, -WINDOW_US), RUNS_LATELY_MAX,
                       work->lately.arena, &intervals, &count, err))
        return false;
    work->runs = arena_alloc(work->lately.arena, count, sizeof *work->runs);
    if (work->runs == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for what ran");
    if (count > 1)
        qsort(intervals, count, sizeof intervals[0], compare_run_machines);
    for (size_t i = 0; i < count; i++) {
        if ((i == 0 || intervals[i].machine_id != intervals[i - 1].machine_id) &&
            !describe(db, &work->lately, intervals[i].machine_id, &machine, &counts, err))
            return false;
        if (counts && intervals[i].num_gpus > 0)
            work->runs[work->count++] = run_of(&intervals[i], machine.gpu_name);
    }
    if (work->count > 1)
        qsort(work->runs, work->count, sizeof work->runs[0], compare_run_prices);
    return true;
}

bool flow_runs_lately(const struct flow *flow, struct arena *arena, struct prices_run **ret,
                      size_t *ret_count, struct error *err)
{
    struct runs_work work = { .lately = { .now = clock_now(flow->clock), .arena = arena } };

    if (!store_read(flow->store, runs_work, &work, err))
        return error_context(err, "look for what ran lately");
    *ret = work.runs;
    *ret_count = work.count;
    return true;
}

struct there_work {
    struct instant now;
    struct prices_there *there;
    size_t count;
};

/* Leaves out what is not on the market. */
static bool add_there(struct there_work *work, const struct machine_row *row, struct error *err)
{
    auto_arena struct arena arena = arena_of(FACTS_ARENA_MAX);
    struct machine_facts *facts = arena_alloc(&arena, 1, sizeof *facts);
    int64_t age_us = instant_until(row->created, work->now);

    if (!row->is_listed || row->is_simulated || work->count == THERE_LATELY_MAX)
        return true;
    if (facts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!hardware_facts(row->facts, facts, err))
        return false;
    if (facts->gpu_count == 0)
        return true;
    struct prices_there *there = &work->there[work->count++];
    *there = (struct prices_there){ .is_verified = row->verification == VERIFICATION_VERIFIED,
                                    .machine_id = row->id,
                                    .gpus = facts->gpu_count,
                                    .window_us = age_us < WINDOW_US ? age_us : WINDOW_US };
    (void)snprintf(there->gpu_name, sizeof there->gpu_name, "%.*s", GPU_NAME_SIZE - 1,
                   facts->gpus[0].name);
    return true;
}

static bool there_work(struct db *db, void *context, struct error *err)
{
    struct there_work *work = context;
    int64_t after = 0;
    size_t count;

    work->count = 0;
    do {
        auto_arena struct arena arena = arena_of(PAGE_SIZE * (size_t)FACTS_ARENA_MAX);
        struct machine_row *rows;

        if (!machine_list_all(db, after, PAGE_SIZE, &arena, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!add_there(work, &rows[i], err))
                return false;
            after = rows[i].id;
        }
    } while (count == PAGE_SIZE);
    return true;
}

bool flow_there_lately(const struct flow *flow, struct arena *arena, struct prices_there **ret,
                       size_t *ret_count, struct error *err)
{
    struct there_work work = { .now = clock_now(flow->clock),
                               .there = arena_alloc(arena, THERE_LATELY_MAX, sizeof **ret) };

    if (work.there == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the machines");
    if (!store_read(flow->store, there_work, &work, err))
        return error_context(err, "look for the machines of the market");
    *ret = work.there;
    *ret_count = work.count;
    return true;
}
