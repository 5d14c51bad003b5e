/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_past.h"

#include "store/gpu.h"
#include "store/machine.h"
#include "store/support_rows.h"

static int64_t past_of(struct scene *scene, int64_t id)
{
    int64_t past_id = -1;

    CHECK_OK(machine_find_past(scene->db, id, &past_id, &scene->err), &scene->err);
    return past_id;
}

static int64_t insert_like(struct scene *scene, int64_t id, uint8_t key)
{
    struct machine_row row;
    int64_t new_id;
    bool has;

    CHECK_OK(machine_load(scene->db, id, &scene->arena, &row, &has, &scene->err), &scene->err);
    CHECK(has);
    row.public_key[0] = key;
    CHECK_OK(machine_insert(scene->db, &row, &new_id, &scene->err), &scene->err);
    return new_id;
}

/* By what identifies it, and only of those that are over. */
static void test_the_same_hardware_is_known_by_its_fingerprint(void **state)
{
    static const uint8_t one[32] = { 1 }, two[32] = { 2 };
    auto_scene struct scene scene = scene_open(*state);
    int64_t next = insert_like(&scene, scene.machine, 77);
    struct machine_row row;
    bool has;

    CHECK_INT(past_of(&scene, next), 0);
    CHECK_OK(machine_set_fingerprint(scene.db, scene.machine, one, &scene.err), &scene.err);
    CHECK_OK(machine_set_fingerprint(scene.db, next, one, &scene.err), &scene.err);
    CHECK_INT(past_of(&scene, next), 0);
    CHECK_OK(machine_set_removed(scene.db, scene.machine, scene_at(9), &scene.err), &scene.err);
    CHECK_INT(past_of(&scene, next), scene.machine);
    CHECK_OK(machine_set_fingerprint(scene.db, next, two, &scene.err), &scene.err);
    CHECK_INT(past_of(&scene, next), 0);
    CHECK_OK(machine_set_past(scene.db, next, scene.machine, &scene.err), &scene.err);
    CHECK_OK(machine_load(scene.db, next, &scene.arena, &row, &has, &scene.err), &scene.err);
    CHECK_INT(row.predecessor_id, scene.machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_hardware_is_known_by_its_fingerprint),
    };

    return SUPPORT_RUN(tests);
}
