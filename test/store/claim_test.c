/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claim.h"

#include "store/gpu.h"
#include "store/support_rows.h"

static void claim(struct scene *scene, int64_t gpu, int64_t contract)
{
    CHECK_OK(claim_insert(scene->db, gpu, contract, scene_at(1), &scene->err), &scene->err);
}

static int64_t release(struct scene *scene, int64_t contract)
{
    int64_t count = -1;

    CHECK_OK(claim_release(scene->db, contract, scene_at(2), &count, &scene->err), &scene->err);
    return (int64_t)count;
}

static int64_t uuids_of(struct scene *scene, int64_t contract, const char ***ret)
{
    size_t count = 99;

    CHECK_OK(claim_uuids(scene->db, contract, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static void test_a_gpu_has_one_holder(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t gpu = scene_gpu(&scene, scene.machine, "gpu-0", 0);
    int64_t next = scene_gpu(&scene, scene.machine, "gpu-1", 1);
    const char **uuids;

    claim(&scene, gpu, scene.contract);
    CHECK_REFUSED(&scene,
                  claim_insert(scene.db, next, scene.contract_bob, scene_at(1), &scene.err) &&
                      claim_insert(scene.db, gpu, scene.contract_bob, scene_at(1), &scene.err));
    CHECK_REFUSED(&scene, claim_insert(scene.db, gpu, scene.contract, scene_at(1), &scene.err));
    /* Not even the one that was free. */
    CHECK_INT(uuids_of(&scene, scene.contract_bob, &uuids), 0);
    CHECK_INT(uuids_of(&scene, scene.contract, &uuids), 1);
    CHECK_TEXT(uuids[0], "gpu-0");
}

static void test_released_is_free_and_stays_on_record(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t gpu = scene_gpu(&scene, scene.machine, "gpu-0", 0);
    int64_t next = scene_gpu(&scene, scene.machine, "gpu-1", 1);
    const char **uuids;

    claim(&scene, gpu, scene.contract);
    claim(&scene, next, scene.contract_bob);
    CHECK_INT(release(&scene, scene.contract), 1);
    CHECK_INT(release(&scene, scene.contract), 0);
    CHECK_INT(uuids_of(&scene, scene.contract, &uuids), 0);
    CHECK_INT(uuids_of(&scene, scene.contract_bob, &uuids), 1);
    claim(&scene, gpu, scene.contract_bob);
    CHECK_INT(release(&scene, scene.contract_bob), 2);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM gpu_claim"), 3);
    CHECK_INT(scene_number(&scene, "SELECT MIN(claimed_us) FROM gpu_claim"),
              scene_at(1).microseconds);
    CHECK_INT(scene_number(&scene, "SELECT MIN(released_us) FROM gpu_claim"),
              scene_at(2).microseconds);
}

static void test_uuids_are_in_the_machines_order(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const int64_t ids[] = { scene_gpu(&scene, scene.machine, "gpu-c", 2),
                            scene_gpu(&scene, scene.machine, "gpu-a", 0),
                            scene_gpu(&scene, scene.machine, "gpu-b", 1) };
    const char **uuids;

    for (size_t i = 0; i < 3; i++)
        claim(&scene, ids[i], scene.contract);
    CHECK_INT(uuids_of(&scene, scene.contract, &uuids), 3);
    CHECK_TEXT(uuids[0], "gpu-a");
    CHECK_TEXT(uuids[1], "gpu-b");
    CHECK_TEXT(uuids[2], "gpu-c");
}

static void test_a_whole_machine_has_one_holder_and_no_uuid(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct gpu_row whole = { .machine_id = scene.machine,
                             .uuid = "machine-1",
                             .is_whole_machine = true };
    const char **uuids;
    int64_t id;

    CHECK_OK(gpu_insert(scene.db, &whole, &id, &scene.err), &scene.err);
    claim(&scene, id, scene.contract);
    CHECK_INT(uuids_of(&scene, scene.contract, &uuids), 0);
    CHECK_REFUSED(&scene, claim_insert(scene.db, id, scene.contract_bob, scene_at(1), &scene.err));
    CHECK_INT(release(&scene, scene.contract), 1);
}

static void test_only_what_exists_is_claimed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t gpu = scene_gpu(&scene, scene.machine, "gpu-0", 0);

    CHECK_REFUSED(&scene, claim_insert(scene.db, 999, scene.contract, scene_at(1), &scene.err));
    CHECK_REFUSED(&scene, claim_insert(scene.db, gpu, 999, scene_at(1), &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM gpu_claim"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gpu_has_one_holder),
        cmocka_unit_test(test_released_is_free_and_stays_on_record),
        cmocka_unit_test(test_uuids_are_in_the_machines_order),
        cmocka_unit_test(test_a_whole_machine_has_one_holder_and_no_uuid),
        cmocka_unit_test(test_only_what_exists_is_claimed),
    };
    return SUPPORT_RUN(tests);
}
