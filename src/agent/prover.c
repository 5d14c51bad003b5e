/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/device_memory.h"
#include "agent/device_proof.h"
#include "agent/prove_call.h"
#include "agent/prove_disk.h"
#include "agent/prove_network.h"
#include "sys/proof.h"
#include "sys/proof_memory.h"

enum { PROVE_TIMEOUT_MS = 600000, PROVE_NICE = 19 };

struct prover {
    struct prover_options options;
    int64_t asked_id, taken_id; /* challenges up to these */
    bool is_on_its_way;
    struct vacancy vacancy; /* none, until it is told */
    int64_t count;
    struct prove proves[CHALLENGES_MAX];
    struct job *jobs[CHALLENGES_MAX];
};

struct prover *prover_open(const struct prover_options *options)
{
    struct prover *prover = calloc(1, sizeof *prover);

    if (prover == NULL)
        abort(); /* As base/buf.h says. */
    prover->options = *options;
    return prover;
}

void prover_close(struct prover **prover)
{
    for (int i = 0; *prover != NULL && i < CHALLENGES_MAX; i++)
        job_cancel(&(*prover)->jobs[i]);
    free(*prover);
    *prover = NULL;
}

bool prover_is_busy(const struct prover *prover)
{
    for (int i = 0; i < CHALLENGES_MAX; i++) {
        if (prover->jobs[i] != NULL)
            return true;
    }
    return prover->is_on_its_way;
}

/* The child's side */

/* The GPU that is meant, opened; NULL: no driver has it. */
static struct device *open_gpu(const struct prove *prove, struct devices *devices)
{
    static struct device_about list[DEVICES_MAX];
    size_t count = devices_list(devices, list);
    const struct machine_facts *facts = prove->facts;
    struct error ignored;

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (strcmp(facts->gpus[i].uuid, prove->challenge.gpu) != 0)
            continue;
        for (size_t j = 0; j < count; j++) {
            if (device_same_bus(facts->gpus[i].pci_bus, list[j].pci_bus))
                return device_open(devices, &list[j], &ignored);
        }
    }
    return NULL;
}

struct live {
    const struct prove *prove;
    struct error *err;
};

static bool learn(void *context, uint32_t index, uint32_t *ret_nonce)
{
    const struct live *live = context;

    return prove_nonce(live->prove, (int64_t)CHALLENGE_PINGS + index, ret_nonce, live->err);
}

/* Who computes, and what. */
struct maker {
    const struct proof_terms *terms;
    struct proof_engine engine;
    const struct device_proof *device; /* NULL: the processor, which does not fail */
};

static bool has_failed(const struct maker *maker, struct error *err)
{
    if (maker->device == NULL || !device_proof_has_failed(maker->device))
        return false;
    (void)error_set(err, ERROR_IO, "the GPU failed while it computed");
    return true;
}

/* The rows that were drawn, as many at a time as the server asks for. */
static bool open_rows(const struct prove *prove, const struct maker *maker,
                      const struct proof_run *run, const struct challenge_draw *draw,
                      struct challenge_verdict *judged, struct error *err)
{
    struct proof_pair pairs[CHALLENGE_OPENINGS_MAX];
    int64_t left = draw->openings, part = draw->part;

    proof_draw(maker->terms, draw->draw, pairs, (size_t)draw->openings);
    while (part > 0 && part <= left) {
        auto_buf struct buf opening = buf_of(PROTO_BODY_MAX);

        proof_run_open_pairs(run, pairs + (draw->openings - left), (size_t)part, &opening);
        if (has_failed(maker, err) || !prove_show(prove, &opening, judged, err))
            return false;
        left -= part;
        part = judged->cells;
    }
    return true;
}

/* Commits, learns what to open, and opens it. What a device made that failed is not shown: a fault
 * is no fraud. */
static bool answer(const struct prove *prove, const struct maker *maker, char verdict[static 16],
                   struct error *err)
{
    struct live live = { prove, err };
    struct challenge_draw draw;
    struct challenge_verdict judged = { .verdict = "unopened" };
    struct hash commitment;
    auto_proof_run struct proof_run *run =
        proof_run_open_live(maker->terms, maker->engine, learn, &live, &commitment);

