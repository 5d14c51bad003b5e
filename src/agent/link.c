/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link_enrol.h"
#include "agent/link_inside.h"
#include "agent/link_retry.h"
#include "base/buf.h"
#include "sys/crypto.h"

enum {
    POLL_ANSWER_MS = POLL_HOLD_MS + 10000,
    HURRY_AGAIN_MS = 20, /* what changes together is told together */
    REFUSED_MS = 5000,
    POLL_LATE_MS = 1000, /* for the held poll to bring what a heartbeat was told of */
    URL_SIZE = 1024,
    HEADER_SIZE = 256,
    HEARTBEAT_ARENA_MAX = 16 << 20,
};

static char *copy_or_null(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        abort();
    return copy;
}

/* Signed requests */

void link_send_plain(struct link *link, const struct link_call *call, const char *const *headers,
                     struct web_call **owner)
{
    char url[URL_SIZE];

    (void)snprintf(url, sizeof url, "%s%s", link->url, call->path);
    web_send(link->web,
             &(struct web_request){
                 .http = { .method = call->method,
                           .url = url,
                           .headers = headers,
                           .body = call->body != NULL ? call->body->bytes : NULL,
                           .body_length = call->body != NULL ? call->body->length : 0,
                           .timeout_ms = call->timeout_ms },
                 .ca_file = link->ca_file,
                 .reply_max = call->reply_max,
                 .on_done = call->on_done,
                 .context = link,
             },
             owner);
}

static void send_signed(struct link *link, const struct link_call *call, struct web_call **owner)
{
    const struct identity *identity = link->options.identity;
    struct request_stamp stamp = { call->method,        call->path, identity->machine_id,
                                   link->session_epoch, call->seq,  call->stream };
    auto_buf struct buf bytes = buf_of(PROTO_BODY_MAX + 4096);
    char signature[BASE64_SIZE(SIGNATURE_SIZE)];
    char lines[4][HEADER_SIZE];
    const char *headers[] = { lines[0], lines[1], lines[2], lines[3], NULL };

    request_signed(&bytes, &stamp, call->body != NULL ? call->body->bytes : "",
                   call->body != NULL ? call->body->length : 0);
    assert(!bytes.has_overflowed);
    (void)identity_sign(identity, bytes.bytes, bytes.length, signature);
    (void)snprintf(lines[0], HEADER_SIZE, "Berth-Machine: %" PRId64, identity->machine_id);
    (void)snprintf(lines[1], HEADER_SIZE, "Berth-Epoch: %" PRId64, link->session_epoch);
    (void)snprintf(lines[2], HEADER_SIZE, "Berth-Seq: %" PRId64, call->seq);
    (void)snprintf(lines[3], HEADER_SIZE, "Berth-Signature: %s", signature);
    link_send_plain(link, call, headers, owner);
}

/* What was on its way in `op`. */
static void tell_sent(struct link *link, bool has_arrived, const struct web_answer *answer)
{
    const struct link_events *events = &link->options.events;

    if (link->post == LINK_POST_OP)
        events->on_op_sent(events->context, has_arrived);
    else if (events->on_posted != NULL)
        events->on_posted(events->context, link->post, answer);
}

/* Back to the nonce, or to enrolment; the next step comes so soon. */
void link_leave_session(struct link *link, int64_t delay_ms)
{
    link->state = link->options.identity->machine_id == 0 ? LINK_ENROL : LINK_NONCE;
    web_cancel(&link->heartbeat);
    web_cancel(&link->poll);
    if (link->op != NULL) {
        web_cancel(&link->op);
        tell_sent(link, false, NULL);
    }
    loop_timer_stop(link->heartbeat_timer);
    loop_timer_stop(link->poll_timer);
    loop_timer_stop(link->late_timer);
    loop_timer_set(link->step_timer, delay_ms);
}

void link_start_over(struct link *link, const char *why)
{
    bool was_open = link->state == LINK_OPEN;

    link_leave_session(link, link_backoff_ms(++link->failure_count));
    if (was_open || link->failure_count == 1 || link->failure_count % 10 == 0)
        log_write(&link->options.log, LOG_WARNING, "not connected", "%s", why);
}

void link_renew(struct link *link)
{
    if (link->state == LINK_OPEN)
        link_leave_session(link, 0);
}

void link_fail_step(struct link *link, const struct web_answer *answer)
{
    char why[512];

    link_refusal(answer, why, sizeof why);
    link_start_over(link, why);
}

bool link_parse_reply(const struct web_answer *answer, json_t **ret_root, struct error *err)
{
    return json_parse(answer->body, answer->length, ret_root, err);
}

/* Session */

