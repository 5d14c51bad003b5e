/* SPDX-License-Identifier: Apache-2.0 */
#include "store/contract.h"

#include <string.h>

#include "store/support_rows.h"

static struct contract_row load(struct scene *scene, int64_t id)
{
    struct contract_row contract;
    bool has = false;

    CHECK_OK(contract_load(scene->db, id, &scene->arena, &contract, &has, &scene->err),
             &scene->err);
    CHECK(has);
    return contract;
}

static void set_state(struct scene *scene, int64_t id, enum rental_state state)
{
    struct contract_row contract = load(scene, id);

    contract.state = state;
    if (state == RENTAL_DESTROYING || state == RENTAL_DESTROYED)
        contract.destroyed = scene_at(500);
    CHECK_OK(contract_update(scene->db, &contract, contract.gen, &scene->err), &scene->err);
}

static void test_what_was_agreed_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row contract = load(&scene, scene.contract);

    CHECK_INT(contract.id, scene.contract);
    CHECK_INT(contract.owner_id, scene.ada);
    CHECK_INT(contract.host_id, scene.host);
    CHECK_INT(contract.machine_id, scene.machine);
    CHECK_INT(contract.offer_id, scene.offer);
    CHECK_INT(contract.kind, KIND_ON_DEMAND);
    CHECK_INT(contract.list_hour.nanodollars, 101);
    CHECK_INT(contract.started.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.ran.microseconds, 0);
    CHECK_INT(contract.pause.microseconds, INSTANT_NEVER.microseconds);
    CHECK_INT(contract.terms.num_gpus, 2);
    CHECK_INT(contract.terms.gpu_hour.nanodollars, 101);
    CHECK_INT(contract.terms.min_bid_hour.nanodollars, 102);
    CHECK_INT(contract.terms.disk_month.nanodollars, 103);
    CHECK_INT(contract.terms.up_tb.nanodollars, 104);
    CHECK_INT(contract.terms.down_tb.nanodollars, 105);
    CHECK_INT(contract.terms.disk_gb, 106);
    CHECK_INT(contract.terms.start.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.terms.end.microseconds, scene_at(1000).microseconds);
    CHECK_INT(contract.share.cpu_millis, 107);
    CHECK_INT(contract.share.ram_mb, 108);
    CHECK_INT(contract.share.disk_gb, 11);
    CHECK_INT(contract.fee_bps, 2500);
    CHECK_INT(contract.disk_offline_us, 109);
    CHECK_TEXT(contract.spec, "{\"spec\":1}");
    CHECK_TEXT(contract.image, "busybox:latest");
    CHECK_TEXT(contract.runtype, "ssh");
    CHECK(memcmp(contract.request_hash.bytes, scene_hash(7).bytes, 32) == 0);
    CHECK_TEXT(contract.label, "label");
    CHECK_INT(contract.state, RENTAL_CREATED);
    CHECK_INT(contract.reason, REASON_NONE);
    CHECK_INT(contract.gen, 1);
    CHECK_INT(contract.destroyed.microseconds, 0);
    CHECK_INT(contract.state_at.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.disk_metered.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.posted.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.counted.microseconds, scene_at(10).microseconds);
    CHECK_INT(contract.exit_code, -1);
    CHECK_INT(contract.gpu_permille, -1);
}

static void test_where_it_stands_is_swapped_by_generation(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row next = load(&scene, scene.contract), found;

    next.label = NULL;
    next.state = RENTAL_DESTROYING;
    next.reason = REASON_EXITED;
    next.reason_detail = "137";
    next.state_at = scene_at(60);
    next.gen = 5;
    next.restart_nonce = 6;
    next.destroyed = scene_at(61);
    next.terms.end = scene_at(2000);
    next.terms.gpu_hour.nanodollars = 99;
    next.started = scene_at(62);
    next.ran = scene_at(63);
    next.pause = scene_at(64);
    CHECK_REFUSED(&scene, contract_update(scene.db, &next, 2, &scene.err));
    CHECK_INT(load(&scene, scene.contract).state, RENTAL_CREATED);
    CHECK_OK(contract_update(scene.db, &next, 1, &scene.err), &scene.err);
    CHECK_REFUSED(&scene, contract_update(scene.db, &next, 1, &scene.err));
    found = load(&scene, scene.contract);
    CHECK(found.label == NULL);
    CHECK_INT(found.state, RENTAL_DESTROYING);
    CHECK_INT(found.reason, REASON_EXITED);
    CHECK_TEXT(found.reason_detail, "137");
    CHECK_INT(found.state_at.microseconds, scene_at(60).microseconds);
    CHECK_INT(found.gen, 5);
    CHECK_INT(found.restart_nonce, 6);
    CHECK_INT(found.destroyed.microseconds, scene_at(61).microseconds);
    CHECK_INT(found.terms.end.microseconds, scene_at(2000).microseconds);
    CHECK_INT(found.terms.gpu_hour.nanodollars, 99);
    CHECK_INT(found.list_hour.nanodollars, 101);
    CHECK_INT(found.started.microseconds, scene_at(62).microseconds);
    CHECK_INT(found.ran.microseconds, scene_at(63).microseconds);
    CHECK_INT(found.pause.microseconds, scene_at(64).microseconds);
    CHECK_INT(load(&scene, scene.contract_bob).state, RENTAL_CREATED);
    next.destroyed = (struct instant){ 0 };
    CHECK_REFUSED(&scene, contract_update(scene.db, &next, 5, &scene.err));
}

