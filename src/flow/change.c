/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/change.h"

#include <assert.h>

#include "flow/decide.h"
#include "flow/funds.h"
#include "flow/offer_cut.h"
#include "flow/reclaim.h"
#include "flow/relay.h"
#include "flow/reservation.h"
#include "flow/usage.h"
#include "market/rent.h"
#include "store/api_key.h"
#include "store/claim.h"
#include "store/event.h"
#include "store/gpu.h"
#include "store/user.h"

bool change_begin(struct change *change, struct db *db, int64_t machine_id, struct instant now,
                  struct arena *arena, bool *ret_has, struct error *err)
{
    bool has_machine, has_session = false;

    *change = (struct change){ .db = db, .arena = arena, .now = now };
    if (!machine_lock(db, machine_id, err) ||
        !machine_load(db, machine_id, arena, &change->machine, &has_machine, err) ||
        (has_machine && !session_load(db, machine_id, arena, &change->session, &has_session, err)))
        return false;
    change->has_session = has_session;
    if (has_machine)
        change->now = instant_max(change->now, change->machine.changed);
    if (has_session)
        change->now = instant_max(change->now, change->session.last_heartbeat);
    *ret_has = has_machine;
    return true;
}

bool change_begin_contract(struct change *change, struct db *db, int64_t contract_id,
                           struct instant now, struct arena *arena, struct contract_row *ret,
                           bool *ret_has, struct error *err)
{
    if (!contract_load(db, contract_id, arena, ret, ret_has, err))
        return false;
    return !*ret_has || (change_begin(change, db, ret->machine_id, now, arena, ret_has, err) &&
                         contract_load(db, contract_id, arena, ret, ret_has, err));
}

bool change_user(struct change *change, int64_t user_id, struct error *err)
{
    for (size_t i = 0; i < change->user_count; i++)
        if (change->users[i] == user_id)
            return true;
    if (change->user_count == CHANGE_USERS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "more than %d renters on a machine",
                         CHANGE_USERS_MAX);
    change->users[change->user_count++] = user_id;
    return true;
}

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

bool change_charge_end(struct change *change, const struct contract_row *contract,
                       struct instant *ret_end, struct error *err)
{
    struct user_row user;
    bool has;

    if (!user_load(change->db, contract->owner_id, change->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "contract %lld has no owner", (long long)contract->id);
    /* Of what is reserved the deposit says when it ends, and that is known when it is posted. */
    struct instant paid = contract->kind == KIND_RESERVED ? INSTANT_NEVER : user.t_zero;
    *ret_end = earlier(earlier(paid, contract->terms.end), contract->pause);
    return true;
}

bool change_close_interval(struct change *change, struct contract_row *contract,
                           const struct interval_row *interval, struct instant end,
                           struct error *err)
{
    struct usage usage = {
        .now = change->now,
        .gpu_from = interval->metered,
        .gpu_us = instant_until(interval->metered, end),
        .disk_until = usage_disk_of(&change->machine, contract, change->now),
    };

