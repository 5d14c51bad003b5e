/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/parked.h"

#include "flow/admin.h"
#include "flow/instance_change.h"
#include "flow/post_usage.h"
#include "flow/prepay.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

/* One GPU at $0.36 an hour, and the guard as berthd has it. */
static void open_scene(struct scene *scene, void **state, int64_t dollars)
{
    world_open(&scene->world, *state);
    support_script(*state, "DELETE FROM posting_guard;");
    scene->ada = world_user(&scene->world, "ada@berth.test", dollars);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

/* Paid ahead for a month, which makes it a fifth cheaper. */
static void reserve(struct scene *scene)
{
    const struct money month = { INT64_C(208560000000) };
    enum admin_outcome outcome;
    struct prepay_reply reply;
    struct error err;

    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id, month, "w", &outcome, &err),
             &err);
    CHECK_OK(flow_prepay(&scene->world.flow, &scene->ada, scene->id, month, &reply, &err), &err);
    CHECK_INT(reply.outcome, PREPAY_DONE);
}

static void post(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_post_usage(&scene->world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
}

static int64_t gpu_us(struct scene *scene)
{
    return world_number(&scene->world, "SELECT total FROM meter WHERE comp = 1");
}

static int64_t waiting(struct scene *scene)
{
    struct parked_row *rows;
    struct error err;
    size_t count;

    CHECK_OK(flow_parked_list(&scene->world.flow, &scene->world.arena, &rows, &count, &err), &err);
    return (int64_t)count;
}

typedef bool decide_flow(const struct flow *flow, int64_t id, struct parked_row *ret,
                         enum parked_outcome *ret_outcome, struct error *err);

static struct parked_row decide(struct scene *scene, decide_flow *flow, int64_t id,
                                enum parked_outcome want)
{
    enum parked_outcome outcome;
    struct parked_row row = { 0 };
    struct error err;

    CHECK_OK(flow(&scene->world.flow, id, &row, &outcome, &err), &err);
    CHECK_INT(outcome, want);
    return row;
}

static void test_an_hour_is_charged_and_a_microsecond_more_is_not(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 100);
    world_run(&scene.world, &scene.machine, HOUR_US);
    post(&scene);
    CHECK_INT(gpu_us(&scene), HOUR_US);
    CHECK_INT(waiting(&scene), 0);
    world_run(&scene.world, &scene.machine, HOUR_US + 1);
    post(&scene);
    CHECK_INT(gpu_us(&scene), HOUR_US);
    CHECK_INT(waiting(&scene), 1);
    /* Disk is charged all the same, and time goes on behind it. */
    CHECK_INT(world_number(&scene.world, "SELECT total FROM meter WHERE comp = 2"),
              2 * HOUR_US + 1);
    world_run(&scene.world, &scene.machine, 600 * US_PER_SECOND);
    post(&scene);
    CHECK_INT(gpu_us(&scene), HOUR_US + 600 * US_PER_SECOND);
    CHECK_INT(waiting(&scene), 1);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_our_own_outage_explains_it(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 100);
    world_silence(&scene.world, 5 * HOUR_US);
    world_pass(&scene.world, 0);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK(gpu_us(&scene) >= 5 * HOUR_US);
    CHECK_INT(waiting(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_it_is_charged_once_if_an_operator_says_so(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 100);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    post(&scene);
    CHECK_INT(gpu_us(&scene), 0);
    (void)decide(&scene, flow_parked_charge, 77, PARKED_NOT_FOUND);
    struct parked_row row = decide(&scene, flow_parked_charge, 1, PARKED_DONE);
    CHECK_INT(row.gpu_us, 2 * HOUR_US);
    CHECK_INT(parked_worth(&row).nanodollars, 2 * 360000000);
    CHECK_INT(row.charged_us, 2 * HOUR_US);
    CHECK_INT(gpu_us(&scene), 2 * HOUR_US);
    CHECK_INT(waiting(&scene), 0);
    CHECK_INT(decide(&scene, flow_parked_charge, 1, PARKED_WAS_DECIDED).charged_us, 2 * HOUR_US);
    (void)decide(&scene, flow_parked_drop, 1, PARKED_WAS_DECIDED);
    CHECK_INT(gpu_us(&scene), 2 * HOUR_US);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* A dollar lasts 2.76 hours: of five that wait no more are charged than it pays for. */
static void test_it_takes_nobody_into_debt(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    post(&scene);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    post(&scene);
    CHECK_INT(waiting(&scene), 2);
    CHECK_INT(decide(&scene, flow_parked_charge, 1, PARKED_DONE).charged_us, 2 * HOUR_US);
    int64_t rest_us = decide(&scene, flow_parked_charge, 2, PARKED_DONE).charged_us;
    CHECK(rest_us > HOUR_US / 2 && rest_us < HOUR_US);
    int64_t credit = world_credit(&scene.world, scene.ada);
    CHECK(credit >= 0 && credit < 200); /* less than a millisecond of it */
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_it_is_dropped_if_an_operator_says_so(void **state)
{
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    open_scene(&scene, state, 100);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_INT(waiting(&scene), 1);
    /* Its meters are closed for good. */
    (void)decide(&scene, flow_parked_charge, 1, PARKED_TOO_LATE);
    CHECK_INT(waiting(&scene), 1);
    (void)decide(&scene, flow_parked_drop, 1, PARKED_DONE);
    CHECK_INT(waiting(&scene), 0);
    CHECK_INT(gpu_us(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_what_it_is_worth_is_rounded_down_and_fits(void **state)
{
    static const struct {
        int64_t gpu_us, hour, worth;
    } rows[] = { { 3600000000, 360000000, 360000000 },
                 { 9, 399999999, 0 },
                 { 10, 360000000, 1 },
                 { INT64_MAX, 3600000000, INT64_MAX },
                 { INT64_MAX, 3600000001, INT64_MAX },
                 { 7, 0, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct parked_row row = { .gpu_us = rows[i].gpu_us, .gpu_hour = { rows[i].hour } };

        check_row("row %zu", i);
        CHECK_INT(parked_worth(&row).nanodollars, rows[i].worth);
    }
}

static void check_failures(struct scene *scene)
{
    struct parked_row row, *rows;
    enum parked_outcome outcome;
    int statements = 0;
    bool is_done = false;
    struct error err;
    size_t count;

    world_run(&scene->world, &scene->machine, 4 * HOUR_US);
    post(scene);
    world_fail_after(&scene->world, 0);
    CHECK_FAILS(flow_parked_list(&scene->world.flow, &scene->world.arena, &rows, &count, &err),
                &err, ERROR_IO);
    world_fail_none(&scene->world);
    int64_t before_us = gpu_us(scene);
    for (; !is_done; statements++) {
        check_row("statement %d", statements);
        world_fail_after(&scene->world, statements);
        is_done = flow_parked_charge(&scene->world.flow, 1, &row, &outcome, &err);
        world_fail_none(&scene->world);
        CHECK(is_done || err.code == ERROR_IO);
        CHECK_INT(waiting(scene), is_done ? 0 : 1);
        CHECK_INT(gpu_us(scene) - before_us, is_done ? 4 * HOUR_US : 0);
    }
    check_row(" ");
    CHECK_INT(outcome, PARKED_DONE);
    CHECK(statements > 10);
}

static void test_a_database_that_fails_charges_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 100);
    check_failures(&scene);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Of what is reserved the deposit pays, at its price, and the renter's credit stays as it was: it
 * would not last for four hours. */
static void test_what_is_reserved_is_charged_to_its_deposit(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    reserve(&scene);
    int64_t credit = world_credit(&scene.world, scene.ada);
    check_failures(&scene);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit);
    CHECK_INT(world_number(&scene.world, "SELECT SUM(gross) FROM usage_line WHERE comp = 1"),
              4 * 288000000);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_time_of_nobody_is_not_charged(void **state)
{
    static const char *const harms[] = {
        "UPDATE parked_tick SET contract_id = 77;",
        "UPDATE parked_tick SET contract_id = 1; UPDATE contract SET owner_id = 77;",
    };
    struct parked_row row;
    enum parked_outcome outcome;
    struct scene scene;
    struct error err;

    open_scene(&scene, state, 100);
    world_run(&scene.world, &scene.machine, 2 * HOUR_US);
    post(&scene);
    support_script(*state, "-- postgres:\nALTER TABLE parked_tick DISABLE TRIGGER ALL;\n"
                           "ALTER TABLE contract DISABLE TRIGGER ALL;\n-- end\n");
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        support_script(*state, harms[i]);
        CHECK_FAILS(flow_parked_charge(&scene.world.flow, 1, &row, &outcome, &err), &err,
                    ERROR_CORRUPT);
        CHECK_INT(waiting(&scene), 1);
        CHECK_INT(gpu_us(&scene), 0);
    }
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_is_charged_and_a_microsecond_more_is_not),
        cmocka_unit_test(test_our_own_outage_explains_it),
        cmocka_unit_test(test_it_is_charged_once_if_an_operator_says_so),
        cmocka_unit_test(test_it_takes_nobody_into_debt),
        cmocka_unit_test(test_it_is_dropped_if_an_operator_says_so),
        cmocka_unit_test(test_what_it_is_worth_is_rounded_down_and_fits),
        cmocka_unit_test(test_a_database_that_fails_charges_nothing),
        cmocka_unit_test(test_what_is_reserved_is_charged_to_its_deposit),
        cmocka_unit_test(test_time_of_nobody_is_not_charged),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
