/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/warn_credit.h"

#include "flow/admin.h"
#include "flow/no_credit.h"
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
    CHECK_INT(mails(&world, LOW_6), 2);
    CHECK_INT(mails(&world, ALL), 2);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_level_is_mailed_once_and_the_end_too),
        cmocka_unit_test(test_credit_that_comes_lets_a_level_come_again),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
