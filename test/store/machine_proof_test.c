/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_proof.h"

#include <string.h>

#include "store/support_rows.h"

static int tokens;

static struct machine_proof_row insert(struct scene *scene, int64_t machine_id, uint8_t number)
{
    struct machine_proof_row proof = { .machine_id = machine_id,
                                       .gpu_uuid = "GPU-1",
                                       .model = "RTX 4090",
                                       .kind = AUDIT_COMPUTE,
                                       .company = AUDIT_TOGETHER,
                                       .nonces = 24,
                                       .openings = 64,
                                       .n = 512,
                                       .rounds = 3,
                                       .state = AUDIT_ASKED,
                                       .asked = scene_at(number) };

    memset(proof.seed, number, sizeof proof.seed);
    memset(proof.draw, number + 1, sizeof proof.draw);
    memset(proof.token_hash, 100 + tokens++, sizeof proof.token_hash);
    CHECK_OK(machine_proof_insert(scene->db, &proof, &proof.id, &scene->err), &scene->err);
    return proof;
}

static void test_it_moves_once_from_state_to_state(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row proof = insert(&scene, scene.machine, 10), *list, found;
    const struct machine_proof_from asked_state = { AUDIT_ASKED, 0 };
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
    proof.trips = 3;
    proof.trip = scene_at(13);
    proof.rtt_us = 4;
    proof.late = 5;
    proof.net_us = 6;
    proof.round_ns = 7;
    proof.seen = AUDIT_SHARED;
    memset(proof.draw, 9, sizeof proof.draw);
    memset(proof.commitment, 7, sizeof proof.commitment);
    memset(proof.token_hash, 99, sizeof proof.token_hash);
    CHECK_OK(machine_proof_move(scene.db, &proof, asked_state, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(machine_proof_move(scene.db, &proof, asked_state, &count, &scene.err), &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(machine_proof_find(scene.db, proof.token_hash, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(found.id, proof.id);
    CHECK_INT(found.state, AUDIT_COMMITTED);
    CHECK_INT(found.committed.microseconds, scene_at(14).microseconds);
    CHECK(memcmp(found.commitment, proof.commitment, 32) == 0);
    CHECK_TEXT(found.gpu_uuid, "GPU-1");
    CHECK_TEXT(found.model, "RTX 4090");
    CHECK_INT(found.kind, AUDIT_COMPUTE);
    CHECK_INT(found.company, AUDIT_TOGETHER);
    CHECK_INT(found.nonces, 24);
    CHECK_INT(found.openings, 64);
    CHECK_INT(found.trips, 3);
    CHECK_INT(found.trip.microseconds, scene_at(13).microseconds);
    CHECK_INT(found.rtt_us, 4);
    CHECK_INT(found.late, 5);
    CHECK_INT(found.net_us, 6);
    CHECK_INT(found.round_ns, 7);
    CHECK_INT(found.seen, AUDIT_SHARED);
    CHECK(memcmp(found.draw, proof.draw, 32) == 0);
    /* With other trips it is another moment. */
    CHECK_OK(machine_proof_move(scene.db, &proof, (struct machine_proof_from){ AUDIT_COMMITTED, 2 },
                                &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
}

static void finish(struct scene *scene, struct machine_proof_row *proof, int64_t round_ns)
{
    int64_t count;

    proof->state = AUDIT_GOOD;
    proof->round_ns = round_ns;
    CHECK_OK(machine_proof_move(scene->db, proof, (struct machine_proof_from){ AUDIT_ASKED, 0 },
                                &count, &scene->err),
             &scene->err);
    CHECK_INT(count, 1);
}

static void test_good_ones_are_compared(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row proofs[4], last, *group;
    int64_t count, round_ns;
    size_t in_group;
    bool has;

    for (uint8_t i = 0; i < 4; i++)
        proofs[i] = insert(&scene, scene.machine, (uint8_t)(10 + 10 * (i / 2) + 5 * (i == 3)));
    CHECK_OK(machine_proof_class(scene.db, "RTX 4090", 512, &count, &round_ns, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
    for (int i = 0; i < 3; i++)
        finish(&scene, &proofs[i], 300 - i);
    CHECK_OK(machine_proof_class(scene.db, "RTX 4090", 512, &count, &round_ns, &scene.err),
             &scene.err);
    CHECK_INT(count, 3);
    CHECK_INT(round_ns, 298);
    CHECK_OK(machine_proof_class(scene.db, "RTX 4090", 1024, &count, &round_ns, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
    CHECK_OK(machine_proof_last(scene.db, scene.machine, "GPU-1", MACHINE_PROOF_ANY, &scene.arena,
                                &last, &has, &scene.err),
             &scene.err);
    CHECK(has && last.id == proofs[2].id);
    CHECK_OK(machine_proof_last(scene.db, scene.machine, "GPU-1", AUDIT_ALONE, &scene.arena, &last,
                                &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(machine_proof_group(scene.db, scene.machine, scene_at(10), &scene.arena, &group,
                                 &in_group, &scene.err),
             &scene.err);
    CHECK_COUNT(in_group, 2);
}

static void test_a_census_is_planned_and_held_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct census census;
    int64_t count;
    bool has;

    CHECK_OK(census_next(scene.db, &census, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(census_plan(scene.db, scene_at(5), &scene.err), &scene.err);
    CHECK_OK(census_next(scene.db, &census, &has, &scene.err), &scene.err);
    CHECK(has && census.at.microseconds == scene_at(5).microseconds);
    for (int64_t once = 1; once >= 0; once--) {
        CHECK_OK(census_set_done(scene.db, census.id, &count, &scene.err), &scene.err);
        CHECK_INT(count, once);
    }
    CHECK_OK(census_next(scene.db, &census, &has, &scene.err), &scene.err);
    CHECK(!has);
}

static void test_what_is_late_is_unanswered(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row *list;
    int64_t ids[9], ended;
    size_t count;

    (void)insert(&scene, scene.machine, 10);
    (void)insert(&scene, scene.machine, 20);
    (void)insert(&scene, scene.other_machine, 10);
    for (int64_t once = 1; once >= 0; once--) {
        CHECK_OK(machine_proof_late(scene.db, scene_at(20), ids, 9, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, once + 1);
        CHECK_INT(ids[count - 1], scene.other_machine);
        CHECK_OK(machine_proof_expire(scene.db, scene.machine, scene_at(20), scene_at(99), &ended,
                                      &scene.err),
                 &scene.err);
        CHECK_INT(ended, once);
    }
    CHECK_OK(
        machine_proof_list(scene.db, scene.machine, 9, &scene.arena, &list, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(list[0].state, AUDIT_ASKED);
    CHECK_INT(list[1].state, AUDIT_UNANSWERED);
    CHECK_INT(list[1].done.microseconds, scene_at(99).microseconds);
}

/* Wrong, unanswered or odd; what goes on, and what was right, is none of them. */
static void test_what_somebody_ought_to_look_at(void **state)
{
    static const struct {
        enum audit_state state;
        int64_t seen;
        bool is_trouble;
    } rows[] = { { AUDIT_GOOD, 0, false },      { AUDIT_BAD, 0, true },
                 { AUDIT_UNANSWERED, 0, true }, { AUDIT_GOOD, AUDIT_TOO_FAST, true },
                 { AUDIT_COMMITTED, 0, false }, { AUDIT_UNOPENED, AUDIT_SHARED, true } };
    auto_scene struct scene scene = scene_open(*state);
    struct machine_proof_row *list;
    int64_t count, last = INT64_MAX;
    size_t found;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct machine_proof_row proof = insert(&scene, scene.machine, (uint8_t)(10 + i));

        proof.state = rows[i].state;
        proof.seen = rows[i].seen;
        CHECK_OK(machine_proof_move(scene.db, &proof, (struct machine_proof_from){ AUDIT_ASKED, 0 },
                                    &count, &scene.err),
                 &scene.err);
    }
    CHECK_OK(
        machine_proof_troubles(scene.db, INT64_MAX, 9, &scene.arena, &list, &found, &scene.err),
        &scene.err);
    CHECK_COUNT(found, 4);
    for (size_t i = 0; i < found; i++) {
        CHECK(list[i].id < last);
        last = list[i].id;
        CHECK(rows[instant_until(scene_at(10), list[i].asked) / US_PER_SECOND].is_trouble);
    }
    CHECK_OK(
        machine_proof_troubles(scene.db, list[1].id, 1, &scene.arena, &list, &found, &scene.err),
        &scene.err);
    CHECK_COUNT(found, 1);
    CHECK_INT(list[0].state, AUDIT_UNANSWERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_moves_once_from_state_to_state),
        cmocka_unit_test(test_good_ones_are_compared),
        cmocka_unit_test(test_a_census_is_planned_and_held_once),
        cmocka_unit_test(test_what_is_late_is_unanswered),
        cmocka_unit_test(test_what_somebody_ought_to_look_at),
    };

    return SUPPORT_RUN(tests);
}
