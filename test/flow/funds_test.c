/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/funds.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct deposit_work {
    int64_t user_id;
    int number;
    bool is_given_up;
};

/* Given up after its receipt has a number. */
static bool deposit_work(struct db *db, void *context, struct error *err)
{
    const struct deposit_work *work = context;
    char ticket[48];

    (void)snprintf(ticket, sizeof ticket, "wire %d of %d", work->number, (int)getpid());
    if (!funds_deposit(db, work->user_id, (struct money){ NANODOLLARS_PER_DOLLAR }, ticket,
                       WORLD_START, err))
        return false;
    return !work->is_given_up || error_set(err, ERROR_FORBIDDEN, "it is given up");
}

/* A server of its own that takes money in until it is killed; every third one is given up. */
static void take_in(const struct world *world, const char *location, int64_t user_id)
{
    struct deposit_work work = { .user_id = user_id };
    struct store *store;
    struct error err;

    if (!store_open_beside(location, &world->log, &store, &err))
        _exit(1);
    for (;; work.number++) {
        work.is_given_up = work.number % 3 == 2;
        (void)!store_write(store, deposit_work, &work, &err);
    }
}

enum { KILLS = 6, SERVERS = 3 };

/* Whatever dies, and wherever: those that arrived have the numbers from 1 on, each once. */
static void test_receipts_have_no_gaps(void **state)
{
    struct support *support = *state;
    struct world world;
    struct error err;

    world_open(&world, support);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    struct caller bob = world_user(&world, "bob@berth.test", 1);
    store_close(&support->store);
    for (int i = 0; i < KILLS; i++) {
        pid_t pids[SERVERS];

        for (int k = 0; k < SERVERS; k++) {
            pids[k] = fork();
            CHECK(pids[k] >= 0);
            if (pids[k] == 0)
                take_in(&world, support->location, k == 0 ? ada.user_id : bob.user_id);
        }
        (void)usleep(150000 + (useconds_t)i * 7001);
        for (int k = 0; k < SERVERS; k++)
            CHECK_INT(kill(pids[k], SIGKILL), 0);
        for (int k = 0; k < SERVERS; k++)
            CHECK_INT(waitpid(pids[k], NULL, 0), pids[k]);
    }
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
    int64_t count = world_number(&world, "SELECT COUNT(*) FROM deposit WHERE state = 2");
    CHECK(count > 2);
    CHECK_INT(world_number(&world, "SELECT COUNT(DISTINCT receipt) FROM deposit"), count);
    CHECK_INT(world_number(&world, "SELECT last FROM bill_series WHERE series = 'REC'"), count);
    CHECK_INT(world_number(&world, "SELECT MAX(CAST(substr(receipt, 10) AS BIGINT)) FROM deposit"),
              count);
    CHECK_INT(world_number(&world, "SELECT MIN(CAST(substr(receipt, 10) AS BIGINT)) FROM deposit"),
              1);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_grant_counts_once_and_its_key_for_nothing_else),
        cmocka_unit_test(test_whoever_runs_nothing_is_never_due),
        cmocka_unit_test(test_hosts_hear_of_it_when_it_matters),
        cmocka_unit_test(test_receipts_have_no_gaps),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