static void check_reported(const struct contract_row *contract)
{
    CHECK_INT(contract->counter_epoch, 21);
    CHECK_INT(contract->bytes_up, 22);
    CHECK_INT(contract->bytes_down, 23);
    CHECK_INT(contract->counted.microseconds, 24);
    CHECK_INT(contract->up_unmetered, 25);
    CHECK_INT(contract->down_unmetered, 26);
    CHECK_INT(contract->exit_code, 27);
    CHECK_INT(contract->nonce_done, 28);
    CHECK_INT(contract->disk_used_mb, 29);
    CHECK_INT(contract->cpu_permille, 30);
    CHECK_INT(contract->ram_used_mb, 31);
    CHECK_INT(contract->gpu_permille, 32);
    CHECK_INT(contract->gauged.microseconds, 33);
    CHECK_TEXT(contract->message, "pulling");
    CHECK_INT(contract->ssh_port, 65535);
    CHECK_TEXT(contract->ports, "8081/tcp:40001");
}

static void test_what_was_reported_and_metered_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row report = { .id = scene.contract,
                                   .counter_epoch = 21,
                                   .bytes_up = 22,
                                   .bytes_down = 23,
                                   .counted = { 24 },
                                   .up_unmetered = 25,
                                   .down_unmetered = 26,
                                   .exit_code = 27,
                                   .nonce_done = 28,
                                   .disk_used_mb = 29,
                                   .cpu_permille = 30,
                                   .ram_used_mb = 31,
                                   .gpu_permille = 32,
                                   .gauged = { 33 },
                                   .message = "pulling",
                                   .ssh_port = 65535,
                                   .ports = "8081/tcp:40001" };
    struct contract_row found;

    CHECK_OK(contract_report(scene.db, &report, &scene.err), &scene.err);
    found = load(&scene, scene.contract);
    check_reported(&found);
    CHECK_TEXT(found.label, "label");
    report.disk_metered = (struct instant){ 41 };
    report.posted = (struct instant){ 42 };
    report.usage_count = 43;
    report.up_unmetered = 44;
    report.down_unmetered = 45;
    CHECK_OK(contract_meter(scene.db, &report, &scene.err), &scene.err);
    found = load(&scene, scene.contract);
    CHECK_INT(found.disk_metered.microseconds, 41);
    CHECK_INT(found.posted.microseconds, 42);
    CHECK_INT(found.usage_count, 43);
    CHECK_INT(found.up_unmetered, 44);
    CHECK_INT(found.down_unmetered, 45);
    found = load(&scene, scene.contract_bob);
    CHECK_INT(found.usage_count, 0);
    CHECK_INT(found.ssh_port, 0);
    report.up_unmetered = -1;
    CHECK_REFUSED(&scene, contract_meter(scene.db, &report, &scene.err));
}

static void check_counts(struct scene *scene, int64_t owner_id, int64_t owned, int64_t running)
{
    struct contract_row *contracts;
    int64_t count = -1;
    size_t listed;

    CHECK_OK(contract_count_owned(scene->db, owner_id, &count, &scene->err), &scene->err);
    CHECK_INT(count, owned);
    CHECK_OK(contract_count_running(scene->db, owner_id, &count, &scene->err), &scene->err);
    CHECK_INT(count, running);
    CHECK_OK(
        contract_list_owned(scene->db, owner_id, &scene->arena, &contracts, &listed, &scene->err),
        &scene->err);
    CHECK_COUNT(listed, owned);
    for (size_t i = 0; i < listed; i++) {
        CHECK_INT(contracts[i].owner_id, owner_id);
        CHECK(i == 0 || contracts[i - 1].id < contracts[i].id);
    }
}

