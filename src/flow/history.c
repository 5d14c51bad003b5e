/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/history.h"

#include <inttypes.h>
#include <string.h>

#include "flow/limits.h"
#include "store/interval.h"
#include "store/maintenance.h"

/* The last heartbeat comes a little before a host goes as it has announced. */
#define ANNOUNCED_EARLY_US (60 * US_PER_SECOND)

/* Who was away for longer than a month counts for itself. */
#define SLOTS_KEPT (30 * RELIABILITY_DAY_US / RELIABILITY_SLOT_US)

bool history_went_offline(struct db *db, struct machine_row *machine, struct instant since,
                          bool had_rental, struct error *err)
{
    struct machine_event_row event = { .machine_id = machine->id,
                                       .kind = RELIABILITY_OUTAGE,
                                       .start = since,
                                       .had_rental = had_rental };

    reliability_advance(&machine->reliability, since, true);
    return machine_set_reliability(db, machine, err) && machine_event_insert(db, &event, err);
}

bool history_left(struct db *db, struct machine_row *machine, struct instant now, struct error *err)
{
    struct machine_event_row event = { .machine_id = machine->id,
                                       .kind = RELIABILITY_OUTAGE,
                                       .start = now,
                                       .cause = RELIABILITY_LEFT };

    /* Of one that is away the outage goes on, until its hardware is back. */
    if (!machine->is_online)
        return true;
    reliability_advance(&machine->reliability, now, true);
    return machine_set_reliability(db, machine, err) && machine_event_insert(db, &event, err);
}

/* How much of the outage nobody could have expected; `*ret_is_announced`: it began as announced. */
static bool find_announced(struct db *db, const struct machine_event_row *event,
                           bool *ret_is_announced, int64_t *ret_away_us, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct maintenance_row *windows;
    size_t count;

    *ret_is_announced = false;
    *ret_away_us = instant_until(event->start, event->end);
    if (!maintenance_list(db, event->machine_id, event->start, &arena, &windows, &count, err))
        return false;
    for (size_t i = 0; i < count && !*ret_is_announced; i++) {
        bool is_early =
            instant_until(windows[i].created, windows[i].start) >= RELIABILITY_NOTICE_US;
        bool is_within =
            instant_compare(windows[i].start, instant_add(event->start, ANNOUNCED_EARLY_US)) <= 0;

        *ret_is_announced = is_early && is_within;
        if (*ret_is_announced && instant_compare(event->end, windows[i].end) > 0)
            *ret_away_us = instant_until(windows[i].end, event->end);
        else if (*ret_is_announced)
            *ret_away_us = 0;
    }
    return true;
}

/* Where most come back at once only the first few count; hosts that went are counted as long as
 * they are not yet too many, as of some it is not known yet that they are away. */
static bool was_the_market(struct db *db, const struct machine_event_row *event, bool *ret,
                           struct error *err)
{
    struct outage_slot slot = { .slot = event->start.microseconds / RELIABILITY_SLOT_US };
    struct instant begin = { slot.slot * RELIABILITY_SLOT_US };
    struct instant from = instant_add(begin, -RELIABILITY_TOGETHER_US);
    struct instant until = instant_add(begin, RELIABILITY_SLOT_US + RELIABILITY_TOGETHER_US - 1);
    int64_t gone;
    bool has;

    *ret = false;
    if (!outage_slot_load(db, slot.slot, &slot, &has, err))
        return false;
    if (has && slot.is_market) {
        *ret = true;
        return true;
    }
    if (!machine_event_hosts_gone(db, from, until, &gone, err))
        return false;
    if (!reliability_is_market(gone, 0)) /* too few, however many there are */
        return true;
    if (!has && !machine_count_hosts(db, from, &slot.hosts, err))
        return false;
    *ret = slot.is_market = reliability_is_market(gone, slot.hosts);
    return (has && !slot.is_market) || outage_slot_save(db, &slot, slot.slot - SLOTS_KEPT, err);
}

/* Why it was away, and what that counts as. */
static bool judge(struct db *db, struct machine_event_row *event, struct error *err)
{
    bool is_announced, is_market;
    int64_t away_us;

    if (event->cause == RELIABILITY_LEFT)
        return true;
    if (!was_the_market(db, event, &is_market, err) ||
        !find_announced(db, event, &is_announced, &away_us, err))
        return false;
    event->cause = is_market                      ? RELIABILITY_MARKET
                   : is_announced && away_us == 0 ? RELIABILITY_ANNOUNCED
                                                  : RELIABILITY_CONTACT_LOST;
    if (event->cause == RELIABILITY_ANNOUNCED)
        away_us = instant_until(event->start, event->end);
    event->severity_ppm = reliability_outage_ppm(away_us, event->had_rental, event->cause);
    return true;
}

