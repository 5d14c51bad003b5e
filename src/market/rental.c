/* SPDX-License-Identifier: Apache-2.0 */
#include "market/rental.h"

#include <string.h>

#define CUT   RENTAL_CUTS_CHARGE
#define CLOSE RENTAL_CLOSES_METERS
#define TAKE  RENTAL_TAKES_GPUS
#define FREE  RENTAL_FREES_GPUS
#define TELL  RENTAL_TELLS_HOST
#define ANEW  RENTAL_CLEARS_REASON
#define DISK  RENTAL_FREES_DISK
#define BOOT  RENTAL_RESTARTS

#define ARROW(from, event, to, effects, reason)                                                    \
    {                                                                                              \
        RENTAL_##from, RENTAL_##event, RENTAL_##to, (effects), REASON_##reason                     \
    }

/* A stop, from wherever there may be a container: the host has to confirm it. */
#define STOPS(event, reason)                                                                       \
    ARROW(CREATED, event, STOPPING, CUT | TELL, reason),                                           \
        ARROW(LOADING, event, STOPPING, CUT | TELL, reason),                                       \
        ARROW(RUNNING, event, STOPPING, CUT | TELL, reason),                                       \
        ARROW(REBOOTING, event, STOPPING, CUT | TELL, reason),                                     \
        ARROW(PAUSING, event, STOPPING, CUT | TELL, reason),                                       \
        ARROW(SCHEDULING, event, STOPPED, 0, reason)

/* Out of the way of others, to come back by itself. Its time ends when it has stopped, or with the
 * notice that it was given (contract.pause). */
#define PAUSES(event, reason)                                                                      \
    ARROW(CREATED, event, PAUSING, TELL, reason), ARROW(LOADING, event, PAUSING, TELL, reason),    \
        ARROW(RUNNING, event, PAUSING, TELL, reason),                                              \
        ARROW(REBOOTING, event, PAUSING, TELL, reason)

#define DESTROYS(event, to, effects, reason)                                                       \
    ARROW(CREATED, event, to, CUT | CLOSE | (effects), reason),                                    \
        ARROW(LOADING, event, to, CUT | CLOSE | (effects), reason),                                \
        ARROW(RUNNING, event, to, CUT | CLOSE | (effects), reason),                                \
        ARROW(REBOOTING, event, to, CUT | CLOSE | (effects), reason),                              \
        ARROW(SCHEDULING, event, to, CUT | CLOSE | (effects), reason),                             \
        ARROW(PAUSING, event, to, CUT | CLOSE | (effects), reason),                                \
        ARROW(STOPPING, event, to, CUT | CLOSE | (effects), reason),                               \
        ARROW(STOPPED, event, to, CUT | CLOSE | (effects), reason)

/* The container ended without being told to. Its GPUs go back to the market. */
#define ENDS(event, reason)                                                                        \
    ARROW(CREATED, event, STOPPED, FREE | TELL, reason),                                           \
        ARROW(LOADING, event, STOPPED, FREE | TELL, reason),                                       \
        ARROW(RUNNING, event, STOPPED, FREE | TELL, reason),                                       \
        ARROW(REBOOTING, event, STOPPED, FREE | TELL, reason),                                     \
        ARROW(PAUSING, event, SCHEDULING, FREE, NONE), ARROW(STOPPING, event, STOPPED, FREE, NONE)

