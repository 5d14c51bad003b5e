/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaim.h"

#include "store/support_rows.h"

static void test_the_latest_counts(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct reclaim_row row = { .machine_id = scene.machine,
                               .at = scene_at(100),
                               .due = scene_at(100),
                               .reason = "It is sold." };
    struct reclaim_row last;
    int64_t id, later_id;
    bool has;

    CHECK_OK(reclaim_last(scene.db, scene.machine, &scene.arena, &last, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(reclaim_insert(scene.db, &row, &id, &scene.err), &scene.err);
    row.due = scene_at(300);
    CHECK_OK(reclaim_insert(scene.db, &row, &later_id, &scene.err), &scene.err);
    CHECK(later_id > id);
    CHECK_OK(reclaim_last(scene.db, scene.machine, &scene.arena, &last, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(last.id, later_id);
    CHECK_INT(last.machine_id, scene.machine);
    CHECK_INT(instant_compare(last.at, scene_at(100)), 0);
    CHECK_INT(instant_compare(last.due, scene_at(300)), 0);
    CHECK_TEXT(last.reason, "It is sold.");
    CHECK_OK(reclaim_last(scene.db, scene.other_machine, &scene.arena, &last, &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_latest_counts),
    };
    return SUPPORT_RUN(tests);
}
