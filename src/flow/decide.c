/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/decide.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "flow/bid.h"
#include "flow/hardware.h"
#include "market/rent.h"
#include "store/decision.h"
#include "store/meters.h"
#include "store/offer.h"

enum {
    INPUTS_MAX = 4 << 20, /* the text that is hashed */
    IDS_MAX = 4096,       /* of a list of contracts */
    WINNERS_TOLD = 3,     /* to one that is outbid */
};

struct decide_work {
    struct change *change;
    struct hall hall;
    struct auction_ruling *firm_rulings, *bid_rulings;
    struct auction_plan plan;
    /* At the places of hall.rows: who can pay, and has room; else NULL. */
    struct contract_row **able;
    int64_t disk_free_gb; /* -1: not known yet */
};

static bool open_work(struct decide_work *work, struct change *change, struct error *err)
{
    struct arena *arena = change->arena;

    *work = (struct decide_work){ .change = change, .disk_free_gb = -1 };
    if (!hall_load(change->db, &change->machine, change->now, arena, &work->hall, err))
        return false;
    /* One place more, for a trial. */
    work->firm_rulings = arena_alloc(arena, work->hall.row_count, sizeof *work->firm_rulings);
    work->bid_rulings = arena_alloc(arena, work->hall.row_count + 1, sizeof *work->bid_rulings);
    work->able = arena_alloc(arena, work->hall.row_count, sizeof(struct contract_row *));
    if (work->firm_rulings == NULL || work->bid_rulings == NULL || work->able == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a decision");
    return true;
}

static void rule(struct decide_work *work)
{
    auction_decide(&work->hall.facts, work->firm_rulings, work->bid_rulings, &work->plan);
}

static bool has_room(struct decide_work *work, const struct contender_row *row, bool *ret_has,
                     struct error *err)
{
    struct hardware *hardware;

    *ret_has = true;
    if (row->started.microseconds != 0)
        return true; /* its disk is there */
    if (work->disk_free_gb < 0) {
        if (!hardware_load(work->change->db, &work->change->machine, work->change->now,
                           work->change->arena, &hardware, err))
            return false;
        work->disk_free_gb = hardware->machine.disk_free_gb;
    }
    *ret_has = row->disk_gb <= work->disk_free_gb;
    work->disk_free_gb -= *ret_has ? row->disk_gb : 0;
    return true;
}

/* Together with all that its owner starts by the same decision. */
static bool can_pay(struct decide_work *work, const struct contract_row *contract, bool *ret,
                    struct error *err)
{
    const struct hall *hall = &work->hall;
    const struct contract_row **starts =
        arena_alloc(work->change->arena, hall->facts.bid_count + 1, sizeof *starts);
    size_t count = 0;

    if (starts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a decision");
    starts[count++] = contract;
    for (size_t i = 0; i < hall->facts.bid_count; i++) {
        const struct contract_row *other = work->able[hall->bid_rows[i] - hall->rows];

        if (other != NULL && other->owner_id == contract->owner_id &&
            work->bid_rulings[i].verdict == AUCTION_RUNS)
            starts[count++] = other;
    }
    return change_can_pay(work->change, starts, count, ret, err);
}

/* Of those who would start, the first who cannot: `*ret_place`, or the count of bids. One that
 * cannot pay stops waiting; one without room waits on. */
static bool find_unable(struct decide_work *work, size_t *ret_place, struct error *err)
{
    struct hall *hall = &work->hall;

    for (size_t i = 0; i < hall->facts.bid_count; i++) {
        const struct contender_row *row = hall->bid_rows[i];
        struct contract_row *contract;
        bool is_able, fits, has, has_changed;

        *ret_place = i;
        if (hall->bids[i].is_running || work->bid_rulings[i].verdict != AUCTION_RUNS ||
            row->state == RENTAL_PAUSING || work->able[row - hall->rows] != NULL)
            continue;
        contract = arena_alloc(work->change->arena, 1, sizeof *contract);
        if (contract == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "no room for a decision");
        if (!contract_load(work->change->db, row->id, work->change->arena, contract, &has, err) ||
            !can_pay(work, contract, &is_able, err))
            return false;
        if (!is_able)
            return change_contract(work->change, contract, RENTAL_CREDIT_ENDED, "", &has_changed,
                                   err) &&
                   change_user(work->change, contract->owner_id, err);
        if (!has_room(work, row, &fits, err))
            return false;
        if (!fits)
            return true;
        work->able[row - hall->rows] = contract;
    }
    *ret_place = hall->facts.bid_count;
    return true;
}

/* Until all who would start can. */
static bool rule_for_the_able(struct decide_work *work, struct error *err)
{
    for (;;) {
        size_t place;

        rule(work);
        if (!find_unable(work, &place, err))
            return false;
        if (place == work->hall.facts.bid_count)
            return true;
        hall_drop_bid(&work->hall, place);
    }
}

static void write_inputs(const struct hall *hall, struct buf *out)
{
    const struct auction_facts *facts = &hall->facts;

    buf_printf(out, "%d %" PRId64 "\n", AUCTION_RULE_VERSION, facts->gpu_count);
    for (size_t i = 0; i < facts->firm_count; i++)
        buf_printf(out, "f %" PRId64 " %" PRId64 " %d %" PRId64 "\n", facts->firms[i].id,
                   facts->firms[i].gpus, facts->firms[i].is_running,
                   facts->firms[i].since.microseconds);
    for (size_t i = 0; i < facts->bid_count; i++) {
        const struct auction_bid *bid = &facts->bids[i];
        bool is_young = bid->is_running && instant_compare(bid->ran, INSTANT_NEVER) != 0 &&
                        instant_until(bid->ran, facts->now) < AUCTION_RUN_MIN_US;

        buf_printf(out,
                   "b %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRId64
                   " %d\n",
                   bid->id, bid->gpus, bid->ticks, bid->max_ticks, bid->placed.microseconds,
                   bid->is_running, bid->ran.microseconds, is_young);
    }
}

static void write_ids(const struct decide_work *work, bool after, struct buf *out)
{
    const struct auction_facts *facts = &work->hall.facts;

    for (size_t i = 0; i < facts->firm_count; i++)
        if (after ? work->firm_rulings[i].verdict == AUCTION_RUNS : facts->firms[i].is_running)
            buf_printf(out, "%s%" PRId64, out->length > 0 ? " " : "", facts->firms[i].id);
    for (size_t i = 0; i < facts->bid_count; i++)
        if (after ? work->bid_rulings[i].verdict == AUCTION_RUNS : facts->bids[i].is_running)
            buf_printf(out, "%s%" PRId64, out->length > 0 ? " " : "", facts->bids[i].id);
}

static const char *text_of(const struct buf *text)
{
    return text->length > 0 ? text->bytes : "";
}

/* Kept where anything hung on it, once: the same inputs again are the same decision. */
static bool record(struct decide_work *work, struct error *err)
{
    struct change *change = work->change;
    auto_buf struct buf inputs = buf_of(INPUTS_MAX), before = buf_of(IDS_MAX),
                        after = buf_of(IDS_MAX);
    struct decision_row last, row = { .machine_id = change->machine.id,
                                      .at = change->now,
                                      .rule_version = AUCTION_RULE_VERSION,
                                      .cause = change->cause == NULL ? "" : change->cause,
                                      .value_before = work->plan.value_before,
                                      .value_after = work->plan.value_after };
    bool is_contended = work->hall.facts.bid_count > 0, has;

    for (size_t i = 0; i < work->hall.facts.firm_count; i++)
        is_contended |= !work->hall.firms[i].is_running;
    if (!is_contended)
        return true;
    write_inputs(&work->hall, &inputs);
    write_ids(work, false, &before);
    write_ids(work, true, &after);
    if (inputs.has_overflowed || before.has_overflowed || after.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a decision about too many");
    row.inputs = crypto_sha256(inputs.bytes, inputs.length);
    row.ran_before = text_of(&before);
    row.runs_after = text_of(&after);
    if (!decision_last(change->db, change->machine.id, change->arena, &last, &has, err))
        return false;
    if (has && memcmp(last.inputs.bytes, row.inputs.bytes, sizeof row.inputs.bytes) == 0) {
        change->decision_id = last.id;
        return true;
    }
    return decision_insert(change->db, &row, &change->decision_id, err);
}

static void tell_price(struct buf *out, int64_t ticks)
{
    buf_printf(out, "$%" PRId64 ".%03" PRId64, ticks / 1000, ticks % 1000);
}

/* Who runs now for more: those who come, or, where nobody does, those who raised themselves. */
static void tell_winners(const struct decide_work *work, struct buf *out)
{
    const struct auction_facts *facts = &work->hall.facts;
    int told = 0, untold = 0;

    for (int raised = 0; raised < 2 && told == 0; raised++) {
        for (size_t i = 0; i < facts->bid_count; i++) {
            struct auction_ruling ruling = work->bid_rulings[i];
            bool has_come = !facts->bids[i].is_running;

            if (ruling.verdict != AUCTION_RUNS ||
                (raised ? ruling.ticks == facts->bids[i].ticks : !has_come))
                continue;
            if (told == WINNERS_TOLD) {
                untold++;
                continue;
            }
            buf_printf(out, "%s", told++ > 0 ? " and " : "");
            tell_price(out, ruling.ticks);
            buf_printf(out, " on %" PRId64 " GPU%s", facts->bids[i].gpus,
                       facts->bids[i].gpus == 1 ? "" : "s");
        }
    }
    if (untold > 0)
        buf_printf(out, " and %d more", untold);
    buf_printf(out, ", for a GPU and hour.");
}

static bool pause(struct decide_work *work, size_t place, struct error *err)
{
    const struct contender_row *row = work->hall.bid_rows[place];
    struct auction_ruling ruling = work->bid_rulings[place];
    bool is_outbid = ruling.verdict == AUCTION_OUTBID, has, has_changed;
    auto_buf struct buf detail = buf_of(1024);
    struct bid_row bid = row->bid;
    struct contract_row contract;
    int64_t grace_s = row->state == RENTAL_RUNNING ? bid.grace_s : 0;

    if (!is_outbid && grace_s > AUCTION_GRACE_S_OUTRANKED)
        grace_s = AUCTION_GRACE_S_OUTRANKED;
    if (is_outbid)
        tell_winners(work, &detail);
    if (ruling.keep_ticks > 0) {
        buf_printf(&detail, "%s", detail.length > 0 ? " " : "");
        tell_price(&detail, ruling.keep_ticks);
        buf_printf(&detail, " would have kept it running.");
    }
    bid.keep_ticks = ruling.keep_ticks;
    if (detail.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a reason that is too long");
    const char *told = arena_text(work->change->arena, text_of(&detail));
    if (told == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a reason");
    if (!contract_load(work->change->db, row->id, work->change->arena, &contract, &has, err) ||
        !bid_update(work->change->db, &bid, err))
        return false;
    contract.pause = instant_add(work->change->now, grace_s * US_PER_SECOND);
    return change_contract(work->change, &contract, is_outbid ? RENTAL_OUTBID : RENTAL_OUTRANKED,
                           told, &has_changed, err) &&
           change_user(work->change, contract.owner_id, err);
}

static bool raise(struct decide_work *work, size_t place, struct error *err)
{
    struct bid_row bid = work->hall.bid_rows[place]->bid;
    struct contract_row contract;
    bool has;

    bid.ticks = work->bid_rulings[place].ticks;
    bid.placed = work->change->now;
    return contract_load(work->change->db, bid.contract_id, work->change->arena, &contract, &has,
                         err) &&
           bid_reprice(work->change, &contract, &bid, err);
}

/* A bid that runs for the first time has a disk, and something to pay for, from now on. */
static bool begin(struct change *change, struct contract_row *contract, struct error *err)
{
    struct meter meters[COMPONENT_COUNT];

    if (contract_is_on_host(contract))
        return true;
    contract->started = contract->disk_metered = contract->posted = contract->counted = change->now;
    rent_meters(&contract->terms, contract->share.disk_gb, contract->fee_bps, meters);
    return meters_open(change->db, contract->id, meters, change->now, err) &&
           contract_meter(change->db, contract, err) && contract_report(change->db, contract, err);
}

/* One that was stopped waits again, which its owner's credit has to last for. */
static bool wait_again(struct change *change, struct contract_row *contract, struct error *err)
{
    bool has_changed;

    return change_contract(change, contract, RENTAL_BID_WAITS, "", &has_changed, err) &&
           change_user(change, contract->owner_id, err);
}

/* GPUs that nobody holds, if there are enough; else it waits for those who have been told. */
static bool grant(struct decide_work *work, const struct contender_row *row, bool *ret_is_granted,
                  struct error *err)
{
    struct change *change = work->change;
    struct contract_row contract;
    bool has;

    *ret_is_granted = false;
    if (row->state == RENTAL_PAUSING)
        return true;
    if (!contract_load(change->db, row->id, change->arena, &contract, &has, err) ||
        !change_has_gpus(change, &contract, ret_is_granted, err))
        return false;
    if (row->state == RENTAL_STOPPED && !wait_again(change, &contract, err))
        return false;
    if (*ret_is_granted)
        return (row->kind == KIND_IDLE || begin(change, &contract, err)) &&
               change_contract(change, &contract, RENTAL_GPUS_GRANTED, "", &has, err) &&
               (row->kind == KIND_IDLE || change_user(change, contract.owner_id, err));
    if (contract.reason == REASON_GPUS_CLEARING || row->kind == KIND_IDLE)
        return true;
    contract.reason = REASON_GPUS_CLEARING;
    contract.reason_detail = "";
    return contract_update(change->db, &contract, contract.gen, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract.id, err);
}

/* Those who waited for longest first: who is promised GPUs gets the next ones that are free. */
static bool grant_firms(struct decide_work *work, struct error *err)
{
    const struct hall *hall = &work->hall;
    int64_t promised = 0;

    for (;;) {
        const struct auction_firm *next = NULL;
        bool is_granted;

        for (size_t i = 0; i < hall->facts.firm_count; i++) {
            const struct auction_firm *firm = &hall->firms[i];

            if (!firm->is_running && work->firm_rulings[i].verdict == AUCTION_RUNS &&
                (next == NULL || instant_compare(firm->since, next->since) < 0))
                next = firm;
        }
        if (next == NULL)
            break;
        work->firm_rulings[next - hall->firms].verdict = AUCTION_WAITS; /* dealt with */
        if (!grant(work, hall->firm_rows[next - hall->firms], &is_granted, err))
            return false;
        bool holds = hall->firm_rows[next - hall->firms]->state == RENTAL_PAUSING;
        promised += is_granted || holds ? 0 : next->gpus;
    }
    work->change->machine.promised = promised;
    return true;
}

/* A bid that its lifetime had stopped and that does not run yet waits like the others. */
static bool settle_bid(struct decide_work *work, size_t place, struct error *err)
{
    const struct contender_row *row = work->hall.bid_rows[place];
    struct contract_row contract;
    bool has, is_granted;

    if (work->bid_rulings[place].verdict == AUCTION_RUNS)
        return work->hall.bids[place].is_running || grant(work, row, &is_granted, err);
    if (row->state != RENTAL_STOPPED)
        return true;
    return contract_load(work->change->db, row->id, work->change->arena, &contract, &has, err) &&
           wait_again(work->change, &contract, err);
}

static bool settle_bids(struct decide_work *work, struct error *err)
{
    const struct auction_facts *facts = &work->hall.facts;

    for (size_t i = 0; i < facts->bid_count; i++)
        if (work->bid_rulings[i].verdict == AUCTION_RUNS &&
            work->bid_rulings[i].ticks != facts->bids[i].ticks && !raise(work, i, err))
            return false;
    for (size_t i = 0; i < facts->bid_count; i++)
        if (facts->bids[i].is_running && work->bid_rulings[i].verdict != AUCTION_RUNS &&
            !pause(work, i, err))
            return false;
    for (size_t i = 0; i < facts->bid_count; i++)
        if (!settle_bid(work, i, err))
            return false;
    return true;
}

static bool yield(struct decide_work *work, const struct contender_row *row, struct error *err)
{
    struct contract_row contract;
    bool has, has_changed;

    if (!contract_load(work->change->db, row->id, work->change->arena, &contract, &has, err))
        return false;
    contract.pause = work->change->now; /* without notice */
    return change_contract(work->change, &contract, RENTAL_YIELDS, "", &has_changed, err);
}

/* One idle job for each place that is left, and no more. */
static bool settle_idle(struct decide_work *work, struct error *err)
{
    const struct hall *hall = &work->hall;
    int64_t left = work->plan.idle_gpus;
    bool is_granted;

    for (size_t i = 0; i < hall->idle_count; i++) {
        const struct contender_row *row = hall->idle_rows[i];

        if (!rental_must_hold_gpus(row->state) || row->state == RENTAL_PAUSING)
            continue;
        if (left > 0)
            left--;
        else if (!yield(work, row, err))
            return false;
    }
    for (size_t i = 0; i < hall->idle_count && left > 0; i++) {
        if (hall->idle_rows[i]->state != RENTAL_SCHEDULING)
            continue;
        if (!grant(work, hall->idle_rows[i], &is_granted, err))
            return false;
        left -= is_granted;
    }
    return true;
}

bool decide(struct change *change, struct error *err)
{
    struct machine_row before = change->machine;
    struct decide_work work;

    if (!hall_is_open(&change->machine))
        return true;
    if (!open_work(&work, change, err) || !rule_for_the_able(&work, err) || !record(&work, err) ||
        !settle_bids(&work, err) || !grant_firms(&work, err) || !settle_idle(&work, err))
        return error_context(err, "decide about machine %" PRId64, change->machine.id);
    change->machine.decide = work.plan.again;
    if (before.promised != change->machine.promised)
        change->cuts_offers = true;
    return (before.promised == change->machine.promised &&
            instant_compare(before.decide, change->machine.decide) == 0) ||
           machine_set_decided(change->db, &change->machine, err);
}

bool decide_quotes(struct change *change, struct error *err)
{
    struct offer_row *offers;
    struct hall hall;
    size_t count;
    bool has_changed = false;

    if (!hall_is_open(&change->machine))
        return true;
    if (!offer_list(change->db, change->machine.id, change->arena, &offers, &count, err) ||
        (count > 0 &&
         !hall_load(change->db, &change->machine, change->now, change->arena, &hall, err)))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t num_gpus = offers[i].terms.num_gpus, ticks = hall_quote(&hall, num_gpus, 0);
        struct money price = { -1 };

        if (ticks > 0)
            price = auction_price(ticks, num_gpus);
        /* As much as on demand: no bid is taken. */
        if (money_compare(price, offers[i].terms.gpu_hour) >= 0)
            price.nanodollars = -1;
        if (money_compare(price, offers[i].run_bid_hour) == 0)
            continue;
        has_changed = true;
        if (!offer_set_run_bid(change->db, offers[i].id, price, err))
            return false;
    }
    return !has_changed || db_notify(change->db, TOPIC_MACHINE, change->machine.id, err);
}

bool decide_try(struct change *change, const struct decide_trial *trial, bool *ret_would_run,
                struct error *err)
{
    struct decide_work work;

    if (!open_work(&work, change, err))
        return false;
    size_t place = work.hall.facts.bid_count++;
    struct auction_bid *bids = arena_alloc(change->arena, place + 1, sizeof *bids);
    if (bids == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a decision");
    if (place > 0)
        memcpy(bids, work.hall.bids, place * sizeof *bids);
    bids[place] = (struct auction_bid){ .id = INT64_MAX,
                                        .gpus = hall_places(trial->num_gpus),
                                        .ticks = trial->ticks,
                                        .max_ticks = trial->max_ticks,
                                        .placed = change->now,
                                        .ran = INSTANT_NEVER };
    work.hall.facts.bids = bids;
    rule(&work);
    *ret_would_run = work.bid_rulings[place].verdict == AUCTION_RUNS;
    return true;
}
