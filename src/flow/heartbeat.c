/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/heartbeat.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/automation.h"
#include "flow/change.h"
#include "flow/disk_watch.h"
#include "flow/downtime.h"
#include "flow/funds.h"
#include "flow/gauge.h"
#include "flow/history.h"
#include "flow/image_starts.h"
#include "flow/limits.h"
#include "flow/report.h"
#include "flow/usage.h"
#include "store/liveness.h"
#include "store/quiet_beat.h"
#include "store/user.h"

struct beat_work {
    const struct heartbeat_request *request;
    struct instant now;
    int64_t downtime_bps;
    struct heartbeat_outcome_reply reply;
};

/* What a transaction has at hand for one contract after another. */
struct beat {
    struct change change;
    const struct heartbeat *heartbeat;
    struct instant last_heartbeat; /* the accepted one before this */
    int64_t downtime_bps;          /* what a host gives for time out of contact */
    struct interval_row *intervals;
    size_t interval_count;
};

static const struct instance_report *find_report(const struct heartbeat *heartbeat, int64_t id)
{
    for (int64_t i = 0; i < heartbeat->instance_count; i++)
        if (heartbeat->instances[i].id == id)
            return &heartbeat->instances[i];
    return NULL;
}

static const struct interval_row *find_interval(const struct beat *beat, int64_t contract_id)
{
    for (size_t i = 0; i < beat->interval_count; i++)
        if (beat->intervals[i].contract_id == contract_id)
            return &beat->intervals[i];
    return NULL;
}

/* How much of the gap since the last heartbeat is the servers' own outage. */
static bool outage(struct beat *beat, struct span gap, int64_t *ret_us, struct error *err)
{
    struct instant after = instant_add(gap.from, -CONNECTED_LEASE_US);
    struct span *alive;
    size_t count;

    if (!liveness_list(beat->change.db, after, beat->change.arena, &alive, &count, err))
        return false;
    /* Whoever is alive at the end of the gap will die some day; that is no outage of this gap. */
    for (size_t i = 0; i < count; i++)
        if (instant_compare(alive[i].until, gap.until) >= 0)
            alive[i].until = INSTANT_NEVER;
    *ret_us = connected_outage_us(gap, alive, count);
    return true;
}

/* Time of a gap comes to light only now, when others may have used up the credit that was there
 * for it: it is charged as far as credit goes. */
static bool limit_to_credit(struct beat *beat, const struct contract_row *contract,
                            struct instant from, struct instant *end, struct error *err)
{
    struct instant now = beat->change.now;
    struct instant at = instant_compare(*end, now) < 0 ? *end : now;
    struct user_row user;
    struct credit credit;
    bool has;

