/* SPDX-License-Identifier: Apache-2.0 */
#include "market/rental.h"

#include <string.h>

#include "check.h"

static const enum rental_state states[] = {
#define RENTAL_STATE(name, number, text, intent, claim, meaning) RENTAL_##name,
#include "market/rental_states.def"
#undef RENTAL_STATE
};
static const enum rental_reason reasons[] = {
#define RENTAL_REASON(name, number, code, sentence) REASON_##name,
#include "market/rental_reasons.def"
#undef RENTAL_REASON
};

enum {
    STATE_COUNT = sizeof states / sizeof states[0],
    REASON_COUNT = sizeof reasons / sizeof reasons[0],
};

static bool is_report(enum rental_event event)
{
    return event >= RENTAL_REPORTED_LOADING;
}

/* What every arrow must say, given where it leads from and to. */
static void check_arrow(const struct rental_arrow *arrow)
{
    bool held = rental_must_hold_gpus(arrow->from), holds = rental_must_hold_gpus(arrow->to);
    bool takes = (arrow->effects & RENTAL_TAKES_GPUS) != 0;
    bool frees = (arrow->effects & RENTAL_FREES_GPUS) != 0;
    bool cuts = (arrow->effects & RENTAL_CUTS_CHARGE) != 0;
    bool closes = (arrow->effects & RENTAL_CLOSES_METERS) != 0;
    bool tells = (arrow->effects & RENTAL_TELLS_HOST) != 0;
    enum rental_intent from = rental_intent(arrow->from), to = rental_intent(arrow->to);

    CHECK(arrow->from != arrow->to);
    CHECK(rental_arrow(arrow->from, arrow->event) == arrow);
    CHECK_INT(takes, !held && holds);
    bool lets_go = rental_may_hold_gpus(arrow->from) && !rental_may_hold_gpus(arrow->to);
    CHECK_INT(frees, lets_go || arrow->event == RENTAL_MACHINE_REMOVED);
    CHECK_INT(closes, from != RENTAL_DESTROY && to == RENTAL_DESTROY);
    CHECK_INT((arrow->effects & RENTAL_FREES_DISK) != 0, arrow->to == RENTAL_DESTROYED);

    /* Whoever decides that something that may run shall not ends the charge at once. What a host
     * reports never does: the interval has ended at its last good heartbeat. */
    if (is_report(arrow->event))
        CHECK(!cuts && !closes);
    else if (held && to != RENTAL_RUN)
        CHECK(cuts);

    /* The host hears of each change of what it shall do, and of nothing else. */
    bool pauses = arrow->to == RENTAL_PAUSING || arrow->from == RENTAL_PAUSING;
    bool wants_change = holds != held || (held && from != to) || (pauses && held && holds) ||
                        (from != to && to == RENTAL_DESTROY) || arrow->event == RENTAL_REBOOT_ASKED;
    bool is_confirmed =
        is_report(arrow->event) && (from != RENTAL_RUN || arrow->from == RENTAL_PAUSING);
    CHECK_INT(tells, wants_change && !is_confirmed && arrow->event != RENTAL_MACHINE_REMOVED);

    /* Every stop, end and wait has a reason; starting clears it; confirming keeps it. */
    if (from != to && to != RENTAL_RUN)
        CHECK(arrow->reason != REASON_NONE);
    if (arrow->to == RENTAL_SCHEDULING)
        CHECK_INT(arrow->reason, arrow->from == RENTAL_PAUSING        ? REASON_NONE
                                 : arrow->event == RENTAL_START_WAITS ? REASON_GPUS_TAKEN
                                                                      : REASON_BID_WAITS);
    if (arrow->to == RENTAL_PAUSING)
        CHECK(arrow->reason == REASON_OUTBID || arrow->reason == REASON_OUTRANKED ||
              arrow->reason == REASON_IDLE_YIELDS);
    CHECK_INT((arrow->effects & RENTAL_CLEARS_REASON) != 0, arrow->to == RENTAL_CREATED);
    if (arrow->to == RENTAL_CREATED)
        CHECK_INT(arrow->reason, REASON_NONE);
}

static void test_every_arrow_keeps_the_rules(void **state)
{
    size_t count;
    const struct rental_arrow *arrows = rental_arrows(&count);

    (void)state;
    CHECK(count > 50);
    for (size_t i = 0; i < count; i++) {
        check_row("%s, %s", rental_state_name(arrows[i].from), rental_event_name(arrows[i].event));
        check_arrow(&arrows[i]);
    }
}

