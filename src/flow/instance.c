/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/instance.h"

#include <string.h>

#include "flow/hall.h"
#include "flow/hardware.h"
#include "flow/spec.h"
#include "flow/usage.h"
#include "proto/heartbeat.h"
#include "store/bid.h"
#include "store/burn.h"
#include "store/gpu.h"
#include "store/interval.h"
#include "store/session.h"
#include "store/user.h"

struct show_work {
    const struct vault *vault;
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    int64_t id; /* 0: all */
    struct instance_view *views;
    size_t count;

    /* The machine of the view before: neighbours are often on the same one. */
    struct machine_row *machine;
    struct hardware *hardware;
};

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "no room for the instances");
}

static bool load_machine(struct db *db, struct show_work *work, int64_t id, struct error *err)
{
    bool has;

    if (work->machine != NULL && work->machine->id == id)
        return true;
    work->machine = arena_alloc(work->arena, 1, sizeof *work->machine);
    if (work->machine == NULL)
        return no_room(err);
    if (!machine_load(db, id, work->arena, work->machine, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its machine");
    return hardware_load(db, work->machine, work->now, work->arena, &work->hardware, err);
}

static bool load_spec(struct db *db, struct show_work *work, const struct contract_row *contract,
                      struct instance_view *view, struct error *err)
{
    struct instance_spec *spec = arena_alloc(work->arena, 1, sizeof *spec);

    if (spec == NULL)
        return no_room(err);
    if (!spec_open(db, work->vault, contract, work->arena, spec, err))
        return false;
    view->spec = spec;
    return true;
}

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

/* All that was posted, and what has run up since: to the microsecond. */
static bool load_charged(struct db *db, struct show_work *work, const struct contract_row *contract,
                         struct instant t_zero, struct money *ret, struct error *err)
{
    struct credit credit = credit_open((struct money){ 0 }, (struct money){ 0 }, work->now);
    struct burn_row *burns;
    size_t count;

    if (!burn_list_of(db, contract->id, work->arena, &burns, &count, err))
        return false;
    struct money charged = { 0 };
    for (size_t i = 0; i < count; i++) {
        usage_add(&credit, &burns[i],
                  burns[i].is_reserved ? burns[i].end : earlier(t_zero, burns[i].end));
        if (!money_add(charged, burns[i].meter.gross_posted, &charged))
            return error_set(err, ERROR_CORRUPT, "more was charged than money holds");
    }
    struct money spent = credit_available(&credit, work->now);
    return money_subtract(charged, spent, ret) ||
           error_set(err, ERROR_CORRUPT, "more was charged than money holds");
}

static const char *status_msg(struct arena *arena, const struct contract_row *contract)
{
    auto_buf struct buf text = buf_of(2048);

    bool is_copy = strncmp(contract->message, COPY_TEXT_BEGINS, strlen(COPY_TEXT_BEGINS)) == 0 ||
                   strncmp(contract->message, CLOUD_TEXT_BEGINS, strlen(CLOUD_TEXT_BEGINS)) == 0;

    if (contract->reason != REASON_NONE && !is_copy)
        rental_reason_explain(&text, contract->reason, contract->reason_detail);
    if (text.length > 0 && !text.has_overflowed)
        return arena_copy(arena, text.bytes, text.length);
    return contract->message;
}

/* What its host has cut to its own limit. */
static bool find_grace(struct db *db, struct instance_view *view, struct error *err)
{
    struct bid_row bid;
    bool has;

    view->grace_s = -1;
    if (view->contract->kind != KIND_BID)
        return true;
    if (!bid_load(db, view->contract->id, &bid, &has, err))
        return false;
    view->grace_s = has ? bid.grace_s : -1;
    return true;
}

/* One that waits is told its place in line; a bid, what would run now; where nothing would, what on
 * demand costs. */
static bool find_place(struct db *db, struct show_work *work, struct instance_view *view,
                       struct error *err)
{
    const struct contract_row *contract = view->contract;
    int64_t num_gpus = contract->terms.num_gpus, ticks;
    struct hall hall;

    view->min_bid_hour = contract->terms.min_bid_hour;
    if (contract->state != RENTAL_SCHEDULING)
        return true;
    if (!hall_load(db, work->machine, work->now, work->arena, &hall, err) ||
        !hall_line(&hall, contract->id, work->arena, &view->place, &view->is_in_line, err))
        return false;
    if (contract->kind != KIND_BID)
        return true;
    ticks = hall_quote(&hall, num_gpus, contract->id);
    view->min_bid_hour = ticks > 0 ? auction_price(ticks, num_gpus) : contract->list_hour;
    if (money_compare(view->min_bid_hour, contract->list_hour) > 0)
        view->min_bid_hour = contract->list_hour;
    return true;
}

static bool view_fill(struct db *db, struct show_work *work, const struct contract_row *contract,
                      struct instance_view *view, struct error *err)
{
    struct interval_row interval;
    struct user_row user;
    bool has_interval, has_user;

    if (!load_machine(db, work, contract->machine_id, err) ||
        !load_spec(db, work, contract, view, err) ||
        !interval_load(db, contract->id, work->arena, &interval, &has_interval, err) ||
        !user_load(db, contract->owner_id, work->arena, &user, &has_user, err))
        return false;
    if (!has_user)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    view->contract = contract;
    view->machine = work->machine;
    view->facts = &work->hardware->facts;
    if (!find_place(db, work, view, err) || !find_grace(db, view, err))
        return false;
    view->is_connected = work->machine->is_online;
    view->status = rental_view(contract->state, contract->reason, view->is_connected);
    struct relay_port_row *relay_ports;
    if (!relay_port_list(db, contract->id, work->arena, &relay_ports, &view->relay_port_count, err))
        return false;
    view->relay_ports = relay_ports;
    view->status_msg = status_msg(work->arena, contract);
    if (view->status_msg == NULL)
        return no_room(err);
    if (contract->kind == KIND_RESERVED &&
        !prepay_measure(db, contract, work->now, &view->deposit, err))
        return false;
    view->disk_hour = contract_disk_hour(contract);
    if (!money_add(contract->terms.gpu_hour, view->disk_hour, &view->total_hour))
        return error_set(err, ERROR_CORRUPT, "a price that money does not hold");
    view->uptime_s = has_interval ? instant_until(interval.start, work->now) / US_PER_SECOND : -1;
    for (size_t i = 0; i < work->hardware->gpu_count; i++)
        view->gpus_held += work->hardware->gpus[i].claimed_by == contract->id;
    return load_charged(db, work, contract, user.t_zero, &view->charged, err);
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct show_work *work = context;
    struct contract_row *contracts;
    bool has = false;

    work->count = 0;
    work->machine = NULL;
    if (work->id == 0) {
        if (!contract_list_owned(db, work->caller->user_id, work->arena, &contracts, &work->count,
                                 err))
            return false;
    } else {
        contracts = arena_alloc(work->arena, 1, sizeof *contracts);
        if (contracts == NULL)
            return no_room(err);
        if (!contract_load_owned(db, work->caller->user_id, work->id, work->arena, contracts, &has,
                                 err))
            return false;
        work->count = has;
    }
    work->views = arena_alloc(work->arena, work->count, sizeof *work->views);
    if (work->views == NULL)
        return no_room(err);
    for (size_t i = 0; i < work->count; i++)
        if (!view_fill(db, work, &contracts[i], &work->views[i], err))
            return false;
    return true;
}

bool flow_instance_show(const struct flow *flow, const struct caller *caller, int64_t id,
                        struct arena *arena, struct instance_view *ret, bool *ret_has,
                        struct error *err)
{
    struct show_work work = { .vault = flow->vault,
                              .caller = caller,
                              .now = clock_now(flow->clock),
                              .arena = arena,
                              .id = id };

    *ret_has = false;
    if (id <= 0 || (caller->instance_id != 0 && caller->instance_id != id))
        return true;
    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show instance %lld", (long long)id);
    if (work.count == 1)
        *ret = work.views[0];
    *ret_has = work.count == 1;
    return true;
}

bool flow_instance_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                        struct instance_view **ret, size_t *ret_count, struct error *err)
{
    struct show_work work = { .vault = flow->vault,
                              .caller = caller,
                              .now = clock_now(flow->clock),
                              .arena = arena,
                              .id = caller->instance_id };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "list instances");
    *ret = work.views;
    *ret_count = work.count;
    return true;
}

struct owners_work {
    const int64_t *ids;
    size_t count;
    int64_t *owner_ids;
};

static bool owners_work(struct db *db, void *context, struct error *err)
{
    struct owners_work *work = context;
    bool has;

    for (size_t i = 0; i < work->count; i++) {
        if (!contract_find_owner(db, work->ids[i], &work->owner_ids[i], &has, err))
            return false;
        if (!has)
            work->owner_ids[i] = 0;
    }
    return true;
}

bool flow_instance_owners(const struct flow *flow, const int64_t *ids, size_t count,
                          int64_t *ret_owner_ids, struct error *err)
{
    struct owners_work work = { ids, count, ret_owner_ids };

    return count == 0 || store_read(flow->store, owners_work, &work, err) ||
           error_context(err, "find whose instances they are");
}
