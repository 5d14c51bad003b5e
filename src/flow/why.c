/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/why.h"

#include "flow/hall.h"
#include "market/auction.h"
#include "market/rental.h"
#include "store/contract.h"
#include "store/event.h"
#include "store/machine.h"

enum { SENTENCE_MAX = 4096, TIME_AT = 11 };

struct why_work {
    const struct caller *caller;
    int64_t id;
    struct instant now;
    struct arena *arena;
    struct why why;
    bool has;
};

static const char *advice_of(const struct contract_row *contract, const struct machine_row *machine)
{
    if (!machine->is_online)
        return "Its host is out of contact: nothing but disk is charged until it is back. Its "
               "data stays where it is.";
    switch (contract->reason) {
    case REASON_USER_STOP:
    case REASON_CREATED_STOPPED:
    case REASON_EXITED:
        return "Start it when you want it; until then its disk is charged. Destroy it to end all "
               "charges.";
    case REASON_GPU_IDLE:
        return "Start it when you want it; until then its disk is charged. `berth set rules` "
               "changes when it stops by itself.";
    case REASON_DISK_FULL:
        return "Copy its files away with `berth copy`, which works while it is stopped; or start "
               "it "
               "and delete something within two minutes. Until then its disk is charged.";
    case REASON_TRAFFIC_CAP:
        return "`berth set rules` lets it move more, from then on; then start it. Until then its "
               "disk is charged.";
    case REASON_NO_CREDIT:
        return "Add credit, then start it. Its disk goes on being charged.";
    case REASON_LIFETIME_EXPIRED:
    case REASON_RECLAIMED:
        return "Copy your data away, or let `berth migrate` take it to another machine. Only its "
               "host "
               "can extend it.";
    case REASON_START_FAILED:
        return "Look at its logs; mend the image, the command or the login, or destroy it.";
    case REASON_GPUS_TAKEN:
    case REASON_GPUS_CLEARING:
        return "Wait, let `berth migrate` take it to another machine, or stop it to end the "
               "waiting.";
    case REASON_OUTBID:
    case REASON_BID_WAITS:
        return "Wait, or change its bid; it starts by itself as soon as its bid is enough.";
    case REASON_OUTRANKED:
        return "Wait; it starts by itself when the GPUs are free. No bid outranks on demand.";
    case REASON_OPERATOR_STOP:
        return "Write to the operator of this market.";
    case REASON_NONE:
    case REASON_USER_DESTROY:
    case REASON_MACHINE_REMOVED:
    case REASON_OPERATOR_DESTROY:
    case REASON_STOPPED_TOO_LONG:
    case REASON_CLEANED_UP:
    case REASON_IDLE_YIELDS:
        break;
    }
    return "";
}

/* The sentence of a reason; NULL past the arena's limit. */
static const char *explain(struct arena *arena, const struct event_row *event)
{
    auto_buf struct buf sentence = buf_of(SENTENCE_MAX);
    enum rental_reason reason = event->reason;
    const char *detail = event->detail;
    char at[INSTANT_TEXT_SIZE];

    /* By which step of the rules, and when: "2026-11-22T14:03:22.123456Z" has the time of day. */
    if (reason == REASON_OUTBID || reason == REASON_OUTRANKED)
        buf_printf(&sentence,
                   "Stopped %.8sZ by rule %d step %d: ", instant_format(event->at, at) + TIME_AT,
                   AUCTION_RULE_VERSION, reason == REASON_OUTBID ? 2 : 1);
    if (reason != REASON_NONE)
        rental_reason_explain(&sentence, reason, detail);
    else if (*detail != '\0')
        buf_printf(&sentence, "%s", detail);
    else
        buf_printf(&sentence, "It %s.", rental_state_meaning(event->state));
    return sentence.has_overflowed ? NULL : arena_copy(arena, sentence.bytes, sentence.length);
}

