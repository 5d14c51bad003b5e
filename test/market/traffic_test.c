/* SPDX-License-Identifier: Apache-2.0 */
#include "market/traffic.h"

#include "check.h"

static void test_one_step(void **state)
{
    static const struct {
        struct traffic_counter last, reading;
        int64_t cap;
        int64_t charged, over;
        bool is_rewound;
    } rows[] = {
        { { 1, 100 }, { 1, 150 }, 1000, 50, 0, false },
        { { 1, 100 }, { 1, 100 }, 1000, 0, 0, false },
        { { 1, 100 }, { 2, 30 }, 1000, 30, 0, false },   /* it began anew */
        { { 1, 100 }, { 7, 300 }, 1000, 300, 0, false }, /* more than once */
        { { 1, 100 }, { 1, 99 }, 1000, 0, 0, true },
        { { 2, 100 }, { 1, 500 }, 1000, 0, 0, true },
        { { 1, 100 }, { 1, 1100 }, 1000, 1000, 0, false },
        { { 1, 100 }, { 1, 1101 }, 1000, 1000, 1, false },
        { { 1, 100 }, { 2, 5000 }, 0, 0, 5000, false },
        { { 0, 0 }, { 0, INT64_MAX }, INT64_MAX, INT64_MAX, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct traffic_step step = traffic_read(rows[i].last, rows[i].reading, rows[i].cap);
        struct traffic_counter next = rows[i].is_rewound ? rows[i].last : rows[i].reading;

        check_row("row %zu", i);
        CHECK_INT(step.charged, rows[i].charged);
        CHECK_INT(step.over, rows[i].over);
        CHECK_INT(step.is_rewound, rows[i].is_rewound);
        CHECK_INT(step.next.epoch, next.epoch);
        CHECK_INT(step.next.bytes, next.bytes);
    }
}

static void test_the_cap_is_the_link_and_a_quarter(void **state)
{
    static const struct {
        int64_t link, elapsed_us, cap;
    } rows[] = {
        { 1000, 1000000, 1250 },
        { 1000, 500000, 625 },
        { 1000, 0, 0 },
        { 0, 1000000, 1562500000 },
        { 1, 800000, 1 },
        { 1, 799999, 0 },
        { INT64_MAX, INT64_MAX, INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(traffic_cap(rows[i].link, rows[i].elapsed_us), rows[i].cap);
    }
}

/* A counter that restarts now and then, read over a line that loses, repeats and reorders: what is
 * charged is what was counted up to the newest reading, less what a restart took with it. */
static void test_the_charge_depends_on_the_newest_reading(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct traffic_counter last = { 0 }, counter = { 0 }, stale = { 0 };
        int64_t charged = 0, known = 0;

        check_row("round %d", round);
        for (int step = 0; step < 40; step++) {
            if (check_random(10) == 0)
                counter = (struct traffic_counter){ counter.epoch + 1, 0 };
            counter.bytes += (int64_t)check_random(100000);
            if (check_random(3) == 0)
                continue;
            known += counter.epoch == last.epoch ? counter.bytes - last.bytes : counter.bytes;

            struct traffic_step read = traffic_read(last, counter, INT64_MAX);
            charged += read.charged;
            last = read.next;
            charged += traffic_read(last, counter, INT64_MAX).charged; /* repeated */
            charged += traffic_read(last, stale, INT64_MAX).charged;   /* late */
            if (check_random(2) == 0)
                stale = counter;
        }
        CHECK_INT(charged, known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_step),
        cmocka_unit_test(test_the_cap_is_the_link_and_a_quarter),
        cmocka_unit_test(test_the_charge_depends_on_the_newest_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
