/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/due.h"

#include "flow/contact_lost.h"
#include "flow/instance_change.h"
#include "flow/lifetime.h"
#include "flow/no_credit.h"
#include "flow/op.h"
#include "flow/post_usage.h"
#include "support.h"

static struct instant due(struct world *world, enum due what)
{
    struct instant dues[DUE_COUNT];
    struct error err;

    CHECK_OK(flow_due(&world->flow, dues, &err), &err);
    return dues[what];
}

static int64_t due_in_us(struct world *world, enum due what)
{
    return instant_until(clock_now(&world->clock), due(world, what));
}

static void test_an_empty_market_has_nothing_due(void **state)
{
    struct world world;

    world_open(&world, *state);
    for (int what = 0; what < DUE_COUNT; what++) {
        check_row("%d", what);
        CHECK_INT(due(&world, (enum due)what).microseconds, INSTANT_NEVER.microseconds);
    }
    world_close(&world);
}

typedef bool due_flow(const struct flow *flow, size_t *ret_count, struct error *err);

/* A microsecond before its instant a flow finds nothing, and at it, it does: so nobody need look
 * sooner. */
static void check_is_exact(struct world *world, enum due what, due_flow *flow)
{
    int64_t left_us = due_in_us(world, what);
    struct error err;
    size_t count;

    CHECK(left_us > 1);
    world_pass(world, left_us - 1);
    CHECK_OK(flow(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_INT(due_in_us(world, what), 1);
    world_pass(world, 1);
    CHECK_OK(flow(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(due_in_us(world, what) > 0);
}

static void test_a_lease_is_due_when_it_runs_out(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    (void)world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(due_in_us(&world, DUE_CONTACT_LOST), 30 * US_PER_SECOND);
    world_pass(&world, 5 * US_PER_SECOND);
    CHECK_INT(due_in_us(&world, DUE_CONTACT_LOST), 25 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(due_in_us(&world, DUE_CONTACT_LOST), 30 * US_PER_SECOND);
    check_is_exact(&world, DUE_CONTACT_LOST, flow_contact_lost);
    CHECK_INT(due(&world, DUE_CONTACT_LOST).microseconds, INSTANT_NEVER.microseconds);
    world_close(&world);
}

static void test_the_end_of_credit_is_due_at_its_instant(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    (void)world_running(&world, &machine, bob, 1);
    int64_t bobs_us = due_in_us(&world, DUE_NO_CREDIT);
    int64_t id = world_running(&world, &machine, ada, 1);
    /* The nearer of two. */
    CHECK(due_in_us(&world, DUE_NO_CREDIT) < bobs_us);
    CHECK_INT(due_in_us(&world, DUE_NO_CREDIT) / US_PER_MS, 9942462);
    world_run(&world, &machine, due_in_us(&world, DUE_NO_CREDIT) - 10 * US_PER_SECOND);
    check_is_exact(&world, DUE_NO_CREDIT, flow_no_credit);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPING);
    world_close(&world);
}

static void test_usage_is_due_by_how_it_runs(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_INT(due_in_us(&world, DUE_POST_USAGE), POST_RUNNING_SECONDS * US_PER_SECOND);
    world_run(&world, &machine, 590 * US_PER_SECOND);
    check_is_exact(&world, DUE_POST_USAGE, flow_post_usage);
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(due_in_us(&world, DUE_POST_USAGE), POST_STOPPED_SECONDS * US_PER_SECOND);
    world_close(&world);
}

static void test_operations_are_due_to_expire_and_to_go(void **state)
{
    struct world world;
    struct world_machine machine;
    struct op_reply reply;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct op_request request = { .instance_id = id, .kind = OP_EXEC, .command = "ls" };
    CHECK_OK(flow_op_create(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(due_in_us(&world, DUE_OP_EXPIRE), 60 * US_PER_SECOND);
    world_pass(&world, 60 * US_PER_SECOND);
    CHECK_OK(flow_op_expire(&world.flow, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM op WHERE progress = 2"), 1);
    CHECK_INT(due_in_us(&world, DUE_OP_EXPIRE), (OP_KEPT_SECONDS - 60) * US_PER_SECOND);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_market_has_nothing_due),
        cmocka_unit_test(test_a_lease_is_due_when_it_runs_out),
        cmocka_unit_test(test_the_end_of_credit_is_due_at_its_instant),
        cmocka_unit_test(test_usage_is_due_by_how_it_runs),
        cmocka_unit_test(test_operations_are_due_to_expire_and_to_go),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