static void test_what_must_always_be_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATE_COUNT; i++) {
        enum rental_state from = states[i];
        bool runs = rental_intent(from) == RENTAL_RUN;
        bool ends = rental_intent(from) == RENTAL_DESTROY;

        check_row("%s", rental_state_name(from));
        CHECK_INT(rental_arrow(from, RENTAL_STOP_ASKED) != NULL, runs);
        CHECK_INT(rental_arrow(from, RENTAL_CREDIT_ENDED) != NULL, runs);
        CHECK_INT(rental_arrow(from, RENTAL_LIFETIME_ENDED) != NULL, runs);
        CHECK_INT(rental_arrow(from, RENTAL_RECLAIMED) != NULL, runs);
        CHECK_INT(rental_arrow(from, RENTAL_OPERATOR_STOPS) != NULL, runs);
        CHECK_INT(rental_arrow(from, RENTAL_DESTROY_ASKED) != NULL, !ends);
        CHECK_INT(rental_arrow(from, RENTAL_OPERATOR_DESTROYS) != NULL, !ends);
        CHECK_INT(rental_arrow(from, RENTAL_MACHINE_REMOVED) != NULL, from != RENTAL_DESTROYED);
        CHECK_INT(rental_arrow(from, RENTAL_START) != NULL,
                  rental_intent(from) == RENTAL_STOP || from == RENTAL_SCHEDULING);
    }
    for (int event = 0; event < RENTAL_EVENT_COUNT; event++) {
        CHECK(rental_arrow(RENTAL_DESTROYED, (enum rental_event)event) == NULL);
        CHECK(*rental_event_name((enum rental_event)event) != '\0');
    }
    /* The host's word alone neither starts nor destroys anything. */
    CHECK(rental_arrow(RENTAL_STOPPED, RENTAL_REPORTED_RUNNING) == NULL);
    CHECK(rental_arrow(RENTAL_STOPPING, RENTAL_REPORTED_RUNNING) == NULL);
    CHECK(rental_arrow(RENTAL_STOPPED, RENTAL_REPORTED_ABSENT) == NULL);
    CHECK(rental_arrow(RENTAL_DESTROYING, RENTAL_REPORTED_RUNNING) == NULL);
    /* Rules of automation touch nothing but what they are about. */
    for (size_t i = 0; i < STATE_COUNT; i++) {
        check_row("%s", rental_state_name(states[i]));
        CHECK_INT(rental_arrow(states[i], RENTAL_GPU_IDLE) != NULL, states[i] == RENTAL_RUNNING);
        CHECK_INT(rental_arrow(states[i], RENTAL_DISK_FULL) != NULL, states[i] == RENTAL_RUNNING);
        CHECK_INT(rental_arrow(states[i], RENTAL_TRAFFIC_CAP) != NULL, states[i] == RENTAL_RUNNING);
        CHECK_INT(rental_arrow(states[i], RENTAL_CLEANED_UP) != NULL, states[i] == RENTAL_STOPPED);
        CHECK_INT(rental_arrow(states[i], RENTAL_STOPPED_TOO_LONG) != NULL,
                  states[i] == RENTAL_STOPPED);
    }
}

static enum rental_state walk(enum rental_state at, const enum rental_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rental_arrow *arrow = rental_arrow(at, events[i]);

        check_row("%s, %s", rental_state_name(at), rental_event_name(events[i]));
        CHECK(arrow != NULL);
        at = arrow->to;
    }
    return at;
}

static void test_a_life_from_end_to_end(void **state)
{
    static const enum rental_event life[] = {
        RENTAL_REPORTED_LOADING,
        RENTAL_REPORTED_RUNNING,
        RENTAL_REBOOT_ASKED,
        RENTAL_REPORTED_RUNNING,
        RENTAL_STOP_ASKED,
        RENTAL_REPORTED_STOPPED,
        RENTAL_START_WAITS,
        RENTAL_GPUS_GRANTED,
        RENTAL_REPORTED_RUNNING,
        RENTAL_OUTBID,
        RENTAL_REPORTED_EXITED,
        RENTAL_GPUS_GRANTED,
        RENTAL_REPORTED_RUNNING,
        RENTAL_OUTRANKED,
        RENTAL_REPORTED_STOPPED,
        RENTAL_GPUS_GRANTED,
        RENTAL_REPORTED_RUNNING,
        RENTAL_CREDIT_ENDED,
        RENTAL_START,
        RENTAL_REPORTED_EXITED,
        RENTAL_START,
        RENTAL_REPORTED_FAILED,
        RENTAL_DESTROY_ASKED,
        RENTAL_REPORTED_ABSENT,
    };

    (void)state;
    CHECK_INT(walk(RENTAL_CREATED, life, sizeof life / sizeof life[0]), RENTAL_DESTROYED);
}

