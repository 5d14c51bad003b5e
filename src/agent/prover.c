/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bench.h"
#include "agent/opencl_proof.h"
#include "sys/http_client.h"
#include "sys/proof.h"

enum { PROVE_TIMEOUT_MS = 600000, ANSWER_MS = 60000, REPLY_MAX = 65536, URL_SIZE = 1024 };

struct prover {
    struct prover_options options;
    int64_t asked_id, taken_id; /* challenges up to these */
    bool is_on_its_way;
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

/* The child's side */

static bool post(const struct prove *prove, const char *path, const struct buf *body,
                 json_t **ret_reply, struct error *err)
{
    auto_http_client struct http_client *client = http_client_open(NULL, prove->ca_file);
    const char *const headers[] = { "Content-Type: application/json", NULL };
    auto_buf struct buf reply = buf_of(REPLY_MAX);
    char url[URL_SIZE];
    int status = 0;

    (void)snprintf(url, sizeof url, "%.*s%s",
                   (int)(strlen(prove->server_url) -
                         (prove->server_url[strlen(prove->server_url) - 1] == '/' ? 1 : 0)),
                   prove->server_url, path);
    const struct http_request request = { .method = "POST",
                                          .url = url,
                                          .headers = headers,
                                          .body = body->bytes,
                                          .body_length = body->length,
                                          .timeout_ms = ANSWER_MS };
    if (!http_client_send(client, &request, &status, &reply, err))
        return false;
    if (status != 200)
        return error_set(err, ERROR_IO, "%s: the server answers %d", path, status);
    return json_parse(reply.bytes, reply.length, ret_reply, err);
}

/* The GPU that is meant, opened; NULL: OpenCL does not have it. */
static struct opencl_device_open *open_gpu(const struct prove *prove, struct opencl *opencl)
{
    static struct opencl_device devices[OPENCL_DEVICES_MAX];
    size_t count = opencl != NULL ? opencl_devices(opencl, devices) : 0;
    const struct machine_facts *facts = prove->facts;
    struct error ignored;

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        if (strcmp(facts->gpus[i].uuid, prove->challenge.gpu) != 0)
            continue;
        for (size_t j = 0; j < count; j++) {
            if (bench_same_bus(facts->gpus[i].pci_bus, devices[j].pci_bus))
                return opencl_device_open(opencl, &devices[j], &ignored);
        }
    }
    return NULL;
}

/* Commits, learns what to open, and opens it. */
static bool answer(const struct prove *prove, const struct proof_terms *terms,
                   struct proof_engine engine, char verdict[static 16], struct error *err)
{
    struct challenge_commit commit = { .token = prove->challenge.token };
    struct proof_pair pairs[CHALLENGE_OPENINGS];
    auto_buf struct buf first = buf_of(REPLY_MAX), second = buf_of(PROTO_BODY_MAX);
    auto_buf struct buf opening = buf_of(PROTO_BODY_MAX);
    auto_json json_t *drawn = NULL, *judged = NULL;
    struct challenge_draw draw;
    const char *said;
    struct hash commitment;
    auto_proof_run struct proof_run *run = proof_run_open(terms, engine, &commitment);

    memcpy(commit.commitment, commitment.bytes, sizeof commit.commitment);
    challenge_commit_encode(&first, &commit);
    if (!post(prove, "/agent/v1/commit", &first, &drawn, err) ||
        !challenge_draw_decode(drawn, &draw, err))
        return false;
    proof_draw(terms, draw.draw, pairs, CHALLENGE_OPENINGS);
    proof_run_open_pairs(run, pairs, CHALLENGE_OPENINGS, &opening);
    challenge_opening_encode(&second, prove->challenge.token, opening.bytes, opening.length);
    if (opening.has_overflowed || second.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the opening is too long to be sent");
    if (!post(prove, "/agent/v1/opening", &second, &judged, err) ||
        !json_need_text(judged, "verdict", 15, &said, err))
        return false;
    (void)snprintf(verdict, 16, "%s", said);
    return true;
}

bool prove(const struct prove *prove, char ret_verdict[static 16], struct error *err)
{
    struct proof_terms terms = { .n = (uint32_t)prove->challenge.n,
                                 .rounds = (uint32_t)prove->challenge.rounds };
    struct error ignored;

    memcpy(terms.seed, prove->challenge.seed, sizeof terms.seed);
    if (!proof_terms_are_valid(&terms))
        return error_set(err, ERROR_INVALID, "a challenge of impossible size");
    auto_opencl struct opencl *opencl = opencl_open(&ignored);
    auto_opencl_device struct opencl_device_open *gpu = open_gpu(prove, opencl);
    if (gpu != NULL) {
        auto_opencl_proof struct opencl_proof *proof = opencl_proof_open(gpu, &terms, err);

        if (proof == NULL)
            return false;
        return answer(prove, &terms, opencl_proof_engine(proof), ret_verdict, err);
    }
    struct proof_plain *plain = proof_plain_open(&terms);
    bool is_answered = answer(prove, &terms, proof_plain_engine(plain), ret_verdict, err);
    proof_plain_close(&plain);
    return is_answered;
}

static bool prove_work(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    struct encoder json = encoder_of(result);
    char verdict[16];

    (void)report;
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

static void start(struct prover *prover, const struct challenge *challenge, int64_t at)
{
    struct job_spec spec = { .work = prove_work,
                             .work_context = &prover->proves[at],
                             .timeout_ms = PROVE_TIMEOUT_MS,
                             .on_end = on_end,
                             .context = prover };
    struct error err;

    if (prover->jobs[at] != NULL)
        return; /* The one before is still at it: this one stays unanswered. */
    prover->proves[at] = (struct prove){ *challenge, prover->options.facts,
                                         prover->options.server_url, prover->options.ca_file };
    if (!job_start(prover->options.loop, &spec, &prover->jobs[at], &err))
        log_failure(&prover->options.log, "proof not begun", &err);
}

void prover_tend(struct prover *prover, struct link *link, int64_t audit_id, bool is_idle)
{
    auto_buf struct buf body = buf_of(16);

    for (int i = 0; !is_idle && i < CHALLENGES_MAX; i++)
        job_cancel(&prover->jobs[i]); /* what somebody rented is theirs */
    if (!is_idle || audit_id <= prover->taken_id || prover->is_on_its_way)
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
