/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <string.h>

#include "support.h"
#include "sys/proof.h"

enum { N = 512, ROUNDS = 2, OPENING_MAX = 4 << 20 };
static const struct audit_terms terms = { N, ROUNDS };

static size_t ask(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_audit_ask_with(&world->flow, terms, &count, &err), &err);
    return count;
}

static struct challenge_list take(struct world *world, const struct world_machine *machine,
                                  int64_t seq)
{
    static struct challenge_list list;
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_audit_take(&world->flow, machine->id, machine->epoch, seq, &list, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_DONE);
    return list;
}

/* Multiplies; but for half of the rows of a cheat. */
static void multiply(void *context, const struct proof_terms *proof, const struct proof_rows *rows)
{
    struct proof_plain *plain = proof_plain_open(proof);
    struct proof_engine engine = proof_plain_engine(plain);
    const bool *cheats = context;

    engine.multiply(engine.context, proof, rows);
    for (uint32_t i = 0; *cheats && i < rows->count; i++)
        if (rows->rows[i] % 2 == 0)
            memset(rows->ret_c + (size_t)i * N, 0, N * sizeof(int32_t));
    proof_plain_close(&plain);
}

static bool commit(struct world *world, const struct challenge *challenge,
                   const struct hash *commitment, struct challenge_draw *draw)
{
    struct challenge_commit said = { .token = challenge->token };
    struct error err;
    bool is_taken;

    memcpy(said.commitment, commitment->bytes, sizeof said.commitment);
    CHECK_OK(flow_audit_commit(&world->flow, &said, draw, &is_taken, &err), &err);
    return is_taken;
}

static bool open_rows(struct world *world, const struct challenge *challenge,
                      const struct buf *bytes, enum audit_state *verdict)
{
    struct audit_opening opening = { challenge->token, (const uint8_t *)bytes->bytes,
                                     bytes->length };
    struct error err;
    bool is_taken;

    CHECK_OK(flow_audit_open(&world->flow, &opening, verdict, &is_taken, &err), &err);
    return is_taken;
}

/* The whole answer. */
static enum audit_state answer(struct world *world, const struct challenge *challenge, bool cheats)
{
    struct proof_terms proof = { .n = (uint32_t)challenge->n,
                                 .rounds = (uint32_t)challenge->rounds };
    struct proof_pair pairs[CHALLENGE_OPENINGS];
    auto_buf struct buf opening = buf_of(OPENING_MAX);
    enum audit_state verdict = AUDIT_ASKED;
    struct challenge_draw draw;
    struct hash commitment;

    memcpy(proof.seed, challenge->seed, sizeof proof.seed);
    auto_proof_run struct proof_run *run =
        proof_run_open(&proof, (struct proof_engine){ multiply, &cheats }, &commitment);
    CHECK(!open_rows(world, challenge, &opening, &verdict)); /* not before it has committed */
    world_pass(world, 3 * US_PER_SECOND);
    CHECK(commit(world, challenge, &commitment, &draw));
    CHECK(!commit(world, challenge, &commitment, &draw)); /* nor twice */
    proof_draw(&proof, draw.draw, pairs, CHALLENGE_OPENINGS);
    proof_run_open_pairs(run, pairs, CHALLENGE_OPENINGS, &opening);
    CHECK(open_rows(world, challenge, &opening, &verdict));
    CHECK(!open_rows(world, challenge, &opening, &verdict));
    return verdict;
}

static enum verification standing(struct world *world, int64_t machine_id)
{
    return (enum verification)world_number_of(
        world, "SELECT verification FROM machine WHERE id = $1", machine_id);
}

static struct machine_proof_row *log_of(struct world *world, int64_t machine_id, size_t want)
{
    struct machine_proof_row *proofs;
    struct error err;
    size_t count;
    bool has;

    CHECK_OK(flow_audit_list(&world->flow, machine_id, &world->arena, &proofs, &count, &has, &err),
             &err);
    CHECK(has);
    CHECK_INT((int64_t)count, (int64_t)want);
    return proofs;
}

