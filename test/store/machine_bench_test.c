/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_bench.h"

#include "store/support_rows.h"

static void test_the_last_one_is_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_bench_row bench = { .machine_id = scene.machine,
                                       .measured = scene_at(5),
                                       .report = "{\"a\":1}" };
    bool has;

    CHECK_OK(machine_bench_last(scene.db, scene.machine, &scene.arena, &bench, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(machine_bench_insert(scene.db, &bench, &scene.err), &scene.err);
    bench.measured = scene_at(9);
    bench.report = "{\"a\":2}";
    CHECK_OK(machine_bench_insert(scene.db, &bench, &scene.err), &scene.err);
    bench.machine_id = scene.other_machine;
    CHECK_OK(machine_bench_insert(scene.db, &bench, &scene.err), &scene.err);
    bench = (struct machine_bench_row){ 0 };
    CHECK_OK(machine_bench_last(scene.db, scene.machine, &scene.arena, &bench, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(bench.machine_id, scene.machine);
    CHECK_INT(bench.measured.microseconds, scene_at(9).microseconds);
    CHECK_TEXT(bench.report, "{\"a\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_one_is_found),
    };

    return SUPPORT_RUN(tests);
}
