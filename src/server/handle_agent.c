/* SPDX-License-Identifier: Apache-2.0 */
/* The routes under /agent/v1/: enrolment, sessions, heartbeats, desired state, results. */
#include <string.h>

#include "base/parse.h"
#include "flow/bench.h"
#include "flow/desired.h"
#include "flow/enroll.h"
#include "flow/heartbeat.h"
#include "flow/machine_key.h"
#include "flow/op.h"
#include "flow/recovery.h"
#include "flow/session.h"
#include "flow/throttle.h"
#include "server/agents.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { SMALL_REPLY_MAX = 4096 };

static void refuse_fenced(struct call *call)
{
    metrics_add(call->app->metrics, METRICS_AGENT_REFUSALS, 1);
    hub_forget(call->app->hub, call->caller.machine_id);
    reply_refuse(call, 409, "conflict", "The session is over: open a new one.");
}

/* Why a machine cannot be one of this market's. */
static const char *facts_sentence(enum machine_outcome outcome)
{
    switch (outcome) {
    case MACHINE_OK:
        break;
    case MACHINE_MIXED_GPUS:
        return "All GPUs of a machine must be of one model and size.";
    case MACHINE_GPU_TOO_OLD:
        return "Its GPUs are older than the GTX 10 series.";
    case MACHINE_TWICE_SAME_GPU:
        return "Two of its GPUs have the same uuid.";
    case MACHINE_IMPOSSIBLE:
        return "The machine's facts are impossible: a size is missing, or out of range.";
    }
    return "The machine's facts cannot be accepted.";
}

/* Wrong tokens count against the address, like wrong keys. False: the call is answered. */
static bool count_token(struct call *call, const struct guess *guess)
{
    int64_t wait_us;
    struct error err;

    if (!flow_guess(&call->app->flow, guess, &wait_us, &err))
        reply_error(call, &err);
    else if (wait_us > 0)
        reply_wait(call, wait_us);
    else
        return true;
    return false;
}

void handle_agent_enroll(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    const struct guess guess = { THROTTLE_ADDRESS, NULL, call->request->client };
    struct enroll_outcome_reply done;
    struct enroll_request *request = arena_alloc(call->request->arena, 1, sizeof *request);
    struct error err;

    if (request == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!enroll_request_decode(call->body, request, &err))
        return reply_error(call, &err);
    if (!count_token(call, &guess))
        return;
    if (!flow_enroll(&call->app->flow, request, &done, &err) ||
        (done.outcome != ENROLL_BAD_TOKEN && !flow_guess_right(&call->app->flow, &guess, &err)))
        return reply_error(call, &err);
    switch (done.outcome) {
    case ENROLL_DONE:
        log_write(&call->app->log, LOG_INFO, "machine enrolled", "machine %lld from %s",
                  (long long)done.reply.machine_id, call->request->client);
        enroll_reply_encode(&body, &done.reply);
        return reply_json(call, &body);
    case ENROLL_BAD_TOKEN:
        return reply_refuse(call, 400, "invalid_token",
                            "The token is unknown, used or too old. Make a new one.");
    case ENROLL_KEY_IN_USE:
        return reply_refuse(call, 409, "conflict", "The key belongs to another machine.");
    case ENROLL_GPU_IN_USE:
        return reply_refuse(call, 409, "conflict",
                            "A GPU of this machine is in use on another machine.");
    case ENROLL_NOT_IT:
        return reply_refuse(call, 409, "conflict",
                            "The token is not for this machine, or its key is good.");
    case ENROLL_BAD_FACTS:
        return reply_refuse(call, 400, "invalid_args", "%s", facts_sentence(done.facts));
    case ENROLL_SIMULATED:
        return reply_refuse(call, 403, "not_authorized",
                            "Simulated GPUs are not allowed here (--allow-simulated).");
    }
}

void handle_agent_nonce(struct call *call)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct nonce_request request;
    struct nonce_reply reply;
    struct error err;

    if (!nonce_request_decode(call->body, &request, &err) ||
        !flow_session_nonce(&call->app->flow, request.machine_id, reply.nonce, &err))
        return reply_error(call, &err);
    nonce_reply_encode(&body, &reply);
    reply_json(call, &body);
}

/* A session that is being stored. It lives in its request's arena. */
struct pending_session {
    struct call call;
    struct session_request request;
};