static bool end_outage(struct db *db, struct machine_row *machine, struct machine_event_row *event,
                       struct error *err)
{
    event->end = machine->reliability.counted;
    if (instant_compare(event->end, event->start) < 0)
        event->end = event->start;
    if (!judge(db, event, err))
        return false;
    reliability_lose(&machine->reliability, event->severity_ppm,
                     instant_until(event->start, event->end));
    return machine_event_close(db, event, err);
}

static bool come_online(struct db *db, struct machine_row *machine, struct instant now,
                        struct error *err)
{
    struct machine_event_row event;
    bool has_outage;

    reliability_advance(&machine->reliability, now, false);
    if (!machine_event_open(db, machine->id, &event, &has_outage, err))
        return false;
    if (has_outage && !end_outage(db, machine, &event, err))
        return false;
    return machine_set_reliability(db, machine, err);
}

bool history_start_failed(struct db *db, struct machine_row *machine,
                          const struct contract_row *contract, struct instant now,
                          struct error *err)
{
    struct machine_event_row event = { .machine_id = machine->id,
                                       .kind = RELIABILITY_FAILED_START,
                                       .start = now,
                                       .end = now,
                                       .had_rental = true,
                                       .contract_id = contract->id };
    bool has_run, have_others;

    if (!interval_ever(db, contract->id, &has_run, err) ||
        !machine_event_others_failed(db, machine->id, contract->id,
                                     instant_add(now, -RELIABILITY_DAY_US), &have_others, err))
        return false;
    event.severity_ppm = has_run || have_others ? RELIABILITY_FAILED_START_PPM : 0;
    reliability_advance(&machine->reliability, now, true);
    reliability_lose(&machine->reliability, event.severity_ppm, 0);
    return machine_set_reliability(db, machine, err) && machine_event_insert(db, &event, err);
}

/* What was seen of the same hardware under another identity goes on: it was away until now. */
static bool inherit(struct db *db, struct machine_row *machine, struct instant now,
                    struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row past;
    bool has;

    if (machine->predecessor_id == 0)
        return true;
    if (!machine_lock(db, machine->predecessor_id, err) ||
        !machine_load(db, machine->predecessor_id, &arena, &past, &has, err))
        return false;
    if (!has || past.reliability.counted.microseconds == 0)
        return true;
    if (!come_online(db, &past, now, err))
        return false;
    machine->reliability = past.reliability;
    return true;
}

bool history_came_online(struct db *db, struct machine_row *machine, struct instant now,
                         struct error *err)
{
    struct machine_event_row joined = {
        .machine_id = machine->id, .kind = RELIABILITY_JOINED, .start = now, .end = now
    };

    if (machine->reliability.counted.microseconds == 0 &&
        (!inherit(db, machine, now, err) || !machine_event_insert(db, &joined, err)))
        return false;
    return come_online(db, machine, now, err);
}

struct history_work {
    int64_t machine_id;
    struct arena *arena;
    struct history history;
    bool has;
};

/* Behind those that are there already. */
static bool append(struct history *history, const struct machine_event_row *events, size_t count,
                   struct arena *arena, struct error *err)
{
    size_t room = HISTORY_EVENTS_MAX - history->count;
    size_t total = history->count + (count < room ? count : room);
    struct machine_event_row *all = arena_alloc(arena, total > 0 ? total : 1, sizeof *all);

    if (all == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine's events");
    if (history->count > 0)
        memcpy(all, history->events, history->count * sizeof *all);
    if (total > history->count)
        memcpy(all + history->count, events, (total - history->count) * sizeof *all);
    history->events = all;
    history->count = total;
    return true;
}

static bool history_work(struct db *db, void *context, struct error *err)
{
    struct history_work *work = context;
    struct history *history = &work->history;
    struct machine_row past;
    bool has = true;

    history->events = NULL;
    history->count = 0;
    if (!machine_load(db, work->machine_id, work->arena, &history->machine, &work->has, err))
        return false;
    past = history->machine;
    /* Whatever it was before: all that is older than all that came after. */
    for (int i = 0; work->has && has && i < HISTORY_IDENTITIES_MAX; i++) {
        struct machine_event_row *events;
        size_t count;

        if (!machine_event_list(db, past.id, HISTORY_EVENTS_MAX, work->arena, &events, &count,
                                err) ||
            !append(history, events, count, work->arena, err))
            return false;
        has = past.predecessor_id != 0;
        if (has && !machine_load(db, past.predecessor_id, work->arena, &past, &has, err))
            return false;
    }
    return true;
}

bool flow_history(const struct flow *flow, int64_t machine_id, struct arena *arena,
                  struct history *ret, bool *ret_has, struct error *err)
{
    struct history_work work = { .machine_id = machine_id,
                                 .arena = arena,
                                 .history.now = clock_now(flow->clock) };

    if (!store_read(flow->store, history_work, &work, err))
        return error_context(err, "history of machine %" PRId64, machine_id);
    *ret = work.history;
    *ret_has = work.has;
    return true;
}
