/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_gauge.h"

#include "store/support_rows.h"

static void test_the_new_one_is_in_place_of_the_old(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_gauge_row gauge = { scene.machine, scene_at(5), "[1]" };
    bool has;

    CHECK_OK(machine_gauge_load(scene.db, scene.machine, &scene.arena, &gauge, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(machine_gauge_put(scene.db, &gauge, &scene.err), &scene.err);
    gauge.machine_id = scene.other_machine;
    gauge.gpus = "[3]";
    CHECK_OK(machine_gauge_put(scene.db, &gauge, &scene.err), &scene.err);
    gauge = (struct machine_gauge_row){ scene.machine, scene_at(9), "[2]" };
    CHECK_OK(machine_gauge_put(scene.db, &gauge, &scene.err), &scene.err);
    gauge = (struct machine_gauge_row){ 0 };
    CHECK_OK(machine_gauge_load(scene.db, scene.machine, &scene.arena, &gauge, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(gauge.machine_id, scene.machine);
    CHECK_INT(gauge.told.microseconds, scene_at(9).microseconds);
    CHECK_TEXT(gauge.gpus, "[2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_new_one_is_in_place_of_the_old),
    };

    return SUPPORT_RUN(tests);
}
