/* SPDX-License-Identifier: Apache-2.0 */
#include "market/automation.h"

#include "check.h"

#define T0 INT64_C(1795356000000000)

struct step {
    int64_t after_s; /* since the one before */
    int64_t permille;
    bool stops;
};

static void play(int64_t idle_stop_s, const struct step *steps, size_t count)
{
    struct automation automation = { .idle_stop_s = idle_stop_s };
    struct instant previous = { T0 };

    for (size_t i = 0; i < count; i++) {
        struct instant now = instant_add(previous, steps[i].after_s * US_PER_SECOND);

        check_row("step %zu", i);
        CHECK_INT(automation_gauge(&automation, steps[i].permille, previous, now), steps[i].stops);
        previous = now;
    }
}
#define PLAY(idle_stop_s, steps) play(idle_stop_s, steps, sizeof(steps) / sizeof((steps)[0]))

static void test_it_stops_after_so_long_and_not_before(void **state)
{
    static const struct step steps[] = { { 5, 0, false },  { 29, 9, false }, { 29, 0, false },
                                         { 1, 0, false },  { 1, 0, true },   { 5, 3, true },
                                         { 5, 10, false }, { 5, 0, false } };

    (void)state;
    PLAY(60, steps);
}

static void test_work_begins_the_time_anew(void **state)
{
    static const struct step steps[] = { { 5, 0, false },  { 25, 0, false },   { 25, 0, false },
                                         { 5, 10, false }, { 5, 0, false },    { 25, 0, false },
                                         { 25, 0, false }, { 5, 1000, false }, { 5, 0, false } };

    (void)state;
    PLAY(60, steps);
}

/* Neither a host that does not measure nor one that was away shows that nothing was done. */
static void test_what_is_not_known_is_not_idleness(void **state)
{
    static const struct step unknown[] = { { 5, 0, false }, { 29, 0, false }, { 5, -1, false },
                                           { 5, 0, false }, { 29, 0, false }, { 29, 0, false },
                                           { 2, 0, true } };
    static const struct step away[] = {
        { 5, 0, false }, { 29, 0, false }, { 31, 0, false }, { 5, 0, false }, { 3600, 0, false }
    };

    (void)state;
    PLAY(60, unknown);
    PLAY(60, away);
}

static void test_off_is_off(void **state)
{
    static const struct step steps[] = { { 5, 0, false }, { 29, 0, false }, { 29, 0, false } };

    (void)state;
    PLAY(0, steps);
}

static void test_what_is_stopped_is_due(void **state)
{
    struct automation automation = { .destroy_after_s = 3600, .destroy_due = INSTANT_NEVER };
    struct instant now = { T0 };

    (void)state;
    automation_turn(&automation, true, now);
    CHECK_INT(instant_until(now, automation.destroy_due), US_PER_HOUR);
    automation_turn(&automation, false, now);
    CHECK_INT(instant_compare(automation.destroy_due, INSTANT_NEVER), 0);
    automation.destroy_after_s = 0;
    automation_turn(&automation, true, now);
    CHECK_INT(instant_compare(automation.destroy_due, INSTANT_NEVER), 0);
}

static void test_spans_read_well(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = { { 1, "1 second" },       { 59, "59 seconds" },    { 60, "1 minute" },
                 { 1800, "30 minutes" },  { 3600, "1 hour" },      { 5400, "90 minutes" },
                 { 86400, "1 day" },      { 3 * 86400, "3 days" }, { 90000, "25 hours" },
                 { 3601, "3601 seconds" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(64);

        automation_span(&text, rows[i].seconds);
        CHECK_TEXT(text.bytes, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_stops_after_so_long_and_not_before),
        cmocka_unit_test(test_work_begins_the_time_anew),
        cmocka_unit_test(test_what_is_not_known_is_not_idleness),
        cmocka_unit_test(test_off_is_off),
        cmocka_unit_test(test_what_is_stopped_is_due),
        cmocka_unit_test(test_spans_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