static void greet(struct call *call, const struct session_request *request,
                  const struct session_open_reply *done)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);
    struct hub_session session = { .machine_id = request->machine_id,
                                   .epoch = done->reply.session_epoch };
    bool is_open = done->outcome == SESSION_OPEN;

    log_write(&call->app->log, is_open ? LOG_INFO : LOG_WARNING,
              is_open ? "agent connected" : "agent quarantined",
              "machine %lld, epoch %lld, from %s", (long long)request->machine_id,
              (long long)done->reply.session_epoch, call->request->client);
    if (done->has_twin)
        log_write(&call->app->log, LOG_WARNING, "two machines with one key",
                  "machine %lld, from %s: taken off the market", (long long)request->machine_id,
                  call->request->client);
    metrics_add(call->app->metrics, METRICS_AGENT_SESSIONS, 1);
    memcpy(session.public_key, done->public_key, sizeof session.public_key);
    session.key_until = done->key_until;
    hub_admit(call->app->hub, &session);
    session_reply_encode(&body, &done->reply);
    reply_json(call, &body);
}

static void finish_session(void *context, const struct session_open_reply *done,
                           const struct error *err)
{
    struct pending_session *pending = context;
    struct call *call = &pending->call;

    if (done == NULL)
        return reply_error(call, err);
    switch (done->outcome) {
    case SESSION_OPEN:
    case SESSION_QUARANTINED:
        return greet(call, &pending->request, done);
    case SESSION_REFUSED:
        metrics_add(call->app->metrics, METRICS_AGENT_REFUSALS, 1);
        return reply_refuse(call, 401, "auth_error", "The machine, nonce or signature is wrong.");
    case SESSION_GPU_IN_USE:
        return reply_refuse(call, 409, "conflict",
                            "A GPU of this machine is in use on another machine.");
    case SESSION_BAD_FACTS:
        return reply_refuse(call, 400, "invalid_args", "%s",
                            facts_sentence(machine_facts_check(&pending->request.facts)));
    case SESSION_SIMULATED:
        return reply_refuse(call, 403, "not_authorized",
                            "Simulated GPUs are not allowed here (--allow-simulated).");
    }
}

/* Agents of the version before have none. One that cannot be read is one that is wrong. */
static void take_whole_signature(struct call *call, struct session_request *request)
{
    const char *text = http_header(call->request, "Berth-Signature");
    size_t count;

    request->has_whole_signature = text != NULL;
    request->body = call->request->body;
    request->body_length = call->request->body_length;
    if (text != NULL && (!base64_parse(text, request->whole_signature, SIGNATURE_SIZE, &count) ||
                         count != SIGNATURE_SIZE))
        memset(request->whole_signature, 0, sizeof request->whole_signature);
}

void handle_agent_session(struct call *call)
{
    struct pending_session *pending = arena_alloc(call->request->arena, 1, sizeof *pending);
    struct error err;

    if (pending == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!session_request_decode(call->body, &pending->request, &err))
        return reply_error(call, &err);
    take_whole_signature(call, &pending->request);
    pending->call = *call;
    pending->call.body = NULL; /* what of it is needed was copied */
    flow_session_open_later(&call->app->flow,
                            &(struct session_open_call){ .request = &pending->request,
                                                         .server_proc = call->app->server_proc,
                                                         .arena = call->request->arena,
                                                         .listener = { finish_session, pending } });
}

static void reply_heartbeat(struct call *call, const struct heartbeat_reply *reply)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);

    heartbeat_reply_encode(&body, reply);
    reply_json(call, &body);
}

/* One that came twice, or late: its sender needs no more than the number. */
static void reply_repeated(struct call *call)
{
    struct heartbeat_reply reply;
    struct error err;
    bool has;

    if (!flow_desired_rev(&call->app->flow, call->caller.machine_id, &reply.desired_rev, &has,
                          &err))
        return reply_error(call, &err);
    if (!has)
        return refuse_fenced(call);
    reply_heartbeat(call, &reply);
}

static void answer_heartbeat(struct call *call, const struct heartbeat_outcome_reply *done)
{
    struct metrics *metrics = call->app->metrics;

    switch (done->outcome) {
    case TAKE_DONE:
        metrics_add(metrics, METRICS_HEARTBEATS_ACCEPTED, 1);
        return reply_heartbeat(call, &done->reply);
    case TAKE_FENCED:
        metrics_add(metrics, METRICS_HEARTBEATS_STALE, 1);
        return refuse_fenced(call);
    case TAKE_REPLAY:
        metrics_add(metrics, METRICS_HEARTBEATS_REPEATED, 1);
        return reply_repeated(call);
    }
}

