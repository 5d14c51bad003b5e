/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/desired.h"

#include "flow/autopay.h"
#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "flow/op.h"
#include "flow/pay.h"
#include "support.h"

static struct desired load(struct world *world, int64_t machine_id)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine_id, &world->arena, &desired, &has, &err), &err);
    CHECK(has);
    return desired;
}

static int64_t rev_of(struct world *world, int64_t machine_id)
{
    struct error err;
    int64_t rev;
    bool has;

    CHECK_OK(flow_desired_rev(&world->flow, machine_id, &rev, &has, &err), &err);
    CHECK(has);
    return rev;
}

static void test_every_change_of_an_instance_is_a_new_revision(void **state)
{
    static bool (*const actions[])(
        const struct flow *, const struct caller *, int64_t, enum change_outcome *,
        struct error *) = { flow_reboot, flow_stop, flow_start, flow_destroy };
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t rev = rev_of(&world, machine.id);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK(rev_of(&world, machine.id) > rev);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        rev = rev_of(&world, machine.id);
        int64_t gen = load(&world, machine.id).instances[0].gen;

        check_row("%zu", i);
        CHECK_OK(actions[i](&world.flow, &ada, id, &outcome, &err), &err);
        CHECK_INT(outcome, CHANGE_DONE);
        struct desired desired = load(&world, machine.id);
        CHECK(desired.desired_rev > rev);
        CHECK_INT(desired.desired_rev, rev_of(&world, machine.id));
        CHECK(desired.instances[0].gen > gen);
        if (i < 3)
            CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    }
    world_close(&world);
}

static void test_it_says_when_credit_and_lifetime_end(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    struct desired desired = load(&world, machine.id);
    CHECK_INT(desired.session_epoch, machine.epoch);
    CHECK_INT(desired.server_time_us, clock_now(&world.clock).microseconds);
    CHECK_INT(desired.instances[0].stop_after_ms, 9942462);
    CHECK_INT(desired.instances[0].lifetime_after_ms, -1);
    world_pass(&world, 10000 * US_PER_SECOND);
    CHECK_INT(load(&world, machine.id).instances[0].stop_after_ms, 0);
    world_close(&world);
}

/* Where a card is charged before credit ends, an agent that hears nothing waits a day longer: only
 * there, and it hears of it when that changes. */
static void test_who_is_topped_up_is_given_a_day(void **state)
{
    static struct pay_settings settings = { .site = "https://market.test", .has_stripe = true };
    const struct money threshold = { 5 * NANODOLLARS_PER_DOLLAR };
    struct world world;
    struct world_machine machine;
    struct error err;
    bool is_good;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    int64_t alone_ms = load(&world, machine.id).instances[0].stop_after_ms;
    int64_t rev = rev_of(&world, machine.id);
    CHECK_OK(flow_autopay_set(&world.flow, &ada, threshold, threshold, &is_good, &err), &err);
    CHECK(is_good);
    CHECK(rev_of(&world, machine.id) > rev);
    world.flow.pay = &settings;
    CHECK_INT(load(&world, machine.id).instances[0].stop_after_ms, alone_ms); /* no card */
    support_script(*state, "INSERT INTO card (user_id, provider, object_id, brand, last4, month, "
                           "year, fingerprint, created_us) SELECT id, 'stripe', 'pm_1', 'visa', "
                           "'4242', 1, 2030, 'f', 0 FROM users WHERE email = 'ada@berth.test';");
    CHECK_INT(load(&world, machine.id).instances[0].stop_after_ms,
              alone_ms + DESIRED_TOPPED_UP_US / US_PER_MS);
    support_script(*state, "UPDATE autopay SET tries = 1;"); /* it was declined */
    CHECK_INT(load(&world, machine.id).instances[0].stop_after_ms, alone_ms);
    support_script(*state, "UPDATE autopay SET tries = 0, topup = 0;");
    CHECK_INT(load(&world, machine.id).instances[0].stop_after_ms, alone_ms);
    world.flow.pay = NULL;
    world_close(&world);
}

static void test_operations_are_listed_until_done_or_too_late(void **state)
{
    struct world world;
    struct world_machine machine;
    struct op_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct op_request request = { .instance_id = id, .kind = OP_EXEC, .command = "ls -l" };
    int64_t rev = rev_of(&world, machine.id);
    CHECK_OK(flow_op_create(&world.flow, &ada, &request, &reply, &err), &err);
    struct desired desired = load(&world, machine.id);
    CHECK(desired.desired_rev > rev);
    CHECK_INT(desired.op_count, 1);
    CHECK_INT(desired.ops[0].kind, OP_EXEC);
    CHECK_TEXT(desired.ops[0].command, "ls -l");
    CHECK_INT(desired.ops[0].instance_id, id);
    CHECK_INT(desired.ops[0].expires_ms, 60000);
    world_pass(&world, 60 * US_PER_SECOND);
    CHECK_INT(load(&world, machine.id).op_count, 0);
    world_close(&world);
}

static void test_an_unknown_machine_has_none(void **state)
{
    struct world world;
    struct desired desired;
    struct error err;
    int64_t rev;
    bool has;

    world_open(&world, *state);
    CHECK_OK(flow_desired(&world.flow, 99999, &world.arena, &desired, &has, &err), &err);
    CHECK(!has);
    CHECK_OK(flow_desired_rev(&world.flow, 99999, &rev, &has, &err), &err);
    CHECK(!has);
    world_close(&world);
}

/* An end in the next century, or credit for a thousand years, is nothing that a host could not
 * read: it would be left without any desired state at all. */
static void test_a_host_can_read_what_ends_late(void **state)
{
    struct world world;
    struct world_machine machine;
    auto_buf struct buf text = buf_of(1 << 20);
    auto_json json_t *root = NULL;
    struct desired again;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 200000);
    world_host(&world, &machine, "a", 1);
    struct list_machine_request request = { .machine_id = machine.id,
                                            .has_end = true,
                                            .values = { .end = { INT64_C(9000000000000000) } } };
    struct list_machine_reply reply;
    CHECK_OK(flow_list_machine(&world.flow, &machine.host, &request, &reply, &err), &err);
    (void)world_running(&world, &machine, ada, 1);
    struct desired desired = load(&world, machine.id);
    CHECK_INT(desired.instances[0].lifetime_after_ms, DESIRED_SPAN_MS_MAX);
    CHECK_INT(desired.instances[0].stop_after_ms, DESIRED_SPAN_MS_MAX);
    desired_encode(&text, &desired);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    CHECK_OK(desired_decode(root, &world.arena, &again, &err), &err);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change_of_an_instance_is_a_new_revision),
        cmocka_unit_test(test_it_says_when_credit_and_lifetime_end),
        cmocka_unit_test(test_a_host_can_read_what_ends_late),
        cmocka_unit_test(test_who_is_topped_up_is_given_a_day),
        cmocka_unit_test(test_operations_are_listed_until_done_or_too_late),
        cmocka_unit_test(test_an_unknown_machine_has_none),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
