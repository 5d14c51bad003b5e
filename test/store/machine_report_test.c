/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_report.h"

#include "store/machine.h"
#include "store/support_rows.h"

static void insert(struct scene *scene, int64_t user_id, int64_t machine_id, int64_t at)
{
    struct machine_report_row report = { .machine_id = machine_id,
                                         .user_id = user_id,
                                         .problem = "gpu",
                                         .message = "it is slow",
                                         .created = scene_at(at) };

    CHECK_OK(machine_report_insert(scene->db, &report, &scene->err), &scene->err);
}

static void test_reports_come_newest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_report_row *reports;
    size_t count;

    insert(&scene, scene.ada, scene.machine, 10);
    insert(&scene, scene.bob, scene.machine, 20);
    insert(&scene, scene.ada, scene.other_machine, 30);
    CHECK_OK(
        machine_report_list(scene.db, scene.machine, 9, &scene.arena, &reports, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(reports[0].user_id, scene.bob);
    CHECK_INT(reports[0].machine_id, scene.machine);
    CHECK_INT(reports[0].created.microseconds, scene_at(20).microseconds);
    CHECK_TEXT(reports[1].problem, "gpu");
    CHECK_TEXT(reports[1].message, "it is slow");
    CHECK_OK(
        machine_report_list(scene.db, scene.machine, 1, &scene.arena, &reports, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 1);
}

static void test_a_host_answers_those_of_its_machines_alone(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_report_row *reports;
    struct machine_row machine;
    int64_t replied;
    size_t count;
    bool has;

    insert(&scene, scene.ada, scene.machine, 10);
    insert(&scene, scene.bob, scene.machine, 11);
    CHECK_OK(machine_load(scene.db, scene.machine, &scene.arena, &machine, &has, &scene.err),
             &scene.err);
    CHECK_OK(
        machine_report_list_by(scene.db, scene.ada, 9, &scene.arena, &reports, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(reports[0].reply, "");
    CHECK_OK(machine_report_reply(scene.db, machine.owner_id + 1000, reports[0].id, "no",
                                  scene_at(12), &replied, &scene.err),
             &scene.err);
    CHECK_INT(replied, 0);
    CHECK_OK(machine_report_reply(scene.db, machine.owner_id, reports[0].id, "sorry", scene_at(12),
                                  &replied, &scene.err),
             &scene.err);
    CHECK_INT(replied, 1);
    CHECK_OK(
        machine_report_list(scene.db, scene.machine, 9, &scene.arena, &reports, &count, &scene.err),
        &scene.err);
    CHECK_TEXT(reports[0].reply, "");
    CHECK_TEXT(reports[1].reply, "sorry");
    CHECK_INT(reports[1].replied.microseconds, scene_at(12).microseconds);
}

static void test_they_are_counted_since_then(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t all = -1, recent = -1;
    bool has;

    CHECK_OK(machine_report_count(scene.db, scene.machine, scene_at(0), &all, &recent, &scene.err),
             &scene.err);
    CHECK_INT(all + recent, 0);
    insert(&scene, scene.ada, scene.machine, 10);
    insert(&scene, scene.bob, scene.machine, 20);
    CHECK_OK(machine_report_count(scene.db, scene.machine, scene_at(20), &all, &recent, &scene.err),
             &scene.err);
    CHECK_INT(all, 2);
    CHECK_INT(recent, 1);
    CHECK_OK(machine_report_has(scene.db, scene.ada, scene.machine, scene_at(10), &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_OK(machine_report_has(scene.db, scene.ada, scene.machine, scene_at(11), &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports_come_newest_first),
        cmocka_unit_test(test_a_host_answers_those_of_its_machines_alone),
        cmocka_unit_test(test_they_are_counted_since_then),
    };

    return SUPPORT_RUN(tests);
}
