/* SPDX-License-Identifier: Apache-2.0 */
#include "store/burn.h"

#include "store/interval.h"
#include "store/meters.h"
#include "store/session.h"
#include "store/support_rows.h"

static void open_meters(struct scene *scene, int64_t contract_id)
{
    struct meter of[COMPONENT_COUNT] = {
        meter_open(COMPONENT_GPU, (struct money){ 101 }, 1, 2500),
        meter_open(COMPONENT_DISK, (struct money){ 102 }, 40, 2500),
        meter_open(COMPONENT_UP, (struct money){ 103 }, 1, 2500),
        meter_open(COMPONENT_DOWN, (struct money){ 104 }, 1, 2500),
    };

    CHECK_OK(meters_open(scene->db, contract_id, of, scene_at(10), &scene->err), &scene->err);
}

static int64_t list_of(struct scene *scene, int64_t contract_id, struct burn_row **ret)
{
    size_t count = 99;

    CHECK_OK(burn_list_of(scene->db, contract_id, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static int64_t list(struct scene *scene, int64_t owner_id, struct burn_row **ret)
{
    size_t count = 99;

    CHECK_OK(burn_list(scene->db, owner_id, &scene->arena, ret, &count, &scene->err), &scene->err);
    return (int64_t)count;
}

static int64_t list_hosted(struct scene *scene, int64_t host_id, struct burn_row **ret)
{
    size_t count = 99;

    CHECK_OK(burn_list_hosted(scene->db, host_id, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct session_row session = { .machine_id = scene.machine,
                                   .epoch = 1,
                                   .server_proc = "a",
                                   .boot_id = "b",
                                   .last_heartbeat = scene_at(30) };
    struct interval_row interval = { .contract_id = scene.contract,
                                     .owner_id = scene.ada,
                                     .machine_id = scene.machine,
                                     .start_token = "t",
                                     .start = scene_at(20),
                                     .metered = scene_at(25) };
    struct burn_row *burns;

    open_meters(&scene, scene.contract);
    CHECK_INT(list_of(&scene, scene.contract, &burns), 4);
    CHECK(!burns[0].is_open && !burns[0].is_online);
    CHECK_INT(burns[0].last_heartbeat.microseconds, 0);

    CHECK_OK(session_replace(scene.db, &session, &scene.err), &scene.err);
    CHECK_OK(interval_open(scene.db, &interval, &scene.err), &scene.err);
    CHECK_OK(machine_set_offline(scene.db, scene.machine, scene_at(28), &scene.err), &scene.err);
    CHECK_OK(machine_set_online(scene.db, scene.machine, &scene.err), &scene.err);
    scene_run(&scene,
              "UPDATE contract SET disk_metered_us = 51, up_unmetered = 52, down_unmetered = 53",
              DB_NO_ARGS);
    CHECK_INT(list_of(&scene, scene.contract, &burns), 4);
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        check_row("component %d", i + 1);
        CHECK_INT(burns[i].contract_id, scene.contract);
        CHECK_INT(burns[i].host_id, scene.host);
        CHECK_INT(burns[i].machine_id, scene.machine);
        CHECK_INT(burns[i].meter.component, i + 1);
        CHECK_INT(burns[i].meter.rate.nanodollars, 101 + i);
        CHECK_INT(burns[i].meter.quantity, i == 1 ? 40 : 1);
        CHECK_INT(burns[i].meter.fee_bps, 2500);
        CHECK_INT(burns[i].end.microseconds, scene_at(1000).microseconds);
        CHECK_INT(burns[i].disk_metered.microseconds, 51);
        CHECK_INT(burns[i].unmetered, i == 2 ? 52 : i == 3 ? 53 : 0);
        CHECK(burns[i].is_open && burns[i].is_online);
        CHECK_INT(burns[i].metered.microseconds, scene_at(25).microseconds);
        CHECK_INT(burns[i].last_heartbeat.microseconds, scene_at(30).microseconds);
        CHECK_INT(burns[i].offline_since.microseconds, scene_at(28).microseconds);
        CHECK_INT(burns[i].disk_offline_us, 109);
    }
}

/* Of the renter's own list, which every change of credit reads. */
static void test_traffic_is_listed_while_it_is_not_posted(void **state)
{
    static const struct {
        const char *sql;
        int64_t component; /* that is there beside GPU and disk; 0: none */
    } rows[] = {
        { "UPDATE contract SET up_unmetered = 0, down_unmetered = 0", 0 },
        { "UPDATE contract SET up_unmetered = 1", COMPONENT_UP },
        { "UPDATE contract SET up_unmetered = 0, down_unmetered = 1", COMPONENT_DOWN },
        { "UPDATE contract SET down_unmetered = 0", 0 },
        { "UPDATE meter SET total = 1 WHERE comp = 3", COMPONENT_UP },
        { "UPDATE meter SET posted_total = total WHERE comp = 3", 0 },
        { "UPDATE meter SET total = 1 WHERE comp = 4", COMPONENT_DOWN },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct burn_row *burns;

    open_meters(&scene, scene.contract);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].sql);
        scene_run(&scene, rows[i].sql, DB_NO_ARGS);
        int64_t wanted = rows[i].component != 0 ? 3 : 2;
        CHECK_INT(list(&scene, scene.ada, &burns), wanted);
        CHECK_INT(burns[0].meter.component, COMPONENT_GPU);
        CHECK_INT(burns[1].meter.component, COMPONENT_DISK);
        if (wanted == 3)
            CHECK_INT(burns[2].meter.component, rows[i].component);
    }
}

static void test_a_meters_numbers_come_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct burn_row *burns;

    open_meters(&scene, scene.contract);
    scene_run(&scene,
              "UPDATE meter SET total = 70, posted_total = 60, rem = 5, split_rem = 5000, "
              "gross_posted = 30, host_posted = 22 WHERE comp = 1",
              DB_NO_ARGS);
    CHECK_INT(list_of(&scene, scene.contract, &burns), 4);
    CHECK_INT(burns[0].meter.total, 70);
    CHECK_INT(burns[0].meter.posted_total, 60);
    CHECK_INT(burns[0].meter.remainder, 5);
    CHECK_INT(burns[0].meter.fee_remainder, 5000);
    CHECK_INT(burns[0].meter.gross_posted.nanodollars, 30);
    CHECK_INT(burns[0].meter.host_posted.nanodollars, 22);
    CHECK_INT(burns[1].meter.total, 0);
}

static void test_a_closed_interval_burns_nothing(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct burn_row *burns;

    open_meters(&scene, scene.contract);
    scene_run(&scene,
              "INSERT INTO run_interval (contract_id, owner_id, machine_id, start_token, run_ms, "
              "start_us, metered_us, end_us) VALUES ($1, $2, $3, 't', 0, 1, 2, 2)",
              DB_ARGS(db_int(scene.contract), db_int(scene.ada), db_int(scene.machine)));
    CHECK_INT(list_of(&scene, scene.contract, &burns), 4);
    CHECK(!burns[0].is_open);
}

static void test_lists_are_a_renters_or_a_hosts_without_the_destroyed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t second = scene_contract(&scene, scene.ada, scene.machine);
    struct burn_row *burns;

    open_meters(&scene, second);
    open_meters(&scene, scene.contract);
    open_meters(&scene, scene.contract_bob);
    CHECK_INT(list(&scene, scene.ada, &burns), 4);
    CHECK_INT(burns[0].contract_id, scene.contract);
    CHECK_INT(burns[1].meter.component, COMPONENT_DISK);
    CHECK_INT(burns[2].contract_id, second);
    CHECK_INT(list(&scene, scene.host, &burns), 0);
    CHECK_INT(list_hosted(&scene, scene.host, &burns), 12);
    CHECK_INT(list_hosted(&scene, scene.ada, &burns), 0);
    scene_run(&scene, "UPDATE contract SET state = 8, destroyed_us = 1 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    CHECK_INT(list(&scene, scene.ada, &burns), 2);
    CHECK_INT(burns[0].contract_id, second);
    CHECK_INT(list_hosted(&scene, scene.host, &burns), 8);
    CHECK_INT(list_of(&scene, scene.contract, &burns), 4);
    CHECK_INT(list_of(&scene, 999, &burns), 0);
}

static void test_a_meter_that_does_not_add_up_is_corrupt(void **state)
{
    static const char *const damage[] = {
        "UPDATE meter SET denom = 3600000001 WHERE comp = 1",
        "UPDATE meter SET denom = 3600000000, rate = 10000000000001 WHERE comp = 1",
        "UPDATE meter SET rate = 1, qty = 1000001 WHERE comp = 1",
        "UPDATE meter SET qty = 1, split_rem = 1 WHERE comp = 1",
    };
    auto_scene struct scene scene = scene_open(*state);
    struct burn_row *burns;
    size_t count;

    open_meters(&scene, scene.contract);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        check_row("%s", damage[i]);
        scene_run(&scene, damage[i], DB_NO_ARGS);
        CHECK_FAILS(burn_list(scene.db, scene.ada, &scene.arena, &burns, &count, &scene.err),
                    &scene.err, ERROR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_traffic_is_listed_while_it_is_not_posted),
        cmocka_unit_test(test_a_meters_numbers_come_back),
        cmocka_unit_test(test_a_closed_interval_burns_nothing),
        cmocka_unit_test(test_lists_are_a_renters_or_a_hosts_without_the_destroyed),
        cmocka_unit_test(test_a_meter_that_does_not_add_up_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
