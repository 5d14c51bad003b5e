/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/post_usage.h"

#include "flow/funds.h"
#include "flow/instance_change.h"
#include "support.h"

static size_t run_timer(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_post_usage(&world->flow, &count, &err), &err);
    return count;
}

static int64_t journals(struct world *world)
{
    return world_number(world, "SELECT COUNT(*) FROM journal WHERE kind = 1");
}

static void test_running_ones_are_posted_every_ten_minutes(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 599 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 0);
    world_run(&world, &machine, US_PER_SECOND);
    int64_t credit = world_credit(&world, ada), charged = world_charged(&world, ada, id);
    int64_t t_zero = world_number(&world, "SELECT MIN(t_zero_us) FROM users");
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT((int64_t)run_timer(&world), 0);
    CHECK_INT(journals(&world), 1);

    /* Posting moves nothing that anybody sees: neither balance nor bill nor the end of credit. */
    CHECK_INT(world_credit(&world, ada), credit);
    CHECK_INT(world_charged(&world, ada, id), charged);
    CHECK_INT(world_number(&world, "SELECT MIN(t_zero_us) FROM users"), t_zero);
    CHECK_INT(world_number(&world, "SELECT SUM(gross_posted) FROM meter"), charged);
    world_check(&world);
    world_close(&world);
}

static void test_posting_does_not_pass_the_last_heartbeat(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 600 * US_PER_SECOND);
    world_pass(&world, 7 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 1"),
              600 * US_PER_SECOND);
    world_run(&world, &machine, 5 * US_PER_SECOND); /* before the lease is over */
    world_run(&world, &machine, 595 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 1"),
              1207 * US_PER_SECOND);
    world_check(&world);
    world_close(&world);
}

static void test_stopped_ones_are_posted_every_hour(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_pass(&world, 3599 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 0);
    world_pass(&world, US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT(world_number(&world, "SELECT gross_posted FROM meter WHERE comp = 2"),
              INT64_C(1500000000) * 3600 / 2592000);

    /* Nothing is ever posted for what is destroyed. */
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    int64_t before = journals(&world);
    world_pass(&world, 7200 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 0);
    CHECK_INT(journals(&world), before);
    world_check(&world);
    world_close(&world);
}

static void test_a_byte_is_charged_once_however_often_it_is_posted(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_container(&machine, id)->bytes_up = 1000000;
    world_container(&machine, id)->bytes_down = 2000000;
    for (int i = 0; i < 3; i++) {
        world_run(&world, &machine, 600 * US_PER_SECOND);
        CHECK_INT((int64_t)run_timer(&world), 1);
        check_row("posting %d", i);
        CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 3"), 1000000);
        CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 4"), 2000000);
    }
    world_container(&machine, id)->bytes_up += 5;
    world_run(&world, &machine, 600 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 3"), 1000005);
    CHECK_INT(world_number(&world, "SELECT posted_total FROM meter WHERE comp = 4"), 2000000);
    world_check(&world);
    world_close(&world);
}

/* Whether posted often or never, at odd moments or even ones, the bill is the same. */
static void test_the_bill_does_not_depend_on_when_it_is_posted(void **state)
{
    struct world world;
    struct world_machine machine, other;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    world_host(&world, &other, "b", 1);
    int64_t first = world_running(&world, &machine, ada, 1);
    int64_t second = world_running(&world, &other, bob, 1);
    enum change_outcome outcome;
    struct error err;

    for (int i = 0; i < 40; i++) {
        int64_t us = (int64_t)check_random(25 * US_PER_SECOND) + 1;

        world_pass(&world, us);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
        CHECK_INT(world_beat(&world, &other), TAKE_DONE);
        /* A key of Ada's makes no charge; posting hers now and then does not either. */
        if (check_random(3) == 0) {
            support_script(world.support, "UPDATE contract SET posted_us = 0 WHERE owner_id = "
                                          "(SELECT id FROM users WHERE email = 'ada@berth.test')");
            CHECK_INT((int64_t)run_timer(&world), 1);
        }
    }
    CHECK_OK(flow_destroy(&world.flow, &ada, first, &outcome, &err), &err);
    CHECK_OK(flow_destroy(&world.flow, &bob, second, &outcome, &err), &err);
    CHECK_INT(world_credit(&world, ada), world_credit(&world, bob));
    world_check(&world);
    world_close(&world);
}

struct foreseen {
    const struct world *world;
    int64_t user_id;
};

static bool foresee(struct db *db, void *context, struct error *err)
{
    const struct foreseen *foreseen = context;

    return funds_set_t_zero(db, foreseen->user_id, clock_now(&foreseen->world->clock), err);
}

/* Most postings leave the end of credit as it was foreseen: it is what looking at everything anew
 * says, to the microsecond; and traffic, which nobody foresees, is taken off it. */
static void test_the_end_of_credit_is_as_foreseen_or_found_anew(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t traffic_count = 0;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 3);
    int64_t id = world_running(&world, &machine, ada, 1);
    (void)world_running(&world, &machine, ada, 2);
    for (int i = 0; i < 30; i++) {
        bool has_traffic = check_random(3) == 0;

        check_row("step %d", i);
        world_container(&machine, id)->bytes_up += has_traffic ? 100000000 : 0;
        for (int beat = 0; beat < 3; beat++) {
            world_pass(&world, 1 + (int64_t)check_random(25 * US_PER_SECOND));
            CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
        }
        int64_t silent_us = (int64_t)check_random(40 * US_PER_SECOND);
        world_pass(&world, silent_us);
        int64_t before = world_number(&world, "SELECT MIN(t_zero_us) FROM users");
        support_script(world.support, "UPDATE contract SET posted_us = posted_us - 600000000");
        CHECK_INT((int64_t)run_timer(&world), 2);
        int64_t after = world_number(&world, "SELECT MIN(t_zero_us) FROM users");
        CHECK(silent_us >= CONNECTED_LEASE_US || (has_traffic ? after <= before : after == before));
        traffic_count += has_traffic;
        support_write(world.support, foresee, &(struct foreseen){ &world, ada.user_id });
        CHECK_INT(world_number(&world, "SELECT MIN(t_zero_us) FROM users"), after);
    }
    CHECK(traffic_count > 0 && traffic_count < 30);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_ones_are_posted_every_ten_minutes),
        cmocka_unit_test(test_posting_does_not_pass_the_last_heartbeat),
        cmocka_unit_test(test_stopped_ones_are_posted_every_hour),
        cmocka_unit_test(test_a_byte_is_charged_once_however_often_it_is_posted),
        cmocka_unit_test(test_the_bill_does_not_depend_on_when_it_is_posted),
        cmocka_unit_test(test_the_end_of_credit_is_as_foreseen_or_found_anew),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
