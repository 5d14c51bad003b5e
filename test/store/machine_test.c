/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine.h"

#include <string.h>

#include "store/support_rows.h"

static struct machine_row load(struct scene *scene, int64_t id)
{
    struct machine_row machine;
    bool has = false;

    CHECK_OK(machine_load(scene->db, id, &scene->arena, &machine, &has, &scene->err), &scene->err);
    CHECK(has);
    return machine;
}

static struct machine_row row_of(const struct scene *scene)
{
    struct machine_row machine = { .owner_id = scene->ada,
                                   .facts = "{\"gpus\":[]}",
                                   .hostname = "box-7",
                                   .inet_up_kbps = 21,
                                   .inet_down_kbps = 22,
                                   .geolocation = "Gothenburg, SE",
                                   .verification = VERIFICATION_VERIFIED,
                                   .is_simulated = true,
                                   .created = scene_at(4) };

    memset(machine.public_key, 0xa7, sizeof machine.public_key);
    return machine;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row machine = row_of(&scene), found;
    int64_t id;
    bool has;

    CHECK_OK(machine_insert(scene.db, &machine, &id, &scene.err), &scene.err);
    CHECK_OK(machine_find(scene.db, machine.public_key, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.id, id);
    CHECK_INT(found.owner_id, scene.ada);
    CHECK(memcmp(found.public_key, machine.public_key, sizeof found.public_key) == 0);
    CHECK_TEXT(found.facts, machine.facts);
    CHECK_TEXT(found.hostname, "box-7");
    CHECK_INT(found.inet_up_kbps, 21);
    CHECK_INT(found.inet_down_kbps, 22);
    CHECK_TEXT(found.geolocation, "Gothenburg, SE");
    CHECK_INT(found.verification, VERIFICATION_VERIFIED);
    CHECK(found.is_simulated);
    CHECK_INT(found.created.microseconds, scene_at(4).microseconds);
    CHECK_INT(found.desired_rev, 1);
    CHECK(!found.is_quarantined && !found.is_listed && !found.is_online && !found.is_engine_ok);
    CHECK_TEXT(found.engine_message, "");
}

static void test_a_machine_is_its_owners(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct listing listing = { .min_chunk = 1 };
    struct machine_row machine, *machines;
    int64_t count = -1;
    size_t listed;
    bool has = true;

    CHECK_OK(machine_load_owned(scene.db, scene.ada, scene.machine, &scene.arena, &machine, &has,
                                &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(
        machine_set_listing(scene.db, scene.ada, scene.machine, true, &listing, &count, &scene.err),
        &scene.err);
    CHECK_INT(count, 0);
    CHECK(!load(&scene, scene.machine).is_listed);
    CHECK_OK(machine_list(scene.db, scene.ada, &scene.arena, &machines, &listed, &scene.err),
             &scene.err);
    CHECK_COUNT(listed, 0);
    CHECK_OK(machine_has_any(scene.db, scene.ada, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(machine_has_any(scene.db, scene.host, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_OK(machine_load_owned(scene.db, scene.host, scene.machine, &scene.arena, &machine, &has,
                                &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_OK(machine_list(scene.db, scene.host, &scene.arena, &machines, &listed, &scene.err),
             &scene.err);
    CHECK_COUNT(listed, 2);
    CHECK_INT(machines[0].id, scene.machine);
    CHECK_INT(machines[1].id, scene.other_machine);
}

static void test_a_listing_comes_back_and_ends(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct listing listing = { .gpu_hour = { 31 },
                               .min_bid_hour = { 32 },
                               .disk_month = { 33 },
                               .up_tb = { 34 },
                               .down_tb = { 35 },
                               .min_chunk = GPUS_MAX,
                               .discount_max_ppm = 1000000,
                               .start = scene_at(36),
                               .end = scene_at(37) };
    int64_t count = -1;

    CHECK_OK(machine_set_listing(scene.db, scene.host, scene.machine, true, &listing, &count,
                                 &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    struct machine_row machine = load(&scene, scene.machine);
    CHECK(machine.is_listed);
    CHECK_INT(machine.listing.gpu_hour.nanodollars, 31);
    CHECK_INT(machine.listing.min_bid_hour.nanodollars, 32);
    CHECK_INT(machine.listing.disk_month.nanodollars, 33);
    CHECK_INT(machine.listing.up_tb.nanodollars, 34);
    CHECK_INT(machine.listing.down_tb.nanodollars, 35);
    CHECK_INT(machine.listing.min_chunk, GPUS_MAX);
    CHECK_INT(machine.listing.discount_max_ppm, 1000000);
    CHECK_INT(machine.listing.start.microseconds, scene_at(36).microseconds);
    CHECK_INT(machine.listing.end.microseconds, scene_at(37).microseconds);
    CHECK_OK(machine_set_unlisted(scene.db, scene.machine, &scene.err), &scene.err);
    machine = load(&scene, scene.machine);
    CHECK(!machine.is_listed);
    CHECK_INT(machine.listing.gpu_hour.nanodollars, 31);
    listing.min_chunk = 0;
    CHECK_REFUSED(&scene, machine_set_listing(scene.db, scene.host, scene.machine, true, &listing,
                                              &count, &scene.err));
    CHECK_INT(load(&scene, scene.machine).listing.min_chunk, GPUS_MAX);
}

static void test_what_is_set_is_of_one_machine(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row news = { .id = scene.machine,
                                .facts = "{\"n\":2}",
                                .hostname = "renamed",
                                .inet_up_kbps = 41,
                                .inet_down_kbps = 42,
                                .is_engine_ok = true,
                                .engine_message = "fine",
                                .disk_free_gb = 43,
                                .quarantined_count = 44 };
    int64_t count = -1;

    CHECK_OK(machine_set_facts(scene.db, &news, &scene.err), &scene.err);
    CHECK_OK(machine_set_health(scene.db, &news, &scene.err), &scene.err);
    CHECK_OK(machine_set_online(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_set_quarantined(scene.db, scene.machine, true, &scene.err), &scene.err);
    CHECK_OK(machine_set_verification(scene.db, scene.machine, VERIFICATION_DEVERIFIED, &count,
                                      &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    struct machine_row machine = load(&scene, scene.machine);
    struct machine_row other = load(&scene, scene.other_machine);
    CHECK_TEXT(machine.facts, "{\"n\":2}");
    CHECK_TEXT(machine.hostname, "renamed");
    CHECK_INT(machine.inet_up_kbps, 41);
    CHECK_INT(machine.inet_down_kbps, 42);
    CHECK(machine.is_engine_ok && machine.is_online && machine.is_quarantined);
    CHECK_TEXT(machine.engine_message, "fine");
    CHECK_INT(machine.disk_free_gb, 43);
    CHECK_INT(machine.quarantined_count, 44);
    CHECK_INT(machine.verification, VERIFICATION_DEVERIFIED);
    CHECK_TEXT(other.hostname, "box");
    CHECK_TEXT(other.engine_message, "");
    CHECK(!other.is_engine_ok && !other.is_online && !other.is_quarantined);
    CHECK_INT(other.verification, VERIFICATION_UNVERIFIED);
    CHECK_OK(machine_set_offline(scene.db, scene.machine, scene_at(50), &scene.err), &scene.err);
    machine = load(&scene, scene.machine);
    CHECK(!machine.is_online);
    CHECK_INT(machine.offline_since.microseconds, scene_at(50).microseconds);
    CHECK_OK(machine_set_verification(scene.db, 999, VERIFICATION_VERIFIED, &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
}

static bool is_quiet(struct scene *scene, const struct machine_row *told)
{
    int64_t rev = -1;
    bool is_quiet;

    CHECK_OK(machine_is_quiet(scene->db, told, &rev, &is_quiet, &scene->err), &scene->err);
    CHECK(!is_quiet || rev >= 0);
    return is_quiet;
}

static void test_a_machine_is_quiet_only_if_nothing_can_change(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row told = { .id = scene.other_machine,
                                .is_engine_ok = true,
                                .engine_message = "fine",
                                .disk_free_gb = 43,
                                .quarantined_count = 44 };

    CHECK(!is_quiet(&scene, &told));
    CHECK_OK(machine_set_health(scene.db, &told, &scene.err), &scene.err);
    CHECK(!is_quiet(&scene, &told));
    CHECK_OK(machine_set_online(scene.db, told.id, &scene.err), &scene.err);
    CHECK(is_quiet(&scene, &told));
    for (int i = 0; i < 5; i++) {
        struct machine_row news = told;

        check_row("%d", i);
        news.id = i == 0 ? 99999 : news.id;
        news.is_engine_ok = i != 1;
        news.engine_message = i == 2 ? "poor" : "fine";
        news.disk_free_gb += i == 3;
        news.quarantined_count -= i == 4;
        CHECK(!is_quiet(&scene, &news));
    }
    int64_t contract = scene_contract(&scene, scene.ada, told.id);
    CHECK(!is_quiet(&scene, &told));
    scene_run(&scene, "UPDATE contract SET state = 9, destroyed_us = 5 WHERE id = $1",
              DB_ARGS(db_int(contract)));
    CHECK(is_quiet(&scene, &told));
}

static void test_a_revision_only_grows_by_bumps(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t rev = 0;
    bool has = false;

    CHECK_OK(machine_lock(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_bump(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_bump(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_rev(scene.db, scene.machine, &rev, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(rev, 3);
    CHECK_OK(machine_rev(scene.db, scene.other_machine, &rev, &has, &scene.err), &scene.err);
    CHECK_INT(rev, 1);
    CHECK_OK(machine_rev(scene.db, 999, &rev, &has, &scene.err), &scene.err);
    CHECK(!has);
}

static void test_all_are_listed_page_by_page(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row *machines;
    size_t count;

    CHECK_OK(machine_list_all(scene.db, 0, 1, &scene.arena, &machines, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(machines[0].id, scene.machine);
    CHECK_OK(
        machine_list_all(scene.db, scene.machine, 9, &scene.arena, &machines, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(machines[0].id, scene.other_machine);
}

static void test_a_key_is_one_machine_and_numbers_make_sense(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row machine = row_of(&scene);
    int64_t id;

    memset(machine.public_key, 1, sizeof machine.public_key);
    CHECK_REFUSED(&scene, machine_insert(scene.db, &machine, &id, &scene.err));
    machine = row_of(&scene);
    machine.owner_id = 999;
    CHECK_REFUSED(&scene, machine_insert(scene.db, &machine, &id, &scene.err));
    machine = row_of(&scene);
    machine.inet_up_kbps = -1;
    CHECK_REFUSED(&scene, machine_insert(scene.db, &machine, &id, &scene.err));
    machine = row_of(&scene);
    machine.verification = (enum verification)3;
    CHECK_REFUSED(&scene, machine_insert(scene.db, &machine, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM machine"), 2);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row machine;
    bool has;

    scene_run(&scene, "UPDATE machine SET min_chunk = 65 WHERE id = $1",
              DB_ARGS(db_int(scene.machine)));
    CHECK_FAILS(machine_load(scene.db, scene.machine, &scene.arena, &machine, &has, &scene.err),
                &scene.err, ERROR_CORRUPT);
    scene_run(&scene, "UPDATE machine SET min_chunk = 1, public_key = $1 WHERE id = $2",
              DB_ARGS(db_bytes("x", 1), db_int(scene.machine)));
    CHECK_FAILS(machine_load(scene.db, scene.machine, &scene.arena, &machine, &has, &scene.err),
                &scene.err, ERROR_CORRUPT);
    (void)load(&scene, scene.other_machine);
}

static void test_what_was_seen_of_it_is_kept(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row machine = load(&scene, scene.machine);
    int64_t count = -1;

    CHECK_INT(machine.reliability.counted.microseconds, 0);
    machine.reliability = (struct reliability){ 1500000, 7 * US_PER_HOUR, 9, scene_at(5) };
    CHECK_OK(machine_set_reliability(scene.db, &machine, &scene.err), &scene.err);
    machine = load(&scene, scene.machine);
    CHECK_INT(machine.reliability.lost_ppm, 1500000);
    CHECK_INT(machine.reliability.up_us, 7 * US_PER_HOUR);
    CHECK_INT(machine.reliability.away_us, 9);
    CHECK_INT(machine.reliability.counted.microseconds, scene_at(5).microseconds);
    CHECK_INT(load(&scene, scene.other_machine).reliability.lost_ppm, 0);
    machine.bench = (struct machine_bench){
        .rates = { { 1, 2, 3, 4, 5 } },
        .pcie_mbs = 6,
        .disk_mbs = 7,
        .measured = scene_at(8),
        .driver = "550.1",
        .model = "H200",
        .gpu_gb = 141,
        .fit = 9,
        .nvlink_mbs = 300000,
        .learned_ppm = { [DLPERF_TASK_LLM_DECODE] = 1100000, [DLPERF_TASK_RENDERING] = 500000 },
    };
    CHECK_OK(machine_set_bench(scene.db, &machine, &scene.err), &scene.err);
    machine = load(&scene, scene.machine);
    for (int i = 0; i < DLPERF_RATES; i++)
        CHECK_INT(machine.bench.rates.of[i], i + 1);
    CHECK_INT(machine.bench.pcie_mbs, 6);
    CHECK_INT(machine.bench.disk_mbs, 7);
    CHECK_INT(machine.bench.measured.microseconds, scene_at(8).microseconds);
    CHECK_TEXT(machine.bench.driver, "550.1");
    CHECK_TEXT(machine.bench.model, "H200");
    CHECK_INT(machine.bench.gpu_gb, 141);
    CHECK_INT(machine.bench.fit, 9);
    for (int task = 0; task < DLPERF_TASKS; task++)
        CHECK_INT(machine.bench.learned_ppm[task], task == DLPERF_TASK_LLM_DECODE  ? 1100000
                                                   : task == DLPERF_TASK_RENDERING ? 500000
                                                                                   : 0);
    CHECK_INT(machine.bench.nvlink_mbs, 300000);
    CHECK_INT(load(&scene, scene.other_machine).bench.nvlink_mbs, -1);
    CHECK_INT(machine.reliability.lost_ppm, 1500000);

    CHECK_OK(machine_set_online(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_set_offline(scene.db, scene.other_machine, scene_at(50), &scene.err),
             &scene.err);
    CHECK_OK(machine_count_hosts(scene.db, scene_at(50), &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(machine_set_offline(scene.db, scene.machine, scene_at(49), &scene.err), &scene.err);
    CHECK_OK(machine_count_hosts(scene.db, scene_at(51), &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_seen_of_it_is_kept),
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_machine_is_its_owners),
        cmocka_unit_test(test_a_listing_comes_back_and_ends),
        cmocka_unit_test(test_what_is_set_is_of_one_machine),
        cmocka_unit_test(test_a_machine_is_quiet_only_if_nothing_can_change),
        cmocka_unit_test(test_a_revision_only_grows_by_bumps),
        cmocka_unit_test(test_all_are_listed_page_by_page),
        cmocka_unit_test(test_a_key_is_one_machine_and_numbers_make_sense),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
