/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recovery.h"

#include "store/support_rows.h"

static int64_t begin(struct scene *scene)
{
    const struct recovery_row row = { .began = scene_at(100), .books_end = scene_at(40) };
    struct recovery_row open;
    bool has;

    CHECK_OK(recovery_insert(scene->db, &row, &scene->err), &scene->err);
    CHECK_OK(recovery_load(scene->db, &open, &has, &scene->err), &scene->err);
    CHECK(has);
    CHECK_INT(open.began.microseconds, scene_at(100).microseconds);
    CHECK_INT(open.books_end.microseconds, scene_at(40).microseconds);
    return open.id;
}

static void test_one_is_open_at_a_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const struct recovery_row row = { .began = scene_at(200), .books_end = scene_at(150) };
    struct recovery_row open;
    bool has;

    CHECK_OK(recovery_load(scene.db, &open, &has, &scene.err), &scene.err);
    CHECK(!has);
    int64_t id = begin(&scene);
    CHECK_REFUSED(&scene, recovery_insert(scene.db, &row, &scene.err));
    CHECK_OK(recovery_close(scene.db, id, scene_at(300), &scene.err), &scene.err);
    CHECK_OK(recovery_load(scene.db, &open, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK(begin(&scene) != id);
}

static void test_a_leap_leaves_out_numbers_of_every_table(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t user = scene_user(&scene, "before@example.org");
    int64_t rev = scene_number(&scene, "SELECT MAX(desired_rev) FROM machine");

    CHECK_OK(recovery_leap(scene.db, 1000, &scene.err), &scene.err);
    CHECK_INT(scene_user(&scene, "after@example.org"), user + 1001);
    CHECK(scene_contract(&scene, scene.ada, scene.machine) > 1000);
    CHECK_INT(scene_number(&scene, "SELECT MAX(desired_rev) FROM machine"), rev + 1000);
}

static void test_a_report_counts_again_once_it_is_old(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = begin(&scene);
    struct recovery_counts counts;
    bool is_new;

    CHECK_OK(recovery_machine_say(scene.db, id, scene.machine, scene_at(100), scene_at(90), &is_new,
                                  &scene.err),
             &scene.err);
    CHECK(is_new);
    CHECK_OK(recovery_machine_say(scene.db, id, scene.machine, scene_at(105), scene_at(95), &is_new,
                                  &scene.err),
             &scene.err);
    CHECK(!is_new);
    CHECK_OK(recovery_machine_say(scene.db, id, scene.machine, scene_at(111), scene_at(101),
                                  &is_new, &scene.err),
             &scene.err);
    CHECK(is_new);
    CHECK_OK(recovery_count(scene.db, id, &counts, &scene.err), &scene.err);
    CHECK_INT(counts.machines, 2);
    CHECK_INT(counts.reported, 1);
}

/* Of Ada's and Bob's the machine shows Ada's alone, and one more: each is where it belongs. */
static void test_books_and_machines_are_told_apart(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t id = begin(&scene), *silent;
    const struct recovery_instance both = { scene.machine, scene.contract, 77, 2 },
                                   strange = { scene.machine, 4711, 3, 2 };
    struct recovery_instance *rows;
    struct recovery_counts counts;
    size_t count;
    bool is_new;

    CHECK_OK(recovery_machine_say(scene.db, id, scene.machine, scene_at(100), scene_at(90), &is_new,
                                  &scene.err),
             &scene.err);
    CHECK_OK(recovery_instance_insert(scene.db, id, &both, &scene.err), &scene.err);
    CHECK_OK(recovery_instance_insert(scene.db, id, &both, &scene.err), &scene.err); /* once */
    CHECK_OK(recovery_instance_insert(scene.db, id, &strange, &scene.err), &scene.err);
    CHECK_OK(recovery_count(scene.db, id, &counts, &scene.err), &scene.err);
    CHECK_INT(counts.matched, 1);
    CHECK_OK(recovery_unknown(scene.db, id, &scene.arena, &rows, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].instance_id, 4711);
    CHECK_INT(rows[0].gen, 3);
    CHECK_INT(rows[0].phase, 2);
    CHECK_OK(recovery_missing(scene.db, id, &scene.arena, &rows, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].instance_id, scene.contract_bob);
    CHECK_INT(rows[0].phase, -1);
    CHECK_OK(recovery_silent(scene.db, id, &scene.arena, &silent, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(silent[0], scene.other_machine);

    CHECK_OK(recovery_raise_generations(scene.db, id, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT MAX(gen) FROM contract"), 78);
    CHECK_OK(recovery_instances_clear(scene.db, id, scene.machine, &scene.err), &scene.err);
    CHECK_OK(recovery_count(scene.db, id, &counts, &scene.err), &scene.err);
    CHECK_INT(counts.matched, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_is_open_at_a_time),
        cmocka_unit_test(test_a_leap_leaves_out_numbers_of_every_table),
        cmocka_unit_test(test_a_report_counts_again_once_it_is_old),
        cmocka_unit_test(test_books_and_machines_are_told_apart),
    };
    return SUPPORT_RUN(tests);
}
