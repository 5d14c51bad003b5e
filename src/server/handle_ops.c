/* SPDX-License-Identifier: Apache-2.0 */
/* Logs and commands in two steps: ask, then fetch the result under an address that cannot be
 * guessed (api.md 2.7). */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/op.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/result_url.h"

enum { OP_REPLY_MAX = 16 * 1024, FILTER_LENGTH_MAX = 1024 };

static void reply_op(struct call *call, const struct op_reply *done)
{
    auto_buf struct buf body = buf_of(OP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *url = result_url(call, done->token);

    if (url == NULL)
        return reply_refuse(call, 400, "invalid_request", "The request names no host.");
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "result_url", url);
    encode_field_text(&json, "writeable_path", "");
    encode_field_text(&json, "msg", "The result will be at result_url.");
    encode_end(&json);
    reply_json(call, &body);
}

static void ask(struct call *call, const struct op_request *request)
{
    struct op_reply done;
    struct error err;

    if (!flow_op_create(&call->app->flow, &call->caller, request, &done, &err))
        return reply_error(call, &err);
    switch (done.outcome) {
    case OP_ACCEPTED:
        return reply_op(call, &done);
    case OP_NO_INSTANCE:
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                            (long long)request->instance_id);
    case OP_NOT_REACHABLE:
        return reply_refuse(call, 409, "machine_offline", "The host cannot be reached now.");
    case OP_NOT_RUNNING:
        return reply_refuse(call, 400, "invalid_args",
                            "The instance does not run. Start it first.");
    case OP_BAD_COMMAND:
        return reply_refuse(call, 400, "invalid_args", "%s",
                            request->kind == OP_EXEC ? "command must have 1 to 4096 bytes."
                                                     : "filter or tail is too long, or too large; "
                                                       "or since is no time.");
    case OP_TOO_MANY:
        return reply_refuse(call, 429, "rate_limit_exceeded",
                            "Too many requests wait for this host. Try again soon.");
    }
}

/* A number that the command line sends as text. */
static bool read_tail(const json_t *body, int64_t *ret, struct error *err)
{
    const json_t *tail = json_member(body, "tail");
    uint64_t value;

    if (tail == NULL || !json_is_string(tail))
        return json_opt_int(body, "tail", (struct json_bounds){ 0, INT32_MAX }, ret, err);
    if (!parse_u64(json_string_value(tail), &value) || value > INT32_MAX)
        return error_set(err, ERROR_INVALID, "tail must be a number of lines");
    *ret = (int64_t)value;
    return true;
}

static bool read_daemon_logs(const json_t *body, bool *ret, struct error *err)
{
    const json_t *flag = json_member(body, "daemon_logs");

    if (flag == NULL || !json_is_string(flag))
        return json_opt_bool(body, "daemon_logs", ret, err);
    *ret = strcmp(json_string_value(flag), "true") == 0;
    return true;
}

void handle_instance_request_logs(struct call *call)
{
    struct op_request request = { .instance_id = call->params[0].id, .kind = OP_LOGS };
    struct error err;

    if (!read_tail(call->body, &request.tail, &err) ||
        !json_opt_text(call->body, "filter", FILTER_LENGTH_MAX, &request.filter, &err) ||
        !json_opt_text(call->body, "since", DESIRED_SINCE_LENGTH, &request.since, &err) ||
        !read_daemon_logs(call->body, &request.is_daemon_log, &err))
        return reply_error(call, &err);
    ask(call, &request);
}

void handle_instance_command(struct call *call)
{
    struct op_request request = { .instance_id = call->params[0].id, .kind = OP_EXEC };
    struct error err;

    if (!json_need_text(call->body, "command", HTTP_BODY_MAX, &request.command, &err))
        return reply_error(call, &err);
    ask(call, &request);
}

void handle_blob_show(struct call *call)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct op_view view;
    struct error err;

    if (!flow_op_fetch(&call->app->flow, call->params[0].text, call->request->arena, &view, &err))
        return reply_error(call, &err);
    switch (view.state) {
    case OP_STATE_NONE:
        return reply_refuse(call, 404, "not_found", "There is no such result.");
    case OP_STATE_PENDING:
        return reply_refuse(call, 404, "not_found", "The result is not there yet.");
    case OP_STATE_DONE:
        break;
    case OP_STATE_FAILED:
        buf_printf(&body, "berth: the host could not do this: ");
        break;
    case OP_STATE_UNKNOWN:
        buf_printf(&body, "berth: the host was interrupted; whether this was done is not known.\n");
        break;
    }
    buf_append(&body, view.output, strlen(view.output));
    if (view.exit_code >= 0) {
        char code[8];

        (void)snprintf(code, sizeof code, "%d", (int)view.exit_code);
        http_set_header(call->exchange, "X-Exit-Code", code);
    }
    reply_text(call, "text/plain; charset=utf-8", &body);
}