/* A heartbeat that is being stored. It lives in its request's arena. */
struct pending_beat {
    struct call call;
    struct heartbeat heartbeat;
};

static void finish_heartbeat(void *context, const struct heartbeat_outcome_reply *done,
                             const struct error *err)
{
    struct pending_beat *pending = context;

    if (done != NULL)
        return answer_heartbeat(&pending->call, done);
    metrics_add(pending->call.app->metrics, METRICS_HEARTBEATS_FAILED, 1);
    reply_error(&pending->call, err);
}

/* It came because it was time, so it may be stored with others; and no thread waits for that. */
static void store_later(struct pending_beat *pending)
{
    const struct heartbeat_listener listener = { finish_heartbeat, pending };
    struct call *call = &pending->call;
    const struct heartbeat_request request = { .machine_id = call->caller.machine_id,
                                               .heartbeat = &pending->heartbeat,
                                               .is_regular = true };

    if (!flow_heartbeat_later(&call->app->flow, &request, call->request->arena, &listener))
        reply_refuse(call, 503, "unavailable", "There is no room for this request.");
}

/* One that comes early has something to tell: it is stored at once. */
static void store_now(void *context, struct http_exchange *exchange)
{
    struct pending_beat *pending = context;
    struct call *call = &pending->call;
    const struct heartbeat_request request = { .machine_id = call->caller.machine_id,
                                               .heartbeat = &pending->heartbeat };
    struct heartbeat_outcome_reply done;
    struct error err;

    (void)exchange;
    bool is_stored = flow_heartbeat(&call->app->flow, &request, &done, &err);
    if (is_stored && done.outcome == TAKE_DONE && recovery_watch_is_open(&call->app->recovery))
        is_stored = flow_recovery_note(&call->app->flow, call->caller.machine_id,
                                       &pending->heartbeat, &err);
    finish_heartbeat(pending, is_stored ? &done : NULL, &err);
}

void handle_agent_heartbeat(struct call *call)
{
    struct pending_beat *pending = arena_alloc(call->request->arena, 1, sizeof *pending);
    struct error err;

    if (pending == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!heartbeat_decode(call->body, call->request->arena, &pending->heartbeat, &err)) {
        metrics_add(call->app->metrics, METRICS_HEARTBEATS_FAILED, 1);
        return reply_error(call, &err);
    }
    /* The body says again what was signed with the headers. */
    if (pending->heartbeat.session_epoch != call->caller.session_epoch ||
        pending->heartbeat.seq != agents_seq(call->request))
        return reply_refuse(call, 400, "invalid_args",
                            "session_epoch and seq are not those of the headers.");
    pending->call = *call;
    pending->call.body = NULL; /* what of it is needed was copied */
    if (hub_beat(call->app->hub, call->caller.machine_id) &&
        !recovery_watch_is_open(&call->app->recovery))
        store_later(pending);
    else
        http_work(call->exchange, store_now, pending);
}

/* A poll whose number is being stored. It lives in its request's arena. */
struct pending_poll {
    struct call call;
    int64_t after;
};

static void begin_poll(void *context, struct http_exchange *exchange)
{
    struct pending_poll *pending = context;

    (void)exchange;
    agents_poll(&pending->call, pending->after);
}

static void finish_poll(void *context, const enum take_outcome *outcome, const struct error *err)
{
    struct pending_poll *pending = context;
    struct call *call = &pending->call;

    if (outcome == NULL)
        return reply_error(call, err);
    switch (*outcome) {
    case TAKE_DONE:
        return http_work(call->exchange, begin_poll, pending);
    case TAKE_FENCED:
        return refuse_fenced(call);
    case TAKE_REPLAY:
        /* It tells nothing, and an honest agent's next poll counts on. */
        metrics_add(call->app->metrics, METRICS_AGENT_REFUSALS, 1);
        return reply_nothing(call);
    }
}

