/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/instance_change.h"

#include <assert.h>
#include <string.h>

#include "flow/change.h"
#include "flow/funds.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/rent.h"
#include "flow/usage.h"
#include "market/rent.h"
#include "store/meters.h"

struct change_work;
typedef bool change_step(struct change_work *work, struct change *change,
                         struct contract_row *contract, struct error *err);

struct change_work {
    const struct caller *caller;
    int64_t id;
    struct instant now;
    change_step *step;
    const char *label;
    int64_t disk_gb;
    enum change_outcome outcome;
};

/* Find the caller's instance, take its machine's lock, look again, and do the step. */
static bool change_work(struct db *db, void *context, struct error *err)
{
    struct change_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    work->outcome = CHANGE_NO_INSTANCE;
    if (!contract_load_owned(db, work->caller->user_id, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load_owned(db, work->caller->user_id, work->id, &arena, &contract, &has, err))
        return false;
    return !has || (work->step(work, &change, &contract, err) && change_end(&change, err));
}

static bool run(const struct flow *flow, struct change_work *work, enum change_outcome *ret,
                struct error *err)
{
    work->now = clock_now(flow->clock);
    if (work->caller->instance_id != 0 && work->caller->instance_id != work->id) {
        *ret = CHANGE_NO_INSTANCE;
        return true;
    }
    if (!store_write(flow->store, change_work, work, err))
        return error_context(err, "change instance %lld", (long long)work->id);
    *ret = work->outcome;
    return true;
}

/* One that was told to make way and does not resume by itself is stopped: from there it starts. */
static bool start_bid(struct change *change, struct contract_row *contract, struct error *err)
{
    bool has_changed;

    if (contract->state == RENTAL_STOPPING)
        return change_contract(change, contract, RENTAL_START, "", &has_changed, err);
    if (contract->state == RENTAL_SCHEDULING && contract->reason != REASON_BID_WAITS &&
        !change_contract(change, contract, RENTAL_STOP_ASKED, "", &has_changed, err))
        return false;
    return change_contract(change, contract, RENTAL_BID_WAITS, "", &has_changed, err);
}

static bool start_step(struct change_work *work, struct change *change,
                       struct contract_row *contract, struct error *err)
{
    struct rental_start_facts facts = {
        .state = contract->state,
        .has_lifetime = instant_compare(change->now, contract->terms.end) < 0,
        .is_admissible = !change->machine.is_quarantined &&
                         change->machine.verification != VERIFICATION_DEVERIFIED,
    };
    const struct contract_row *const one = contract;
    bool has_changed;

    if (!change_can_pay(change, &one, 1, &facts.has_credit, err) ||
        !change_has_gpus(change, contract, &facts.has_gpus, err))
        return false;
    if (contract->kind == KIND_BID && contract->state != RENTAL_STOPPING)
        facts.has_gpus = false; /* that is for the decision to say */
    switch (rental_start(&facts)) {
    case RENTAL_STARTS:
        work->outcome = CHANGE_DONE;
        return change_contract(change, contract, RENTAL_START, "", &has_changed, err) &&
               change_user(change, contract->owner_id, err);
    case RENTAL_START_QUEUES:
        work->outcome = CHANGE_WAITS;
        return (contract->kind == KIND_BID ? start_bid(change, contract, err)
                                           : change_contract(change, contract, RENTAL_START_WAITS,
                                                             "", &has_changed, err)) &&
               change_user(change, contract->owner_id, err);
    case RENTAL_START_NO_CREDIT:
        work->outcome = CHANGE_NO_CREDIT;
        return true;
    case RENTAL_START_LIFETIME_EXPIRED:
        work->outcome = CHANGE_LIFETIME_OVER;
        return true;
    case RENTAL_START_BARRED:
        work->outcome = CHANGE_BARRED;
        return true;
    case RENTAL_START_GONE:
        break;
    }
    work->outcome = CHANGE_NO_INSTANCE;
    return true;
}

bool flow_start(const struct flow *flow, const struct caller *caller, int64_t id,
                enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = start_step };

    return run(flow, &work, ret, err);
}

static bool stop_step(struct change_work *work, struct change *change,
                      struct contract_row *contract, struct error *err)
{
    bool has_changed;

    work->outcome = CHANGE_DONE;
    return change_contract(change, contract, RENTAL_STOP_ASKED, "", &has_changed, err) &&
           change_user(change, contract->owner_id, err);
}

bool flow_stop(const struct flow *flow, const struct caller *caller, int64_t id,
               enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = stop_step };

    return run(flow, &work, ret, err);
}

static bool reboot_step(struct change_work *work, struct change *change,
                        struct contract_row *contract, struct error *err)
{
    bool has_changed;