static const struct rental_arrow arrows[] = {
    ARROW(STOPPED, START, CREATED, TAKE | TELL | ANEW, NONE),
    ARROW(STOPPING, START, CREATED, TELL | ANEW, NONE), /* it still holds its GPUs */
    ARROW(SCHEDULING, START, CREATED, TAKE | TELL | ANEW, NONE),
    ARROW(STOPPED, START_WAITS, SCHEDULING, 0, GPUS_TAKEN),
    ARROW(STOPPED, BID_WAITS, SCHEDULING, 0, BID_WAITS),
    STOPS(STOP_ASKED, USER_STOP),
    ARROW(RUNNING, REBOOT_ASKED, REBOOTING, CUT | TELL | BOOT, NONE),
    DESTROYS(DESTROY_ASKED, DESTROYING, TELL, USER_DESTROY),

    ARROW(SCHEDULING, GPUS_GRANTED, CREATED, TAKE | TELL | ANEW, NONE),
    PAUSES(OUTBID, OUTBID),
    PAUSES(OUTRANKED, OUTRANKED),
    PAUSES(YIELDS, IDLE_YIELDS),
    ARROW(RUNNING, GPU_IDLE, STOPPING, CUT | TELL, GPU_IDLE),
    ARROW(RUNNING, DISK_FULL, STOPPING, CUT | TELL, DISK_FULL),
    ARROW(RUNNING, TRAFFIC_CAP, STOPPING, CUT | TELL, TRAFFIC_CAP),
    ARROW(STOPPED, CLEANED_UP, DESTROYING, CUT | CLOSE | TELL, CLEANED_UP),
    ARROW(STOPPED, STOPPED_TOO_LONG, DESTROYING, CUT | CLOSE | TELL, STOPPED_TOO_LONG),
    STOPS(CREDIT_ENDED, NO_CREDIT),
    STOPS(LIFETIME_ENDED, LIFETIME_EXPIRED),
    STOPS(RECLAIMED, RECLAIMED),
    STOPS(OPERATOR_STOPS, OPERATOR_STOP),
    DESTROYS(OPERATOR_DESTROYS, DESTROYING, TELL, OPERATOR_DESTROY),
    DESTROYS(MACHINE_REMOVED, DESTROYED, FREE | DISK, MACHINE_REMOVED),
    ARROW(DESTROYING, MACHINE_REMOVED, DESTROYED, FREE | DISK, NONE),

    ARROW(CREATED, REPORTED_LOADING, LOADING, 0, NONE),
    ARROW(RUNNING, REPORTED_LOADING, LOADING, 0, NONE), /* the host itself has restarted */
    ARROW(CREATED, REPORTED_RUNNING, RUNNING, 0, NONE),
    ARROW(LOADING, REPORTED_RUNNING, RUNNING, 0, NONE),
    ARROW(REBOOTING, REPORTED_RUNNING, RUNNING, 0, NONE),
    ARROW(RUNNING, REPORTED_STOPPED, LOADING, 0, NONE),
    ARROW(PAUSING, REPORTED_STOPPED, SCHEDULING, FREE, NONE),
    ARROW(STOPPING, REPORTED_STOPPED, STOPPED, FREE, NONE),
    ENDS(REPORTED_EXITED, EXITED),
    ENDS(REPORTED_FAILED, START_FAILED),
    ARROW(RUNNING, REPORTED_ABSENT, LOADING, 0, NONE),
    ARROW(PAUSING, REPORTED_ABSENT, SCHEDULING, FREE, NONE),
    ARROW(STOPPING, REPORTED_ABSENT, STOPPED, FREE, NONE),
    ARROW(DESTROYING, REPORTED_ABSENT, DESTROYED, FREE | DISK, NONE),
};

enum { ARROW_COUNT = sizeof arrows / sizeof arrows[0] };

const struct rental_arrow *rental_arrows(size_t *ret_count)
{
    *ret_count = ARROW_COUNT;
    return arrows;
}

const struct rental_arrow *rental_arrow(enum rental_state from, enum rental_event event)
{
    for (size_t i = 0; i < ARROW_COUNT; i++) {
        if (arrows[i].from == from && arrows[i].event == event)
            return &arrows[i];
    }
    return NULL;
}

enum claim { NOT, MAY, MUST }; /* GPUs, in that state */

static const struct state_row {
    enum rental_state state;
    const char *name, *meaning;
    enum rental_intent intent;
    enum claim claim;
} states[] = {
#define RENTAL_STATE(name, number, text, intent, claim, meaning)                                   \
    { RENTAL_##name, (text), (meaning), RENTAL_##intent, (claim) },
#include "market/rental_states.def"
#undef RENTAL_STATE
};

static const struct reason_row {
    enum rental_reason reason;
    const char *code, *sentence;
} reasons[] = {
#define RENTAL_REASON(name, number, code, sentence) { REASON_##name, (code), (sentence) },
#include "market/rental_reasons.def"
#undef RENTAL_REASON
};

static const struct state_row *state_find(int64_t number)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (states[i].state == number)
            return &states[i];
    }
    return NULL;
}

static const struct reason_row *reason_find(int64_t number)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].reason == number)
            return &reasons[i];
    }
    return NULL;
}

bool rental_kind_is_valid(int64_t number)
{
    return number >= KIND_ON_DEMAND && number <= KIND_VOLUME;
}

bool rental_state_is_valid(int64_t number)
{
    return state_find(number) != NULL;
}

const char *rental_state_name(enum rental_state state)
{
    return state_find(state)->name;
}

const char *rental_state_meaning(enum rental_state state)
{
    return state_find(state)->meaning;
}

enum rental_intent rental_intent(enum rental_state state)
{
    return state_find(state)->intent;
}

bool rental_must_hold_gpus(enum rental_state state)
{
    return state_find(state)->claim == MUST;
}

bool rental_may_hold_gpus(enum rental_state state)
{
    return state_find(state)->claim != NOT;
}

