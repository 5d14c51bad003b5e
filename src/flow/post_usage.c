/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/post_usage.h"

#include "flow/change.h"
#include "flow/limits.h"
#include "flow/usage.h"

struct post_work {
    struct instant now;
    int64_t id;
    size_t count;
    int64_t ids[POST_USAGE_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct post_work *work = context;

    return contract_unposted(db, instant_add(work->now, -POST_RUNNING_SECONDS * US_PER_SECOND),
                             instant_add(work->now, -POST_STOPPED_SECONDS * US_PER_SECOND),
                             work->ids, POST_USAGE_MAX, &work->count, err);
}

/* Up to the last accepted heartbeat, and no further: nothing is ever to be taken back. */
static bool read_interval(struct change *change, const struct contract_row *contract,
                          int64_t *ret_gpu_us, struct error *err)
{
    struct interval_row interval;
    struct instant end;
    bool has;

    *ret_gpu_us = 0;
    if (!interval_load(change->db, contract->id, change->arena, &interval, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_charge_end(change, contract, &end, err))
        return false;
    struct connected last = usage_connected(&interval, change->session.last_heartbeat, end);
    *ret_gpu_us = instant_until(interval.metered, last.cursor);
    return interval_meter(change->db, interval.id, last.cursor, err);
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    struct post_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct usage usage = { .now = work->now };
    struct contract_row contract;
    struct change change;
    bool has;

    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has || contract.destroyed.microseconds != 0)
        return true;
    usage.disk_until =
        usage_disk_until(change.machine.is_online, change.machine.offline_since, work->now);
    return read_interval(&change, &contract, &usage.gpu_us, err) &&
           usage_post(db, &usage, &contract, err) && change_user(&change, contract.owner_id, err) &&
           change_end(&change, err);
}

bool flow_post_usage(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct post_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for usage to post");
    for (size_t i = 0; i < work.count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, post_work, &work, err))
            return error_context(err, "post usage of contract %lld", (long long)work.id);
    }
    *ret_count = work.count;
    return true;
}
