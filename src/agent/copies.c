/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copies.h"

#include <inttypes.h>
#include <time.h>

#include "agent/agent.h"

/* The broker's clock: see struct access_counters. */
static int64_t now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_wanted(const struct instance *instance)
{
    struct access_counters counters;

    if (!access_counters(instance->agent->access, instance->id, &counters) ||
        counters.copies_asked_s == 0)
        return false;
    return now_s() - counters.copies_asked_s < COPIES_LINGER_S ||
           (copies_are_open(instance) && counters.connection_count > 0);
}

void copies_tend(struct agent *agent)
{
    bool has_changed = false;

    for (size_t i = 0; agent->access != NULL && i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        bool wants_copies = !instance->verdict.wants_running && is_wanted(instance);

        has_changed = has_changed || wants_copies != instance->wants_copies;
        instance->wants_copies = wants_copies;
    }
    if (has_changed)
        agent_wake(agent);
}

bool copies_are_open(const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);

    return !instance->verdict.wants_running && instance->under_way == PLAN_NOTHING &&
           instance->desired != NULL && seen != NULL && seen->state == SEEN_RUNNING &&
           seen_is_for_copies(seen);
}

bool copies_may_open(const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    bool has_failed = instance->failure.count > 0 && instance->failure.step == PLAN_OPEN &&
                      loop_now_us(instance->agent->loop) < instance->failure.retry_us;

    if (instance->under_way == PLAN_OPEN)
        return true;
    return !instance->verdict.wants_running && instance->under_way == PLAN_NOTHING && !has_failed &&
           instance->has_record && seen != NULL &&
           (seen->state == SEEN_EXITED || seen->state == SEEN_CREATED);
}

const char *copies_text(struct arena *arena, const struct instance *instance)
{
    const char *text =
        arena_printf(arena,
                     "instance %" PRId64 " is stopped: its files can be copied (rsync, scp, sftp), "
                     "and `berth start instance %" PRId64 "` starts it",
                     instance->id, instance->id);

    return text != NULL ? text : "";
}