/* Any events in any order: claims balance, meters close once, and a stop always says why. */
static void test_random_lives(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        enum rental_state at = RENTAL_CREATED;
        enum rental_reason reason = REASON_NONE;
        bool holds = true, is_closed = false;

        check_row("round %d", round);
        for (int step = 0; step < 60; step++) {
            enum rental_event event = (enum rental_event)check_random(RENTAL_EVENT_COUNT);
            const struct rental_arrow *arrow = rental_arrow(at, event);

            if (arrow == NULL ||
                (check_random(4) > 0 && rental_intent(arrow->to) == RENTAL_DESTROY))
                continue;
            CHECK(!(holds && (arrow->effects & RENTAL_TAKES_GPUS) != 0));
            holds |= (arrow->effects & RENTAL_TAKES_GPUS) != 0;
            holds &= (arrow->effects & RENTAL_FREES_GPUS) == 0;
            CHECK(!(is_closed && (arrow->effects & RENTAL_CLOSES_METERS) != 0));
            is_closed |= (arrow->effects & RENTAL_CLOSES_METERS) != 0;
            if (arrow->reason != REASON_NONE || (arrow->effects & RENTAL_CLEARS_REASON) != 0)
                reason = arrow->reason;
            at = arrow->to;

            CHECK(!rental_must_hold_gpus(at) || holds);
            CHECK(rental_may_hold_gpus(at) || !holds);
            CHECK_INT(is_closed, rental_intent(at) == RENTAL_DESTROY);
            bool has_reason =
                at == RENTAL_SCHEDULING || at == RENTAL_PAUSING || rental_intent(at) != RENTAL_RUN;
            CHECK_INT(reason != REASON_NONE, has_reason);
        }
    }
}

static void test_every_state_and_reason_is_stored_and_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATE_COUNT; i++) {
        check_row("state %zu", i);
        CHECK_INT(states[i], (int64_t)i + 1);
        CHECK(rental_state_is_valid(states[i]));
        CHECK(*rental_state_name(states[i]) != '\0' && *rental_state_meaning(states[i]) != '\0');
    }
    CHECK(!rental_state_is_valid(0) && !rental_state_is_valid(STATE_COUNT + 1));
    for (size_t i = 0; i < REASON_COUNT; i++) {
        auto_buf struct buf told = buf_of(1024);

        check_row("reason %zu", i);
        bool has_winner = reasons[i] == REASON_OUTBID || reasons[i] == REASON_OUTRANKED ||
                          reasons[i] == REASON_IDLE_YIELDS;
        CHECK_INT(*rental_winner(reasons[i]) != '\0', has_winner);
        CHECK_INT(reasons[i], (int64_t)i);
        CHECK(rental_reason_is_valid(reasons[i]));
        rental_reason_explain(&told, reasons[i], "DETAIL");
        CHECK_INT(*rental_reason_code(reasons[i]) == '\0', reasons[i] == REASON_NONE);
        CHECK_INT(told.length == 0, reasons[i] == REASON_NONE);
        CHECK(told.length == 0 || strchr(told.bytes, '%') == NULL);
    }
    CHECK(!rental_reason_is_valid(-1) && !rental_reason_is_valid(REASON_COUNT));
}

static void test_a_reason_tells_its_detail(void **state)
{
    auto_buf struct buf told = buf_of(1024);

    (void)state;
    rental_reason_explain(&told, REASON_EXITED, "137");
    CHECK_TEXT(told.bytes, "Its main process ended by itself, with exit status 137.");
    buf_release(&told);
    rental_reason_explain(&told, REASON_START_FAILED, "no such image: 100% gone");
    CHECK_TEXT(told.bytes, "Its container could not be made or started: no such image: 100% gone");
    buf_release(&told);
    rental_reason_explain(&told, REASON_USER_STOP, "unused");
    CHECK_TEXT(told.bytes, "Its owner stopped it.");
}

