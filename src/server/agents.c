/* SPDX-License-Identifier: Apache-2.0 */
#include "server/agents.h"

#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "flow/desired.h"
#include "flow/session.h"
#include "flow/session_key.h"
#include "proto/hello.h"
#include "server/reply.h"

enum {
    LOOKS_MAX = 3, /* at the desired state, where it changes as fast as we look */
    DESIRED_ARENA_MAX = 64 << 20,
    SIGNED_MAX = PROTO_BODY_MAX + HTTP_HEAD_MAX,
};

/* What the headers claim, before anything is known to be true. */
struct stamp_claim {
    struct request_stamp stamp;
    struct signature signature;
};

static bool read_number(const struct http_request *request, const char *name, int64_t *ret)
{
    const char *text = http_header(request, name);
    uint64_t value;

    if (text == NULL || !parse_u64(text, &value) || value > INT64_MAX)
        return false;
    *ret = (int64_t)value;
    return true;
}

/* Which of the streams of proto/hello.h the path belongs to. */
static const char *stream_of(const char *path)
{
    if (strcmp(path, "/agent/v1/heartbeat") == 0)
        return "hb";
    return strcmp(path, "/agent/v1/desired") == 0 ? "poll" : "op";
}

static bool read_claim(const struct http_request *request, struct stamp_claim *ret)
{
    struct stamp_claim claim = { .stamp = { .method = http_method_name(request->method),
                                            .path = request->target,
                                            .stream = stream_of(request->path) } };
    const char *signature = http_header(request, "Berth-Signature");
    size_t count;

    if (!read_number(request, "Berth-Machine", &claim.stamp.machine_id) ||
        !read_number(request, "Berth-Epoch", &claim.stamp.session_epoch) ||
        !read_number(request, "Berth-Seq", &claim.stamp.seq) || signature == NULL ||
        !base64_parse(signature, claim.signature.bytes, SIGNATURE_SIZE, &count) ||
        count != SIGNATURE_SIZE)
        return false;
    *ret = claim;
    return true;
}

/* By the key of a session that this process knows. */
static bool is_known(struct app *app, const struct stamp_claim *claim, const struct buf *text,
                     struct hub_session *ret)
{
    return hub_find(app->hub, claim->stamp.machine_id, claim->stamp.session_epoch, ret) &&
           !text->has_overflowed &&
           instant_compare(clock_now(app->flow.clock), ret->key_until) < 0 &&
           crypto_verify(ret->public_key, &claim->signature, text->bytes, text->length);
}

/* By a key in the books, which may have been turned on another server; and its present epoch. */
static bool find_session(struct app *app, const struct stamp_claim *claim, const struct buf *text,
                         struct hub_session *ret, struct error *err)
{
    struct session_identity identity;
    struct session_key key;
    bool has;

    if (!flow_session_identity(&app->flow, claim->stamp.machine_id, &identity, &has, err))
        return false;
    if (!has ||
        !session_key_of(&identity, clock_now(app->flow.clock), &claim->signature, text, &key)) {
        metrics_add(app->metrics, METRICS_AGENT_REFUSALS, 1);
        return error_set(err, ERROR_UNAUTHORIZED, "no machine has that key");
    }
    *ret = (struct hub_session){ .machine_id = claim->stamp.machine_id,
                                 .epoch = identity.epoch,
                                 .key_until = key.until };
    memcpy(ret->public_key, key.public_key, sizeof ret->public_key);
    return true;
}

bool agents_check(void *context, const struct http_request *request, struct caller *ret,
                  struct error *err)
{
    struct app *app = context;
    auto_buf struct buf text = buf_of(SIGNED_MAX);
    struct stamp_claim claim;
    struct hub_session session;