    if (run == NULL || has_failed(maker, err) || !prove_commit(prove, &commitment, &draw, err))
        return false;
    if (draw.openings > 0 && !open_rows(prove, maker, run, &draw, &judged, err))
        return false;
    (void)snprintf(verdict, 16, "%s", judged.verdict);
    return true;
}

static bool prove_compute(const struct prove *prove, struct device *gpu, char verdict[static 16],
                          struct error *err)
{
    struct proof_terms terms = { .n = (uint32_t)prove->challenge.n,
                                 .rounds = (uint32_t)prove->challenge.rounds,
                                 .is_live = prove->challenge.nonces > CHALLENGE_PINGS };

    memcpy(terms.seed, prove->challenge.seed, sizeof terms.seed);
    if (!proof_terms_are_valid(&terms))
        return error_set(err, ERROR_INVALID, "a challenge of impossible size");
    if (!prove_ping(prove, err))
        return false;
    if (gpu != NULL) {
        auto_device_proof struct device_proof *proof = device_proof_open(gpu, &terms, err);

        if (proof == NULL)
            return false;
        const struct maker maker = { &terms, device_proof_engine(proof), proof };
        return answer(prove, &maker, verdict, err);
    }
    struct proof_plain *plain = proof_plain_open(&terms);
    const struct maker maker = { &terms, proof_plain_engine(plain), NULL };
    bool is_answered = answer(prove, &maker, verdict, err);
    proof_plain_close(&plain);
    return is_answered;
}

/* Commits to all of it, and shows what is asked for as long as there are questions. */
static bool answer_memory(const struct prove *prove, const struct memory_terms *terms,
                          struct memory_engine engine, char verdict[static 16], struct error *err)
{
    uint64_t cells[MEMORY_DRAW_MAX];
    struct challenge_verdict judged = { .verdict = "unopened" };
    struct challenge_draw draw;
    struct hash commitment;
    auto_memory_run struct memory_run *run = memory_run_open(terms, engine, &commitment);

    if (run == NULL)
        return error_set(err, ERROR_IO, "the GPU failed while it filled its memory");
    if (!prove_commit(prove, &commitment, &draw, err))
        return false;
    judged.cells = draw.openings;
    memcpy(judged.draw, draw.draw, sizeof judged.draw);
    for (int round = 0; judged.cells > 0 && round <= MEMORY_ROUNDS; round++) {
        auto_buf struct buf shown = buf_of(PROTO_BODY_MAX);

        memory_draw(terms, judged.draw, cells, (size_t)judged.cells);
        if (!memory_run_show(run, cells, (size_t)judged.cells, &shown))
            return error_set(err, ERROR_IO, "the GPU does not give its memory back");
        if (!prove_show(prove, &shown, &judged, err))
            return false;
    }
    (void)snprintf(verdict, 16, "%s", judged.verdict);
    return true;
}

static bool prove_memory(const struct prove *prove, struct device *gpu, char verdict[static 16],
                         struct error *err)
{
    struct memory_terms terms = { .pages = (uint64_t)prove->challenge.n,
                                  .layers = (uint32_t)prove->challenge.rounds };

    memcpy(terms.seed, prove->challenge.seed, sizeof terms.seed);
    if (!memory_terms_are_valid(&terms))
        return error_set(err, ERROR_INVALID, "a challenge of impossible size");
    if (!prove_ping(prove, err))
        return false;
    if (gpu != NULL) {
        auto_device_memory struct device_memory *memory = device_memory_open(gpu, &terms, err);

        return memory != NULL &&
               answer_memory(prove, &terms, device_memory_engine(memory), verdict, err);
    }
    struct memory_plain *plain =
        terms.pages * MEMORY_PAGE_SIZE <= PROVE_MEMORY_MAX ? memory_plain_open(&terms) : NULL;
    if (plain == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "no driver has the GPU whose memory it is");
    bool is_answered = answer_memory(prove, &terms, memory_plain_engine(plain), verdict, err);
    memory_plain_close(&plain);
    return is_answered;
}

