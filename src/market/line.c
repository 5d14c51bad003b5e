/* SPDX-License-Identifier: Apache-2.0 */
#include "market/line.h"

#include <assert.h>

static bool is_firm(const struct line_one *one)
{
    return one->ticks == 0;
}

/* Whether `other`, who waits too, is served before `one`. */
static bool goes_before(const struct line_one *other, const struct line_one *one)
{
    if (is_firm(other) != is_firm(one))
        return is_firm(other);
    if (other->ticks != one->ticks)
        return other->ticks > one->ticks;
    int order = instant_compare(other->since, one->since);
    return order != 0 ? order < 0 : other->id < one->id;
}

/* Who runs and keeps its GPUs, whatever `one` pays: of equal bids the one that runs. */
static bool holds_against(const struct line_one *other, const struct line_one *one)
{
    return other->is_running && (is_firm(other) || (!is_firm(one) && other->ticks >= one->ticks));
}

/* What is free once all have ended whose lifetime is over by `at`. */
static int64_t free_at(const struct line_one *ones, size_t count, const struct line_one *one,
                       int64_t gpu_count, struct instant at)
{
    int64_t left = gpu_count;

    for (size_t i = 0; i < count; i++)
        if (holds_against(&ones[i], one) && instant_compare(ones[i].end, at) > 0)
            left -= ones[i].gpus;
    return left;
}

struct line_place line_find(const struct line_one *ones, size_t count, size_t at, int64_t gpu_count)
{
    const struct line_one *one = &ones[at];
    struct line_place place = { .position = 1, .length = 1, .free_by = INSTANT_NEVER };
    const struct instant already = { 0 };

    assert(at < count && !one->is_running);
    if (free_at(ones, count, one, gpu_count, already) >= one->gpus)
        place.free_by = already;
    for (size_t i = 0; i < count; i++) {
        const struct line_one *other = &ones[i];

        if (i != at && !other->is_running) {
            place.length++;
            place.position += goes_before(other, one);
        }
        if (!holds_against(other, one))
            continue;
        place.firms_ahead += is_firm(other);
        place.bids_ahead += !is_firm(other);
        if (instant_compare(other->end, place.free_by) < 0 &&
            free_at(ones, count, one, gpu_count, other->end) >= one->gpus)
            place.free_by = other->end;
    }
    return place;
}