    assert(usage.gpu_us >= 0);
    return interval_close(change->db, interval->id, end, err) &&
           usage_post(change->db, &usage, contract, err) &&
           change_user(change, contract->owner_id, err);
}

/* Within the lease that the last heartbeat began. */
static bool was_heard(const struct change *change)
{
    return instant_until(change->session.last_heartbeat, change->now) <= CONNECTED_LEASE_US;
}

/* GPU time ends at this decision, or where credit or lifetime did. */
static bool cut_charge(struct change *change, struct contract_row *contract, struct error *err)
{
    struct interval_row interval;
    struct instant end;
    bool has;

    if (!interval_load(change->db, contract->id, change->arena, &interval, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_charge_end(change, contract, &end, err))
        return false;

    struct connected last = usage_connected(&interval, change->session.last_heartbeat, end);
    struct connected next;
    struct connected_charge charge = connected_cut(&last, change->now, end, &next);
    /* An earlier decision may have counted past the last heartbeat: the lease begins with that. */
    if (!was_heard(change))
        charge.charged_us = 0;
    struct instant stop = instant_add(last.cursor, charge.charged_us);
    return change_close_interval(change, contract, &interval, stop, err);
}

bool change_split_interval(struct change *change, struct contract_row *contract, struct error *err)
{
    struct interval_row interval;
    struct instant end;
    bool has;

    if (!interval_load(change->db, contract->id, change->arena, &interval, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_charge_end(change, contract, &end, err) || !cut_charge(change, contract, err))
        return false;
    /* Where credit or lifetime have ended, or the host has not been heard of, nothing goes on. */
    struct connected last = usage_connected(&interval, change->session.last_heartbeat, end);
    if (instant_compare(end, change->now) < 0 || !was_heard(change) ||
        !connected_is_live(&last, change->now))
        return true;
    interval.run_ms += instant_until(interval.start, change->now) / US_PER_MS;
    interval.start = interval.metered = change->now;
    return interval_open(change->db, &interval, err);
}

bool change_can_pay(struct change *change, const struct contract_row *const *contracts,
                    size_t count, bool *ret_can_pay, struct error *err)
{
    struct meter meters[COMPONENT_COUNT];
    struct contract_hours hours;
    struct user_row user;
    struct credit credit;
    bool has;

    assert(count > 0);
    if (!user_lock(change->db, contracts[0]->owner_id, err) ||
        !user_load(change->db, contracts[0]->owner_id, change->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    if (!funds_credit_kept(change->db, &user, change->now, change->arena, &credit, err) ||
        !contract_coming_hours(change->db, user.id, &hours, err))
        return false;
    credit_add_starting(&credit, hours.starting);
    *ret_can_pay = true;
    /* What they have run up is counted already: only their burn is new; of what is reserved, none.
     */
    for (size_t i = 0; i < count; i++) {
        const struct contract_row *contract = contracts[i];

        assert(contract->owner_id == user.id);
        if (contract->kind == KIND_RESERVED)
            continue;
        *ret_can_pay = false;
        rent_meters(&contract->terms, contract->share.disk_gb, contract->fee_bps, meters);
        credit_add(&credit, &meters[COMPONENT_GPU - 1], &credit.as_of);
        if (!contract_is_metered(contract))
            credit_add(&credit, &meters[COMPONENT_DISK - 1], &credit.as_of);
    }
    *ret_can_pay = *ret_can_pay || credit_admits(&credit);
    return true;
}

/* Whether it is somebody else than its renter who ends it, or for a reason of its host's: all that
 * is left of a deposit goes back. */
static bool find_fault(struct change *change, const struct contract_row *contract,
                       enum rental_event event, bool *ret_is_whole, struct error *err)
{
    const struct machine_row *machine = &change->machine;
    const char *reason = NULL;

    *ret_is_whole = (event != RENTAL_DESTROY_ASKED && event != RENTAL_STOPPED_TOO_LONG) ||
                    instant_compare(contract->terms.end, change->now) <= 0 ||
                    machine->is_quarantined || machine->verification == VERIFICATION_DEVERIFIED ||
                    (!machine->is_online &&
                     instant_until(machine->offline_since, change->now) >= RESERVED_PATIENCE_US);
    if (*ret_is_whole)
        return true;
    if (!reclaim_reason(change, contract->terms.end, &reason, err))
        return false;
    *ret_is_whole = reason != NULL;
    return true;
}

static bool end_reservation(struct change *change, struct contract_row *contract,
                            enum rental_event event, struct error *err)
{
    bool is_whole;

    return contract->kind != KIND_RESERVED ||
           (find_fault(change, contract, event, &is_whole, err) &&
            reservation_end(change->db, contract, is_whole, change->now, err));
}

static bool close_meters(struct change *change, struct contract_row *contract,
                         enum rental_event event, struct error *err)
{
    struct usage usage = {
        .now = change->now,
        .disk_until = usage_disk_of(&change->machine, contract, change->now),
        .is_last = true,
    };

    contract->destroyed = change->now;
    if (contract->kind == KIND_IDLE)
        return true;
    return relay_take_back(change->db, contract->id, err) &&
           (!contract_is_metered(contract) || usage_post(change->db, &usage, contract, err)) &&
           end_reservation(change, contract, event, err) &&
           api_key_revoke_of_contract(change->db, contract->owner_id, contract->id, change->now,
                                      err) &&
           change_user(change, contract->owner_id, err);
}

/* The machine's GPUs as rent_place() takes them: those the contract had last come first. */
static bool load_gpus(struct change *change, int64_t contract_id, struct rent_gpu **ret,
                      size_t *ret_count, struct error *err)
{
    struct gpu_row *rows;
    size_t count, at = 0;

    if (!gpu_list(change->db, change->machine.id, change->arena, &rows, &count, err))
        return false;
    struct rent_gpu *gpus = arena_alloc(change->arena, count, sizeof *gpus);
    if (gpus == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the GPUs");
    for (int is_other = 0; is_other < 2; is_other++)
        for (size_t i = 0; i < count; i++)
            if ((rows[i].last_claim_of != contract_id) == is_other)
                gpus[at++] = (struct rent_gpu){ rows[i].id, rows[i].claimed_by };
    *ret = gpus;
    *ret_count = count;
    return true;
}

/* A whole machine without GPUs is one row that is claimed like a GPU. */
static size_t claim_count(const struct contract_row *contract)
{
    return contract->terms.num_gpus == 0 ? 1 : (size_t)contract->terms.num_gpus;
}

static bool place(struct change *change, const struct contract_row *contract,
                  int64_t ids[static GPUS_MAX], bool *ret_has, struct error *err)
{
    struct rent_gpu *gpus;
    size_t count;

    if (!load_gpus(change, contract->id, &gpus, &count, err))
        return false;
    *ret_has = rent_place(gpus, count, claim_count(contract), contract->id, ids);
    return true;
}

bool change_has_gpus(struct change *change, const struct contract_row *contract, bool *ret_has,
                     struct error *err)
{
    int64_t ids[GPUS_MAX];

    return place(change, contract, ids, ret_has, err);
}

static bool take_gpus(struct change *change, const struct contract_row *contract, struct error *err)
{
    int64_t ids[GPUS_MAX];
    bool has;

    if (!place(change, contract, ids, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CONFLICT, "the GPUs of contract %lld are taken",
                         (long long)contract->id);
    for (size_t i = 0; i < claim_count(contract); i++)
        if (!claim_insert(change->db, ids[i], contract->id, change->now, err))
            return error_context(err, "claim a GPU");
    change->cuts_offers = true;
    return true;
}

static bool free_gpus(struct change *change, const struct contract_row *contract, struct error *err)
{
    int64_t count;

    if (!claim_release(change->db, contract->id, change->now, &count, err))
        return false;
    change->cuts_offers |= count > 0;
    return true;
}

static bool carry_out(struct change *change, struct contract_row *contract,
                      const struct rental_arrow *arrow, struct error *err)
{
    unsigned effects = arrow->effects;

    if ((effects & RENTAL_CUTS_CHARGE) && !cut_charge(change, contract, err))
        return false;
    if ((effects & RENTAL_CLOSES_METERS) && !close_meters(change, contract, arrow->event, err))
        return false;
    if ((effects & RENTAL_FREES_GPUS) && !free_gpus(change, contract, err))
        return false;
    if ((effects & RENTAL_TAKES_GPUS) && !take_gpus(change, contract, err))
        return false;
    if (effects & RENTAL_RESTARTS)
        contract->restart_nonce++;
    if (effects & RENTAL_TELLS_HOST) {
        contract->gen++;
        change->tells_host = true;
    }
    /* Freed disk makes no offer by itself; the catalog has to hear of it. */
    if (effects & RENTAL_FREES_DISK)
        change->cuts_offers = true;
    return true;
}

/* Since when it runs; and a run that begins has not been told to make way. The end of the notice
 * stands until then, for what comes to light after it. */
static void note_times(const struct change *change, struct contract_row *contract,
                       enum rental_state to)
{
    if (!rental_must_hold_gpus(to) || to == RENTAL_CREATED)
        contract->ran = (struct instant){ 0 };
    else if (to == RENTAL_RUNNING && contract->ran.microseconds == 0)
        contract->ran = change->now;
    if (to == RENTAL_CREATED)
        contract->pause = INSTANT_NEVER;
}

void change_turn_automation(struct contract_row *contract, struct instant now)
{
    /* Nobody loses data for having run out of credit, or by a rule meant for other stops. */
    bool is_stopped = contract->state == RENTAL_STOPPED && contract->reason != REASON_NO_CREDIT &&
                      contract->reason != REASON_OPERATOR_STOP;

    automation_turn(&contract->automation, is_stopped, now);
    contract->automation.idle_since = (struct instant){ 0 };
}

/* What a host says of itself comes of what it was told before. */
static bool is_answer(enum rental_event event)
{
    return event >= RENTAL_REPORTED_LOADING && event <= RENTAL_REPORTED_ABSENT;
}

bool change_contract(struct change *change, struct contract_row *contract, enum rental_event event,
                     const char *detail, bool *ret_has_changed, struct error *err)
{
    const struct rental_arrow *arrow = rental_arrow(contract->state, event);
    int64_t gen_before = contract->gen;

    *ret_has_changed = arrow != NULL;
    if (arrow == NULL)
        return true;
    if (!carry_out(change, contract, arrow, err))
        return error_context(err, "contract %lld: %s", (long long)contract->id,
                             rental_event_name(event));
    note_times(change, contract, arrow->to);
    contract->state = arrow->to;
    contract->state_at = change->now;
    if (arrow->to != RENTAL_LOADING && arrow->to != RENTAL_RUNNING) {
        change->decides = true;
        change->cause = change->cause == NULL ? rental_event_name(event) : change->cause;
    }
    if (arrow->effects & RENTAL_CLEARS_REASON) {
        contract->reason = REASON_NONE;
        contract->reason_detail = "";
    }
    if (arrow->reason != REASON_NONE) {
        contract->reason = arrow->reason;
        contract->reason_detail = detail;
    }
    change_turn_automation(contract, change->now);
    if (rental_intent(contract->state) == RENTAL_DESTROY)
        contract->warn = INSTANT_NEVER;

    struct event_row row = { .contract_id = contract->id,
                             .at = change->now,
                             .state = contract->state,
                             .reason = arrow->reason,
                             .detail = detail,
                             .decision_id = change->decision_id,
                             .is_answer = is_answer(event) };
    if (!contract_update(change->db, contract, gen_before, err) ||
        !event_insert(change->db, &row, err) ||
        !db_notify(change->db, TOPIC_CONTRACT, contract->id, err))
        return false;
    /* What never was on the host is gone at once. */
    return contract->state != RENTAL_DESTROYING || contract_is_on_host(contract) ||
           change_contract(change, contract, RENTAL_REPORTED_ABSENT, "", ret_has_changed, err);
}

bool change_touch(struct change *change, struct contract_row *contract, struct error *err)
{
    int64_t gen_before = contract->gen++;

    change->tells_host = true;
    return contract_update(change->db, contract, gen_before, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err);
}

bool change_end(struct change *change, struct error *err)
{
    bool decides = change->decides || change->cuts_offers;
    size_t offer_count;

    if (decides && !decide(change, err))
        return false;
    if (change->cuts_offers &&
        !offer_cut_all(change->db, &change->machine, change->now, change->arena, &offer_count, err))
        return false;
    if (decides && !decide_quotes(change, err))
        return false;
    for (size_t i = 0; i < change->user_count; i++) {
        int64_t user_id = change->users[i];

        if ((user_id != change->user_left && !change->leaves_users &&
             !funds_set_t_zero(change->db, user_id, change->now, err)) ||
            !db_notify(change->db, TOPIC_USER, user_id, err))
            return false;
    }
    if ((change->cuts_offers || change->tells_host || change->user_count > 0) &&
        !machine_set_changed(change->db, change->machine.id, change->now, err))
        return false;
    if (change->tells_host)
        return machine_bump(change->db, change->machine.id, err);
    return !change->cuts_offers || db_notify(change->db, TOPIC_MACHINE, change->machine.id, err);
}