static bool add_events(struct db *db, struct why_work *work, struct error *err)
{
    struct event_row *rows;
    size_t count;

    if (!event_list(db, work->caller->user_id, work->id, WHY_EVENTS_MAX, work->arena, &rows, &count,
                    err))
        return false;
    struct why_event *events = arena_alloc(work->arena, count, sizeof *events);
    for (size_t i = 0; events != NULL && i < count; i++) {
        const struct event_row *row = &rows[count - 1 - i];

        events[i] = (struct why_event){
            .at = row->at,
            .state = rental_state_name(row->state),
            .code = row->reason == REASON_NONE ? NULL : rental_reason_code(row->reason),
            .sentence = explain(work->arena, row),
        };
        if (events[i].sentence == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "no room for a reason");
    }
    work->why.events = events;
    work->why.event_count = events == NULL ? 0 : count;
    return true;
}

static void tell_place(struct buf *out, const struct line_place *place)
{
    char at[INSTANT_TEXT_SIZE];
    bool is_firm = place->firms_ahead > 0;
    int64_t ahead = is_firm ? place->firms_ahead : place->bids_ahead;

    buf_printf(out, "Place %lld of %lld in line", (long long)place->position,
               (long long)place->length);
    if (ahead > 0)
        buf_printf(out, ", behind %lld %s%s", (long long)ahead,
                   is_firm ? "on-demand rental" : "higher bid", ahead == 1 ? "" : "s");
    if (instant_compare(place->free_by, INSTANT_NEVER) != 0 && place->free_by.microseconds > 0)
        buf_printf(out, ", whose lifetimes leave enough GPUs free by %.19sZ",
                   instant_format(place->free_by, at));
    buf_printf(out, ". ");
}

/* Its place in line goes before what it might do. */
static bool add_place(struct db *db, struct why_work *work, const struct contract_row *contract,
                      const struct machine_row *machine, struct error *err)
{
    auto_buf struct buf text = buf_of(SENTENCE_MAX);
    struct line_place place;
    struct hall hall;
    bool is_in_line;

    if (contract->state != RENTAL_SCHEDULING || !machine->is_online)
        return true;
    if (!hall_load(db, machine, work->now, work->arena, &hall, err) ||
        !hall_line(&hall, contract->id, work->arena, &place, &is_in_line, err))
        return false;
    if (!is_in_line)
        return true;
    tell_place(&text, &place);
    buf_printf(&text, "%s", work->why.advice);
    work->why.advice = arena_copy(work->arena, text.bytes, text.length);
    return work->why.advice != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for a place");
}

static bool why_work(struct db *db, void *context, struct error *err)
{
    struct why_work *work = context;
    struct contract_row contract;
    struct machine_row machine;
    bool has_machine;

    if (!contract_load_owned(db, work->caller->user_id, work->id, work->arena, &contract,
                             &work->has, err))
        return false;
    if (!work->has)
        return true;
    if (!machine_load(db, contract.machine_id, work->arena, &machine, &has_machine, err))
        return false;
    if (!has_machine)
        return error_set(err, ERROR_CORRUPT, "a contract without its machine");
    const struct event_row now = {
        .at = contract.state_at,
        .state = contract.state,
        .reason = contract.reason,
        .detail = contract.reason == REASON_NONE ? "" : contract.reason_detail,
    };
    work->why = (struct why){
        .code = contract.reason == REASON_NONE ? rental_state_name(contract.state)
                                               : rental_reason_code(contract.reason),
        .sentence = explain(work->arena, &now),
        .advice = advice_of(&contract, &machine),
        .since = contract.state_at,
    };
    if (work->why.sentence == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a reason");
    return add_place(db, work, &contract, &machine, err) && add_events(db, work, err);
}

bool flow_why(const struct flow *flow, const struct caller *caller, int64_t instance_id,
              struct arena *arena, struct why *ret, bool *ret_has, struct error *err)
{
    struct why_work work = {
        .caller = caller, .id = instance_id, .now = clock_now(flow->clock), .arena = arena
    };

    *ret_has = false;
    if (caller->instance_id != 0 && caller->instance_id != instance_id)
        return true;
    if (!store_read(flow->store, why_work, &work, err))
        return error_context(err, "why instance %lld is as it is", (long long)instance_id);
    if (work.has)
        *ret = work.why;
    *ret_has = work.has;
    return true;
}
