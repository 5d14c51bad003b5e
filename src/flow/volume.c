/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/volume.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "flow/funds.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/rent.h"
#include "flow/usage.h"
#include "flow/volume_clone.h"
#include "market/lifetime.h"
#include "store/event.h"
#include "store/meters.h"
#include "store/volume.h"

struct volume_work {
    const struct caller *caller;
    struct instant now;
    int64_t id;
    struct arena *arena;
    struct volume_making making;
    struct money spend_cap;
    struct volume_reply made;
    struct volume_delete_reply deleted;
    struct volume_view *views;
    size_t count;
};

bool volume_plan(struct change *change, struct volume_making *making, const struct machine *machine,
                 enum rent_outcome *ret, struct error *err)
{
    struct volume_facts *facts = &making->facts;

    if (!volume_offer_load(change->db, making->wanted.offer_id, &making->offer, &facts->has_offer,
                           err) ||
        (facts->has_offer &&
         !volume_offer_sold(change->db, making->offer.id, &facts->sold_gb, err)) ||
        !volume_count_owned(change->db, making->caller->user_id, &facts->volume_count, err))
        return false;
    /* One of another machine is none that this change can make. */
    facts->has_offer = facts->has_offer && making->offer.machine_id == change->machine.id;
    facts->now = change->now;
    facts->terms = making->offer.terms;
    facts->free_gb = machine->disk_free_gb;
    facts->is_connected = machine->is_connected;
    facts->is_deverified = machine->verification == VERIFICATION_DEVERIFIED;
    facts->is_barred = making->caller->instance_id != 0;
    facts->fee_bps = FEE_BPS_DEFAULT;
    *ret = volume_decide(making->wanted.size_gb, facts, &making->plan);
    return true;
}

bool volume_make(struct change *change, const struct volume_making *making, int64_t *ret_id,
                 struct error *err)
{
    const struct volume_plan *plan = &making->plan;
    struct contract_row contract = {
        .owner_id = making->caller->user_id,
        .host_id = making->offer.host_id,
        .machine_id = making->offer.machine_id,
        .offer_id = making->offer.id,
        .kind = KIND_VOLUME,
        .terms = plan->terms,
        .share = { .disk_gb = making->wanted.size_gb },
        .fee_bps = making->facts.fee_bps,
        .disk_offline_us = making->skips_disk_offline ? 0 : USAGE_DISK_OFFLINE_US,
        .spec = "",
        .image = "",
        .runtype = "",
        .label = making->wanted.name,
        .state = RENTAL_STOPPED,
        .started = change->now,
        .warn = lifetime_next_warning(plan->terms.end, change->now),
    };
    struct event_row event = { .at = change->now, .state = contract.state, .detail = "" };

    if (!contract_insert(change->db, &contract, ret_id, err))
        return false;
    event.contract_id = *ret_id;
    change->cuts_offers = true; /* there is less disk to rent */
    return meters_open(change->db, *ret_id, plan->meters, change->now, err) &&
           event_insert(change->db, &event, err) && change_user(change, contract.owner_id, err) &&
           db_notify(change->db, TOPIC_CONTRACT, *ret_id, err);
}

/* What the account has and may spend, under its lock. */
static bool load_account(struct change *change, struct volume_making *making,
                         struct money spend_cap, struct error *err)
{
    struct volume_facts *facts = &making->facts;
    int64_t user_id = making->caller->user_id;
    struct contract_hours hours;
    struct user_row user;
    bool has;

