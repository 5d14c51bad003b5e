/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/show_user.h"

#include <stdlib.h>

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

static int written; /* how often write_view() was asked */

static void write_view(const struct user_view *view, const struct caller *caller, struct buf *out)
{
    written++;
    buf_printf(out, "%lld %lld", (long long)view->credit.nanodollars, (long long)caller->key_id);
}

/* The credit in the text, which is of this key. */
static int64_t text_credit(struct world *world, struct caller caller)
{
    auto_buf struct buf text = buf_of(256);
    struct error err;
    char *rest;

    CHECK_OK(flow_show_user_text(&world->flow, &caller, &world->arena, write_view, &text, &err),
             &err);
    int64_t credit = strtoll(text.bytes, &rest, 10);
    CHECK_INT(strtoll(rest, NULL, 10), caller.key_id);
    return credit;
}

/* Kept or not, the text is what a look at this microsecond finds. */
static void test_a_kept_text_is_never_older_than_the_account(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    bool is_kept = !world.support->is_postgres;
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller of_another_key = ada, bob = world_user(&world, "bob@berth.test", 7);
    of_another_key.key_id++;
    written = 0;
    for (int i = 0; i < 4; i++) {
        clock_advance(&world.clock, US_PER_HOUR);
        CHECK_INT(text_credit(&world, ada), INT64_C(25000000000));
        CHECK_INT(text_credit(&world, of_another_key), INT64_C(25000000000));
        CHECK_INT(text_credit(&world, bob), INT64_C(7000000000));
    }
    CHECK_INT(written, is_kept ? 3 : 12);

    /* What runs costs something in each microsecond, without anything being written. */
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    struct hash before = world_dump(&world);
    int64_t last = text_credit(&world, ada);
    for (int i = 0; i < 4; i++) {
        clock_advance(&world.clock, US_PER_SECOND);
        int64_t credit = text_credit(&world, ada);
        CHECK(credit < last);
        CHECK_INT(credit, show(&world, ada).credit.nanodollars);
        last = credit;
    }
    CHECK_UNCHANGED(&world, before);
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
        cmocka_unit_test(test_a_kept_text_is_never_older_than_the_account),
        cmocka_unit_test(test_a_host_earns_three_quarters),
        cmocka_unit_test(test_it_shows_the_first_key),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
