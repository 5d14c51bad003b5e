/* SPDX-License-Identifier: Apache-2.0 */
#include "market/connected.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

enum { SECOND = 1000000 };

static const struct instant never = { INT64_MAX };

static struct instant at_s(int64_t seconds)
{
    return (struct instant){ seconds * SECOND };
}

static struct connected_report a_report(int64_t seconds, const char *token, int64_t run_s)
{
    return (struct connected_report){
        .at = at_s(seconds),
        .is_running = *token != '\0',
        .start_token = token,
        .run_ms = run_s * 1000,
        .end = never,
    };
}

static int64_t charged_s(struct connected *connected, struct connected_report report)
{
    struct connected_charge charge = connected_report(connected, &report, connected);

    CHECK(charge.charged_us >= 0 && charge.missed_us >= 0);
    CHECK_INT(charge.charged_us % SECOND, 0);
    return charge.charged_us / SECOND;
}

static void test_time_between_heartbeats_is_charged(void **state)
{
    struct connected connected = { 0 };

    (void)state;
    CHECK_INT(charged_s(&connected, a_report(100, "", 0)), 0); /* loading */
    CHECK_INT(charged_s(&connected, a_report(105, "a", 2)), 0);
    CHECK_INT(charged_s(&connected, a_report(110, "a", 7)), 5);
    CHECK_INT(charged_s(&connected, a_report(140, "a", 37)), 30); /* just within the lease */
    CHECK_INT(charged_s(&connected, a_report(140, "a", 37)), 0);  /* repeated */
    CHECK_INT(charged_s(&connected, a_report(120, "a", 17)), 0);  /* late */
    CHECK_INT(charged_s(&connected, a_report(145, "a", 42)), 5);
    CHECK_INT(charged_s(&connected, a_report(150, "b", 1)), 0); /* another start */
    CHECK_INT(charged_s(&connected, a_report(155, "b", 6)), 5);
    CHECK_INT(charged_s(&connected, a_report(160, "", 0)), 0); /* it exited, at some time */
    CHECK_INT(charged_s(&connected, a_report(165, "b", 6)), 0);
}

/* A decision may have counted up to the very moment of the heartbeat behind it. */
static void test_a_report_of_the_same_moment_ends_a_run_or_begins_one(void **state)
{
    struct connected connected = { 0 };

    (void)state;
    CHECK_INT(charged_s(&connected, a_report(100, "a", 5)), 0);
    CHECK_INT(charged_s(&connected, a_report(100, "", 0)), 0);
    CHECK(!connected.is_running);
    CHECK_INT(charged_s(&connected, a_report(100, "b", 1)), 0);
    CHECK(connected.is_running);
    CHECK_TEXT(connected.start_token, "b");
    CHECK_INT(connected.cursor.microseconds, at_s(100).microseconds);
    CHECK_INT(charged_s(&connected, a_report(99, "", 0)), 0); /* a late one does neither */
    CHECK(connected.is_running);
}