    if (!change_contract(change, contract, RENTAL_REBOOT_ASKED, "", &has_changed, err))
        return false;
    /* One that is being started or rebooted will come up fresh in any case. */
    work->outcome = rental_intent(contract->state) == RENTAL_RUN &&
                            contract->state != RENTAL_SCHEDULING &&
                            contract->state != RENTAL_PAUSING
                        ? CHANGE_DONE
                        : CHANGE_NOT_RUNNING;
    return !has_changed || change_user(change, contract->owner_id, err);
}

bool flow_reboot(const struct flow *flow, const struct caller *caller, int64_t id,
                 enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = reboot_step };

    return run(flow, &work, ret, err);
}

static bool label_step(struct change_work *work, struct change *change,
                       struct contract_row *contract, struct error *err)
{
    contract->label = work->label != NULL && work->label[0] != '\0' ? work->label : NULL;
    work->outcome = CHANGE_DONE;
    /* Nothing for the host to do: the generation stays. */
    return contract_update(change->db, contract, contract->gen, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err);
}

bool flow_label(const struct flow *flow, const struct caller *caller, int64_t id, const char *label,
                enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = label_step, .label = label };

    if (label != NULL && strlen(label) > LABEL_LENGTH_MAX) {
        *ret = CHANGE_LABEL_TOO_LONG;
        return true;
    }
    return run(flow, &work, ret, err);
}

/* Its owner's credit has to last for what is added, as for a rental. */
static bool can_pay_disk(struct change *change, const struct contract_row *contract,
                         int64_t added_gb, bool *ret_can_pay, struct error *err)
{
    struct meter meters[COMPONENT_COUNT];
    struct user_row user;
    struct credit credit;
    bool has;

    if (!user_lock(change->db, contract->owner_id, err) ||
        !user_load(change->db, contract->owner_id, change->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    if (!funds_credit(change->db, &user, change->now, change->arena, &credit, err))
        return false;
    rent_meters(&contract->terms, added_gb, contract->fee_bps, meters);
    credit_add(&credit, &meters[COMPONENT_DISK - 1], &credit.as_of);
    *ret_can_pay = credit_admits(&credit);
    return true;
}

/* What was until now is charged as it was; from now on there is more. */
static bool resize(struct change *change, struct contract_row *contract, int64_t disk_gb,
                   struct error *err)
{
    struct usage usage = { .now = change->now,
                           .disk_until = usage_disk_of(&change->machine, contract, change->now) };
    struct meters meters;

    if (contract_is_metered(contract) &&
        (!change_split_interval(change, contract, err) ||
         !usage_post(change->db, &usage, contract, err) ||
         !meters_load(change->db, contract->id, &meters, err) ||
         !meters_resize(change->db, &meters, disk_gb, change->now, err) ||
         !meters_save(change->db, &meters, err)))
        return error_context(err, "resize contract %lld", (long long)contract->id);
    contract->share.disk_gb = disk_gb;
    contract->disk_warned = (struct instant){ 0 };
    change->cuts_offers = true;
    return contract_resize(change->db, contract, err) &&
           contract_disk_warned(change->db, contract, err) &&
           machine_bump(change->db, contract->machine_id, err) &&
           change_user(change, contract->owner_id, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err);
}

static bool grow_step(struct change_work *work, struct change *change,
                      struct contract_row *contract, struct error *err)
{
    int64_t added_gb = work->disk_gb - contract->share.disk_gb;
    struct hardware *hardware;
    bool can_pay;

    work->outcome = CHANGE_DONE;
    if (added_gb == 0)
        return true;
    work->outcome = CHANGE_DISK_SHRINKS;
    if (added_gb < 0)
        return true;
    if (!hardware_load(change->db, &change->machine, change->now, change->arena, &hardware, err))
        return false;
    work->outcome = CHANGE_DISK_TAKEN;
    if (added_gb > hardware->machine.disk_free_gb)
        return true;
    if (!can_pay_disk(change, contract, added_gb, &can_pay, err))
        return false;
    work->outcome = can_pay ? CHANGE_DONE : CHANGE_NO_CREDIT;
    return !can_pay || resize(change, contract, work->disk_gb, err);
}

bool flow_grow(const struct flow *flow, const struct caller *caller, int64_t id, int64_t disk_gb,
               enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = grow_step, .disk_gb = disk_gb };

    assert(disk_gb >= 1 && disk_gb <= METER_QUANTITY_MAX);
    return run(flow, &work, ret, err);
}

static bool destroy_step(struct change_work *work, struct change *change,
                         struct contract_row *contract, struct error *err)
{
    bool has_changed;

    work->outcome = CHANGE_DONE;
    return change_contract(change, contract, RENTAL_DESTROY_ASKED, "", &has_changed, err);
}

bool flow_destroy(const struct flow *flow, const struct caller *caller, int64_t id,
                  enum change_outcome *ret, struct error *err)
{
    struct change_work work = { .caller = caller, .id = id, .step = destroy_step };

    return run(flow, &work, ret, err);
}
