/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of compute: challenges, commitments and openings of agents, and the log for everybody. */
#include "flow/agent_build.h"
#include "flow/audit.h"
#include "flow/audit_slice.h"
#include "market/timing.h"
#include "server/agents.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "sys/proof_disk.h"

enum { CHALLENGES_REPLY_MAX = 1 << 16, SMALL_REPLY_MAX = 1024, PROOFS_REPLY_MAX = 1 << 18 };

void handle_agent_challenge(struct call *call)
{
    auto_buf struct buf body = buf_of(CHALLENGES_REPLY_MAX);
    struct challenge_list *list = arena_alloc(call->request->arena, 1, sizeof *list);
    enum take_outcome outcome;
    struct error err;

    if (list == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!flow_audit_take(&call->app->flow, call->caller.machine_id, call->caller.session_epoch,
                         agents_seq(call->request), list, &outcome, &err))
        return reply_error(call, &err);
    if (outcome != TAKE_DONE)
        return reply_refuse(call, 409, "conflict", "The session is over, or the number was used.");
    challenge_list_encode(&body, list);
    reply_json(call, &body);
}

static void refuse_token(struct call *call)
{
    reply_refuse(call, 404, "not_found", "No challenge waits for this, or it comes too late.");
}

void handle_agent_commit(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct challenge_commit commit;
    struct challenge_draw draw;
    struct error err;
    bool is_taken;

    if (!challenge_commit_decode(call->body, &commit, &err) ||
        !flow_audit_commit(&call->app->flow, &commit, &draw, &is_taken, &err))
        return reply_error(call, &err);
    if (!is_taken)
        return refuse_token(call);
    challenge_draw_encode(&body, &draw);
    reply_json(call, &body);
}

void handle_agent_liveness(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct challenge_nonce nonce;
    struct challenge_ask ask;
    struct error err;
    bool is_taken;

    if (!challenge_ask_decode(call->body, &ask, &err) ||
        !flow_audit_nonce(&call->app->flow, &ask, &nonce, &is_taken, &err))
        return reply_error(call, &err);
    if (!is_taken)
        return refuse_token(call);
    challenge_nonce_encode(&body, &nonce);
    reply_json(call, &body);
}

void handle_agent_opening(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct challenge_verdict verdict;
    struct audit_opening opening;
    struct error err;
    bool is_taken;

    if (!challenge_opening_decode(call->body, call->request->arena, &opening.token, &opening.bytes,
                                  &opening.length, &err) ||
        !flow_audit_open(&call->app->flow, &opening, &verdict, &is_taken, &err))
        return reply_error(call, &err);
    if (!is_taken)
        return refuse_token(call);
    challenge_verdict_encode(&body, &verdict);
    reply_json(call, &body);
}

void handle_agent_slice(struct call *call)
{
    auto_buf struct buf body = buf_of(SLICE_DOWN_SIZE);
    uint8_t *slice = (uint8_t *)buf_make_room(&body, SLICE_DOWN_SIZE);
    struct challenge_ask ask;
    struct error err;
    bool is_taken;

    if (slice == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!challenge_ask_decode(call->body, &ask, &err) ||
        !flow_audit_slice(&call->app->flow, &ask, slice, &is_taken, &err))
        return reply_error(call, &err);
    if (!is_taken)
        return refuse_token(call);
    buf_claim(&body, SLICE_DOWN_SIZE);
    reply_text(call, "application/octet-stream", &body);
}

void handle_agent_fill(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct challenge_receipt receipt;
    struct challenge_slice slice;
    struct error err;
    bool is_taken;

    if (!challenge_slice_decode(call->body, call->request->arena, &slice, &err) ||
        !flow_audit_fill(&call->app->flow, &slice, &receipt, &is_taken, &err))
        return reply_error(call, &err);
    if (!is_taken)
        return refuse_token(call);
    challenge_receipt_encode(&body, &receipt);
    reply_json(call, &body);
}