    if (contract->kind == KIND_RESERVED)
        return true; /* its deposit pays, as far as it goes */
    if (!user_lock(beat->change.db, contract->owner_id, err) ||
        !user_load(beat->change.db, contract->owner_id, beat->change.arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    if (!funds_credit(beat->change.db, &user, at, beat->change.arena, &credit, err))
        return false;

    struct instant affordable =
        instant_add(from, credit_affords_us(&credit, contract->terms.gpu_hour));
    *end = instant_compare(affordable, *end) < 0 ? affordable : *end;
    return true;
}

static bool open_interval(struct beat *beat, const struct contract_row *contract,
                          const struct connected_report *report, struct error *err)
{
    struct interval_row interval = { .contract_id = contract->id,
                                     .owner_id = contract->owner_id,
                                     .machine_id = contract->machine_id,
                                     .start_token = report->start_token,
                                     .run_ms = report->run_ms,
                                     .start = beat->change.now,
                                     .metered = beat->change.now };

    return interval_open(beat->change.db, &interval, err) &&
           change_user(&beat->change, contract->owner_id, err);
}

/* GPU time: what this heartbeat confirms, ends or begins. While an interval goes on, nothing is
 * written: the session's last heartbeat is its cursor. */
static bool meter_time(struct beat *beat, struct contract_row *contract,
                       const struct instance_report *report, struct error *err)
{
    const struct interval_row *open = find_interval(beat, contract->id);
    struct connected last = { 0 }, next;
    struct connected_report now = { .at = beat->change.now, .start_token = "" };
    char token[REPORT_TOKEN_SIZE];

    if (report != NULL) {
        now.start_token = report_token(beat->heartbeat, report, token);
        now.run_ms = report->run_ms;
        now.is_running = report_shows_running(contract, report, open, token);
    }
    if (open == NULL && !now.is_running)
        return true;
    if (!change_charge_end(&beat->change, contract, &now.end, err))
        return false;
    if (open != NULL)
        last = usage_connected(open, beat->last_heartbeat, now.end);
    bool has_gap = connected_has_gap(&last, &now);
    if (has_gap && (!outage(beat, (struct span){ last.cursor, now.at }, &now.outage_us, err) ||
                    !limit_to_credit(beat, contract, last.cursor, &now.end, err)))
        return false;

    struct connected_charge charge = connected_report(&last, &now, &next);
    struct instant until = instant_add(last.cursor, charge.charged_us);
    /* What a gap costs is posted at once, for the next one's limit to see. */
    bool goes_on = open != NULL && next.is_running && !has_gap &&
                   strcmp(last.start_token, next.start_token) == 0;
    if (goes_on)
        return true;
    if (open != NULL && !change_close_interval(&beat->change, contract, open, until, err))
        return false;
    return !next.is_running || open_interval(beat, contract, &now, err);
}

/* The state moves by what is reported of the present generation. */
static bool move_on(struct beat *beat, struct contract_row *contract,
                    const struct instance_report *report, struct error *err)
{
    bool has_changed;

    if (!report_is_current(contract, report))
        return true;
    const char *detail = report_detail(report, beat->change.arena);
    if (detail == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a reason");
    if (!change_contract(&beat->change, contract, report_event(report), detail, &has_changed, err))
        return false;
    return !has_changed || report->phase != PHASE_FAILED || contract->kind == KIND_IDLE ||
           history_start_failed(beat->change.db, &beat->change.machine, contract, beat->change.now,
                                err);
}

static bool take_contract(struct beat *beat, struct contract_row *contract, struct error *err)
{
    const struct instance_report *report = find_report(beat->heartbeat, contract->id);
    bool exists = contract->destroyed.microseconds == 0;
    bool is_ok = true;

    if (report != NULL && exists &&
        report_take(contract, report, &beat->change.machine, beat->change.now, beat->change.arena,
                    &is_ok) &&
        (!contract_report(beat->change.db, contract, err) ||
         !db_notify(beat->change.db, TOPIC_CONTRACT, contract->id, err)))
        return false;
    if (!is_ok)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a report");
    /* The state first: what runs after it is charged from here on, what does not no longer is. */
    if (report != NULL && !move_on(beat, contract, report, err))
        return false;
    if (exists && !meter_time(beat, contract, report, err))
        return false;
    /* After this heartbeat's time has been dealt with: it may end here. */
    return report == NULL || !report_is_current(contract, report) ||
           (flow_disk_watch(&beat->change, contract, report->disk_used_mb, err) &&
            flow_automation_traffic(&beat->change, contract, err) &&
            flow_automation_gauge(&beat->change, contract, report->gpu_permille,
                                  beat->last_heartbeat, err));
}

static bool watch_volume(struct beat *beat, struct contract_row *contract, struct error *err)
{
    const struct instance_report *report = find_report(beat->heartbeat, contract->id);

    return contract->kind != KIND_VOLUME || report == NULL ||
           flow_disk_watch_volume(&beat->change, contract, report->disk_used_mb, err);
}

/* A host that was away for long charged no disk for the last part of it. */
static bool skip_disk(struct beat *beat, struct contract_row *contract, struct error *err)
{
    struct change *change = &beat->change;
    struct usage usage = { .now = change->now,
                           .disk_until = usage_disk_until(change->machine.offline_since,
                                                          contract->disk_offline_us, change->now) };

    if (contract->destroyed.microseconds != 0 || !contract_is_metered(contract) ||
        instant_compare(usage.disk_until, change->now) == 0)
        return true;
    if (!usage_post(change->db, &usage, contract, err) ||
        !change_user(change, contract->owner_id, err))
        return false;
    contract->disk_metered = change->now;
    return contract_meter(change->db, contract, err);
}

static bool take_machine(struct beat *beat, bool *ret_came_online, struct error *err)
{
    const struct heartbeat *heartbeat = beat->heartbeat;
    struct machine_row *machine = &beat->change.machine;
    bool has_engine_changed = machine->is_engine_ok != heartbeat->is_engine_ok;

    *ret_came_online = !machine->is_online;
    if (!machine->is_online &&
        (!machine_set_online(beat->change.db, machine->id, err) ||
         !history_came_online(beat->change.db, machine, beat->change.now, err)))
        return false;
    if (!machine->is_online || has_engine_changed)
        beat->change.cuts_offers = true;
    machine->is_online = true;
    if (!has_engine_changed && machine->disk_free_gb == heartbeat->disk_free_gb &&
        machine->quarantined_count == heartbeat->quarantined_count &&
        strcmp(machine->engine_message, heartbeat->engine_message) == 0)
        return true;
    machine->is_engine_ok = heartbeat->is_engine_ok;
    machine->engine_message = heartbeat->engine_message;
    machine->disk_free_gb = heartbeat->disk_free_gb;
    machine->quarantined_count = heartbeat->quarantined_count;
    return machine_set_health(beat->change.db, machine, err);
}

static bool take_all(struct beat *beat, struct heartbeat_outcome_reply *reply, struct error *err)
{
    struct change *change = &beat->change;
    struct contract_row *contracts;
    bool was_online = change->machine.is_online;
    size_t count;

    if (!contract_list_on(change->db, change->machine.id, change->arena, &contracts, &count, err) ||
        !interval_list_on(change->db, change->machine.id, change->arena, &beat->intervals,
                          &beat->interval_count, err))
        return false;
    for (size_t i = 0; i < count && !was_online; i++)
        if (!skip_disk(beat, &contracts[i], err) ||
            !downtime_credit(change, &contracts[i], change->machine.offline_since,
                             beat->downtime_bps, err))
            return false;
    if (!take_machine(beat, &reply->came_online, err) ||
        !image_starts_take(change->db, change->machine.id, beat->heartbeat, err) ||
        !gauge_take(change->db, change->machine.id, beat->heartbeat, change->now, err))
        return false;
    change->session.last_heartbeat = change->now;
    for (size_t i = 0; i < count; i++)
        if (!take_contract(beat, &contracts[i], err))
            return false;
    /* When all that mounts them stands as it is reported. */
    for (size_t i = 0; i < count; i++)
        if (!watch_volume(beat, &contracts[i], err))
            return false;
    /* Last: until then what is stored confirms nothing behind the heartbeat before. */
    return session_beat(change->db, change->machine.id, beat->heartbeat->session_epoch, change->now,
                        err);
}

/* Most heartbeats of a machine that nobody rents say what the one before said. `*ret_is_taken` only
 * where that is all, and it is stored. */
static bool take_quietly(struct db *db, struct beat_work *work, bool *ret_is_taken,
                         struct error *err)
{
    const struct heartbeat *heartbeat = work->request->heartbeat;
    struct machine_row told = { .id = work->request->machine_id,
                                .is_engine_ok = heartbeat->is_engine_ok,
                                .engine_message = heartbeat->engine_message,
                                .disk_free_gb = heartbeat->disk_free_gb,
                                .quarantined_count = heartbeat->quarantined_count };
    int64_t count = 0, rev = 0;
    bool is_quiet;

    if (!machine_is_quiet(db, &told, &rev, &is_quiet, err) ||
        (is_quiet && !session_take_beat(db, told.id, heartbeat->session_epoch, heartbeat->seq,
                                        work->now, &count, err)))
        return false;
    *ret_is_taken = count == 1;
    work->reply =
        (struct heartbeat_outcome_reply){ .outcome = TAKE_DONE, .reply = { .desired_rev = rev } };
    return count != 1 || gauge_take(db, told.id, heartbeat, work->now, err);
}

static bool beat_work(struct db *db, void *context, struct error *err)
{
    struct beat_work *work = context;
    const struct heartbeat_request *request = work->request;
    const struct heartbeat *heartbeat = request->heartbeat;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct beat beat = { .heartbeat = heartbeat, .downtime_bps = work->downtime_bps };
    bool has, is_taken;

    is_taken = false;
    if (!heartbeat->has_images && !take_quietly(db, work, &is_taken, err))
        return false;
    if (is_taken)
        return true;
    work->reply = (struct heartbeat_outcome_reply){ 0 };
    if (!session_try(db, request->machine_id, heartbeat->session_epoch, STREAM_HEARTBEAT,
                     heartbeat->seq, &work->reply.outcome, err))
        return false;
    if (work->reply.outcome != TAKE_DONE)
        return true;
    if (!change_begin(&beat.change, db, request->machine_id, work->now, &arena, &has, err))
        return false;
    if (!has || !beat.change.has_session)
        return error_set(err, ERROR_CORRUPT, "a session without its machine");
    beat.last_heartbeat = beat.change.session.last_heartbeat;
    return take_all(&beat, &work->reply, err) && change_end(&beat.change, err) &&
           machine_rev(db, request->machine_id, &work->reply.reply.desired_rev, &has, err);
}

bool flow_heartbeat(const struct flow *flow, const struct heartbeat_request *request,
                    struct heartbeat_outcome_reply *ret, struct error *err)
{
    struct beat_work work = { .request = request,
                              .now = clock_now(flow->clock),
                              .downtime_bps = flow->downtime_bps };

    bool is_stored = request->is_regular ? store_write_patiently(flow->store, beat_work, &work, err)
                                         : store_write(flow->store, beat_work, &work, err);
    if (!is_stored)
        return error_context(err, "heartbeat of machine %" PRId64, request->machine_id);
    *ret = work.reply;
    return true;
}

/* One that nobody waits for. */
struct beat_later {
    struct beat_work work;
    struct heartbeat_request request;
    heartbeat_done *done;
    void *context;
};

static void finish_later(void *context, bool is_stored, const struct error *err)
{
    struct beat_later *later = context;
    struct error failure;

    if (!is_stored) {
        failure = *err;
        (void)error_context(&failure, "heartbeat of machine %" PRId64, later->request.machine_id);
    }
    later->done(later->context, is_stored ? &later->work.reply : NULL, &failure);
}

static bool beat_later_work(struct db *db, void *context, struct error *err)
{
    struct beat_later *later = context;

    return beat_work(db, &later->work, err);
}

/* One that may be quiet; for one that is not, what is found nowhere. */
static struct quiet_beat quiet_beat_of(const struct beat_later *later)
{
    const struct heartbeat *heartbeat = later->request.heartbeat;

    if (heartbeat->has_images || heartbeat->has_gauges || !heartbeat->is_engine_ok ||
        heartbeat->engine_message[0] != '\0')
        return (struct quiet_beat){ 0 };
    return (struct quiet_beat){ .machine_id = later->request.machine_id,
                                .epoch = heartbeat->session_epoch,
                                .seq = heartbeat->seq,
                                .now = later->work.now,
                                .disk_free_gb = heartbeat->disk_free_gb,
                                .quarantined_count = heartbeat->quarantined_count };
}

/* Those of machines that nobody rents, at once. */
static bool beat_joint_work(struct db *db, void *const *contexts, size_t count, bool *ret_is_stored,
                            struct error *err)
{
    struct quiet_beat beats[QUIET_BEATS_MAX];

    assert(count <= QUIET_BEATS_MAX);
    for (size_t i = 0; i < count; i++)
        beats[i] = quiet_beat_of(contexts[i]);
    if (!quiet_beat_take(db, beats, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct beat_later *later = contexts[i];

        ret_is_stored[i] = beats[i].is_taken;
        later->work.reply =
            (struct heartbeat_outcome_reply){ .outcome = TAKE_DONE,
                                              .reply = { .desired_rev = beats[i].desired_rev } };
    }
    return true;
}

bool flow_heartbeat_later(const struct flow *flow, const struct heartbeat_request *request,
                          struct arena *arena, const struct heartbeat_listener *listener)
{
    struct beat_later *later = arena_alloc(arena, 1, sizeof *later);

    if (later == NULL)
        return false;
    *later = (struct beat_later){ .request = *request,
                                  .done = listener->done,
                                  .context = listener->context };
    later->work = (struct beat_work){ .request = &later->request,
                                      .now = clock_now(flow->clock),
                                      .downtime_bps = flow->downtime_bps };
    store_write_jointly(flow->store, &(struct store_joint){ .kind = STORE_HEARTBEATS,
                                                            .work = beat_later_work,
                                                            .joint = beat_joint_work,
                                                            .context = later,
                                                            .done = finish_later });
    return true;
}
