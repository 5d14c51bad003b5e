/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/no_credit.h"

#include "flow/admin.h"
#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "flow/post_usage.h"
#include "support.h"

/* What is left of a dollar lasts so long at $0.36 an hour and GPU and 10 GB at $0.15 a month:
 * ceil(10^9 * 2592000000000 / (720 * 360000000 + 10 * 150000000)) microseconds. */
#define DOLLAR_LASTS_US INT64_C(9942462601)

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 1);
    world_host(&scene->world, &scene->machine, "a", 2);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static size_t run_timer(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_no_credit(&scene->world.flow, &count, &err), &err);
    return count;
}

static int64_t t_zero(struct scene *scene)
{
    return world_number_of(&scene->world, "SELECT t_zero_us FROM users WHERE id = $1",
                           scene->ada.user_id);
}

static void grant(struct scene *scene, int64_t dollars, const char *ticket)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_grant_credit(&scene->world.flow, scene->ada.user_id,
                               (struct money){ dollars * NANODOLLARS_PER_DOLLAR }, ticket, &outcome,
                               &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
}

static void test_gpu_time_ends_at_the_very_microsecond(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    CHECK_INT(t_zero(&scene), WORLD_START.microseconds + DOLLAR_LASTS_US);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US - 1);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    CHECK(world_credit(&scene.world, scene.ada) > -2);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_RUNNING);

    /* The timer is late by nine seconds, in which the instance ran and heartbeats came. */
    world_run(&scene.world, &scene.machine, 9 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    struct contract_row contract = world_contract(&scene.world, scene.id);
    CHECK_INT(contract.state, RENTAL_STOPPING);
    CHECK_INT(contract.reason, REASON_NO_CREDIT);
    CHECK_INT(world_number(&scene.world, "SELECT total FROM meter WHERE comp = 1"),
              DOLLAR_LASTS_US);
    /* Only the disk of those nine seconds, less a fraction, is owed. */
    int64_t credit = world_credit(&scene.world, scene.ada);
    CHECK(credit <= 0 && credit > -INT64_C(1500000000) * 10 / 2592000);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_data_is_kept_and_its_disk_becomes_debt(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPED);
    world_pass(&scene.world, INT64_C(30) * 24 * 3600 * US_PER_SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPED);
    int64_t credit = world_credit(&scene.world, scene.ada);
    CHECK(credit <= -1499999999 && credit >= -1500000001); /* a month of 10 GB */
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_credit_that_came_in_time_moves_the_end(void **state)
{
    struct scene scene;
    struct desired desired;
    struct error err;
    bool has;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 3600 * US_PER_SECOND);
    int64_t rev = world_number(&scene.world, "SELECT desired_rev FROM machine");
    grant(&scene, 1, "more");
    /* Exact over both: the remainder of the first dollar is carried. */
    int64_t both = t_zero(&scene) - WORLD_START.microseconds;
    CHECK(both <= 2 * DOLLAR_LASTS_US && both >= 2 * DOLLAR_LASTS_US - 2);
    /* The agent hears of it, or it would stop the instance by itself. */
    CHECK(world_number(&scene.world, "SELECT desired_rev FROM machine") > rev);
    CHECK_OK(
        flow_desired(&scene.world.flow, scene.machine.id, &scene.world.arena, &desired, &has, &err),
        &err);
    CHECK_INT(desired.instances[0].stop_after_ms, (both - 3600 * US_PER_SECOND) / 1000);
    grant(&scene, 1, "more"); /* the same ticket */
    CHECK_INT(t_zero(&scene), WORLD_START.microseconds + both);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US - 3600 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Something else looks at the account between its end and the timer. */
static void test_an_end_that_has_come_stays_where_it_was(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US + 3 * US_PER_SECOND);
    int64_t end = t_zero(&scene);
    CHECK(end <= WORLD_START.microseconds + DOLLAR_LASTS_US);
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(t_zero(&scene), end);
    world_run(&scene.world, &scene.machine, 6 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_number(&scene.world, "SELECT total FROM meter WHERE comp = 1"),
              DOLLAR_LASTS_US);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Too little to pay for what has run since: it ends where it ended. */
static void test_too_little_that_came_before_the_timer_saves_nothing(void **state)
{
    struct scene scene;
    enum admin_outcome outcome;
    struct error err;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US + 9 * US_PER_SECOND);
    CHECK_OK(flow_grant_credit(&scene.world.flow, scene.ada.user_id, (struct money){ 800000 },
                               "little", &outcome, &err),
             &err);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPING);
    CHECK_INT(world_number(&scene.world, "SELECT total FROM meter WHERE comp = 1"),
              DOLLAR_LASTS_US);
    CHECK(world_credit(&scene.world, scene.ada) > 0);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_credit_that_came_before_the_timer_saves_it(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US + 2 * US_PER_SECOND);
    grant(&scene, 1, "just in time");
    CHECK_INT((int64_t)run_timer(&scene), 0);
    /* The two seconds are paid like all others: both dollars last as long as two do. */
    int64_t both = t_zero(&scene) - WORLD_START.microseconds;
    CHECK(both <= 2 * DOLLAR_LASTS_US && both >= 2 * DOLLAR_LASTS_US - 2);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_RUNNING);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Nothing more is heard of the host two seconds behind the end of credit. What it is charged in the
 * end, when contact is lost and more credit has come. */
