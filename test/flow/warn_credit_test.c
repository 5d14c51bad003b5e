/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/warn_credit.h"

#include "flow/admin.h"
#include "flow/instance_change.h"
#include "flow/no_credit.h"
#include "flow/update_user.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

static size_t warn(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_warn_credit(&world->flow, &count, &err), &err);
    return count;
}

static int64_t mails(struct world *world, const char *sql)
{
    return world_number(world, sql);
}

#define ALL   "SELECT COUNT(*) FROM outbox WHERE provider = 'mail'"
#define LOW_6 "SELECT COUNT(*) FROM outbox WHERE body LIKE '%low_credit%6 h%'"
#define LOW_1 "SELECT COUNT(*) FROM outbox WHERE body LIKE '%low_credit%1 h%'"
#define OVER  "SELECT COUNT(*) FROM outbox WHERE body LIKE '%credit_exhausted%'"

/* $1 at $0.36 an hour lasts two hours and three quarters. */
static void test_each_level_is_mailed_once_and_the_end_too(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)warn(&world), 0);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, LOW_6), 1);
    CHECK_INT(mails(&world, ALL), 1);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, HOUR_US);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, HOUR_US);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, LOW_1), 1);
    world_run(&world, &machine, HOUR_US);
    CHECK_OK(flow_no_credit(&world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(mails(&world, OVER), 1);
    CHECK_INT(mails(&world, ALL), 3);
    CHECK_INT((int64_t)warn(&world), 0);
    world_check(&world);
    world_close(&world);
}

static void test_credit_that_comes_lets_a_level_come_again(void **state)
{
    struct world world;
    struct world_machine machine;
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_OK(flow_grant_credit(&world.flow, ada.user_id,
                               (struct money){ 2 * NANODOLLARS_PER_DOLLAR }, "t", &outcome, &err),
             &err);
    /* Eight hours: six are left behind by a quarter, a day is not. */
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, 3 * HOUR_US);
    CHECK_INT((int64_t)warn(&world), 1);
    /* But nobody is mailed of the same twice a day. */
    CHECK_INT(mails(&world, LOW_6), 1);
    CHECK_OK(flow_grant_credit(&world.flow, ada.user_id,
                               (struct money){ 8 * NANODOLLARS_PER_DOLLAR }, "u", &outcome, &err),
             &err);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, 23 * HOUR_US);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, LOW_6), 2);
    world_close(&world);
}

#define BELOW "SELECT COUNT(*) FROM outbox WHERE body LIKE '%low_balance%'"

static void set_low(struct world *world, const struct caller *caller, int64_t nanodollars, bool on)
{
    struct money amount = { nanodollars };
    struct update_user_request request = { .low_credit = &amount, .warns_low = &on };
    enum update_user_outcome outcome;
    struct error err;

    CHECK_OK(flow_update_user(&world->flow, caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_DONE);
}

/* $20 at $0.36 an hour last for more than two days: $19.50 are left after an hour and a half. */
static void test_an_amount_of_ones_own_is_told_of_once(void **state)
{
    struct world world;
    struct world_machine machine;
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 20);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    set_low(&world, &ada, INT64_C(19500000000), true);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, HOUR_US);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, HOUR_US / 2);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, BELOW), 1);
    CHECK_INT(mails(&world, ALL), 1);
    CHECK_INT((int64_t)warn(&world), 0);
    world_run(&world, &machine, HOUR_US);
    CHECK_INT((int64_t)warn(&world), 0);

    /* A quarter more, and down again: another day has another mail, this one has not. */
    CHECK_OK(flow_grant_credit(&world.flow, ada.user_id,
                               (struct money){ 6 * NANODOLLARS_PER_DOLLAR }, "t", &outcome, &err),
             &err);
    CHECK_INT((int64_t)warn(&world), 0);
    set_low(&world, &ada, INT64_C(30500000000), true);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, ALL), 1);
    set_low(&world, &ada, 0, false);
    world_run(&world, &machine, 24 * HOUR_US);
    CHECK_INT((int64_t)warn(&world), 0);
    set_low(&world, &ada, INT64_C(30500000000), true);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, BELOW), 2);
    world_check(&world);
    world_close(&world);
}

/* Nothing runs, and what is stopped costs disk. */
static void test_disk_alone_comes_below_it(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 20);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    set_low(&world, &ada, INT64_C(19500000000), true);
    /* 10 GB at $0.15 a month: a third of a month. */
    world_pass(&world, 5 * 24 * HOUR_US);
    CHECK_INT((int64_t)warn(&world), 0);
    world_pass(&world, 5 * 24 * HOUR_US);
    CHECK_INT((int64_t)warn(&world), 1);
    CHECK_INT(mails(&world, BELOW), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_level_is_mailed_once_and_the_end_too),
        cmocka_unit_test(test_credit_that_comes_lets_a_level_come_again),
        cmocka_unit_test(test_an_amount_of_ones_own_is_told_of_once),
        cmocka_unit_test(test_disk_alone_comes_below_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
