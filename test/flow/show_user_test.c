/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/show_user.h"

#include "flow/instance_change.h"
#include "flow/ssh_keys.h"
#include "support.h"

static struct user_view show(struct world *world, struct caller caller)
{
    struct user_view view;
    struct error err;

    CHECK_OK(flow_show_user(&world->flow, &caller, &world->arena, &view, &err), &err);
    return view;
}

static void test_the_balance_moves_with_every_microsecond_and_writes_nothing(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_INT(show(&world, ada).burn_hour.nanodollars, 360000000 + 2083334);
    struct hash before = world_dump(&world);
    int64_t last = show(&world, ada).credit.nanodollars;
    CHECK_INT(last, INT64_C(25000000000));
    for (int i = 0; i < 5; i++) {
        clock_advance(&world.clock, US_PER_SECOND);
        int64_t credit = show(&world, ada).credit.nanodollars;
        /* 100,000 nanodollars of GPU and 578.7 of disk a second. */
        CHECK(last - credit >= 100578 && last - credit <= 100579);
        last = credit;
    }
    CHECK_UNCHANGED(&world, before);

    /* Without a heartbeat nothing more is counted against the renter than the lease confirms. */
    clock_advance(&world.clock, 3600 * US_PER_SECOND);
    CHECK(show(&world, ada).credit.nanodollars > INT64_C(25000000000) - 3605 * 579);
    world_close(&world);
}

static void test_a_host_earns_three_quarters(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    CHECK(show(&world, machine.host).has_machines);
    CHECK(!show(&world, ada).has_machines);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 754 * US_PER_SECOND);
    CHECK_INT(show(&world, machine.host).earnings.nanodollars, 0);
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    int64_t disk = INT64_C(1500000000) * 754 / 2592000;
    CHECK_INT(show(&world, machine.host).earnings.nanodollars, 75400000 / 4 * 3 + disk * 3 / 4);
    CHECK_INT(show(&world, machine.host).credit.nanodollars, 0);
    world_close(&world);
}

static void test_it_shows_the_first_key(void **state)
{
    struct world world;
    struct ssh_keys_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    CHECK_TEXT(show(&world, ada).ssh_key, "");
    CHECK_TEXT(show(&world, ada).user.email, "ada@berth.test");
    CHECK_TEXT(show(&world, ada).user.username, "ada");
    CHECK_OK(flow_ssh_key_add(&world.flow, &ada, KEY_ED25519, &world.arena, &reply, &err), &err);
    CHECK_OK(flow_ssh_key_add(&world.flow, &ada, KEY_ED25519_OTHER, &world.arena, &reply, &err),
             &err);
    CHECK_TEXT(show(&world, ada).ssh_key, KEY_ED25519);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_balance_moves_with_every_microsecond_and_writes_nothing),
        cmocka_unit_test(test_a_host_earns_three_quarters),
        cmocka_unit_test(test_it_shows_the_first_key),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
