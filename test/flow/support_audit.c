/* SPDX-License-Identifier: Apache-2.0 */
#include "support_audit.h"

#include <string.h>

const struct audit_terms audits_compute = { AUDIT_COMPUTE, AUDITS_N, AUDITS_ROUNDS, false };
const struct audit_terms audits_live = { AUDIT_COMPUTE, AUDITS_N, PROOF_NONCES + 1, true };
const struct audit_terms audits_memory = { AUDIT_MEMORY, AUDITS_PAGES, AUDITS_LAYERS, false };

size_t audits_ask_for(struct world *world, struct audit_terms terms)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_audit_ask_with(&world->flow, terms, &count, &err), &err);
    return count;
}

size_t audits_ask(struct world *world)
{
    return audits_ask_for(world, audits_compute);
}

struct challenge_list audits_take(struct world *world, const struct world_machine *machine,
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
            memset(rows->ret_c + (size_t)i * proof->n, 0, proof->n * sizeof(int32_t));
    proof_plain_close(&plain);
}

bool audits_commit(struct world *world, const struct challenge *challenge,
                   const struct hash *commitment, struct challenge_draw *draw)
{
    struct challenge_commit said = { .token = challenge->token };
    struct error err;
    bool is_taken;

    memcpy(said.commitment, commitment->bytes, sizeof said.commitment);
    CHECK_OK(flow_audit_commit(&world->flow, &said, draw, &is_taken, &err), &err);
    return is_taken;
}

static bool audits_take_nonce(struct world *world, const struct challenge *challenge,
                              int64_t number, uint32_t *ret)
{
    struct challenge_ask said = { challenge->token, number };
    struct challenge_nonce nonce;
    struct error err;
    bool is_taken;

    CHECK_OK(flow_audit_nonce(&world->flow, &said, &nonce, &is_taken, &err), &err);
    if (is_taken)
        *ret = (uint32_t)nonce.nonce;
    return is_taken;
}

/* Each once and in order; a round trip apart. */
void audits_ping(struct world *world, const struct challenge *challenge)
{
    struct challenge_draw draw;
    uint32_t nonce;

    for (int64_t i = 0; i < CHALLENGE_PINGS; i++) {
        CHECK(!audits_take_nonce(world, challenge, i + 1, &nonce));
        CHECK(!audits_commit(world, challenge, &(struct hash){ 0 }, &draw));
        CHECK(audits_take_nonce(world, challenge, i, &nonce));
        CHECK(!audits_take_nonce(world, challenge, i, &nonce));
        world_pass(world, AUDITS_RTT_US);
    }
}

static bool audits_show(struct world *world, const struct challenge *challenge,
                        const struct buf *bytes, struct challenge_verdict *verdict)
{
    struct audit_opening opening = { challenge->token, (const uint8_t *)bytes->bytes,
                                     bytes->length };
    struct error err;
    bool is_taken;

    CHECK_OK(flow_audit_open(&world->flow, &opening, verdict, &is_taken, &err), &err);
    return is_taken;
}

const char *audits_say(struct world *world, const struct challenge *challenge,
                       const struct hash *answer)
{
    static struct challenge_verdict verdict;
    auto_buf struct buf opening = buf_of(sizeof *answer);

    buf_append(&opening, (const char *)answer->bytes, sizeof answer->bytes);
    CHECK(audits_show(world, challenge, &opening, &verdict));
    return verdict.verdict;
}

struct asker {
    struct world *world;
    const struct challenge *challenge;
};

static bool learn(void *context, uint32_t index, uint32_t *ret_nonce)
{
    const struct asker *asker = context;

    return audits_take_nonce(asker->world, asker->challenge, CHALLENGE_PINGS + (int64_t)index,
                             ret_nonce);
}

/* What was drawn, as many at a time as are asked for. */
static void audits_open(struct world *world, const struct challenge *challenge,
                        const struct proof_run *run, const struct proof_pair *pairs,
                        const struct challenge_draw *draw, struct challenge_verdict *verdict)
{
    int64_t left = draw->openings;

    for (int64_t part = draw->part; part > 0; part = verdict->cells) {
        auto_buf struct buf opening = buf_of(AUDITS_OPENING_MAX);

        CHECK(part <= left);
        proof_run_open_pairs(run, pairs + (draw->openings - left), (size_t)part, &opening);
        CHECK(opening.length <= CHALLENGE_PART_MAX);
        CHECK(audits_show(world, challenge, &opening, verdict));
        left -= part;
    }
    CHECK(left == 0 || strcmp(verdict->verdict, "bad") == 0);
}

