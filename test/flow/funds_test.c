/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/funds.h"

#include "support.h"

struct work {
    int64_t user_id;
    struct money amount;
    const char *key;
    struct instant now;
};

static bool grant_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;

    return funds_grant(db, work->user_id, work->amount, work->key, work->now, err);
}

static bool zero_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;

    return funds_set_t_zero(db, work->user_id, work->now, err);
}

static void test_a_grant_counts_once_and_its_key_for_nothing_else(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    struct work work = { ada.user_id, { NANODOLLARS_PER_DOLLAR }, "adj:x", WORLD_START };
    int64_t before = world_credit(&world, ada);
    support_write(world.support, grant_work, &work);
    CHECK_INT(world_credit(&world, ada) - before, NANODOLLARS_PER_DOLLAR);
    support_write(world.support, grant_work, &work);
    CHECK_INT(world_credit(&world, ada) - before, NANODOLLARS_PER_DOLLAR);
    work.amount.nanodollars++;
    CHECK_FAILS(store_write(world.support->store, grant_work, &work, &err), &err, ERROR_CONFLICT);
    CHECK_INT(world_credit(&world, ada) - before, NANODOLLARS_PER_DOLLAR);
    world_check(&world);
    world_close(&world);
}

static void test_whoever_runs_nothing_is_never_due(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller pat = world_user(&world, "pat@berth.test", 0);
    struct work work = { .user_id = pat.user_id, .now = WORLD_START };
    support_write(world.support, zero_work, &work);
    CHECK_INT(world_number(&world, "SELECT t_zero_us FROM users"), INT64_MAX);
    world_close(&world);
}

static void test_hosts_hear_of_it_when_it_matters(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    struct work work = { .user_id = ada.user_id, .now = clock_now(&world.clock) };
    int64_t rev = world_number(&world, "SELECT desired_rev FROM machine");
    support_write(world.support, zero_work, &work);
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), rev);
    support_script(world.support, "UPDATE users SET t_zero_us = t_zero_us + 999999 "
                                  "WHERE email = 'ada@berth.test'");
    support_write(world.support, zero_work, &work);
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), rev);
    support_script(world.support, "UPDATE users SET t_zero_us = t_zero_us - 1000000 "
                                  "WHERE email = 'ada@berth.test'");
    support_write(world.support, zero_work, &work);
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), rev + 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_grant_counts_once_and_its_key_for_nothing_else),
        cmocka_unit_test(test_whoever_runs_nothing_is_never_due),
        cmocka_unit_test(test_hosts_hear_of_it_when_it_matters),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