static int64_t charged_of_a_lost_host(void **state, bool is_timer_first)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, DOLLAR_LASTS_US + 2 * US_PER_SECOND);
    if (is_timer_first)
        CHECK_INT((int64_t)run_timer(&scene), 1);
    grant(&scene, 1, "just in time");
    world_pass(&scene.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(world_credit(&scene.world, scene.ada) > 0);
    world_check(&scene.world);
    int64_t charged_us = world_number(&scene.world, "SELECT total FROM meter WHERE comp = 1");
    world_close(&scene.world);
    return charged_us;
}

static void test_credit_that_came_before_the_timer_pays_up_to_the_last_heartbeat(void **state)
{
    CHECK_INT(charged_of_a_lost_host(state, false), DOLLAR_LASTS_US + 2 * US_PER_SECOND);
}

static void test_credit_that_came_after_the_timer_pays_for_nothing_behind_the_end(void **state)
{
    CHECK_INT(charged_of_a_lost_host(state, true), DOLLAR_LASTS_US);
}

static void test_all_instances_end_at_the_same_instant(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct world_machine other;
    world_host(&scene.world, &other, "b", 1);
    grant(&scene, 1, "more");
    int64_t second = world_running(&scene.world, &other, scene.ada, 1);
    int64_t end = t_zero(&scene);
    int64_t left_us = end - WORLD_START.microseconds;

    /* Both at once: twice the burn, twice the money, as long. */
    CHECK(left_us <= DOLLAR_LASTS_US && left_us >= DOLLAR_LASTS_US - 2);
    while (clock_now(&scene.world.clock).microseconds < end + 3 * US_PER_SECOND) {
        world_pass(&scene.world, 25 * US_PER_SECOND);
        CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
        CHECK_INT(world_beat(&scene.world, &other), TAKE_DONE);
    }
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPING);
    CHECK_INT(world_contract(&scene.world, second).state, RENTAL_STOPPING);
    CHECK_INT(world_number(&scene.world, "SELECT MIN(total) FROM meter WHERE comp = 1"), left_us);
    CHECK_INT(world_number(&scene.world, "SELECT MAX(total) FROM meter WHERE comp = 1"), left_us);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Two hosts tell of the same two hours in which no server was there, one after the other. Each was
 * to stop when credit ended, and neither did. */