static bool prove_gpu(const struct prove *prove, char verdict[static 16], struct error *err)
{
    auto_devices struct devices *devices = devices_open();
    auto_device struct device *gpu = open_gpu(prove, devices);

    return prove->challenge.kind == AUDIT_MEMORY ? prove_memory(prove, gpu, verdict, err)
                                                 : prove_compute(prove, gpu, verdict, err);
}

bool prove(const struct prove *prove, char ret_verdict[static 16], struct error *err)
{
    switch ((enum audit_kind)prove->challenge.kind) {
    case AUDIT_COMPUTE:
    case AUDIT_MEMORY:
        return prove_gpu(prove, ret_verdict, err);
    case AUDIT_DISK:
        return prove_disk(prove, ret_verdict, err);
    case AUDIT_NETWORK:
        break;
    }
    return prove_network(prove, ret_verdict, err);
}

static bool prove_work(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    struct encoder json = encoder_of(result);
    char verdict[16];

    (void)report;
    (void)setpriority(PRIO_PROCESS, 0, PROVE_NICE); /* what is beside it may be rented */
    if (!prove(context, verdict, err))
        return false;
    encode_text(&json, verdict);
    return true;
}

/* The parent's side */

static void on_end(void *context, const struct job_end *end)
{
    struct prover *prover = context;

    if (!end->is_done)
        log_failure(&prover->options.log, "proof not given", &end->err);
    else
        log_write(&prover->options.log, LOG_INFO, "proof given", "%s",
                  json_is_string(end->result) ? json_string_value(end->result) : "");
}

static bool has_room(const struct prover *prover, const struct challenge *challenge)
{
    if (audit_kind_is_trial((enum audit_kind)challenge->kind))
        return prover->vacancy.is_idle;
    return vacancy_has(&prover->vacancy, prover->options.facts, challenge->gpu);
}

static void start(struct prover *prover, const struct challenge *challenge, int64_t at)
{
    struct job_spec spec = { .work = prove_work,
                             .work_context = &prover->proves[at],
                             .timeout_ms = PROVE_TIMEOUT_MS,
                             .on_end = on_end,
                             .context = prover };
    struct error err;

    /* The one before is still at it, or somebody rented it: this one stays unanswered. */
    if (prover->jobs[at] != NULL || !has_room(prover, challenge))
        return;
    prover->proves[at] =
        (struct prove){ *challenge, prover->options.facts, prover->options.server_url,
                        prover->options.ca_file, prover->options.disk };
    if (!job_start(prover->options.loop, &spec, &prover->jobs[at], &err))
        log_failure(&prover->options.log, "proof not begun", &err);
}

void prover_make_way(struct prover *prover, const struct vacancy *vacancy)
{
    prover->vacancy = *vacancy;
    for (int i = 0; i < CHALLENGES_MAX; i++) {
        if (prover->jobs[i] != NULL && !has_room(prover, &prover->proves[i].challenge))
            job_cancel(&prover->jobs[i]); /* what somebody rented is theirs */
    }
}

void prover_tend(struct prover *prover, struct link *link, int64_t audit_id)
{
    auto_buf struct buf body = buf_of(16);

    if (!vacancy_has_any(&prover->vacancy, prover->options.facts) || audit_id <= prover->taken_id ||
        prover->is_on_its_way)
        return;
    buf_append(&body, "{}", 2);
    prover->asked_id = audit_id;
    prover->is_on_its_way = link_post(link, LINK_POST_CHALLENGE, &body);
}

void prover_answered(struct prover *prover, const struct web_answer *answer)
{
    static struct challenge_list list; /* large */
    auto_json json_t *root = NULL;
    struct error err;

    prover->is_on_its_way = false;
    if (answer == NULL || !answer->is_answered)
        return;
    prover->taken_id = prover->asked_id;
    if (answer->status != 200 || !json_parse(answer->body, answer->length, &root, &err) ||
        !challenge_list_decode(root, &list, &err))
        return;
    for (int64_t i = 0; i < list.count; i++)
        start(prover, &list.challenges[i], i);
}