static void test_starting(void **state)
{
    static const struct {
        struct rental_start_facts facts; /* state, credit, lifetime, admissible, gpus */
        enum rental_start_outcome outcome;
    } rows[] = {
        { { RENTAL_STOPPED, true, true, true, true }, RENTAL_STARTS },
        { { RENTAL_STOPPED, true, true, true, false }, RENTAL_START_QUEUES },
        { { RENTAL_STOPPING, true, true, true, true }, RENTAL_STARTS },
        { { RENTAL_SCHEDULING, true, true, true, true }, RENTAL_STARTS },
        { { RENTAL_SCHEDULING, true, true, true, false }, RENTAL_START_QUEUES },
        { { RENTAL_STOPPED, false, true, true, true }, RENTAL_START_NO_CREDIT },
        { { RENTAL_STOPPED, true, false, true, true }, RENTAL_START_LIFETIME_EXPIRED },
        { { RENTAL_STOPPED, false, false, true, true }, RENTAL_START_LIFETIME_EXPIRED },
        { { RENTAL_STOPPED, true, true, false, true }, RENTAL_START_BARRED },
        { { RENTAL_RUNNING, false, false, false, false }, RENTAL_STARTS },
        { { RENTAL_LOADING, false, true, true, true }, RENTAL_STARTS },
        { { RENTAL_DESTROYING, true, true, true, true }, RENTAL_START_GONE },
        { { RENTAL_DESTROYED, true, true, true, true }, RENTAL_START_GONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(rental_start(&rows[i].facts), rows[i].outcome);
    }
}

static void test_clients_see_the_life_cycle_they_know(void **state)
{
    static const struct {
        enum rental_state state;
        enum rental_reason reason;
        bool is_connected;
        const char *actual, *intended, *cur, *next;
    } rows[] = {
        { RENTAL_CREATED, REASON_NONE, true, "created", "running", "running", "running" },
        { RENTAL_LOADING, REASON_NONE, true, "loading", "running", "running", "running" },
        { RENTAL_RUNNING, REASON_NONE, true, "running", "running", "running", "running" },
        { RENTAL_RUNNING, REASON_NONE, false, "offline", "running", "running", "running" },
        { RENTAL_REBOOTING, REASON_NONE, true, "rebooting", "running", "running", "running" },
        { RENTAL_SCHEDULING, REASON_GPUS_TAKEN, true, "scheduling", "running", "stopped",
          "running" },
        { RENTAL_SCHEDULING, REASON_OUTBID, true, "stopped", "running", "stopped", "running" },
        { RENTAL_SCHEDULING, REASON_BID_WAITS, true, "scheduling", "running", "stopped",
          "running" },
        { RENTAL_PAUSING, REASON_OUTRANKED, true, "pausing", "running", "running", "stopped" },
        { RENTAL_STOPPING, REASON_USER_STOP, true, "stopping", "stopped", "stopped", "stopped" },
        { RENTAL_STOPPED, REASON_USER_STOP, true, "stopped", "stopped", "stopped", "stopped" },
        { RENTAL_STOPPED, REASON_NO_CREDIT, false, "offline", "stopped", "stopped", "stopped" },
        { RENTAL_STOPPED, REASON_EXITED, true, "exited", "stopped", "stopped", "stopped" },
        { RENTAL_STOPPED, REASON_START_FAILED, true, "created", "stopped", "stopped", "stopped" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rental_view view = rental_view(rows[i].state, rows[i].reason, rows[i].is_connected);

        check_row("row %zu", i);
        CHECK_TEXT(view.actual_status, rows[i].actual);
        CHECK_TEXT(view.intended_status, rows[i].intended);
        CHECK_TEXT(view.cur_state, rows[i].cur);
        CHECK_TEXT(view.next_state, rows[i].next);
    }
    struct rental_view gone = rental_view(RENTAL_DESTROYED, REASON_USER_DESTROY, false);
    CHECK(gone.actual_status == NULL);
    CHECK_TEXT(gone.cur_state, "unloaded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_arrow_keeps_the_rules),
        cmocka_unit_test(test_what_must_always_be_possible),
        cmocka_unit_test(test_a_life_from_end_to_end),
        cmocka_unit_test(test_random_lives),
        cmocka_unit_test(test_every_state_and_reason_is_stored_and_told),
        cmocka_unit_test(test_a_reason_tells_its_detail),
        cmocka_unit_test(test_starting),
        cmocka_unit_test(test_clients_see_the_life_cycle_they_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