/* The whole answer, that took so long. "unopened" where nothing is to be opened. */
const char *audits_answer_in(struct world *world, const struct challenge *challenge, bool cheats,
                             int64_t took_us)
{
    static struct challenge_verdict verdict;
    struct proof_terms proof = { .n = (uint32_t)challenge->n,
                                 .rounds = (uint32_t)challenge->rounds,
                                 .is_live = challenge->nonces > CHALLENGE_PINGS };
    struct proof_pair pairs[CHALLENGE_OPENINGS_MAX];
    auto_buf struct buf opening = buf_of(AUDITS_OPENING_MAX);
    struct asker asker = { world, challenge };
    struct challenge_draw draw;
    struct hash commitment;

    audits_ping(world, challenge);
    memcpy(proof.seed, challenge->seed, sizeof proof.seed);
    auto_proof_run struct proof_run *run = proof_run_open_live(
        &proof, (struct proof_engine){ .multiply = multiply, .context = &cheats }, learn, &asker,
        &commitment);
    CHECK(run != NULL);
    CHECK(!audits_show(world, challenge, &opening, &verdict)); /* not before it has committed */
    world_pass(world, took_us);
    CHECK(audits_commit(world, challenge, &commitment, &draw));
    CHECK(!audits_commit(world, challenge, &commitment, &draw)); /* nor twice */
    if (draw.openings == 0)
        return "unopened";
    proof_draw(&proof, draw.draw, pairs, (size_t)draw.openings);
    audits_open(world, challenge, run, pairs, &draw, &verdict);
    CHECK(!audits_show(world, challenge, &opening, &(struct challenge_verdict){ 0 }));
    return verdict.verdict;
}

const char *audits_answer(struct world *world, const struct challenge *challenge, bool cheats)
{
    return audits_answer_in(world, challenge, cheats, 3 * US_PER_SECOND);
}

/* Of memory; with all rounds answered in so long. */
const char *audits_answer_memory(struct world *world, const struct challenge *challenge,
                                 int64_t took_us, int64_t round_us, int *ret_rounds)
{
    static struct challenge_verdict verdict;
    struct memory_terms terms = { .pages = (uint64_t)challenge->n,
                                  .layers = (uint32_t)challenge->rounds };
    struct memory_plain *plain = memory_plain_open(&terms);
    uint64_t cells[MEMORY_CELLS];
    struct challenge_draw draw;
    struct hash commitment;

    audits_ping(world, challenge);
    memcpy(terms.seed, challenge->seed, sizeof terms.seed);
    auto_memory_run struct memory_run *run =
        memory_run_open(&terms, memory_plain_engine(plain), &commitment);
    world_pass(world, took_us);
    CHECK(audits_commit(world, challenge, &commitment, &draw));
    verdict = (struct challenge_verdict){ .cells = draw.openings };
    memcpy(verdict.draw, draw.draw, sizeof verdict.draw);
    for (*ret_rounds = 0; verdict.cells > 0; ++*ret_rounds) {
        auto_buf struct buf shown = buf_of(AUDITS_OPENING_MAX);

        memory_draw(&terms, verdict.draw, cells, (size_t)verdict.cells);
        CHECK(memory_run_show(run, cells, (size_t)verdict.cells, &shown));
        world_pass(world, round_us);
        CHECK(audits_show(world, challenge, &shown, &verdict));
    }
    memory_plain_close(&plain);
    return verdict.verdict;
}

void audits_know(struct world *world, struct world_machine *machine, int64_t level)
{
    machine->facts.challenge_level = level;
    world_session(world, machine);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
}

static bool insert_proof(struct db *db, void *context, struct error *err)
{
    struct machine_proof_row *proof = context;
    int64_t count;

    proof->state = AUDIT_ASKED;
    if (!machine_proof_insert(db, proof, &proof->id, err))
        return false;
    proof->state = AUDIT_GOOD;
    return machine_proof_move(db, proof, (struct machine_proof_from){ AUDIT_ASKED, 0 }, &count,
                              err);
}

void audits_remember(struct world *world, const struct world_machine *machine, int64_t n,
                     int64_t took_us)
{
    struct machine_proof_row proof = { .machine_id = machine->id,
                                       .gpu_uuid = machine->facts.gpus[0].uuid,
                                       .model = machine->facts.gpus[0].name,
                                       .kind = AUDIT_COMPUTE,
                                       .n = n,
                                       .rounds = 256,
                                       .nonces = CHALLENGE_PINGS,
                                       .openings = CHALLENGE_OPENINGS,
                                       .asked = clock_now(&world->clock),
                                       .net_us = took_us,
                                       .round_ns = took_us * 1000 / 256 };
    struct error err;

    CHECK_OK(store_write(world->flow.store, insert_proof, &proof, &err), &err);
}

enum verification audits_standing(struct world *world, int64_t machine_id)
{
    return (enum verification)world_number_of(
        world, "SELECT verification FROM machine WHERE id = $1", machine_id);
}

struct machine_proof_row *audits_log(struct world *world, int64_t machine_id, size_t want)
{
    struct audit_record log;
    struct error err;
    bool has;

    CHECK_OK(flow_audit_list(&world->flow, machine_id, &world->arena, &log, &has, &err), &err);
    CHECK(has);
    CHECK_INT((int64_t)log.count, (int64_t)want);
    return log.proofs;
}
