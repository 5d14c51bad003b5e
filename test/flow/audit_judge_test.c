/* SPDX-License-Identifier: Apache-2.0 */
/* What times show, and what comes of it when they show it twice. */
#include "flow/audit_judge.h"

#include "market/timing.h"
#include "support_audit.h"

static void run_until_asked(struct world *world, struct world_machine *machine,
                            struct audit_terms terms)
{
    for (int minutes = 0; minutes < 6000; minutes++) {
        if (audits_ask_for(world, terms) > 0)
            return;
        world_run(world, machine, 60 * US_PER_SECOND);
    }
    fail_msg("it is never asked");
}

static int64_t suspicion(struct world *world)
{
    return world_number(world, "SELECT audit_suspicion FROM machine");
}

/* Once it is only odd, and it is asked again soon; twice it counts as cheating. */
static void test_memory_that_lies_elsewhere_is_seen(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;
    int rounds;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    support_script(world.support, "UPDATE machine SET memory_mbs = 900000;");
    for (int time = 1; time <= 2; time++) {
        CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
        run_until_asked(&world, &machine, audits_memory);
        struct challenge_list list = audits_take(&world, &machine, ++seq);
        /* The first time it is late all over, the second time with its cells. */
        CHECK_TEXT(audits_answer_memory(&world, &list.challenges[0],
                                        time == 1 ? 3 * US_PER_SECOND : 100,
                                        time == 1 ? AUDITS_RTT_US : AUDITS_RTT_US + 60000, &rounds),
                   "good");
        struct machine_proof_row *proofs = audits_log(&world, machine.id, (size_t)time);
        CHECK((proofs[0].seen & AUDIT_ELSEWHERE) != 0);
        CHECK_INT(proofs[0].late, time == 1 ? 0 : MEMORY_ROUNDS);
        CHECK((suspicion(&world) & AUDIT_ELSEWHERE) != 0);
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    world_close(&world);
}

/* Two that take three seconds each alone, and six together. */
static void test_one_gpu_that_goes_for_two_is_seen(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    for (int time = 0; time < 3; time++) {
        run_until_asked(&world, &machine, audits_compute);
        struct challenge_list list = audits_take(&world, &machine, ++seq);
        CHECK_INT(list.count, 2);
        for (int i = 0; i < 2; i++)
            CHECK_TEXT(audits_answer_in(&world, &list.challenges[i], false,
                                        (time == 0 ? 3 : 6) * US_PER_SECOND),
                       "good");
        if (time == 0)
            support_script(world.support, "UPDATE machine_proof SET company = 0;");
        CHECK_INT(suspicion(&world), time == 0 ? 0 : AUDIT_SHARED);
        CHECK_INT(audits_standing(&world, machine.id),
                  time < 2 ? VERIFICATION_UNVERIFIED : VERIFICATION_DEVERIFIED);
    }
    world_close(&world);
}

/* Two that take three seconds each alone; of which one is rented then. What the other does beside
 * it, however slow or late, is compared with nothing. */
static void test_beside_an_instance_nothing_is_compared(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;
    int rounds;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    world_host(&world, &machine, "a", 2);
    audits_know(&world, &machine, CHALLENGE_BESIDE);
    run_until_asked(&world, &machine, audits_compute);
    struct challenge_list list = audits_take(&world, &machine, ++seq);
    for (int i = 0; i < 2; i++)
        CHECK_TEXT(audits_answer_in(&world, &list.challenges[i], false, 3 * US_PER_SECOND), "good");
    support_script(world.support, "UPDATE machine_proof SET company = 0; UPDATE machine SET "
                                  "memory_mbs = 900000, f32_gflops = 78000, audit_us = 0;");
    (void)world_running(&world, &machine, ada, 1);
    for (int time = 0; time < 3; time++) {
        support_script(world.support, "UPDATE machine SET audit_us = 0;");
        CHECK_INT((int64_t)audits_ask(&world), 1);
        list = audits_take(&world, &machine, ++seq);
        CHECK_INT(list.count, 1);
        CHECK_TEXT(audits_answer_in(&world, &list.challenges[0], false, 9 * US_PER_SECOND), "good");
        support_script(world.support, "UPDATE machine SET audit_us = 0;");
        CHECK_INT((int64_t)audits_ask_for(&world, audits_memory), 1);
        list = audits_take(&world, &machine, ++seq);
        CHECK_TEXT(audits_answer_memory(&world, &list.challenges[0], 60 * US_PER_SECOND,
                                        10 * US_PER_SECOND, &rounds),
                   "good");
        CHECK_INT(suspicion(&world), 0);
    }
    world_close(&world);
}

/* A link that carries a third more than any of its model's is another model's. */
static void test_a_link_that_no_such_model_has_is_seen(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;
    int rounds;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    support_script(world.support,
                   "UPDATE machine SET memory_mbs = 900000, f32_gflops = 78000, pcie_mbs = 42008;");
    for (int time = 0; time < 2; time++) {
        run_until_asked(&world, &machine, audits_memory);
        struct challenge_list list = audits_take(&world, &machine, ++seq);
        CHECK_TEXT(audits_answer_memory(&world, &list.challenges[0], 100, AUDITS_RTT_US, &rounds),
                   "good");
        CHECK_INT(audits_log(&world, machine.id, (size_t)time + 1)[0].seen & AUDIT_OTHER_MODEL,
                  time == 0 ? 0 : AUDIT_OTHER_MODEL);
        support_script(world.support, "UPDATE machine SET pcie_mbs = 42009;");
    }
    world_close(&world);
}

struct like_it {
    struct machine_proof_row proof;
    int count;
};

/* So many good proofs, each as fast as that one, of other GPUs. */
static bool insert_like_it(struct db *db, void *context, struct error *err)
{
    struct like_it *like_it = context;
    struct machine_proof_row proof = like_it->proof;
    int64_t count;

    proof.gpu_uuid = "GPU-other";
    proof.asked = instant_add(proof.asked, 1);
    for (int i = 0; i < like_it->count; i++) {
        crypto_random(proof.token_hash, sizeof proof.token_hash);
        if (!machine_proof_insert(db, &proof, &proof.id, err) ||
            !machine_proof_move(db, &proof, (struct machine_proof_from){ AUDIT_GOOD, 0 }, &count,
                                err))
            return false;
    }
    return true;
}

/* Of a thousand of its class none was so fast. */
static void test_who_answers_too_soon_is_seen(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask(&world), 1);
    struct challenge_list list = audits_take(&world, &machine, 1);
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
    CHECK_INT(suspicion(&world), 0);
    struct like_it like_it = { audits_log(&world, machine.id, 1)[0], TIMING_CLASS_MIN };
    CHECK_OK(store_write(world.flow.store, insert_like_it, &like_it, &err), &err);
    run_until_asked(&world, &machine, audits_compute);
    list = audits_take(&world, &machine, 2);
    CHECK_TEXT(audits_answer_in(&world, &list.challenges[0], false, 2 * US_PER_SECOND), "good");
    CHECK_INT(suspicion(&world), AUDIT_TOO_FAST);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_lies_elsewhere_is_seen),
        cmocka_unit_test(test_one_gpu_that_goes_for_two_is_seen),
        cmocka_unit_test(test_beside_an_instance_nothing_is_compared),
        cmocka_unit_test(test_a_link_that_no_such_model_has_is_seen),
        cmocka_unit_test(test_who_answers_too_soon_is_seen),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
