/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/contact_lost.h"

#include "flow/change.h"
#include "flow/history.h"
#include "flow/limits.h"
#include "flow/liveness.h"
#include "flow/usage.h"
#include "store/liveness.h"

struct lost_work {
    struct instant now;
    int64_t machine_id;
    size_t count;
    int64_t ids[CONTACT_LOST_MAX];
};

/* Nobody's lease ran out while no server was there to hear of it: it runs anew from our return. */
static bool find_work(struct db *db, void *context, struct error *err)
{
    struct lost_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct instant before = instant_add(work->now, -CONNECTED_LEASE_US);
    struct span *alive;
    size_t count;

    work->count = 0;
    if (!liveness_list(db, before, &arena, &alive, &count, err))
        return false;
    if (instant_compare(liveness_since(alive, count, work->now), before) > 0)
        return true;
    return session_expired(db, before, work->ids, CONTACT_LOST_MAX, &work->count, err);
}

/* Whether one of them is a renter's, and no idle job of the host's. */
static bool has_rental(struct change *change, const struct interval_row *intervals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (intervals[i].owner_id != change->machine.owner_id)
            return true;
    return false;
}

/* A heartbeat that comes now changes the same row of the session, so one of the two is run again.
 */
static bool note_away(struct change *change, size_t count, const struct interval_row *intervals,
                      struct error *err)
{
    struct db *db = change->db;
    struct instant since = change->session.last_heartbeat;

    return session_beat(db, change->machine.id, change->session.epoch, since, err) &&
           machine_set_offline(db, change->machine.id, since, err) &&
           history_went_offline(db, &change->machine, since, has_rental(change, intervals, count),
                                err);
}

bool contact_lose(struct change *change, struct error *err)
{
    struct interval_row *intervals;
    size_t count;
    bool has;

    if (!interval_list_on(change->db, change->machine.id, change->arena, &intervals, &count, err) ||
        !note_away(change, count, intervals, err))
        return false;
    change->machine.is_online = false;
    change->machine.offline_since = change->session.last_heartbeat;
    change->cuts_offers = true;

    for (size_t i = 0; i < count; i++) {
        struct contract_row contract;
        struct instant end;

        if (!contract_load(change->db, intervals[i].contract_id, change->arena, &contract, &has,
                           err) ||
            !change_charge_end(change, &contract, &end, err))
            return false;
        struct connected last = usage_connected(&intervals[i], change->session.last_heartbeat, end);
        if (!change_close_interval(change, &contract, &intervals[i], last.cursor, err) ||
            !db_notify(change->db, TOPIC_CONTRACT, contract.id, err))
            return false;
    }
    return change_end(change, err);
}

static bool lose_work(struct db *db, void *context, struct error *err)
{
    struct lost_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!change_begin(&change, db, work->machine_id, work->now, &arena, &has, err))
        return false;
    /* It may have come back while we looked. */
    if (!has || !change.has_session || !change.machine.is_online ||
        instant_until(change.session.last_heartbeat, work->now) < CONNECTED_LEASE_US)
        return true;
    return contact_lose(&change, err);
}

bool flow_contact_lost(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct lost_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for lost machines");
    for (size_t i = 0; i < work.count; i++) {
        work.machine_id = work.ids[i];
        if (!store_write(flow->store, lose_work, &work, err))
            return error_context(err, "lose contact to machine %lld", (long long)work.machine_id);
    }
    *ret_count = work.count;
    return true;
}