    if (!user_lock_open(change->db, user_id, err) ||
        !user_load(change->db, user_id, change->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a key without its user");
    if (!funds_credit(change->db, &user, change->now, change->arena, &facts->credit, err) ||
        !funds_spend_cap(change->db, &user, spend_cap, change->now, &facts->spend_cap, err) ||
        !contract_coming_hours(change->db, user_id, &hours, err))
        return false;
    facts->starting = hours.starting;
    facts->waiting = hours.waiting;
    return true;
}

bool volume_make_alone(struct change *change, struct volume_making *making, struct money spend_cap,
                       struct volume_reply *ret, struct error *err)
{
    struct hardware *hardware;

    making->facts = (struct volume_facts){ 0 };
    *ret = (struct volume_reply){ 0 };
    return load_account(change, making, spend_cap, err) &&
           hardware_load(change->db, &change->machine, change->now, change->arena, &hardware,
                         err) &&
           volume_plan(change, making, &hardware->machine, &ret->outcome, err) &&
           (ret->outcome != RENT_OK || volume_make(change, making, &ret->id, err));
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct volume_work *work = context;
    struct volume_making *making = &work->making;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    work->made = (struct volume_reply){ .outcome = RENT_NO_SUCH_OFFER };
    if (!volume_offer_load(db, making->wanted.offer_id, &making->offer, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, making->offer.machine_id, work->now, &arena, &has, err))
        return false;
    if (!has)
        return true;
    return volume_make_alone(&change, making, work->spend_cap, &work->made, err) &&
           (work->made.outcome != RENT_OK || change_end(&change, err));
}

bool flow_volume_create(const struct flow *flow, const struct caller *caller,
                        const struct volume_request *request, struct volume_reply *ret,
                        struct error *err)
{
    struct volume_work work = {
        .caller = caller,
        .now = clock_now(flow->clock),
        .making = { .caller = caller,
                    .wanted = *request,
                    .skips_disk_offline = flow->skips_disk_offline },
        .spend_cap = flow->spend_cap,
    };

    *ret = (struct volume_reply){ .is_bad_name = true };
    if (request->name != NULL && strlen(request->name) > LABEL_LENGTH_MAX)
        return true;
    if (!store_write(flow->store, create_work, &work, err))
        return error_context(err, "make a volume of offer %" PRId64, request->offer_id);
    *ret = work.made;
    return true;
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct volume_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row volume;
    struct change change;
    int64_t *instances;
    size_t count;
    bool has, has_changed;

    work->deleted = (struct volume_delete_reply){ .outcome = VOLUME_NONE };
    if (!volume_load_owned(db, work->caller->user_id, work->id, &arena, &volume, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, volume.machine_id, work->now, &arena, &has, err) ||
        !volume_load_owned(db, work->caller->user_id, work->id, &arena, &volume, &has, err))
        return false;
    if (!has)
        return true;
    if (!volume_mounted_by(db, work->id, &arena, &instances, &count, err))
        return false;
    if (count > 0) {
        work->deleted = (struct volume_delete_reply){ VOLUME_IN_USE, instances[0], 0 };
        return true;
    }
    if (!volume_clone_of(&change, work->id, &work->deleted.volume_id, err))
        return false;
    if (work->deleted.volume_id != 0) {
        work->deleted.outcome = VOLUME_IS_CLONED;
        return true;
    }
    if (!volume_clone_cancel(&change, work->id, err))
        return false;
    work->deleted.outcome = VOLUME_DELETED;
    return change_contract(&change, &volume, RENTAL_DESTROY_ASKED, "", &has_changed, err) &&
           change_end(&change, err);
}

bool flow_volume_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                        struct volume_delete_reply *ret, struct error *err)
{
    struct volume_work work = { .caller = caller, .now = clock_now(flow->clock), .id = id };

    if (!store_write(flow->store, delete_work, &work, err))
        return error_context(err, "delete volume %" PRId64, id);
    *ret = work.deleted;
    return true;
}

static bool see(struct db *db, struct volume_work *work, const struct contract_row *contract,
                struct volume_view *view, struct error *err)
{
    struct machine_row *machine = arena_alloc(work->arena, 1, sizeof *machine);
    struct machine_facts *facts = arena_alloc(work->arena, 1, sizeof *facts);
    int64_t *instances;
    bool has;

    if (machine == NULL || facts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the volumes");
    if (!machine_load(db, contract->machine_id, work->arena, machine, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a volume without its machine");
    if (!hardware_facts(machine->facts, facts, err) ||
        !volume_mounted_by(db, contract->id, work->arena, &instances, &view->instance_count, err) ||
        !volume_is_filling(db, contract->id, work->now, &view->is_filling, err))
        return false;
    view->contract = contract;
    view->machine = machine;
    view->facts = facts;
    view->instances = instances;
    view->hour =
        offer_storage_hour(contract->terms.disk_month, contract->share.disk_gb * INT64_C(1000));
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct volume_work *work = context;
    struct contract_row *contracts;

    if (!volume_list_owned(db, work->caller->user_id, work->arena, &contracts, &work->count, err))
        return false;
    work->views = arena_alloc(work->arena, work->count, sizeof *work->views);
    if (work->views == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the volumes");
    for (size_t i = 0; i < work->count; i++)
        if (!see(db, work, &contracts[i], &work->views[i], err))
            return false;
    return true;
}

bool flow_volumes(const struct flow *flow, const struct caller *caller, struct arena *arena,
                  struct volume_view **ret, size_t *ret_count, struct error *err)
{
    struct volume_work work = { .caller = caller, .now = clock_now(flow->clock), .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "show volumes");
    *ret = work.views;
    *ret_count = work.count;
    return true;
}