    if (!read_claim(request, &claim)) {
        metrics_add(app->metrics, METRICS_AGENT_REFUSALS, 1);
        return error_set(err, ERROR_UNAUTHORIZED, "the request is not signed");
    }
    request_signed(&text, &claim.stamp, request->body, request->body_length);
    if (!is_known(app, &claim, &text, &session) && !find_session(app, &claim, &text, &session, err))
        return false;
    /* Only who has proved to be the machine is told that its session is over. */
    if (session.epoch != claim.stamp.session_epoch) {
        metrics_add(app->metrics, METRICS_AGENT_REFUSALS, 1);
        return error_set(err, ERROR_CONFLICT, "the session is over: open a new one");
    }
    hub_admit(app->hub, &session);
    hub_touch(app->hub, session.machine_id);
    *ret = (struct caller){ .kind = CALLER_AGENT,
                            .machine_id = session.machine_id,
                            .session_epoch = session.epoch };
    return true;
}

int64_t agents_seq(const struct http_request *request)
{
    int64_t seq;
    bool has_seq = read_number(request, "Berth-Seq", &seq);

    assert(has_seq);
    return seq;
}

/* A held request; it lives in its exchange's arena, and so exactly as long. */
struct poll {
    struct app *app;
    struct http_exchange *exchange;
    int64_t machine_id, epoch, after;
    bool is_held;
};

static void answer_nothing(struct poll *poll)
{
    metrics_add(poll->app->metrics, METRICS_POLLS_EMPTY, 1);
    http_reply_static(poll->exchange, 204, NULL, "", 0);
}

static void answer_failure(struct poll *poll, const struct error *err)
{
    log_failure(&poll->app->log, "poll failed", err);
    reply_refuse_exchange(poll->exchange, error_http_status(err->code), reply_code(err->code),
                          "The desired state cannot be read now.");
}

static void answer_desired(struct poll *poll)
{
    auto_arena struct arena arena = arena_of(DESIRED_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct desired desired;
    struct error err;
    bool has;

    if (!flow_desired(&poll->app->flow, poll->machine_id, &arena, &desired, &has, &err)) {
        answer_failure(poll, &err);
        return;
    }
    /* Secrets of renters go to the present session only. */
    if (!has || desired.session_epoch != poll->epoch) {
        reply_refuse_exchange(poll->exchange, 409, "conflict",
                              "The session is over: open a new one.");
        return;
    }
    desired_encode(&body, &desired);
    metrics_add(poll->app->metrics, METRICS_POLLS_ANSWERED, 1);
    http_reply(poll->exchange, 200, "application/json", &body);
}

/* Answer what is new, or park. The poll is no longer ours afterwards. */
static void look(struct poll *poll)
{
    struct hub *hub = poll->app->hub;
    struct error err;
    int64_t rev;
    bool has;

    for (int i = 0; i < LOOKS_MAX; i++) {
        uint64_t ticket = hub_ticket(hub, poll->machine_id);
        if (!flow_desired_rev(&poll->app->flow, poll->machine_id, &rev, &has, &err)) {
            answer_failure(poll, &err);
            return;
        }
        /* In a recovery machines go on with what they were told last. */
        if (!has || (rev > poll->after && !recovery_watch_is_open(&poll->app->recovery))) {
            answer_desired(poll);
            return;
        }
        if (!poll->is_held) {
            http_hold(poll->exchange, POLL_HOLD_MS);
            poll->is_held = true;
        }
        if (hub_park(hub, poll->machine_id, ticket, poll))
            return;
    }
    answer_nothing(poll);
}

static void look_again(void *context, struct http_exchange *exchange)
{
    struct poll *poll = context;

    if (http_is_waiting(exchange))
        look(poll);
    else
        answer_nothing(poll);
}

void agents_release(void *context, enum hub_reason reason)
{
    struct poll *poll = context;

    if (reason == HUB_CHANGED && http_is_waiting(poll->exchange))
        http_work(poll->exchange, look_again, poll);
    else
        answer_nothing(poll);
}

void agents_poll(struct call *call, int64_t after)
{
    struct poll *poll = arena_alloc(call->request->arena, 1, sizeof *poll);

    if (poll == NULL) {
        reply_refuse(call, 503, "unavailable", "There is no room for this request.");
        return;
    }
    *poll = (struct poll){ .app = call->app,
                           .exchange = call->exchange,
                           .machine_id = call->caller.machine_id,
                           .epoch = call->caller.session_epoch,
                           .after = after };
    look(poll);
}
