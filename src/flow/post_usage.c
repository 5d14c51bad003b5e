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
                          struct usage *usage, bool *ret_goes_on, struct error *err)
{
    struct interval_row interval;
    struct instant end;
    bool has;

    *ret_goes_on = true;
    if (!interval_load(change->db, contract->id, change->arena, &interval, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_charge_end(change, contract, &end, err))
        return false;
    struct connected last = usage_connected(&interval, change->session.last_heartbeat, end);
    usage->gpu_from = interval.metered;
    usage->gpu_us = instant_until(interval.metered, last.cursor);
    *ret_goes_on = connected_is_live(&last, change->now) && instant_compare(change->now, end) < 0;
    return interval_meter(change->db, interval.id, last.cursor, err);
}

/* `*ret_is_moved`: the renter's balance is another than it was foreseen to be. What runs was
 * foreseen, to the remainder, and posting it moves nothing: when credit ends stays as it is. */
static bool post_one(struct change *change, int64_t contract_id, bool *ret_is_moved,
                     struct error *err)
{
    struct usage usage = { .now = change->now };
    struct contract_row contract;
    bool has, goes_on;

    *ret_is_moved = false;
    if (!contract_load(change->db, contract_id, change->arena, &contract, &has, err))
        return false;
    if (!has || contract.destroyed.microseconds != 0 || !contract_is_metered(&contract))
        return true;
    bool has_traffic = contract.up_unmetered > 0 || contract.down_unmetered > 0;
    usage.disk_until = usage_disk_of(&change->machine, &contract, change->now);
    if (!read_interval(change, &contract, &usage, &goes_on, err))
        return false;
    *ret_is_moved = has_traffic || !goes_on || !change->machine.is_online;
    if (!usage_post(change->db, &usage, &contract, err))
        return false;
    *ret_is_moved |= usage.is_parked;
    return change_user(change, contract.owner_id, err);
}

bool post_usage_of(struct change *change, int64_t contract_id, struct error *err)
{
    bool is_moved;

    return post_one(change, contract_id, &is_moved, err);
}

/* The renter's machine after `last`, by id; 0: none. */
static int64_t next_machine(const struct contract_row *contracts, size_t count, int64_t last)
{
    int64_t next = 0;

    for (size_t i = 0; i < count; i++)
        if (contracts[i].machine_id > last && (next == 0 || contracts[i].machine_id < next))
            next = contracts[i].machine_id;
    return next;
}

bool post_usage_of_renter(struct db *db, int64_t user_id, struct instant now, struct arena *arena,
                          struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    if (!contract_list_charged(db, user_id, arena, &contracts, &count, err))
        return false;
    for (int64_t machine_id = next_machine(contracts, count, 0); machine_id != 0;
         machine_id = next_machine(contracts, count, machine_id))
        if (!machine_lock(db, machine_id, err))
            return false;
    for (size_t i = 0; i < count; i++) {
        struct change change;
        bool has;

        if (!change_begin(&change, db, contracts[i].machine_id, now, arena, &has, err) ||
            !post_usage_of(&change, contracts[i].id, err) || !change_end(&change, err))
            return false;
    }
    return true;
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    struct post_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has, is_moved;

    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !post_one(&change, work->id, &is_moved, err))
        return false;
    change.user_left = is_moved ? 0 : contract.owner_id;
    return change_end(&change, err);
}

bool flow_post_usage(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct post_work work = { .now = clock_now(flow->clock) };

    *ret_count = 0;
    if (!usage_is_settled(work.now))
        return true;
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
