/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/usage.h"

#include <assert.h>
#include <stdio.h>

#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/reservation.h"
#include "market/billing.h"
#include "market/journal.h"
#include "store/ledger.h"
#include "store/ledger_many.h"
#include "store/liveness.h"
#include "store/meters.h"
#include "store/parked.h"
#include "store/usage_line.h"
#include "store/user.h"

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

/* Up to where an open interval is confirmed. It is never before what has been metered: decisions
 * meter past the last heartbeat only to close the interval. */
static struct instant confirmed(struct instant metered, struct instant last_heartbeat,
                                struct instant end)
{
    return instant_max(metered, earlier(last_heartbeat, end));
}

struct connected usage_connected(const struct interval_row *interval, struct instant last_heartbeat,
                                 struct instant end)
{
    struct connected connected = { .is_running = true };
    int length =
        snprintf(connected.start_token, sizeof connected.start_token, "%s", interval->start_token);

    assert(length >= 0 && length < START_TOKEN_SIZE);
    connected.cursor = confirmed(interval->metered, last_heartbeat, end);
    connected.run_ms =
        interval->run_ms + instant_until(interval->start, connected.cursor) / US_PER_MS;
    return connected;
}

struct instant usage_disk_until(struct instant offline_since, int64_t charged_us, struct instant at)
{
    return earlier(at, instant_add(offline_since, charged_us));
}

struct instant usage_disk_of(const struct machine_row *machine, const struct contract_row *contract,
                             struct instant at)
{
    return machine->is_online
               ? at
               : usage_disk_until(machine->offline_since, contract->disk_offline_us, at);
}

/* A total that outgrew its meter stays where it is: the bill has reached what money can hold. */
static void advance(struct meter *meter, int64_t by)
{
    int64_t total;

    assert(by >= 0);
    if (__builtin_add_overflow(meter->total, by, &total) || meter_advance(meter, total) != METER_OK)
        return;
}

static int64_t span_us(struct instant from, struct instant until)
{
    int64_t us = instant_until(from, until);

    return us > 0 ? us : 0;
}

void usage_add(struct credit *credit, const struct burn_row *burn, struct instant end)
{
    struct instant now = credit->as_of, since, until;
    struct meter meter = burn->meter;
    bool runs = false;

    switch (meter.component) {
    case COMPONENT_GPU:
        if (!burn->is_open)
            break;
        since = earlier(burn->metered, now);
        runs = instant_until(burn->last_heartbeat, now) < CONNECTED_LEASE_US &&
               instant_compare(now, end) < 0;
        if (!runs)
            advance(&meter, span_us(since, confirmed(since, burn->last_heartbeat, end)));
        break;
    case COMPONENT_DISK:
        since = earlier(burn->disk_metered, now);
        until = burn->is_online ? now
                                : usage_disk_until(burn->offline_since, burn->disk_offline_us, now);
        runs = instant_compare(until, now) == 0;
        if (!runs)
            advance(&meter, span_us(since, until));
        break;
    case COMPONENT_UP:
    case COMPONENT_DOWN:
        advance(&meter, burn->unmetered);
        break;
    }
    credit_add(credit, &meter, runs ? &since : NULL);
}

/* One meter from `since` on: it runs until `end`, and is a line of its own after that. */
static struct accrual accrual_until(struct meter meter, struct instant since, struct instant end,
                                    struct instant at, struct instant *ret_bend)
{
    if (instant_compare(at, end) < 0) {
        *ret_bend = end;
        return accrual_of(&meter, &since);
    }
    advance(&meter, span_us(since, end));
    return accrual_of(&meter, NULL);
}

struct accrual usage_accrual(const struct burn_row *burn, struct instant at,
                             struct instant *ret_bend)
{
    struct instant end = INSTANT_NEVER;

    *ret_bend = INSTANT_NEVER;
    if (burn->is_destroyed || burn->is_reserved)
        return (struct accrual){ 0 };
    switch (burn->meter.component) {
    case COMPONENT_GPU:
        if (!burn->is_open)
            return accrual_of(&burn->meter, NULL);
        return accrual_until(burn->meter, burn->metered, burn->end, at, ret_bend);
    case COMPONENT_DISK:
        if (!burn->is_online)
            end = instant_add(burn->offline_since, burn->disk_offline_us);
        return accrual_until(burn->meter, burn->disk_metered, end, at, ret_bend);
    case COMPONENT_UP:
    case COMPONENT_DOWN:
        break;
    }
    return (struct accrual){ 0 };
}

