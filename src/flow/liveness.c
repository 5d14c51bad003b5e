/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/liveness.h"

#include "flow/limits.h"
#include "store/liveness.h"

/* Gaps older than an agent may run alone (a day) are never asked about. */
#define LIVENESS_KEPT_US (30 * 24 * US_PER_HOUR)

struct say_work {
    const char *server_proc;
    struct instant now;
};

static bool say_work(struct db *db, void *context, struct error *err)
{
    struct say_work *work = context;
    struct liveness liveness = {
        .server_proc = work->server_proc,
        .since = instant_add(work->now, -LIVENESS_SECONDS * US_PER_SECOND),
        .now = work->now,
        .until = instant_add(work->now, LIVENESS_SECONDS * US_PER_SECOND),
    };

    return liveness_say(db, &liveness, err) &&
           liveness_forget(db, instant_add(work->now, -LIVENESS_KEPT_US), err);
}

bool flow_liveness(const struct flow *flow, const char *server_proc, struct error *err)
{
    struct say_work work = { .server_proc = server_proc, .now = clock_now(flow->clock) };

    if (!store_write(flow->store, say_work, &work, err))
        return error_context(err, "say that this server is alive");
    return true;
}

static bool accept_work(struct db *db, void *context, struct error *err)
{
    const struct instant *now = context;

    return liveness_deny(db, instant_add(*now, LIVENESS_SECONDS * US_PER_SECOND), err);
}

bool flow_accept_clock(const struct flow *flow, struct error *err)
{
    struct instant now = clock_now(flow->clock);

    return store_write(flow->store, accept_work, &now, err);
}

struct instant liveness_since(const struct span *alive, size_t count, struct instant now)
{
    struct instant since = now, until = { INT64_MIN };

    for (size_t i = 0; i < count; i++) {
        if (instant_compare(alive[i].from, until) > 0)
            since = alive[i].from;
        until = instant_max(until, alive[i].until);
    }
    return instant_compare(until, now) < 0 ? now : since;
}
