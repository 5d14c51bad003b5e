/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_standing.h"

#include "store/machine_event.h"
#include "store/machine_proof.h"
#include "store/support_rows.h"

static struct machine_row load(struct scene *scene, int64_t id)
{
    struct machine_row row;
    bool has;

    CHECK_OK(machine_load(scene->db, id, &scene->arena, &row, &has, &scene->err), &scene->err);
    CHECK(has);
    return row;
}

static void test_a_standing_is_kept(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_row row = load(&scene, scene.machine);
    int64_t count;

    row.verification = VERIFICATION_DEVERIFIED;
    row.is_verification_set = false;
    row.failed = scene_at(5);
    row.look_at = scene_at(6);
    row.hardware_since = scene_at(7);
    row.bench = (struct machine_bench){ .pcie_mbs = 9, .measured = scene_at(8) };
    CHECK_OK(machine_set_checked(scene.db, &row, &scene.err), &scene.err);
    CHECK_OK(machine_set_hardware(scene.db, &row, &scene.err), &scene.err);
    row = load(&scene, scene.machine);
    CHECK_INT(row.verification, VERIFICATION_DEVERIFIED);
    CHECK(!row.is_verification_set);
    CHECK_INT(row.failed.microseconds, scene_at(5).microseconds);
    CHECK_INT(row.look_at.microseconds, scene_at(6).microseconds);
    CHECK_INT(row.hardware_since.microseconds, scene_at(7).microseconds);
    CHECK_INT(row.bench.pcie_mbs, 9);
    CHECK_OK(
        machine_set_said(scene.db, scene.machine, VERIFICATION_VERIFIED, true, &count, &scene.err),
        &scene.err);
    CHECK_INT(count, 1);
    row = load(&scene, scene.machine);
    CHECK(row.is_verification_set);
    CHECK_INT(row.verification, VERIFICATION_VERIFIED);
    CHECK_INT(row.failed.microseconds, 0);
    CHECK_INT(row.look_at.microseconds, 0);
    CHECK_INT(load(&scene, scene.other_machine).look_at.microseconds, 0);
    CHECK_OK(machine_set_said(scene.db, 987654321, VERIFICATION_VERIFIED, true, &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
}

static void test_the_longest_ago_is_looked_at_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[4];
    size_t count;

    CHECK_OK(machine_set_online(scene.db, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_set_online(scene.db, scene.other_machine, &scene.err), &scene.err);
    CHECK_OK(machine_set_look(scene.db, scene.machine, scene_at(10), &scene.err), &scene.err);
    CHECK_OK(machine_set_look(scene.db, scene.other_machine, scene_at(9), &scene.err), &scene.err);
    CHECK_OK(machine_looks_due(scene.db, scene_at(8), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(machine_looks_due(scene.db, scene_at(10), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[0], scene.other_machine);
    CHECK_OK(machine_looks_due(scene.db, scene_at(9), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(machine_set_offline(scene.db, scene.other_machine, scene_at(9), &scene.err),
             &scene.err);
    CHECK_OK(machine_looks_due(scene.db, scene_at(9), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
}

static void test_only_starts_that_counted_are_failed_ones(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_event_row event = { .machine_id = scene.machine,
                                       .kind = RELIABILITY_FAILED_START,
                                       .start = scene_at(3),
                                       .end = scene_at(3),
                                       .severity_ppm = 1 };
    struct instant last;
    int64_t good;

    CHECK_OK(machine_last_failed_start(scene.db, scene.machine, &last, &scene.err), &scene.err);
    CHECK_INT(last.microseconds, 0);
    CHECK_OK(machine_event_insert(scene.db, &event, &scene.err), &scene.err);
    event.start = event.end = scene_at(4);
    event.severity_ppm = 0;
    CHECK_OK(machine_event_insert(scene.db, &event, &scene.err), &scene.err);
    event.kind = RELIABILITY_OUTAGE;
    event.severity_ppm = 1;
    CHECK_OK(machine_event_insert(scene.db, &event, &scene.err), &scene.err);
    CHECK_OK(machine_last_failed_start(scene.db, scene.machine, &last, &scene.err), &scene.err);
    CHECK_INT(last.microseconds, scene_at(3).microseconds);
    CHECK_OK(machine_proofs_good(scene.db, scene.machine, scene_at(0), &good, &scene.err),
             &scene.err);
    CHECK_INT(good, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_standing_is_kept),
        cmocka_unit_test(test_the_longest_ago_is_looked_at_first),
        cmocka_unit_test(test_only_starts_that_counted_are_failed_ones),
    };

    return SUPPORT_RUN(tests);
}