/* One posting of all four meters, of what was used until `at`. */
struct posting {
    struct instant from, at;
    struct journal_usage journal;
    int64_t used[COMPONENT_COUNT];
};

static bool post_meters(struct meters *meters, struct posting *posting, struct error *err)
{
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        struct meter *meter = &meters->of[i];

        posting->used[i] = meter->total - meter->posted_total;
        if (meter_post(meter, meter, &posting->journal.charges[i]) != METER_OK)
            return error_set(err, ERROR_OUT_OF_RANGE, "the bill of contract %lld is too large",
                             (long long)meters->contract_id);
    }
    return true;
}

enum { DAYS_MAX = 8 }; /* on one way to the database */

struct usage_state {
    struct contract_row *contract;
    struct meters meters;
    int64_t gpu_done_us;               /* of usage->gpu_us */
    struct renter_funds funds;         /* as the journals leave them */
    struct money deposit;              /* the same, of what is reserved; else 0 */
    bool is_used_up;                   /* the deposit */
    struct journal journals[DAYS_MAX]; /* that are not posted yet */
    size_t journal_count;
    struct usage_line lines[DAYS_MAX * COMPONENT_COUNT]; /* that are not stored yet */
    size_t line_count;
};

static bool post_journals(struct db *db, struct usage_state *state, struct instant now,
                          struct error *err)
{
    size_t count = state->journal_count;

    state->journal_count = 0;
    return count == 0 || ledger_post_many(db, state->journals, count, now, err);
}

static bool add_journal(struct db *db, const struct journal_usage *usage, struct instant now,
                        struct usage_state *state, struct error *err)
{
    struct renter_funds after;

    if (state->journal_count == DAYS_MAX && !post_journals(db, state, now, err))
        return false;
    switch (journal_usage(usage, &state->funds, &state->journals[state->journal_count], &after)) {
    case JOURNAL_EMPTY:
        return true;
    case JOURNAL_TOO_LARGE:
        return error_set(err, ERROR_OUT_OF_RANGE, "user %lld owes more than money holds",
                         (long long)usage->renter_id);
    case JOURNAL_BUILT:
        break;
    }
    state->funds = after;
    state->deposit.nanodollars -= journal_usage_drawn(usage).nanodollars;
    state->journal_count++;
    state->contract->usage_count++;
    return true;
}

static bool store_lines(struct db *db, struct usage_state *state, struct error *err)
{
    size_t count = state->line_count;

    state->line_count = 0;
    return usage_line_add_all(db, state->lines, count, err);
}

/* What bills are made of, by the day that the posting belongs to. */
static bool add_lines(struct db *db, const struct posting *posting, struct usage_state *state,
                      struct error *err)
{
    const struct contract_row *contract = state->contract;
    const struct meters *meters = &state->meters;

    if (state->line_count + COMPONENT_COUNT > DAYS_MAX * COMPONENT_COUNT &&
        !store_lines(db, state, err))
        return false;
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        const struct meter *meter = &meters->of[i];
        const struct meter_charge *charge = &posting->journal.charges[i];
        struct usage_line line = { .contract_id = contract->id,
                                   .owner_id = contract->owner_id,
                                   .host_id = contract->host_id,
                                   .machine_id = contract->machine_id,
                                   .day = billing_day(posting->at),
                                   .component = meter->component,
                                   .kind = USAGE_USED,
                                   .rate = meter->rate,
                                   .quantity = meter->quantity,
                                   .used = posting->used[i],
                                   .gross = charge->gross,
                                   .host = charge->host,
                                   .accrued = charge->host,
                                   .from = posting->from,
                                   .until = posting->at };

        /* What is free is on no bill. */
        if ((line.used > 0 && line.rate.nanodollars > 0) || line.gross.nanodollars > 0)
            state->lines[state->line_count++] = line;
    }
    return true;
}

/* What an event that tells of usage has of it until some instant. */
struct reach {
    int64_t gpu_us;
    struct instant disk_until;
};