static void test_all_gpus_are_asked_at_once_and_timed(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 3);
    CHECK_INT((int64_t)ask(&world), 1);
    CHECK_INT((int64_t)ask(&world), 0); /* its next turn is another time */
    CHECK(world_number(&world, "SELECT audit_id FROM machine") > 0);
    world_pass(&world, 5 * US_PER_SECOND);
    struct challenge_list list = take(&world, &machine, 1);
    CHECK_INT(list.count, 3);
    CHECK_INT(take(&world, &machine, 2).count, 0);
    for (int64_t i = 0; i < 3; i++) {
        CHECK_TEXT(list.challenges[i].gpu, machine.facts.gpus[i].uuid);
        CHECK(i == 0 || memcmp(list.challenges[i].seed, list.challenges[i - 1].seed, 32) != 0);
    }
    CHECK_INT(answer(&world, &list.challenges[0], false), AUDIT_GOOD);
    struct machine_proof_row *proofs = log_of(&world, machine.id, 3);
    CHECK_INT(proofs[2].state, AUDIT_GOOD);
    CHECK_INT(instant_until(proofs[2].sent, proofs[2].committed), 3 * US_PER_SECOND);
    CHECK_INT(proofs[0].state, AUDIT_SENT);
    /* Who does not answer is noted, and nothing else. */
    world_pass(&world, 11 * 60 * US_PER_SECOND);
    (void)ask(&world);
    CHECK_INT(log_of(&world, machine.id, 3)[0].state, AUDIT_UNANSWERED);
    struct challenge_draw draw;
    CHECK(!commit(&world, &list.challenges[1], &(struct hash){ 0 }, &draw));
    CHECK_INT(standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    world_check(&world);
    world_close(&world);
}

/* Its offers are gone at once, it is asked again soon, and comes back by right answers alone. */
static void test_a_cheat_is_not_rented_out_until_it_proves_itself(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    (void)world_number(&world, "SELECT id FROM machine");
    CHECK_INT((int64_t)ask(&world), 1);
    struct challenge_list list = take(&world, &machine, ++seq);
    CHECK_INT(answer(&world, &list.challenges[0], true), AUDIT_BAD);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    for (int right = 0; right < AUDIT_DEBT; right++) {
        CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
        for (int minutes = 0; minutes < 200; minutes++) {
            world_run(&world, &machine, 60 * US_PER_SECOND);
            if (ask(&world) > 0)
                break;
        }
        list = take(&world, &machine, ++seq);
        CHECK_INT(list.count, 1);
        CHECK_INT(answer(&world, &list.challenges[0], false), AUDIT_GOOD);
    }
    CHECK_INT(standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    log_of(&world, machine.id, 1 + AUDIT_DEBT);
    world_close(&world);
}

static void test_who_works_is_not_asked(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_INT((int64_t)ask(&world), 1);
    CHECK_INT(take(&world, &machine, 1).count, 0);
    log_of(&world, machine.id, 0);
    world_close(&world);
}

static void test_a_token_is_all_that_counts(void **state)
{
    struct challenge challenge = { .token = "0123" };
    struct challenge_draw draw;
    struct world world;
    struct world_machine machine;
    struct challenge_list list;
    enum take_outcome outcome;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK(!commit(&world, &challenge, &(struct hash){ 0 }, &draw));
    CHECK_INT((int64_t)ask(&world), 1);
    struct hash before = world_dump(&world);
    CHECK_OK(flow_audit_take(&world.flow, machine.id, machine.epoch - 1, 1, &list, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_FENCED);
    CHECK(!commit(&world, &challenge, &(struct hash){ 0 }, &draw));
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_gpus_are_asked_at_once_and_timed),
        cmocka_unit_test(test_a_cheat_is_not_rented_out_until_it_proves_itself),
        cmocka_unit_test(test_who_works_is_not_asked),
        cmocka_unit_test(test_a_token_is_all_that_counts),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