void handle_agent_desired(struct call *call)
{
    struct pending_poll *pending = arena_alloc(call->request->arena, 1, sizeof *pending);
    const char *text = http_query(call->request, "after");
    uint64_t after = 0;

    if (pending == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (text != NULL && (!parse_u64(text, &after) || after > INT64_MAX))
        return reply_refuse(call, 400, "invalid_args", "after must be a number.");
    *pending = (struct pending_poll){ .call = *call, .after = text == NULL ? -1 : (int64_t)after };
    pending->call.body = NULL;
    const struct session_poll_call poll = { .machine_id = call->caller.machine_id,
                                            .epoch = call->caller.session_epoch,
                                            .seq = agents_seq(call->request),
                                            .arena = call->request->arena,
                                            .done = finish_poll,
                                            .context = pending };
    if (!flow_session_poll_later(&call->app->flow, &poll))
        reply_refuse(call, 503, "unavailable", "There is no room for this request.");
}

/* What was taken needs no answer; what was not, a new session can say again. */
static void answer_taken(struct call *call, enum take_outcome outcome)
{
    auto_buf struct buf body = buf_of(SMALL_REPLY_MAX);

    switch (outcome) {
    case TAKE_DONE:
        buf_append(&body, "{}", 2);
        return reply_json(call, &body);
    case TAKE_FENCED:
        return refuse_fenced(call);
    case TAKE_REPLAY:
        metrics_add(call->app->metrics, METRICS_AGENT_REFUSALS, 1);
        return reply_refuse(call, 409, "conflict", "This sequence number was used.");
    }
}

void handle_agent_bench(struct call *call)
{
    struct bench_report *report = arena_alloc(call->request->arena, 1, sizeof *report);
    enum take_outcome outcome;
    struct error err;

    if (report == NULL)
        return reply_refuse(call, 503, "unavailable", "There is no room for this request.");
    if (!bench_report_decode(call->body, report, &err) ||
        !flow_bench(&call->app->flow, call->caller.machine_id, call->caller.session_epoch,
                    agents_seq(call->request), report, &outcome, &err))
        return reply_error(call, &err);
    answer_taken(call, outcome);
}

void handle_agent_op(struct call *call)
{
    struct op_result result;
    enum take_outcome outcome;
    struct error err;

    if (!op_result_decode(call->body, &result, &err) ||
        !flow_op_result(&call->app->flow, call->caller.machine_id, call->caller.session_epoch,
                        agents_seq(call->request), &result, &outcome, &err))
        return reply_error(call, &err);
    answer_taken(call, outcome);
}

/* The key before is good until then. */
static void refuse_early_key(struct call *call, struct instant open_from)
{
    int64_t wait_us = instant_until(clock_now(call->app->flow.clock), open_from);
    char seconds[24], when[INSTANT_TEXT_SIZE];

    (void)instant_format(instant_add(open_from, US_PER_SECOND - 1), when);
    (void)snprintf(seconds, sizeof seconds, "%lld",
                   (long long)(wait_us > 0 ? wait_us / US_PER_SECOND + 1 : 1));
    http_set_header(call->exchange, "Retry-After", seconds);
    reply_refuse(call, 429, "rate_limit_exceeded",
                 "The key before this one is good until %.10s %.8s UTC: no other takes its place "
                 "until then.",
                 when, when + 11);
}

void handle_agent_key(struct call *call)
{
    struct machine_key_call turn = { .machine_id = call->caller.machine_id,
                                     .session_epoch = call->caller.session_epoch,
                                     .seq = agents_seq(call->request) };
    struct machine_key_reply reply;
    struct error err;

    if (!key_request_decode(call->body, &turn.request, &err) ||
        !flow_machine_key(&call->app->flow, &turn, &reply, &err))
        return reply_error(call, &err);
    switch (reply.outcome) {
    case MACHINE_KEY_TURNED:
        log_write(&call->app->log, LOG_INFO, "machine's key turned", "machine %lld, from %s",
                  (long long)turn.machine_id, call->request->client);
        metrics_add(call->app->metrics, METRICS_AGENT_KEYS, 1);
        hub_forget(call->app->hub, turn.machine_id);
        return answer_taken(call, TAKE_DONE);
    case MACHINE_KEY_FENCED:
        return answer_taken(call, TAKE_FENCED);
    case MACHINE_KEY_REPLAY:
        return answer_taken(call, TAKE_REPLAY);
    case MACHINE_KEY_UNSIGNED:
        metrics_add(call->app->metrics, METRICS_AGENT_REFUSALS, 1);
        return reply_refuse(call, 400, "invalid_args",
                            "Another key is signed by itself and by the machine's newest.");
    case MACHINE_KEY_IN_USE:
        return reply_refuse(call, 400, "invalid_args", "The key belongs to another machine.");
    case MACHINE_KEY_TOO_SOON:
        return refuse_early_key(call, reply.open_from);
    case MACHINE_KEY_SUSPECT:
        return reply_refuse(call, 503, "unavailable",
                            "The machine may be another one, or two: its key stays as it is.");
    }
}