static struct reach reach_of(const struct usage *usage, struct instant at)
{
    struct reach reach = { usage->gpu_us, usage->disk_until };

    if (instant_compare(at, usage->now) >= 0)
        return reach;
    if (span_us(usage->gpu_from, at) < reach.gpu_us)
        reach.gpu_us = span_us(usage->gpu_from, at);
    reach.disk_until = earlier(usage->disk_until, at);
    return reach;
}

static void meter_time(struct meter *meters, const struct reach *reach,
                       const struct usage_state *state)
{
    advance(&meters[COMPONENT_GPU - 1], reach->gpu_us - state->gpu_done_us);
    advance(&meters[COMPONENT_DISK - 1], span_us(state->contract->disk_metered, reach->disk_until));
}

/* Meter and post what was used until `at`: all of it, or up to a midnight before now. Bytes belong
 * to when they were counted. */
static bool post_until(struct db *db, const struct usage *usage, struct instant at,
                       struct usage_state *state, struct error *err)
{
    bool is_all = instant_compare(at, usage->now) >= 0;
    struct contract_row *contract = state->contract;
    struct meters *meters = &state->meters;
    struct posting posting = { .from = contract->posted, .at = at };
    struct reach reach = reach_of(usage, at);

    meter_time(meters->of, &reach, state);
    state->gpu_done_us = reach.gpu_us;
    if (is_all || instant_compare(contract->counted, at) <= 0) {
        advance(&meters->of[COMPONENT_UP - 1], contract->up_unmetered);
        advance(&meters->of[COMPONENT_DOWN - 1], contract->down_unmetered);
        contract->up_unmetered = 0;
        contract->down_unmetered = 0;
    }
    posting.journal = (struct journal_usage){ .contract_id = contract->id,
                                              .renter_id = contract->owner_id,
                                              .host_id = contract->host_id,
                                              .number = contract->usage_count + 1,
                                              .occurred = at,
                                              .deposit = state->deposit };
    if (!post_meters(meters, &posting, err) ||
        !add_journal(db, &posting.journal, usage->now, state, err) ||
        !add_lines(db, &posting, state, err))
        return false;
    contract->disk_metered = instant_max(contract->disk_metered, reach.disk_until);
    contract->posted = at;
    return true;
}

/* Whether the deposit has been used up with what was used until `at`. */
static bool is_used_up(const struct usage *usage, struct instant at,
                       const struct usage_state *state)
{
    struct reach reach = reach_of(usage, at);
    struct meter meters[] = { state->meters.of[0], state->meters.of[1] };
    struct meter_charge gpu, disk;

    meter_time(meters, &reach, state);
    return meter_post(&meters[0], &meters[0], &gpu) != METER_OK ||
           meter_post(&meters[1], &meters[1], &disk) != METER_OK ||
           gpu.gross.nanodollars >= state->deposit.nanodollars - disk.gross.nanodollars;
}

/* The microsecond with which it is, by the totals, so whenever it is looked for: after what was
 * posted, and at the latest at `at`. */
static struct instant use_up(const struct usage *usage, struct instant at,
                             const struct usage_state *state)
{
    struct instant from = state->contract->posted;

    while (instant_compare(from, at) < 0) {
        struct instant middle = instant_add(from, instant_until(from, at) / 2);

        if (is_used_up(usage, middle, state))
            at = middle;
        else
            from = instant_add(middle, 1);
    }
    return at;
}

/* On demand from `at` on. GPU time after that comes to light only now: it is charged as far as
 * other credit goes. */
static bool end_deposit(struct db *db, struct usage *usage, struct instant at,
                        struct usage_state *state, struct error *err)
{
    int64_t affordable_us;

    /* Lines of after it may be of the same price: they go to the day's row one after the other. */
    if (!post_journals(db, state, usage->now, err) || !store_lines(db, state, err) ||
        !reservation_affords(db, state->contract, state->contract->list_hour, usage->now,
                             &affordable_us, err) ||
        !reservation_used_up(db, state->contract, &state->meters, at, err))
        return false;
    state->is_used_up = true;
    int64_t over_us = usage->gpu_us - state->gpu_done_us - affordable_us;
    if (over_us <= 0)
        return true;
    usage->gpu_us -= over_us;
    return parked_insert_dropped(db,
                                 &(struct parked_row){ .contract_id = state->contract->id,
                                                       .from = instant_add(at, affordable_us),
                                                       .gpu_us = over_us,
                                                       .parked = usage->now },
                                 err);
}

