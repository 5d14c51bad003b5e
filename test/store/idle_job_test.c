/* SPDX-License-Identifier: Apache-2.0 */
#include "store/idle_job.h"

#include "check.h"
#include "support_rows.h"

static void test_a_machine_has_one_idle_job(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct idle_job_row job = { .machine_id = scene.machine,
                                .ticks = 100,
                                .up_tb = { 7 },
                                .down_tb = { 8 },
                                .gpus = 3,
                                .spec = "{}",
                                .image = "ubuntu",
                                .created = scene_at(1) };
    struct idle_job_row found;
    int64_t count;
    bool has;

    CHECK_OK(idle_job_load(scene.db, scene.machine, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(idle_job_set(scene.db, &job, &scene.err), &scene.err);
    CHECK_OK(idle_job_load(scene.db, scene.machine, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK_INT(found.gpus, 3);
    job.ticks = 50;
    job.gpus = 0;
    job.image = "busybox";
    job.created = scene_at(2);
    CHECK_OK(idle_job_set(scene.db, &job, &scene.err), &scene.err);
    CHECK_OK(idle_job_load(scene.db, scene.machine, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.ticks, 50);
    CHECK_INT(found.gpus, 0);
    CHECK_TEXT(found.image, "busybox");
    CHECK_TEXT(found.spec, "{}");
    CHECK_INT(found.up_tb.nanodollars, 7);
    CHECK_INT(found.down_tb.nanodollars, 8);
    CHECK_INT(found.created.microseconds, scene_at(2).microseconds);
    CHECK_OK(idle_job_remove(scene.db, scene.machine, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(idle_job_remove(scene.db, scene.machine, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_has_one_idle_job),
    };
    return SUPPORT_RUN(tests);
}
