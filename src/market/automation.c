/* SPDX-License-Identifier: Apache-2.0 */
#include "market/automation.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>

#include "market/connected.h"

bool automation_gauge(struct automation *automation, int64_t permille, struct instant previous,
                      struct instant now)
{
    bool is_idle = permille >= 0 && permille < AUTOMATION_IDLE_PERMILLE;
    bool has_gap = instant_until(previous, now) > CONNECTED_LEASE_US;

    if (automation->idle_stop_s == 0 || !is_idle) {
        automation->idle_since = (struct instant){ 0 };
        return false;
    }
    if (automation->idle_since.microseconds == 0 || has_gap)
        automation->idle_since = now;
    return instant_until(automation->idle_since, now) >= automation->idle_stop_s * US_PER_SECOND;
}

void automation_turn(struct automation *automation, bool is_stopped, struct instant since)
{
    automation->destroy_due = is_stopped && automation->destroy_after_s > 0
                                  ? instant_add(since, automation->destroy_after_s * US_PER_SECOND)
                                  : INSTANT_NEVER;
}

void automation_move(struct automation *automation, int64_t bytes)
{
    assert(bytes >= 0);
    if (__builtin_add_overflow(automation->moved_bytes, bytes, &automation->moved_bytes))
        automation->moved_bytes = INT64_MAX;
}

bool automation_is_capped(const struct automation *automation)
{
    return automation->traffic_cap_bytes > 0 &&
           automation->moved_bytes >= automation->traffic_cap_bytes;
}

void automation_span(struct buf *out, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (seconds % units[i].seconds != 0 && units[i].seconds > 1)
            continue;
        int64_t count = seconds / units[i].seconds;
        buf_printf(out, "%" PRId64 " %s%s", count, units[i].name, count == 1 ? "" : "s");
        return;
    }
}