static void test_a_gap_beyond_the_lease_is_free(void **state)
{
    static const struct {
        int64_t gap_s, outage_s, attested_s;
        int64_t charged_s, missed_s;
    } rows[] = {
        { 30, 0, 0, 30, 0 },           /* the lease's last moment */
        { 31, 0, 31, 0, 31 },          /* the host was away */
        { 3600, 3600, 3600, 3600, 0 }, /* we were away, and it ran */
        { 3600, 3600, 10, 10, 3590 },  /* we were away, and it did not run */
        { 3600, 3600, -5, 0, 3600 },   /* its clock went back */
        { 3600, 62, 3600, 62, 3538 },  /* we were away only for a moment */
        { 3600, 0, 9999, 0, 3600 },    /* it lies */
        { 3600, 3600, 9999, 3600, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connected connected = { 0 };
        struct connected_report report =
            a_report(100 + rows[i].gap_s, "a", 50 + rows[i].attested_s);
        struct connected_charge charge;

        check_row("row %zu", i);
        CHECK_INT(charged_s(&connected, a_report(100, "a", 50)), 0);
        CHECK_INT(connected_has_gap(&connected, &report), rows[i].gap_s > 30);
        report.outage_us = rows[i].outage_s * SECOND;
        charge = connected_report(&connected, &report, &connected);
        CHECK_INT(charge.charged_us, rows[i].charged_s * SECOND);
        CHECK_INT(charge.missed_us, rows[i].missed_s * SECOND);
        CHECK_INT(connected.cursor.microseconds, report.at.microseconds);
        CHECK(connected.is_running);
    }
}

static void test_nothing_is_charged_past_the_end(void **state)
{
    static const struct {
        int64_t end_s, charged_s;
    } rows[] = { { 99, 0 }, { 100, 0 }, { 101, 1 }, { 105, 5 }, { 106, 5 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connected connected = { 0 }, cut;
        struct connected_report report = a_report(105, "a", 5);

        check_row("row %zu", i);
        (void)charged_s(&connected, a_report(100, "a", 0));
        CHECK_INT(connected_cut(&connected, at_s(105), at_s(rows[i].end_s), &cut).charged_us,
                  rows[i].charged_s * SECOND);
        report.end = at_s(rows[i].end_s);
        CHECK_INT(charged_s(&connected, report), rows[i].charged_s);
    }
}

static void test_a_stop_charges_up_to_itself_within_the_lease(void **state)
{
    static const struct {
        int64_t stop_s, charged_s, missed_s;
    } rows[] = { { 100, 0, 0 }, { 107, 7, 0 }, { 130, 30, 0 }, { 131, 0, 31 }, { 90, 0, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connected connected = { 0 }, again;
        struct connected_charge charge;

        check_row("row %zu", i);
        (void)charged_s(&connected, a_report(100, "a", 0));
        charge = connected_cut(&connected, at_s(rows[i].stop_s), never, &connected);
        CHECK_INT(charge.charged_us, rows[i].charged_s * SECOND);
        CHECK_INT(charge.missed_us, rows[i].missed_s * SECOND);
        CHECK(!connected.is_running);
        CHECK_INT(connected_cut(&connected, at_s(500), never, &again).charged_us, 0);

        /* Started again while the host never noticed: a new interval, from its next heartbeat. */
        CHECK_INT(charged_s(&connected, a_report(600, "a", 500)), 0);
        CHECK_INT(charged_s(&connected, a_report(605, "a", 505)), 5);
    }
}

static void test_it_is_live_within_the_lease(void **state)
{
    struct connected connected = { 0 };

    (void)state;
    CHECK(!connected_is_live(&connected, at_s(0)));
    (void)charged_s(&connected, a_report(100, "a", 0));
    CHECK(connected_is_live(&connected, at_s(100)));
    CHECK(connected_is_live(&connected, (struct instant){ 130 * SECOND - 1 }));
    CHECK(!connected_is_live(&connected, at_s(130)));
    (void)charged_s(&connected, a_report(110, "", 0));
    CHECK(!connected_is_live(&connected, at_s(110)));
}

static void test_our_outages_explain_what_they_can(void **state)
{
    static const struct {
        int64_t from, until;
        struct {
            int64_t from, until;
        } alive[3];
        size_t count;
        int64_t outage_s;
    } rows[] = {
        { 1000, 4600, { { 0, 9000 } }, 1, 0 },
        { 1000, 4600, { { 0 } }, 0, 3600 },
        { 1000, 4600, { { 0, 1003 }, { 4603, 9000 } }, 2, 3600 }, /* all of it, and both edges */
        { 1000, 4600, { { 0, 2000 }, { 2002, 9000 } }, 2, 62 },
        { 1000, 4600, { { 0, 2000 }, { 1500, 9000 } }, 2, 0 },                   /* handed over */
        { 1000, 4600, { { 0, 5000 }, { 1500, 2000 }, { 4000, 9000 } }, 3, 0 },   /* one within */
        { 1000, 4600, { { 0, 2000 }, { 2050, 2060 }, { 2110, 9000 } }, 3, 170 }, /* edges overlap */
        { 1000, 4600, { { 0, 960 }, { 969, 9000 } }, 2, 0 }, /* over before the gap, edge and all */
        { 1000, 4600, { { 0, 960 }, { 980, 9000 } }, 2, 10 },
        { 1000, 4600, { { 1100, 9000 } }, 1, 130 },
        { 1000, 4600, { { 0, 4600 } }, 1, 30 },
        { 1000, 1000, { { 0 } }, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span alive[3];

        check_row("row %zu", i);
        for (size_t j = 0; j < rows[i].count; j++)
            alive[j] = (struct span){ at_s(rows[i].alive[j].from), at_s(rows[i].alive[j].until) };
        CHECK_INT(connected_outage_us((struct span){ at_s(rows[i].from), at_s(rows[i].until) },
                                      alive, rows[i].count),
                  rows[i].outage_s * SECOND);
    }
}

/* Second by second: is any server's life on, less a lease's length around each outage? */
static int64_t outage_by_counting(struct span gap, const struct span *alive, size_t count)
{
    int64_t sum = 0;

    for (int64_t t = gap.from.microseconds / SECOND; t < gap.until.microseconds / SECOND; t++) {
        bool is_out = false;

        for (int64_t near = t - 30; near <= t + 30 && !is_out; near++) {
            bool is_alive = false;

            for (size_t i = 0; i < count; i++)
                is_alive |= near * SECOND >= alive[i].from.microseconds &&
                            near * SECOND < alive[i].until.microseconds;
            is_out = !is_alive;
        }
        sum += is_out;
    }
    return sum * SECOND;
}

static void test_outages_add_up_as_counted(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct span alive[4], gap;
        size_t count = check_random(5);
        int64_t from = (int64_t)check_random(100);

        check_row("round %d", round);
        for (size_t i = 0; i < count; i++) {
            alive[i] = (struct span){ at_s(from), at_s(from + (int64_t)check_random(200)) };
            from += (int64_t)check_random(200);
        }
        gap.from = at_s((int64_t)check_random(400));
        gap.until = instant_add(gap.from, (int64_t)check_random(400) * SECOND);
        CHECK_INT(connected_outage_us(gap, alive, count), outage_by_counting(gap, alive, count));
    }
}

/* A host that tells the truth over a bad line: heartbeats are lost, repeated and late, the
 * container starts and stops. Never more is charged than it ran, nothing is charged twice, and
 * while the line holds everything is charged but the edges. */
static void test_never_more_than_it_ran(void **state)
{
    enum { BEATS = 600 };
    static char tokens[BEATS][8]; /* the first is empty: not running */

    (void)state;
    for (int start = 1; start < BEATS; start++)
        (void)snprintf(tokens[start], sizeof tokens[start], "%d", start);
    for (int round = 0; round < 300; round++) {
        struct connected connected = { 0 };
        struct connected_report old = a_report(0, "", 0);
        int64_t charged = 0, ran = 0, run_s = 0, starts = 0;
        uint64_t loss = check_random(100);
        bool is_up = false;

        check_row("round %d", round);
        for (int64_t t = 5; t < 5 * BEATS; t += 5) {
            if (check_random(20) == 0) {
                is_up = !is_up;
                run_s = 0;
                starts += is_up;
            }
            ran += is_up ? 5 : 0;
            run_s += is_up ? 5 : 0;
            if (check_random(100) < loss)
                continue;
            const char *token = tokens[is_up ? starts : 0];
            bool was_running =
                is_up && connected.is_running && strcmp(connected.start_token, token) == 0;
            int64_t since = t - connected.cursor.microseconds / SECOND;
            struct connected_report report = a_report(t, token, run_s);
            int64_t now = charged_s(&connected, report);

            CHECK_INT(now, was_running && since <= 30 ? since : 0);
            charged += now;
            CHECK_INT(charged_s(&connected, report), 0);
            CHECK_INT(charged_s(&connected, old), 0);
            if (check_random(4) == 0)
                old = report;
        }
        CHECK(charged <= ran);
        if (loss == 0)
            CHECK(charged >= ran - starts * 5);
    }
}

static void test_only_the_same_run_has_gaps(void **state)
{
    struct connected last = { .is_running = true, .start_token = "a", .cursor = at_s(0) };
    struct connected_report same = a_report(3600, "a", 3600), other = a_report(3600, "b", 3600);
    struct connected_report soon = a_report(1, "a", 1);

    (void)state;
    CHECK(connected_has_gap(&last, &same));
    CHECK(!connected_has_gap(&last, &other));
    CHECK(!connected_has_gap(&last, &soon));
    last.is_running = false;
    CHECK(!connected_has_gap(&last, &same));
}

/* A host that counts wildly attests nothing, or at most all of our outage. */
static void test_wild_clocks_attest_no_more_than_our_outage(void **state)
{
    static const struct {
        int64_t before_ms, now_ms;
        bool attests;
    } rows[] = {
        { INT64_MAX, INT64_MIN, false },
        { INT64_MIN, INT64_MAX, false },
        { 0, INT64_MAX, true },
        { 5, 5, false },
        { 5, 4, false },
        { 0, 3600000, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connected last = { .is_running = true, .start_token = "a", .cursor = at_s(0) }, next;
        struct connected_report report = a_report(3600, "a", 0);

        last.run_ms = rows[i].before_ms;
        report.run_ms = rows[i].now_ms;
        report.outage_us = 3600 * US_PER_SECOND;
        check_row("row %zu", i);
        struct connected_charge charge = connected_report(&last, &report, &next);
        CHECK_INT(charge.charged_us, rows[i].attests ? 3600 * US_PER_SECOND : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_same_run_has_gaps),
        cmocka_unit_test(test_wild_clocks_attest_no_more_than_our_outage),
        cmocka_unit_test(test_time_between_heartbeats_is_charged),
        cmocka_unit_test(test_a_report_of_the_same_moment_ends_a_run_or_begins_one),
        cmocka_unit_test(test_a_gap_beyond_the_lease_is_free),
        cmocka_unit_test(test_nothing_is_charged_past_the_end),
        cmocka_unit_test(test_a_stop_charges_up_to_itself_within_the_lease),
        cmocka_unit_test(test_it_is_live_within_the_lease),
        cmocka_unit_test(test_our_outages_explain_what_they_can),
        cmocka_unit_test(test_outages_add_up_as_counted),
        cmocka_unit_test(test_never_more_than_it_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