/* What is odd, in words. */
static void encode_odd(struct encoder *json, int64_t seen)
{
    encode_key(json, "odd");
    encode_array(json);
    for (int64_t bit = 1; bit < AUDIT_SUSPICIONS; bit *= 2) {
        if ((seen & bit) != 0)
            encode_text(json, audit_suspicion_name((enum audit_suspicion)bit));
    }
    encode_end(json);
}

/* What a trial has shown; 0 where it has not, or is none of that. */
static void encode_shown(struct encoder *json, const struct machine_proof_row *proof)
{
    bool is_over = proof->net_us > 0 && proof->half_us > 0;
    bool is_disk = is_over && proof->kind == AUDIT_DISK;
    bool is_network = is_over && proof->kind == AUDIT_NETWORK;
    int64_t first = 0, second = 0;

    if (is_disk || is_network)
        first = timing_per_second(proof->n * (is_disk ? DISK_BLOCK_SIZE : SLICE_DOWN_SIZE),
                                  proof->net_us);
    if (is_disk || is_network)
        second = timing_per_second(proof->rounds * (is_disk ? 1 : SLICE_UP_SIZE), proof->half_us);
    encode_field_int(json, "disk_write_mbs", is_disk ? first / 1000000 : 0);
    encode_field_int(json, "disk_reads", is_disk ? second : 0);
    field_fixed(json, "inet_down", is_network ? first / 125 : 0, 3);
    field_fixed(json, "inet_up", is_network ? second / 125 : 0, 3);
}

static void encode_proof(struct encoder *json, const struct machine_proof_row *proof)
{
    static const char *const companies[] = { "alone", "together", "census" };
    bool is_memory = proof->kind == AUDIT_MEMORY, is_compute = proof->kind == AUDIT_COMPUTE;

    encode_object(json);
    encode_field_int(json, "id", proof->id);
    encode_field_text(json, "kind", audit_kind_name(proof->kind));
    encode_field_text(json, "company", companies[proof->company]);
    encode_field_text(json, "gpu", proof->gpu_uuid);
    field_time(json, "asked", proof->asked);
    encode_field_text(json, "state", audit_state_name(proof->state));
    if (proof->committed.microseconds != 0)
        field_fixed(json, "seconds", instant_until(proof->sent, proof->committed), 6);
    else
        field_null(json, "seconds");
    if (proof->net_us > 0)
        field_fixed(json, "net_seconds", proof->net_us, 6);
    else
        field_null(json, "net_seconds");
    encode_field_int(json, "openings", proof->openings);
    field_fixed(json, "operations",
                is_compute ? proof->n * proof->n * proof->n * proof->rounds / 1000 : 0, 3);
    field_fixed(json, "memory_mb", is_memory ? proof->n * 1000 / 64 : 0, 3);
    encode_field_int(json, "late", proof->late);
    encode_shown(json, proof);
    encode_odd(json, proof->seen);
    encode_end(json);
}

void handle_machine_proofs(struct call *call)
{
    auto_buf struct buf body = buf_of(PROOFS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct agent_build_view agent;
    struct audit_record log;
    struct error err;
    bool has;

    if (!flow_audit_list(&call->app->flow, call->params[0].id, call->request->arena, &log, &has,
                         &err) ||
        (has && !flow_agent_build(&call->app->flow, call->params[0].id, &agent, &has, &err)))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)call->params[0].id);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "machine_id", call->params[0].id);
    field_known_text(&json, "agent_version", agent.version);
    field_known_text(&json, "agent_digest", agent.digest);
    encode_field_text(&json, "agent_build", agent_build_state_name(agent.state));
    encode_odd(&json, log.odd);
    encode_key(&json, "proofs");
    encode_array(&json);
    for (size_t i = 0; i < log.count; i++)
        encode_proof(&json, &log.proofs[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