static void beat(void *context);
static void poll_desired(void *context);

/* Each of its keys was refused in turn. */
static void note_shut_out(struct link *link)
{
    if (link->token != NULL)
        link->state = LINK_ENROL;
    if (!link->is_shut_out)
        log_write(&link->options.log, LOG_ERROR, "not let in",
                  "no key of machine %" PRId64 " is taken; were they revoked, its account's "
                  "`berth host token --machine %" PRId64 "` lets it back",
                  link->options.identity->machine_id, link->options.identity->machine_id);
    link->is_shut_out = true;
}

static void on_session(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    auto_json json_t *root = NULL;
    struct session_reply reply;
    struct error err;

    if (!answer->is_answered || answer->status != 200) {
        bool is_refused = answer->is_answered && answer->status == 401;

        if (is_refused)
            identity_try_other(link->options.identity);
        link_fail_step(link, answer);
        if (is_refused && link->options.identity->use == IDENTITY_PRESENT)
            note_shut_out(link);
        return;
    }
    if (!link_parse_reply(answer, &root, &err) || !session_reply_decode(root, &reply, &err)) {
        link_start_over(link, err.text);
        return;
    }
    if (!identity_settle(link->options.identity, &err))
        log_failure(&link->options.log, "the key that is let in not taken over yet", &err);
    link->is_shut_out = false;
    link->state = LINK_OPEN; /* failures count on until a heartbeat is accepted */
    link->session_epoch = reply.session_epoch;
    link->heartbeat_ms = reply.heartbeat_ms;
    link->heartbeat_seq = link->poll_seq = link->op_seq = 0;
    link->is_first_poll = true;
    link->options.events.on_contact(link->options.events.context);
    link->options.events.on_connected(link->options.events.context,
                                      link->options.identity->machine_id);
    loop_timer_set(link->heartbeat_timer, 0);
    loop_timer_set(link->poll_timer, 0);
}

static void send_session(struct link *link)
{
    const struct identity *identity = link->options.identity;
    struct session_request request = {
        .machine_id = identity->machine_id,
        .agent_incarnation = identity->incarnation,
        .facts = *link->options.facts,
    };
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), bytes = buf_of(4096);
    auto_buf struct buf whole = buf_of(PROTO_BODY_MAX + 4096);
    char text[BASE64_SIZE(SIGNATURE_SIZE)], line[HEADER_SIZE];
    const char *const headers[] = { line, NULL };

    memcpy(request.nonce, link->nonce, sizeof request.nonce);
    memcpy(request.boot_id, identity->boot_id, sizeof request.boot_id);
    memcpy(request.fingerprint, link->options.fingerprint, sizeof request.fingerprint);
    hello_signed(&bytes, &request);
    struct signature signature =
        crypto_sign_with(identity_keys(identity), bytes.bytes, bytes.length);
    memcpy(request.signature, signature.bytes, sizeof request.signature);
    session_request_encode(&body, &request);
    hello_whole_signed(&whole, request.machine_id, body.bytes, body.length);
    (void)identity_sign(identity, whole.bytes, whole.length, text);
    (void)snprintf(line, sizeof line, "Berth-Signature: %s", text);
    link_send_plain(link,
                    &(struct link_call){ .method = "POST",
                                         .path = "/agent/v1/session",
                                         .body = &body,
                                         .timeout_ms = LINK_ANSWER_MS,
                                         .reply_max = LINK_REPLY_MAX,
                                         .on_done = on_session },
                    headers, &link->step);
}

static void on_nonce(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    auto_json json_t *root = NULL;
    struct nonce_reply reply;
    struct error err;

    if (!answer->is_answered || answer->status != 200) {
        link_fail_step(link, answer);
        return;
    }
    if (!link_parse_reply(answer, &root, &err) || !nonce_reply_decode(root, &reply, &err)) {
        link_start_over(link, err.text);
        return;
    }
    memcpy(link->nonce, reply.nonce, sizeof link->nonce);
    link->state = LINK_SESSION;
    send_session(link);
}

static void send_nonce(struct link *link)
{
    struct nonce_request request = { link->options.identity->machine_id };
    auto_buf struct buf body = buf_of(1024);

    nonce_request_encode(&body, &request);
    link_send_plain(link,
                    &(struct link_call){ .method = "POST",
                                         .path = "/agent/v1/nonce",
                                         .body = &body,
                                         .timeout_ms = LINK_ANSWER_MS,
                                         .reply_max = LINK_REPLY_MAX,
                                         .on_done = on_nonce },
                    NULL, &link->step);
}

