/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/totals.h"

#include <string.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"

static struct clock held;
static struct totals totals;

static int setup(void **state)
{
    held = clock_held((struct instant){ 1000 * US_PER_SECOND });
    if (home_setup(state) != 0)
        return -1;
    totals_open(home_identity(), &held, &totals);
    return 0;
}

static int teardown(void **state)
{
    totals_close(&totals);
    return home_teardown(state);
}

static void save(void)
{
    struct error err;

    CHECK_OK(totals_save(&totals, &err), &err);
}

static void restart(void)
{
    totals_close(&totals);
    home_restart();
    totals_open(home_identity(), &held, &totals);
}

static void test_totals_grow(void **state)
{
    (void)state;
    totals_interface(&totals, 1, 10, 100, 200);
    totals_ssh(&totals, 1, 5, 7);
    CHECK_INT(totals_up(totals_of(&totals, 1)), 105);
    CHECK_INT(totals_down(totals_of(&totals, 1)), 207);
    totals_interface(&totals, 1, 10, 150, 200);
    totals_ssh(&totals, 1, 6, 7);
    CHECK_INT(totals_up(totals_of(&totals, 1)), 156);
    CHECK_INT(totals_down(totals_of(&totals, 1)), 207);
}

static void test_a_counter_that_begins_anew_is_carried(void **state)
{
    (void)state;
    totals_interface(&totals, 1, 10, 100, 200);
    totals_interface(&totals, 1, 10, 30, 20); /* lower: it was reset */
    CHECK_INT(totals_up(totals_of(&totals, 1)), 130);
    CHECK_INT(totals_down(totals_of(&totals, 1)), 220);
    totals_interface(&totals, 1, 11, 500, 500); /* another interface, and higher */
    CHECK_INT(totals_up(totals_of(&totals, 1)), 630);
    CHECK_INT(totals_down(totals_of(&totals, 1)), 720);
}

/* Whatever restarts, in whatever order: within an epoch totals never fall, and after a boot of the
 * host there is another epoch. */
static void test_totals_never_fall(void **state)
{
    enum { ROUNDS = 3000 };
    uint64_t up = 0, ssh = 0;
    int64_t interface = 1, epoch = totals_of(&totals, 1)->counter_epoch, last = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        check_row("round %d", round);
        switch (check_random(6)) {
        case 0:
            ssh = 0; /* the gateway's count dies with the agent */
            restart();
            break;
        case 1:
            interface++;
            up = 0;
            break;
        case 2:
            if (check_random(4) > 0)
                break;
            up = ssh = 0;
            totals_close(&totals);
            home_reboot();
            clock_advance(&held, US_PER_SECOND / 10);
            totals_open(home_identity(), &held, &totals);
            CHECK(totals_of(&totals, 1)->counter_epoch > epoch);
            epoch = totals_of(&totals, 1)->counter_epoch;
            last = 0;
            break;
        default:
            break;
        }
        up += check_random(1000);
        ssh += check_random(1000);
        totals_interface(&totals, 1, interface, up, 0);
        totals_ssh(&totals, 1, ssh, 0);
        save(); /* before it is reported */
        CHECK_INT(totals_of(&totals, 1)->counter_epoch, epoch);
        CHECK(totals_up(totals_of(&totals, 1)) >= last);
        last = totals_up(totals_of(&totals, 1));
    }
}

static void test_nothing_is_lost_over_a_restart(void **state)
{
    (void)state;
    totals_interface(&totals, 1, 10, 100, 200);
    totals_ssh(&totals, 1, 5, 7);
    save();
    restart();
    totals_interface(&totals, 1, 10, 100, 200);
    totals_ssh(&totals, 1, 1, 1);
    CHECK_INT(totals_up(totals_of(&totals, 1)), 106);
    CHECK_INT(totals_down(totals_of(&totals, 1)), 208);
}

static void test_what_was_lost_begins_a_later_epoch(void **state)
{
    int64_t epoch = totals_of(&totals, 1)->counter_epoch;

    (void)state;
    save();
    home_write("totals.json", "{\"boot_id\":");
    clock_advance(&held, US_PER_SECOND);
    restart();
    CHECK(totals_of(&totals, 1)->counter_epoch > epoch);
}

static void test_running_time_belongs_to_a_start(void **state)
{
    int64_t now_us = clock_boot_us(&held);

    (void)state;
    totals_run(&totals, 1, "a@1", now_us - 5 * US_PER_SECOND);
    CHECK_INT(totals_of(&totals, 1)->run_ms, 5000);
    clock_advance(&held, 2 * US_PER_SECOND);
    totals_run(&totals, 1, "a@1", now_us - 5 * US_PER_SECOND);
    CHECK_INT(totals_of(&totals, 1)->run_ms, 7000);
    save();
    restart();
    CHECK_INT(totals_of(&totals, 1)->run_ms, 7000);
    totals_run(&totals, 1, "a@2", now_us + US_PER_SECOND);
    CHECK_INT(totals_of(&totals, 1)->run_ms, 1000);
    CHECK_TEXT(totals_of(&totals, 1)->start_token, "a@2");
}

static void test_one_that_is_removed_is_forgotten(void **state)
{
    (void)state;
    totals_interface(&totals, 1, 10, 100, 200);
    totals_interface(&totals, 2, 11, 1, 2);
    totals_remove(&totals, 1);
    CHECK_INT((int64_t)totals.count, 1);
    CHECK_INT(totals_up(totals_of(&totals, 2)), 1);
    CHECK_INT(totals_up(totals_of(&totals, 1)), 0);
}

static void test_when_a_process_began(void **state)
{
    int64_t started_us, now_us = clock_boot_us(&clock_system);

    (void)state;
    CHECK(totals_process_start(getpid(), &started_us));
    CHECK(started_us > now_us - 300 * US_PER_SECOND && started_us <= now_us);
    CHECK(!totals_process_start(0, &started_us));
    CHECK(!totals_process_start(-1, &started_us));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_totals_grow),
        TEST(test_a_counter_that_begins_anew_is_carried),
        TEST(test_totals_never_fall),
        TEST(test_nothing_is_lost_over_a_restart),
        TEST(test_what_was_lost_begins_a_later_epoch),
        TEST(test_running_time_belongs_to_a_start),
        TEST(test_one_that_is_removed_is_forgotten),
        TEST(test_when_a_process_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
