/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gpu.h"

#include "store/claim.h"
#include "store/support_rows.h"

static int64_t list(struct scene *scene, int64_t machine, struct gpu_row **ret)
{
    size_t count = 99;

    CHECK_OK(gpu_list(scene->db, machine, &scene->arena, ret, &count, &scene->err), &scene->err);
    int64_t number = 99;
    CHECK_OK(gpu_count(scene->db, machine, &number, &scene->err), &scene->err);
    CHECK_INT(number, (int64_t)count);
    return (int64_t)count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct gpu_row whole = {
        .machine_id = scene.machine, .uuid = "machine-1", .is_whole_machine = true, .position = 3
    };
    struct gpu_row *gpus;
    int64_t id, count;

    CHECK_OK(gpu_insert(scene.db, &whole, &id, &scene.err), &scene.err);
    CHECK_INT(list(&scene, scene.machine, &gpus), 1);
    CHECK_INT(gpus[0].id, id);
    CHECK_INT(gpus[0].machine_id, scene.machine);
    CHECK_TEXT(gpus[0].uuid, "machine-1");
    CHECK(gpus[0].is_whole_machine);
    CHECK_INT(gpus[0].position, 3);
    CHECK_INT(gpus[0].claimed_by, 0);
    CHECK_INT(gpus[0].last_claim_of, 0);

    CHECK_OK(claim_insert(scene.db, id, scene.contract, scene_at(1), &scene.err), &scene.err);
    (void)list(&scene, scene.machine, &gpus);
    CHECK_INT(gpus[0].claimed_by, scene.contract);
    CHECK_INT(gpus[0].last_claim_of, scene.contract);
    CHECK_OK(claim_release(scene.db, scene.contract, scene_at(2), &count, &scene.err), &scene.err);
    (void)list(&scene, scene.machine, &gpus);
    CHECK_INT(gpus[0].claimed_by, 0);
    CHECK_INT(gpus[0].claimed_kind, 0);
    CHECK_INT(gpus[0].last_claim_of, scene.contract);

    /* Another has it, and the one before is past. */
    CHECK_OK(claim_insert(scene.db, id, scene.contract_bob, scene_at(3), &scene.err), &scene.err);
    scene_run(&scene, "UPDATE contract SET kind = $2 WHERE id = $1",
              DB_ARGS(db_int(scene.contract_bob), db_int(KIND_RESERVED)));
    (void)list(&scene, scene.machine, &gpus);
    CHECK_INT(gpus[0].claimed_by, scene.contract_bob);
    CHECK_INT(gpus[0].last_claim_of, scene.contract_bob);
    CHECK_INT(gpus[0].claimed_kind, KIND_RESERVED);
}

static void test_a_list_is_one_machines_in_its_order(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t last = scene_gpu(&scene, scene.machine, "gpu-a", 1);
    int64_t first = scene_gpu(&scene, scene.machine, "gpu-b", 0);
    int64_t same = scene_gpu(&scene, scene.machine, "gpu-c", 1);
    struct gpu_row *gpus;

    (void)scene_gpu(&scene, scene.other_machine, "gpu-d", 0);
    CHECK_INT(list(&scene, scene.machine, &gpus), 3);
    CHECK_INT(gpus[0].id, first);
    CHECK_INT(gpus[1].id, last);
    CHECK_INT(gpus[2].id, same);
    CHECK(!gpus[0].is_whole_machine);
    CHECK_OK(gpu_move(scene.db, first, 2, &scene.err), &scene.err);
    (void)list(&scene, scene.machine, &gpus);
    CHECK_INT(gpus[0].id, last);
    CHECK_INT(gpus[2].id, first);
    CHECK_INT(gpus[2].position, 2);
    CHECK_INT(list(&scene, 999, &gpus), 0);
}

static void test_a_uuid_is_live_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t gpu = scene_gpu(&scene, scene.machine, "gpu-a", 0), id, machine = 0;
    struct gpu_row again = { .machine_id = scene.other_machine, .uuid = "gpu-a" }, *gpus;
    bool has = true;

    CHECK_REFUSED(&scene, gpu_insert(scene.db, &again, &id, &scene.err));
    CHECK_INT(list(&scene, scene.other_machine, &gpus), 0);
    CHECK_OK(gpu_find(scene.db, "gpu-a", &machine, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(machine, scene.machine);

    CHECK_OK(gpu_retire(scene.db, gpu, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(gpu_retire(scene.db, gpu, scene_at(2), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT retired_us FROM gpu"), scene_at(1).microseconds);
    CHECK_OK(gpu_find(scene.db, "gpu-a", &machine, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_INT(list(&scene, scene.machine, &gpus), 0);
    CHECK_OK(gpu_insert(scene.db, &again, &id, &scene.err), &scene.err);
    CHECK_INT(list(&scene, scene.other_machine, &gpus), 1);
}

static void test_a_gpu_is_in_a_machine(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct gpu_row nowhere = { .machine_id = 999, .uuid = "gpu-a" };
    int64_t id;

    CHECK_REFUSED(&scene, gpu_insert(scene.db, &nowhere, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM gpu"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_list_is_one_machines_in_its_order),
        cmocka_unit_test(test_a_uuid_is_live_once),
        cmocka_unit_test(test_a_gpu_is_in_a_machine),
    };
    return SUPPORT_RUN(tests);
}