static void on_step_time(void *context)
{
    struct link *link = context;

    if (link->step != NULL)
        return;
    if (link->state == LINK_ENROL)
        link_enrol(link);
    else if (link->state != LINK_OPEN)
        send_nonce(link);
}

/* Heartbeats */

static void on_heartbeat(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    auto_json json_t *root = NULL;
    struct heartbeat_reply reply;
    struct error err = answer->err;
    char why[512];

    if (link_is_over(answer)) {
        link_refusal(answer, why, sizeof why);
        link_start_over(link, why);
        return;
    }
    if (!answer->is_answered || answer->status != 200 || !link_parse_reply(answer, &root, &err) ||
        !heartbeat_reply_decode(root, &reply, &err)) {
        int64_t delay_ms = link_backoff_ms(++link->miss_count);

        link_refusal(answer, why, sizeof why);
        if (link->miss_count == 1)
            log_write(&link->options.log, LOG_WARNING, "heartbeat not accepted", "%s", why);
        loop_timer_set(link->heartbeat_timer,
                       delay_ms < link->heartbeat_ms ? delay_ms : link->heartbeat_ms);
        return;
    }
    if (link->miss_count > 0)
        log_write(&link->options.log, LOG_INFO, "heartbeat accepted again", "after %d failures",
                  link->miss_count);
    link->failure_count = link->miss_count = 0;
    link->options.events.on_contact(link->options.events.context);
    if (link->options.events.on_accepted != NULL)
        link->options.events.on_accepted(link->options.events.context);
    loop_timer_set(link->heartbeat_timer, link->is_hurried ? HURRY_AGAIN_MS : link->heartbeat_ms);
    link->is_hurried = false;

    link->told_rev = reply.desired_rev;
    if (reply.desired_rev > link->applied_rev)
        loop_timer_hurry(link->late_timer, POLL_LATE_MS);
}

/* The held poll brings what is new at once, unless its answer was lost: then a new one asks. */
static void on_late(void *context)
{
    struct link *link = context;

    if (link->state != LINK_OPEN || link->is_first_poll || link->told_rev <= link->applied_rev)
        return;
    web_cancel(&link->poll);
    loop_timer_set(link->poll_timer, 0);
}

static void beat(void *context)
{
    struct link *link = context;
    auto_arena struct arena arena = arena_of(HEARTBEAT_ARENA_MAX);
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);
    struct heartbeat heartbeat = { 0 };

    if (link->state != LINK_OPEN || link->heartbeat != NULL)
        return;
    link->options.events.fill_heartbeat(link->options.events.context, &arena, &heartbeat);
    heartbeat.session_epoch = link->session_epoch;
    heartbeat.seq = ++link->heartbeat_seq;
    heartbeat.boot_id = link->options.identity->boot_id;
    heartbeat.agent_incarnation = link->options.identity->incarnation;
    heartbeat_encode(&body, &heartbeat);
    if (body.has_overflowed) {
        log_write(&link->options.log, LOG_ERROR, "heartbeat too long", "%" PRId64 " instances",
                  heartbeat.instance_count);
        loop_timer_set(link->heartbeat_timer, link->heartbeat_ms);
        return;
    }
    send_signed(link,
                &(struct link_call){ .method = "POST",
                                     .path = "/agent/v1/heartbeat",
                                     .stream = "hb",
                                     .seq = heartbeat.seq,
                                     .body = &body,
                                     .timeout_ms = LINK_ANSWER_MS,
                                     .reply_max = LINK_REPLY_MAX,
                                     .on_done = on_heartbeat },
                &link->heartbeat);
}

void link_hurry(struct link *link)
{
    if (link->state != LINK_OPEN)
        return;
    if (link->heartbeat != NULL)
        link->is_hurried = true;
    else
        loop_timer_hurry(link->heartbeat_timer, 0);
}

/* Desired state */

static void on_polled(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    char why[512];

    if (link_is_over(answer)) {
        link_refusal(answer, why, sizeof why);
        link_start_over(link, why);
        return;
    }
    if (!answer->is_answered || (answer->status != 200 && answer->status != 204)) {
        link_refusal(answer, why, sizeof why);
        log_write(&link->options.log, LOG_DEBUG, "poll not answered", "%s", why);
        loop_timer_set(link->poll_timer, link_backoff_ms(link->miss_count + 2));
        return;
    }
    link->options.events.on_contact(link->options.events.context);
    link->is_first_poll = false;
    loop_timer_set(link->poll_timer, 0);
    if (answer->status != 200)
        return;
    link->has_applied = false;
    link->options.events.on_desired(link->options.events.context, answer->body, answer->length);
    /* What could not be taken over would come again at once. */
    if (!link->has_applied)
        loop_timer_set(link->poll_timer, REFUSED_MS);
}