static void test_time_that_comes_to_light_is_charged_as_far_as_credit_goes(void **state)
{
    struct scene scene;
    struct world_machine other;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_host(&scene.world, &other, "b", 1);
    int64_t second = world_running(&scene.world, &other, scene.ada, 1);
    int64_t left_us = t_zero(&scene) - WORLD_START.microseconds;
    world_silence(&scene.world, INT64_C(7200) * US_PER_SECOND);
    world_pass(&scene.world, 0);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    int64_t first_us = world_number_of(
        &scene.world, "SELECT total FROM meter WHERE comp = 1 AND instance_id = $1", scene.id);
    CHECK(first_us <= left_us && first_us >= left_us - 2); /* less than a nanodollar */
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK_INT(world_beat(&scene.world, &other), TAKE_DONE);
    int64_t rest_us = world_number_of(
        &scene.world, "SELECT total FROM meter WHERE comp = 1 AND instance_id = $1", second);
    /* What the disks took in the meantime is no longer there for it. */
    CHECK(rest_us < left_us && rest_us > left_us - 60 * US_PER_SECOND);
    CHECK(world_credit(&scene.world, scene.ada) >= -1);
    world_pass(&scene.world, US_PER_SECOND); /* what rounding left */
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPING);
    CHECK_INT(world_contract(&scene.world, second).state, RENTAL_STOPPING);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_a_host_that_left_burns_no_more_than_disk(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
    world_pass(&scene.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(t_zero(&scene) > WORLD_START.microseconds + 100 * DOLLAR_LASTS_US);
    world_pass(&scene.world, DOLLAR_LASTS_US);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_RUNNING);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* The prediction is due before anybody noticed that the host is gone. */
static void test_what_was_not_confirmed_is_not_held_against_the_renter(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
    world_pass(&scene.world, DOLLAR_LASTS_US);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_RUNNING);
    CHECK_INT((int64_t)run_timer(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_debit_mode_runs_down_to_its_limit(void **state)
{
    struct scene scene;
    enum admin_outcome outcome;
    struct error err;

    open_scene(&scene, state);
    CHECK_OK(flow_set_credit_limit(&scene.world.flow, scene.ada.user_id,
                                   (struct money){ NANODOLLARS_PER_DOLLAR }, &outcome, &err),
             &err);
    int64_t lasts = t_zero(&scene) - WORLD_START.microseconds;
    CHECK(lasts <= 2 * DOLLAR_LASTS_US && lasts >= 2 * DOLLAR_LASTS_US - 2);
    world_run(&scene.world, &scene.machine, lasts + US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&scene), 1);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPING);
    int64_t credit = world_credit(&scene.world, scene.ada);
    CHECK(credit <= -NANODOLLARS_PER_DOLLAR && credit > -NANODOLLARS_PER_DOLLAR - 1000);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpu_time_ends_at_the_very_microsecond),
        cmocka_unit_test(test_data_is_kept_and_its_disk_becomes_debt),
        cmocka_unit_test(test_credit_that_came_in_time_moves_the_end),
        cmocka_unit_test(test_an_end_that_has_come_stays_where_it_was),
        cmocka_unit_test(test_too_little_that_came_before_the_timer_saves_nothing),
        cmocka_unit_test(test_credit_that_came_before_the_timer_saves_it),
        cmocka_unit_test(test_credit_that_came_before_the_timer_pays_up_to_the_last_heartbeat),
        cmocka_unit_test(test_credit_that_came_after_the_timer_pays_for_nothing_behind_the_end),
        cmocka_unit_test(test_all_instances_end_at_the_same_instant),
        cmocka_unit_test(test_time_that_comes_to_light_is_charged_as_far_as_credit_goes),
        cmocka_unit_test(test_a_host_that_left_burns_no_more_than_disk),
        cmocka_unit_test(test_what_was_not_confirmed_is_not_held_against_the_renter),
        cmocka_unit_test(test_debit_mode_runs_down_to_its_limit),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
