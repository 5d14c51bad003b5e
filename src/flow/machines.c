/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/machines.h"

#include "flow/hardware.h"
#include "flow/upkeep.h"
#include "flow/usage.h"
#include "store/contract.h"
#include "store/interval.h"
#include "store/session.h"

struct machines_work {
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    int64_t machine_id;
    struct machine_view *views;
    size_t count;
};

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "no room for the machines");
}

static const struct interval_row *find_interval(const struct interval_row *intervals, size_t count,
                                                int64_t contract_id)
{
    for (size_t i = 0; i < count; i++)
        if (intervals[i].contract_id == contract_id)
            return &intervals[i];
    return NULL;
}

/* The host's part of an hourly price, rounded down: for show. */
static int64_t host_share(struct money hour, int64_t fee_bps)
{
    return hour.nanodollars / 10000 * (10000 - fee_bps) +
           hour.nanodollars % 10000 * (10000 - fee_bps) / 10000;
}

/* What it adds to the view: one that was destroyed only its disk, until that is gone. */
static void add_contract(struct machine_view *view, const struct contract_row *contract, bool runs,
                         struct machine_contract *ret)
{
    bool is_firm = contract->kind == KIND_ON_DEMAND, is_instance = contract->kind != KIND_VOLUME;
    bool is_reserved = contract->kind == KIND_RESERVED;
    struct money disk_hour = contract_disk_hour(contract);

    *ret = (struct machine_contract){ .contract = contract, .runs = runs };
    if (contract->kind == KIND_IDLE)
        return;
    ret->earn_hour.nanodollars = host_share(disk_hour, contract->fee_bps);
    if (runs)
        ret->earn_hour.nanodollars += host_share(contract->terms.gpu_hour, contract->fee_bps);
    view->contract_count += is_instance;
    view->firm_count += is_firm;
    view->running_count += runs;
    view->running_firm_count += runs && is_firm;
    view->reserved_count += is_reserved;
    view->running_reserved_count += runs && is_reserved;
    view->contracts_end = instant_max(view->contracts_end, contract->terms.end);
    view->earn_hour.nanodollars += ret->earn_hour.nanodollars;
}

static bool add_contracts(struct db *db, struct machines_work *work, struct machine_view *view,
                          struct error *err)
{
    struct machine_contract *shown;
    struct contract_row *contracts;
    struct interval_row *intervals;
    size_t count, interval_count;

    if (!contract_list_on(db, view->machine->id, work->arena, &contracts, &count, err) ||
        !interval_list_on(db, view->machine->id, work->arena, &intervals, &interval_count, err))
        return false;
    shown = arena_alloc(work->arena, count, sizeof *shown);
    if (shown == NULL)
        return no_room(err);
    view->contracts = shown;
    for (size_t i = 0; i < count; i++) {
        view->disk_rented_gb += contracts[i].share.disk_gb;
        if (contracts[i].destroyed.microseconds == 0)
            add_contract(view, &contracts[i],
                         find_interval(intervals, interval_count, contracts[i].id) != NULL,
                         &shown[view->contract_rows++]);
    }
    return true;
}

static bool fill(struct db *db, struct machines_work *work, const struct machine_row *machine,
                 struct machine_view *view, struct error *err)
{
    struct machine_facts *facts = arena_alloc(work->arena, 1, sizeof *facts);
    struct idle_job_row *job = arena_alloc(work->arena, 1, sizeof *job);
    struct session_row session;
    struct gpu_row *gpus;
    struct maintenance_row *windows;
    size_t window_count;
    bool has, has_job;

    if (facts == NULL || job == NULL)
        return no_room(err);
    if (!idle_job_load(db, machine->id, work->arena, job, &has_job, err) ||
        !hardware_facts(machine->facts, facts, err) ||
        !gpu_list(db, machine->id, work->arena, &gpus, &view->gpu_row_count, err) ||
        !gauge_load(db, machine->id, work->arena, &view->gauges, err) ||
        !session_load(db, machine->id, work->arena, &session, &has, err) ||
        !maintenance_list(db, machine->id, work->now, work->arena, &windows, &window_count, err) ||
        !machine_report_count(db, machine->id,
                              instant_add(work->now, -UPKEEP_RECENT_DAYS * 24 * US_PER_HOUR),
                              &view->report_count, &view->recent_report_count, err))
        return false;
    view->maintenance = window_count > 0 ? &windows[0] : NULL;
    view->idle_job = has_job ? job : NULL;
    view->machine = machine;
    view->facts = facts;
    view->gpus = gpus;
    view->seconds_since_heartbeat = -1;
    if (has && session.last_heartbeat.microseconds > 0)
        view->seconds_since_heartbeat =
            instant_until(session.last_heartbeat, work->now) / US_PER_SECOND;
    return add_contracts(db, work, view, err);
}

static bool machines_work(struct db *db, void *context, struct error *err)
{
    struct machines_work *work = context;
    struct machine_row *machines;
    bool has = false;

    if (work->machine_id == 0) {
        if (!machine_list(db, work->caller->user_id, work->arena, &machines, &work->count, err))
            return false;
    } else {
        machines = arena_alloc(work->arena, 1, sizeof *machines);
        if (machines == NULL)
            return no_room(err);
        if (!machine_load_owned(db, work->caller->user_id, work->machine_id, work->arena, machines,
                                &has, err))
            return false;
        work->count = has;
    }
    work->views = arena_alloc(work->arena, work->count, sizeof *work->views);
    if (work->views == NULL)
        return no_room(err);
    for (size_t i = 0; i < work->count; i++)
        if (!fill(db, work, &machines[i], &work->views[i], err))
            return false;
    return true;
}

bool flow_machines(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                   struct arena *arena, struct machine_view **ret, size_t *ret_count,
                   struct error *err)
{
    struct machines_work work = {
        .caller = caller, .now = clock_now(flow->clock), .arena = arena, .machine_id = machine_id
    };

    if (!store_read(flow->store, machines_work, &work, err))
        return error_context(err, "show machines");
    *ret = work.views;
    *ret_count = work.count;
    return true;
}