static void poll_desired(void *context)
{
    struct link *link = context;
    char path[128];

    if (link->state != LINK_OPEN || link->poll != NULL)
        return;
    (void)snprintf(path, sizeof path, "/agent/v1/desired?after=%" PRId64,
                   link->is_first_poll ? 0 : link->applied_rev);
    send_signed(link,
                &(struct link_call){ .method = "GET",
                                     .path = path,
                                     .stream = "poll",
                                     .seq = ++link->poll_seq,
                                     .timeout_ms = POLL_ANSWER_MS,
                                     .reply_max = DESIRED_BODY_MAX,
                                     .on_done = on_polled },
                &link->poll);
}

void link_applied(struct link *link, int64_t desired_rev)
{
    link->applied_rev = desired_rev;
    link->has_applied = true;
    if (link->state == LINK_OPEN && link->poll == NULL)
        loop_timer_hurry(link->poll_timer, 0);
}

/* Operations */

static void on_op_answered(void *context, const struct web_answer *answer)
{
    struct link *link = context;
    bool is_refused = answer->is_answered && answer->status >= 400 && answer->status < 500 &&
                      answer->status != 429 && !link_is_over(answer);
    char why[512];

    if (is_refused) {
        link_refusal(answer, why, sizeof why);
        log_write(&link->options.log, LOG_WARNING, "result not wanted", "%s", why);
    }
    /* What the server refuses for good would be refused again. */
    tell_sent(link, is_refused || (answer->is_answered && answer->status == 200), answer);
    if (link_is_over(answer)) {
        link_refusal(answer, why, sizeof why);
        link_start_over(link, why);
    }
}

bool link_post(struct link *link, enum link_post post, const struct buf *body)
{
    static const char *const paths[] = { [LINK_POST_OP] = "/agent/v1/op",
                                         [LINK_POST_BENCH] = "/agent/v1/bench",
                                         [LINK_POST_CHALLENGE] = "/agent/v1/challenge",
                                         [LINK_POST_KEY] = "/agent/v1/key" };

    if (link->state != LINK_OPEN || link->op != NULL || body->has_overflowed)
        return false;
    link->post = post;
    send_signed(link,
                &(struct link_call){ .method = "POST",
                                     .path = paths[post],
                                     .stream = "op",
                                     .seq = ++link->op_seq,
                                     .body = body,
                                     .timeout_ms = LINK_ANSWER_MS,
                                     .reply_max = LINK_REPLY_MAX,
                                     .on_done = on_op_answered },
                &link->op);
    return true;
}

bool link_send_op(struct link *link, const struct op_result *result)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);

    op_result_encode(&body, result);
    return link_post(link, LINK_POST_OP, &body);
}

struct link *link_open(struct loop *loop, struct web *web, const struct link_options *options)
{
    struct link *link = calloc(1, sizeof *link);

    if (link == NULL)
        abort();
    link->options = *options;
    link->loop = loop;
    link->web = web;
    link->url = copy_or_null(options->url);
    link->ca_file = copy_or_null(options->ca_file);
    link->token = copy_or_null(options->token);
    for (size_t end = strlen(link->url); end > 0 && link->url[end - 1] == '/'; end--)
        link->url[end - 1] = '\0';
    link->state = options->identity->machine_id == 0 ? LINK_ENROL : LINK_NONCE;
    link->heartbeat_ms = HEARTBEAT_MS;
    link->step_timer = loop_timer(loop, on_step_time, link);
    link->heartbeat_timer = loop_timer(loop, beat, link);
    link->poll_timer = loop_timer(loop, poll_desired, link);
    link->late_timer = loop_timer(loop, on_late, link);
    loop_timer_set(link->step_timer, 0);
    return link;
}

void link_close(struct link **link)
{
    struct link *closing = *link;

    if (closing == NULL)
        return;
    web_cancel(&closing->step);
    web_cancel(&closing->heartbeat);
    web_cancel(&closing->poll);
    web_cancel(&closing->op);
    loop_timer_close(&closing->step_timer);
    loop_timer_close(&closing->heartbeat_timer);
    loop_timer_close(&closing->poll_timer);
    loop_timer_close(&closing->late_timer);
    free(closing->url);
    free(closing->ca_file);
    if (closing->token != NULL)
        crypto_wipe(closing->token, strlen(closing->token));
    free(closing->token);
    free(closing);
    *link = NULL;
}

bool link_is_connected(const struct link *link)
{
    return link->state == LINK_OPEN;
}

int64_t link_epoch(const struct link *link)
{
    return link->session_epoch;
}
