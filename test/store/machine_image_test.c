/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_image.h"

#include "store/support_rows.h"

static void expect_start(struct scene *scene, int64_t machine_id, const char *image,
                         struct machine_start_row want)
{
    struct machine_start_row start;

    CHECK_OK(machine_start_load(scene->db, machine_id, image, &start, &scene->err), &scene->err);
    CHECK_INT(start.pull_rate, want.pull_rate);
    CHECK_INT(start.start_ms, want.start_ms);
    CHECK_INT(start.has_image, want.has_image);
}

static void expect_bytes(struct scene *scene, const char *image, int64_t want)
{
    int64_t bytes;

    CHECK_OK(machine_image_bytes(scene->db, image, &bytes, &scene->err), &scene->err);
    CHECK_INT(bytes, want);
}

static void test_the_last_list_is_the_whole_truth_of_its_machine(void **state)
{
    static const struct machine_image_row rows[] = { { "a:1", 500 }, { "b:1", -1 } };
    static const struct machine_image_row others[] = { { "a:1", 700 } };
    auto_scene struct scene scene = scene_open(*state);
    struct error *err = &scene.err;

    expect_start(&scene, scene.machine, "a:1", (struct machine_start_row){ -1, -1, false });
    expect_bytes(&scene, "a:1", -1);
    CHECK_OK(machine_images_put(scene.db, scene.machine, rows, 2, err), err);
    CHECK_OK(machine_images_put(scene.db, scene.other_machine, others, 1, err), err);
    CHECK_OK(machine_start_put(scene.db, scene.machine, 10, 20, err), err);
    expect_start(&scene, scene.machine, "a:1", (struct machine_start_row){ 10, 20, true });
    CHECK_OK(machine_start_put(scene.db, scene.machine, 30, -1, err), err);
    expect_start(&scene, scene.machine, "a:1", (struct machine_start_row){ 30, -1, true });
    expect_start(&scene, scene.other_machine, "b:1", (struct machine_start_row){ -1, -1, false });
    expect_bytes(&scene, "a:1", 700); /* the most that it was anywhere */
    expect_bytes(&scene, "b:1", -1);
    CHECK_OK(machine_images_put(scene.db, scene.other_machine, NULL, 0, err), err);
    expect_bytes(&scene, "a:1", 500);
    expect_start(&scene, scene.machine, "b:1", (struct machine_start_row){ 30, -1, true });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_list_is_the_whole_truth_of_its_machine),
    };

    return SUPPORT_RUN(tests);
}
