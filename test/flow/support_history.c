/* SPDX-License-Identifier: Apache-2.0 */
#include "support_history.h"

#include <math.h>

#include "check.h"
#include "market/reliability.h"

struct history history_of(struct world *world, int64_t machine_id)
{
    struct history history;
    struct error err;
    bool has;

    CHECK_OK(flow_history(&world->flow, machine_id, &world->arena, &history, &has, &err), &err);
    CHECK(has);
    return history;
}

double history_worked_out(const struct history *history)
{
    double half = (double)RELIABILITY_HALF_LIFE_US, now = (double)history->now.microseconds;
    double lost = 0.5, up = 13.5 * (double)US_PER_HOUR, until = now;

    for (size_t i = 0; i < history->count; i++) {
        const struct machine_event_row *event = &history->events[i];
        double start = (double)event->start.microseconds;
        double end = event->end.microseconds != 0 ? (double)event->end.microseconds : now;

        lost += (double)event->severity_ppm / 1e6 * exp2(-(now - end) / half);
        if (event->kind == RELIABILITY_FAILED_START)
            continue;
        up += half / log(2) * (exp2(-(now - until) / half) - exp2(-(now - end) / half));
        until = start;
    }
    return pow(up / (up + (double)RELIABILITY_DAY_US), lost);
}

double history_stored(const struct history *history)
{
    struct reliability seen = history->machine.reliability;

    reliability_advance(&seen, history->now, history->machine.is_online);
    return (double)reliability_day_ppm(&seen) / 1e6;
}