static void test_an_instance_is_its_renters_until_it_is_destroyed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t second = scene_contract(&scene, scene.ada, scene.other_machine), *machines;
    struct contract_row contract;
    bool has = true;
    size_t count;

    CHECK_OK(contract_load_owned(scene.db, scene.bob, scene.contract, &scene.arena, &contract, &has,
                                 &scene.err),
             &scene.err);
    CHECK(!has);
    check_counts(&scene, scene.ada, 2, 2);
    check_counts(&scene, scene.bob, 1, 1);
    check_counts(&scene, scene.host, 0, 0);
    CHECK_OK(contract_machines_of(scene.db, scene.ada, &scene.arena, &machines, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(machines[0], scene.machine);
    CHECK_INT(machines[1], scene.other_machine);
    CHECK_OK(contract_machines_of(scene.db, scene.bob, &scene.arena, &machines, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    set_state(&scene, second, RENTAL_STOPPED);
    check_counts(&scene, scene.ada, 2, 1);
    set_state(&scene, second, RENTAL_DESTROYING);
    check_counts(&scene, scene.ada, 1, 1);
    CHECK_OK(
        contract_load_owned(scene.db, scene.ada, second, &scene.arena, &contract, &has, &scene.err),
        &scene.err);
    CHECK(!has);
    CHECK_INT(load(&scene, second).state, RENTAL_DESTROYING);
    CHECK_OK(contract_machines_of(scene.db, scene.ada, &scene.arena, &machines, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
}

static void test_the_same_request_is_found_again(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hash hash = scene_hash(7), other = scene_hash(8);
    const struct {
        int64_t owner;
        const struct hash *hash;
        int64_t since;
        bool has;
    } rows[] = {
        { scene.ada, &hash, 9, true },
        { scene.ada, &hash, 10, false },
        { scene.ada, &other, 9, false },
        { scene.host, &hash, 9, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = 0;
        bool has = !rows[i].has;

        check_row("%zu", i);
        CHECK_OK(contract_find_request(scene.db, rows[i].owner, rows[i].hash,
                                       scene_at(rows[i].since), &id, &has, &scene.err),
                 &scene.err);
        CHECK(has == rows[i].has);
        CHECK_INT(id, has ? scene.contract : 0);
    }
}

static void test_a_machine_keeps_what_is_not_gone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row *contracts;
    int64_t disk;
    size_t count;

    set_state(&scene, scene.contract, RENTAL_DESTROYING);
    CHECK_OK(
        contract_list_on(scene.db, scene.machine, &scene.arena, &contracts, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(contracts[0].id, scene.contract);
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &disk, &scene.err), &scene.err);
    CHECK_INT(disk, 22);
    set_state(&scene, scene.contract, RENTAL_DESTROYED);
    CHECK_OK(
        contract_list_on(scene.db, scene.machine, &scene.arena, &contracts, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &disk, &scene.err), &scene.err);
    CHECK_INT(disk, 11);
    CHECK_OK(contract_disk_on(scene.db, scene.other_machine, &disk, &scene.err), &scene.err);
    CHECK_INT(disk, 0);
}

static void test_what_is_due_comes_in_order_and_to_a_bound(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[3];
    size_t count;

    scene_run(&scene, "UPDATE contract SET posted_us = 5, end_us = 70 WHERE id = $1",
              DB_ARGS(db_int(scene.contract_bob)));
    scene_run(&scene, "UPDATE contract SET posted_us = 7, end_us = 80 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    scene_run(&scene,
              "INSERT INTO run_interval (contract_id, owner_id, machine_id, start_token, run_ms, "
              "start_us, metered_us) VALUES ($1, $2, $3, 't', 0, 1, 2)",
              DB_ARGS(db_int(scene.contract), db_int(scene.ada), db_int(scene.machine)));
    static const struct {
        int64_t running, stopped, count;
    } rows[] = { { 6, 4, 0 }, { 7, 4, 1 }, { 7, 5, 2 }, { 4, 4, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("running %d", (int)i);
        CHECK_OK(contract_unposted(scene.db, (struct instant){ rows[i].running },
                                   (struct instant){ rows[i].stopped }, ids, 3, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, rows[i].count);
        CHECK(count < 2 || (ids[0] == scene.contract_bob && ids[1] == scene.contract));
    }
    CHECK_OK(contract_overdue(scene.db, (struct instant){ 80 }, ids, 3, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[0], scene.contract_bob);
    CHECK_OK(contract_overdue(scene.db, (struct instant){ 80 }, ids, 1, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    set_state(&scene, scene.contract_bob, RENTAL_STOPPED);
    CHECK_OK(contract_overdue(scene.db, (struct instant){ 79 }, ids, 3, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 0);
}

/* Nobody rents it, nobody pays for it, and no renter sees it; its machine does. */
static void test_an_idle_job_is_no_rental(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row idle = scene_contract_row(&scene, scene.host), found, *list;
    int64_t id, count, machine_count, *machines, ids[4];
    size_t listed;
    bool has;

    idle.kind = KIND_IDLE;
    idle.terms.gpu_hour = idle.list_hour = (struct money){ 0 };
    CHECK_OK(contract_insert(scene.db, &idle, &id, &scene.err), &scene.err);
    CHECK_OK(contract_load_owned(scene.db, scene.host, id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(contract_count_owned(scene.db, scene.host, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(contract_count_running(scene.db, scene.host, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(
        contract_machines_of(scene.db, scene.host, &scene.arena, &machines, &listed, &scene.err),
        &scene.err);
    CHECK_COUNT(listed, 0);
    CHECK_OK(contract_list_owned(scene.db, scene.host, &scene.arena, &list, &listed, &scene.err),
             &scene.err);
    CHECK_COUNT(listed, 0);
    CHECK_OK(contract_unposted(scene.db, INSTANT_NEVER, INSTANT_NEVER, ids, 4, &listed, &scene.err),
             &scene.err);
    CHECK_COUNT(listed, 2);
    CHECK_OK(contract_list_on(scene.db, scene.machine, &scene.arena, &list, &listed, &scene.err),
             &scene.err);
    CHECK_COUNT(listed, 3);
    CHECK(contract_is_on_host(&list[2]) && !contract_is_metered(&list[2]));
    CHECK(contract_is_on_host(&list[0]) && contract_is_metered(&list[0]));
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &machine_count, &scene.err), &scene.err);
    CHECK_INT(machine_count, 33);
}

/* A bid that has never run has no disk and nothing to post. */
static void test_a_bid_that_never_ran_costs_nothing(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row bid = scene_contract_row(&scene, scene.ada), found;
    int64_t id, disk_gb, ids[4];
    size_t count;

    bid.kind = KIND_BID;
    bid.state = RENTAL_SCHEDULING;
    bid.reason = REASON_BID_WAITS;
    bid.started = (struct instant){ 0 };
    CHECK_OK(contract_insert(scene.db, &bid, &id, &scene.err), &scene.err);
    found = load(&scene, id);
    CHECK_INT(found.kind, KIND_BID);
    CHECK(!contract_is_on_host(&found) && !contract_is_metered(&found));
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &disk_gb, &scene.err), &scene.err);
    CHECK_INT(disk_gb, 22);
    CHECK_OK(contract_unposted(scene.db, INSTANT_NEVER, INSTANT_NEVER, ids, 4, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    found.started = scene_at(70);
    CHECK_OK(contract_update(scene.db, &found, 1, &scene.err), &scene.err);
    CHECK_OK(contract_disk_on(scene.db, scene.machine, &disk_gb, &scene.err), &scene.err);
    CHECK_INT(disk_gb, 33);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    static const char *const damage[] = {
        "UPDATE contract SET ssh_port = 65536",
        "UPDATE contract SET ssh_port = 0, num_gpus = 65",
        "UPDATE contract SET num_gpus = 1, gen = 0",
        "UPDATE contract SET gen = 1, state = 99",
        "UPDATE contract SET state = 1, reason = 99",
        "UPDATE contract SET reason = 0, bytes_up = -1",
    };
    auto_scene struct scene scene = scene_open(*state);
    struct contract_row contract;
    bool has;

    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        check_row("%s", damage[i]);
        scene_run(&scene, damage[i], DB_NO_ARGS);
        CHECK_FAILS(contract_load_owned(scene.db, scene.ada, scene.contract, &scene.arena,
                                        &contract, &has, &scene.err),
                    &scene.err, ERROR_CORRUPT);
    }
}

static void test_whose_it_is_is_known_for_ever(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t owner_id = 77;
    bool has;

    scene_run(&scene, "UPDATE contract SET state = 9, destroyed_us = 1 WHERE id = $1",
              DB_ARGS(db_int(scene.contract)));
    CHECK_OK(contract_find_owner(scene.db, scene.contract_bob, &owner_id, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(owner_id, scene.bob);
    CHECK_OK(contract_find_owner(scene.db, scene.contract, &owner_id, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(owner_id, scene.ada);
    CHECK_OK(contract_find_owner(scene.db, 99999, &owner_id, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_INT(owner_id, scene.ada);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_agreed_comes_back),
        cmocka_unit_test(test_where_it_stands_is_swapped_by_generation),
        cmocka_unit_test(test_what_was_reported_and_metered_comes_back),
        cmocka_unit_test(test_an_instance_is_its_renters_until_it_is_destroyed),
        cmocka_unit_test(test_the_same_request_is_found_again),
        cmocka_unit_test(test_a_machine_keeps_what_is_not_gone),
        cmocka_unit_test(test_what_is_due_comes_in_order_and_to_a_bound),
        cmocka_unit_test(test_an_idle_job_is_no_rental),
        cmocka_unit_test(test_a_bid_that_never_ran_costs_nothing),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
        cmocka_unit_test(test_whose_it_is_is_known_for_ever),
    };
    return SUPPORT_RUN(tests);
}
