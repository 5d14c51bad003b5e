/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/market_history.h"

#include <stdlib.h>
#include <string.h>

struct keep_work {
    struct instant now;
    const struct prices_lot *lots; /* those that are alike beside each other */
    size_t count;
};

struct list_work {
    const struct market_lot_range *range;
    struct arena *arena;
    struct market_lot_row *rows;
    size_t count;
};

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *a, const void *b)
{
    const struct prices_lot *one = a, *other = b;
    const int parts[] = {
        strcmp(one->gpu_name, other->gpu_name),
        order(one->is_rented, other->is_rented),
        order(one->is_verified, other->is_verified),
        order(one->is_datacenter, other->is_datacenter),
        order(one->gpu_hour.nanodollars, other->gpu_hour.nanodollars),
        order(one->gpus, other->gpus),
        order(one->size, other->size),
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i] != 0)
            return parts[i];
    return 0;
}

static bool keep_work(struct db *db, void *context, struct error *err)
{
    const struct keep_work *work = context;
    int64_t hour = work->now.microseconds / US_PER_HOUR, kept = 0;
    bool is_first;

    if (!market_look_begin(db, hour, work->now, &is_first, err))
        return false;
    for (size_t i = 0, end; is_first && i < work->count; i = end) {
        for (end = i + 1; end < work->count && compare(&work->lots[i], &work->lots[end]) == 0;
             end++)
            continue;
        const struct market_lot_row row = { .hour = hour,
                                            .lot = work->lots[i],
                                            .lots = (int64_t)(end - i) };
        if (row.lot.gpus < 1)
            continue;
        if (kept++ < MARKET_HISTORY_LOTS_MAX && !market_lot_insert(db, &row, err))
            return false;
    }
    return !is_first || market_look_forget(db, hour - MARKET_HISTORY_DAYS * INT64_C(24), err);
}

bool flow_market_history_keep(const struct flow *flow, struct prices_lot *lots, size_t count,
                              struct error *err)
{
    struct keep_work work = { clock_now(flow->clock), lots, count };

    if (count == 0)
        return true;
    qsort(lots, count, sizeof lots[0], compare);
    return store_write(flow->store, keep_work, &work, err) ||
           error_context(err, "keep what is on the market");
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return market_lot_list(db, work->range, work->arena, &work->rows, &work->count, err);
}

bool flow_market_history(const struct flow *flow, const struct market_lot_range *range,
                         struct arena *arena, struct market_lot_row **ret, size_t *ret_count,
                         struct error *err)
{
    struct list_work work = { .range = range, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "show what was on the market");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}
