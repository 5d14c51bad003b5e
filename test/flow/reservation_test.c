/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reservation.h"

#include "flow/admin.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/parked.h"
#include "flow/post_usage.h"
#include "flow/prepay.h"
#include "flow/support_check.h"
#include "flow/why.h"

#define DOLLAR ((int64_t)NANODOLLARS_PER_DOLLAR)

/* For a month at $0.36 an hour and 10 GB at $0.15, less a fifth. */
#define MONTH (INT64_C(208560000000))

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

/* Something that runs, with so much paid ahead. */
static void open_scene(struct scene *scene, void **state, int64_t nanodollars)
{
    enum admin_outcome outcome;
    struct prepay_reply reply;
    struct error err;

    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 5);
    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id, (struct money){ 300 * DOLLAR },
                          "w", &outcome, &err),
             &err);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
    CHECK_OK(flow_prepay(&scene->world.flow, &scene->ada, scene->id, (struct money){ nanodollars },
                         &reply, &err),
             &err);
    CHECK_INT(reply.outcome, PREPAY_DONE);
}

static void close_scene(struct scene *scene)
{
    world_check(&scene->world);
    check_is_clean(scene->world.support);
    world_close(&scene->world);
}

static int64_t ends(struct scene *scene)
{
    return world_number(&scene->world, "SELECT ends_us FROM reservation WHERE closed_us = 0");
}

static int64_t now_us(struct scene *scene)
{
    return clock_now(&scene->world.clock).microseconds;
}

static void test_it_is_looked_at_when_it_will_be_used_up(void **state)
{
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    open_scene(&scene, state, MONTH);
    /* A month of running, to the microsecond. */
    CHECK_INT(ends(&scene), now_us(&scene) + INT64_C(2592000000000));
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    /* Stopped, its disk alone draws on it: $1.2 a month. */
    CHECK(ends(&scene) > now_us(&scene) + INT64_C(100) * 30 * 24 * US_PER_HOUR);
    world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    CHECK_OK(flow_start(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    /* What runs is posted every ten minutes, and is seen then. */
    world_run(&scene.world, &scene.machine, 1200 * US_PER_SECOND);
    size_t count;
    CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    CHECK(ends(&scene) < now_us(&scene) + INT64_C(2592000000000));
    close_scene(&scene);
}

static void test_the_end_is_told(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, DOLLAR);
    for (int i = 0; i < 18; i++) {
        world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
        CHECK_OK(flow_reservations(&scene.world.flow, &count, &err), &err);
    }
    CHECK_INT(world_contract(&scene.world, scene.id).kind, KIND_ON_DEMAND);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM contract_event WHERE detail LIKE "
                                         "'Its deposit is used up%'"),
              1);
    CHECK_INT(world_number(&scene.world,
                           "SELECT COUNT(*) FROM outbox WHERE path = 'ada@berth.test' AND "
                           "body LIKE '%\"deposit_used_up\",%\"amount\":\"0.36\"%'"),
              1);
    /* Its renter's credit has an end again. */
    CHECK(world_number_of(&scene.world, "SELECT t_zero_us FROM users WHERE id = $1",
                          scene.ada.user_id) < INSTANT_NEVER.microseconds);
    /* Of the two meters both are at their list price again. */
    CHECK_INT(world_number(&scene.world, "SELECT rate FROM meter WHERE comp = 1"), 360000000);
    CHECK_INT(world_number(&scene.world, "SELECT rate FROM meter WHERE comp = 2"), 150000000);
    close_scene(&scene);
}

static int64_t stop_after_ms(struct scene *scene)
{
    struct desired desired = world_desired(&scene->world, scene->machine.id);

    return desired.instances[0].stop_after_ms;
}

/* What its renter has besides. */
static void leave(struct scene *scene, int64_t nanodollars)
{
    char sql[160];

    (void)snprintf(sql, sizeof sql,
                   "UPDATE account SET dr_posted = cr_posted - "
                   "CASE code WHEN 2010 THEN %lld ELSE 0 END WHERE code IN (2010, 2020);",
                   (long long)nanodollars);
    support_script(scene->world.support, sql);
}

/* Should the server fall silent, its agent stops it when the deposit is used up, and then what its
 * renter has besides, at the full price: to the millisecond. */
static void test_an_agent_knows_when_nobody_pays_any_more(void **state)
{
    struct scene scene;

    open_scene(&scene, state, DOLLAR);
    int64_t left_us = ends(&scene) - now_us(&scene);
    leave(&scene, DOLLAR);
    /* A dollar at $0.36 an hour and 10 GB (flow/desired_test.c). */
    CHECK_INT(stop_after_ms(&scene), (left_us + INT64_C(9942462601)) / 1000);
    leave(&scene, 0);
    CHECK_INT(stop_after_ms(&scene), left_us / 1000);
    support_script(scene.world.support, "UPDATE reservation SET ends_us = 9223372036854775807;");
    CHECK_INT(stop_after_ms(&scene), -1);
    world_close(&scene.world);
}

/* Each day's bill has its own part of it. */
static void test_a_deposit_ends_on_the_day_on_which_it_does(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, 4 * DOLLAR); /* from Sunday afternoon for eleven hours */
    for (int i = 0; i < 16; i++) {
        world_run(&scene.world, &scene.machine, US_PER_HOUR);
        CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    }
    CHECK_INT(world_contract(&scene.world, scene.id).kind, KIND_ON_DEMAND);
    CHECK_INT(
        world_number(&scene.world, "SELECT COUNT(DISTINCT day) FROM usage_line WHERE comp = 1"), 2);
    /* On one of them at two prices. */
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM usage_line WHERE comp = 1"), 3);
    CHECK_INT(world_number(&scene.world,
                           "SELECT SUM(gross) FROM usage_line WHERE comp <= 2 AND rate NOT IN "
                           "(360000000, 150000000)"),
              4 * DOLLAR);
    close_scene(&scene);
}

/* A host that allows no discount may be paid ahead all the same; both prices are one. */
static void test_a_deposit_without_a_discount_ends_as_well(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, 2 * DOLLAR);
    support_script(scene.world.support,
                   "UPDATE contract SET gpu_hour = list_hour, discount_ppm = 0;"
                   "UPDATE meter SET rate = 360000000 WHERE comp = 1;"
                   "UPDATE meter SET rate = 150000000 WHERE comp = 2;"
                   "UPDATE rate_epoch SET rate = 360000000 WHERE comp = 1;"
                   "UPDATE rate_epoch SET rate = 150000000 WHERE comp = 2;"
                   "UPDATE reservation SET discount_ppm = 0;");
    for (int i = 0; i < 7; i++) {
        world_run(&scene.world, &scene.machine, US_PER_HOUR);
        CHECK_OK(flow_post_usage(&scene.world.flow, &count, &err), &err);
    }
    CHECK_INT(world_contract(&scene.world, scene.id).kind, KIND_ON_DEMAND);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM usage_line WHERE comp = 1"), 1);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_looked_at_when_it_will_be_used_up),
        cmocka_unit_test(test_the_end_is_told),
        cmocka_unit_test(test_an_agent_knows_when_nobody_pays_any_more),
        cmocka_unit_test(test_a_deposit_ends_on_the_day_on_which_it_does),
        cmocka_unit_test(test_a_deposit_without_a_discount_ends_as_well),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
