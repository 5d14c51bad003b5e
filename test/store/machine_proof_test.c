/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_proof.h"

#include <string.h>

#include "store/support_rows.h"

static struct machine_proof_row insert(struct scene *scene, int64_t machine_id, uint8_t number)
{
    struct machine_proof_row proof = { .machine_id = machine_id,
                                       .gpu_uuid = "GPU-1",
                                       .n = 512,
                                       .rounds = 3,
                                       .state = AUDIT_ASKED,
                                       .asked = scene_at(number) };

    memset(proof.seed, number, sizeof proof.seed);
    memset(proof.draw, number + 1, sizeof proof.draw);
    memset(proof.token_hash, number + 2, sizeof proof.token_hash);
    CHECK_OK(machine_proof_insert(scene->db, &proof, &proof.id, &scene->err), &scene->err);
    return proof;
}

static void test_it_moves_once_from_state_to_state(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row proof = insert(&scene, scene.machine, 10), *list, found;
    int64_t count;
    size_t asked;
    bool has;

    (void)insert(&scene, scene.other_machine, 20);
    CHECK_OK(
        machine_proof_asked(scene.db, scene.machine, 9, &scene.arena, &list, &asked, &scene.err),
        &scene.err);
    CHECK_COUNT(asked, 1);
    CHECK(memcmp(list[0].seed, proof.seed, 32) == 0 && memcmp(list[0].draw, proof.draw, 32) == 0);
    proof.state = AUDIT_COMMITTED;
    proof.sent = scene_at(11);
    proof.committed = scene_at(14);
    memset(proof.commitment, 7, sizeof proof.commitment);
    memset(proof.token_hash, 8, sizeof proof.token_hash);
    CHECK_OK(machine_proof_move(scene.db, &proof, AUDIT_ASKED, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(machine_proof_move(scene.db, &proof, AUDIT_ASKED, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(machine_proof_find(scene.db, proof.token_hash, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.id, proof.id);
    CHECK_INT(found.state, AUDIT_COMMITTED);
    CHECK_INT(found.committed.microseconds, scene_at(14).microseconds);
    CHECK(memcmp(found.commitment, proof.commitment, 32) == 0);
    CHECK_TEXT(found.gpu_uuid, "GPU-1");
}

static void test_what_is_late_is_unanswered(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row *list;
    size_t count;

    (void)insert(&scene, scene.machine, 10);
    (void)insert(&scene, scene.machine, 20);
    CHECK_OK(machine_proof_expire(scene.db, scene_at(20), scene_at(99), &scene.err), &scene.err);
    CHECK_OK(
        machine_proof_list(scene.db, scene.machine, 9, &scene.arena, &list, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(list[0].state, AUDIT_ASKED);
    CHECK_INT(list[1].state, AUDIT_UNANSWERED);
    CHECK_INT(list[1].done.microseconds, scene_at(99).microseconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_moves_once_from_state_to_state),
        cmocka_unit_test(test_what_is_late_is_unanswered),
    };

    return SUPPORT_RUN(tests);
}