const char *rental_event_name(enum rental_event event)
{
    static const char *const names[RENTAL_EVENT_COUNT] = {
        [RENTAL_START] = "started",
        [RENTAL_START_WAITS] = "started, and waits for GPUs",
        [RENTAL_STOP_ASKED] = "stopped by its owner",
        [RENTAL_REBOOT_ASKED] = "rebooted by its owner",
        [RENTAL_DESTROY_ASKED] = "destroyed by its owner",
        [RENTAL_GPUS_GRANTED] = "GPUs granted",
        [RENTAL_OUTBID] = "outbid",
        [RENTAL_OUTRANKED] = "outranked",
        [RENTAL_YIELDS] = "yields",
        [RENTAL_BID_WAITS] = "started, and its bid waits",
        [RENTAL_GPU_IDLE] = "its GPUs did nothing for too long",
        [RENTAL_DISK_FULL] = "its disk is full",
        [RENTAL_TRAFFIC_CAP] = "moved all that it may",
        [RENTAL_CLEANED_UP] = "cleaned up by its host",
        [RENTAL_STOPPED_TOO_LONG] = "stopped for too long",
        [RENTAL_CREDIT_ENDED] = "credit ended",
        [RENTAL_LIFETIME_ENDED] = "lifetime ended",
        [RENTAL_RECLAIMED] = "reclaimed by its host",
        [RENTAL_OPERATOR_STOPS] = "stopped by the operator",
        [RENTAL_OPERATOR_DESTROYS] = "destroyed by the operator",
        [RENTAL_MACHINE_REMOVED] = "machine removed",
        [RENTAL_REPORTED_LOADING] = "reported loading",
        [RENTAL_REPORTED_RUNNING] = "reported running",
        [RENTAL_REPORTED_STOPPED] = "reported stopped",
        [RENTAL_REPORTED_EXITED] = "reported exited",
        [RENTAL_REPORTED_FAILED] = "reported failed",
        [RENTAL_REPORTED_ABSENT] = "reported absent",
    };

    return names[event];
}

bool rental_reason_is_valid(int64_t number)
{
    return reason_find(number) != NULL;
}

const char *rental_reason_code(enum rental_reason reason)
{
    return reason_find(reason)->code;
}

const char *rental_winner(enum rental_reason reason)
{
    if (reason == REASON_OUTBID)
        return "bid";
    if (reason == REASON_OUTRANKED)
        return "on-demand";
    return reason == REASON_IDLE_YIELDS ? "renter" : "";
}

void rental_reason_explain(struct buf *out, enum rental_reason reason, const char *detail)
{
    const char *sentence = reason_find(reason)->sentence;
    size_t before = strcspn(sentence, "%");

    buf_append(out, sentence, before);
    if (sentence[before] == '\0')
        return;
    buf_append(out, detail, strlen(detail));
    buf_append(out, sentence + before + 1, strlen(sentence + before + 1));
}

enum rental_start_outcome rental_start(const struct rental_start_facts *facts)
{
    if (rental_intent(facts->state) == RENTAL_DESTROY)
        return RENTAL_START_GONE;
    if (rental_intent(facts->state) == RENTAL_RUN && facts->state != RENTAL_SCHEDULING)
        return RENTAL_STARTS;
    if (!facts->is_admissible)
        return RENTAL_START_BARRED;
    if (!facts->has_lifetime)
        return RENTAL_START_LIFETIME_EXPIRED;
    if (!facts->has_credit)
        return RENTAL_START_NO_CREDIT;
    return facts->has_gpus ? RENTAL_STARTS : RENTAL_START_QUEUES;
}

static const char *stopped_status(enum rental_reason reason)
{
    if (reason == REASON_EXITED)
        return "exited";
    /* As the engine has it: made, and never ran. The message says why. */
    return reason == REASON_START_FAILED ? "created" : "stopped";
}

struct rental_view rental_view(enum rental_state state, enum rental_reason reason,
                               bool is_connected)
{
    struct rental_view view = { rental_state_name(state), "running", "running", "running" };

    switch (rental_intent(state)) {
    case RENTAL_RUN:
        if (state == RENTAL_SCHEDULING) {
            view.cur_state = "stopped";
            if (reason == REASON_OUTBID || reason == REASON_OUTRANKED)
                view.actual_status = "stopped"; /* its disk is there, and it comes back by itself */
        }
        if (state == RENTAL_PAUSING)
            view.next_state = "stopped";
        break;
    case RENTAL_STOP:
        if (state == RENTAL_STOPPED)
            view.actual_status = stopped_status(reason);
        view.intended_status = view.cur_state = view.next_state = "stopped";
        break;
    case RENTAL_DESTROY:
        return (struct rental_view){ NULL, "stopped", "unloaded", "unloaded" };
    }
    if (!is_connected)
        view.actual_status = "offline";
    return view;
}