static bool post_piece(struct db *db, struct usage *usage, struct instant at,
                       struct usage_state *state, struct error *err)
{
    if (state->contract->kind == KIND_RESERVED && is_used_up(usage, at, state)) {
        struct instant end = use_up(usage, at, state);

        if (!post_until(db, usage, end, state, err) || !end_deposit(db, usage, end, state, err))
            return false;
    }
    return post_until(db, usage, at, state, err);
}

static bool load_funds(struct db *db, struct usage_state *state, struct error *err)
{
    return ledger_load_funds(db, state->contract->owner_id, &state->funds, err) &&
           (state->contract->kind != KIND_RESERVED ||
            reservation_left(db, state->contract, &state->deposit, err));
}

/* Of a deposit: when to look again; where it is used up, when credit ends, which counted nothing of
 * this contract until now. */
static bool look_ahead(struct db *db, const struct usage *usage, const struct usage_state *state,
                       struct error *err)
{
    if (usage->is_last)
        return true;
    if (state->is_used_up)
        return funds_set_t_zero(db, state->contract->owner_id, usage->now, err);
    return state->contract->kind != KIND_RESERVED ||
           reservation_plan_look(db, state->contract, &state->meters, usage->now, err);
}

/* How much of GPU time is charged now. Postings come far more often than that, so what comes in one
 * piece wants a reason: that we were not there to post it. */
static bool park_long(struct db *db, struct usage *usage, int64_t contract_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct span tick = { usage->gpu_from, usage->now };
    struct parked_row row = { .contract_id = contract_id,
                              .from = usage->gpu_from,
                              .gpu_us = usage->gpu_us,
                              .parked = usage->now };
    struct span *alive;
    int64_t tick_max_us = USAGE_TICK_US;
    size_t count;

    if (usage->is_decided || usage->gpu_us <= USAGE_TICK_US)
        return true;
    if (!parked_guard(db, &tick_max_us, err) ||
        !liveness_list(db, instant_add(tick.from, -CONNECTED_LEASE_US), &arena, &alive, &count,
                       err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (instant_compare(alive[i].until, tick.until) >= 0)
            alive[i].until = INSTANT_NEVER;
    row.outage_us = connected_outage_us(tick, alive, count);
    if (usage->gpu_us - row.outage_us <= tick_max_us)
        return true;
    usage->gpu_us = 0;
    usage->is_parked = true;
    return parked_insert(db, &row, err);
}

bool usage_post(struct db *db, struct usage *usage, struct contract_row *contract,
                struct error *err)
{
    struct usage_state state = { .contract = contract, .journal_count = 0, .line_count = 0 };
    struct instant day_end = billing_day_end(contract->posted);

    /* Who pays is fixed before anything is charged: funds are read and posted under this lock. */
    if (!user_lock(db, contract->owner_id, err) ||
        !meters_load(db, contract->id, &state.meters, err) || !load_funds(db, &state, err) ||
        !park_long(db, usage, contract->id, err))
        return false;
    /* Each day's bill is made up at its midnight, whenever it is posted. */
    for (; instant_compare(day_end, usage->now) < 0; day_end = billing_day_end(day_end))
        if (!post_piece(db, usage, day_end, &state, err))
            return error_context(err, "post usage of contract %lld", (long long)contract->id);
    if (!post_piece(db, usage, instant_max(usage->now, contract->posted), &state, err) ||
        !post_journals(db, &state, usage->now, err) || !store_lines(db, &state, err) ||
        !(usage->is_last ? meters_close(db, &state.meters, usage->now, err)
                         : meters_save(db, &state.meters, err)))
        return error_context(err, "post usage of contract %lld", (long long)contract->id);
    return contract_meter(db, contract, err) && look_ahead(db, usage, &state, err);
}

bool usage_is_settled(struct instant now)
{
    struct instant midnight = billing_midnight(billing_day(instant_add(now, 1)));

    return instant_until(midnight, now) >= USAGE_SETTLE_US;
}
