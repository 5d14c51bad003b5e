/* SPDX-License-Identifier: Apache-2.0 */
#include "store/maintenance.h"

#include "store/support_rows.h"

static int64_t insert(struct scene *scene, int64_t machine_id, int64_t start, int64_t end)
{
    struct maintenance_row window = { .machine_id = machine_id,
                                      .start = scene_at(start),
                                      .end = scene_at(end),
                                      .category = "power",
                                      .created = scene_at(1) };
    int64_t id;

    CHECK_OK(maintenance_insert(scene->db, &window, &id, &scene->err), &scene->err);
    return id;
}

static struct maintenance_row *list(struct scene *scene, int64_t now, int64_t want)
{
    struct maintenance_row *windows;
    size_t count;

    CHECK_OK(maintenance_list(scene->db, scene->machine, scene_at(now), &scene->arena, &windows,
                              &count, &scene->err),
             &scene->err);
    CHECK_COUNT(count, want);
    return windows;
}

static void test_windows_come_in_order_until_they_are_over(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t later = insert(&scene, scene.machine, 100, 200);
    int64_t sooner = insert(&scene, scene.machine, 50, 60), count = -1;

    (void)insert(&scene, scene.other_machine, 10, 20);
    struct maintenance_row *windows = list(&scene, 55, 2);
    CHECK_INT(windows[0].id, sooner);
    CHECK_INT(windows[0].machine_id, scene.machine);
    CHECK_INT(windows[0].start.microseconds, scene_at(50).microseconds);
    CHECK_INT(windows[0].end.microseconds, scene_at(60).microseconds);
    CHECK_INT(windows[0].created.microseconds, scene_at(1).microseconds);
    CHECK_TEXT(windows[0].category, "power");
    CHECK_INT(windows[1].id, later);
    (void)list(&scene, 60, 1);
    CHECK_OK(maintenance_cancel(scene.db, scene.machine, scene_at(60), &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    (void)list(&scene, 60, 0);
    (void)list(&scene, 55, 1); /* what was over is not cancelled */
    CHECK_REFUSED(&scene, maintenance_insert(scene.db,
                                             &(struct maintenance_row){ .machine_id = scene.machine,
                                                                        .category = "x" },
                                             &count, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_come_in_order_until_they_are_over),
    };
    return SUPPORT_RUN(tests);
}
