/* SPDX-License-Identifier: Apache-2.0 */
/* Copies (api.md 2.9). Between an instance and the caller's own machine the reply says where the
 * client's rsync finds the instance's end, which the SSH front of its host answers for. From
 * instance to instance the hosts do it by themselves (flow/copy.h). There is no cloud store that
 * the market could reach. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/copy.h"
#include "flow/instance.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/instance_json.h"
#include "server/reply.h"
#include "server/result_url.h"

enum { COPY_REPLY_MAX = 16 * 1024, PLACE_TEXT_MAX = 64 };

/* One end of a copy: 0 is the caller's own machine. */
static bool read_place(const json_t *body, const char *name, int64_t *ret, struct error *err)
{
    const json_t *value = json_member(body, name);
    const char *text = json_string_value(value);
    uint64_t id = 0;

    *ret = 0;
    if (value == NULL || json_is_null(value) || (text != NULL && strcmp(text, "local") == 0))
        return true;
    if (json_is_integer(value) && json_integer_value(value) > 0) {
        *ret = json_integer_value(value);
        return true;
    }
    if (text != NULL && strlen(text) <= PLACE_TEXT_MAX) {
        if (parse_u64(strncmp(text, "C.", 2) == 0 ? text + 2 : text, &id) && id > 0 &&
            id <= INT64_MAX) {
            *ret = (int64_t)id;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID,
                     "%s is neither an instance nor local: volumes and cloud stores are not "
                     "offered here",
                     name);
}

static void reply_place(struct call *call, bool is_source, const char *host, int64_t port)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, is_source ? "src_addr" : "dst_addr", host);
    encode_field_int(&json, is_source ? "src_port" : "dst_port", port);
    encode_end(&json);
    reply_json(call, &body);
}

/* The SSH front of its host leads to them; see agent/copies.h. */
static bool has_files(const char *status)
{
    return status != NULL && (strcmp(status, "running") == 0 || strcmp(status, "stopped") == 0 ||
                              strcmp(status, "exited") == 0);
}

/* Where the SSH of the caller's instance is. False: the call is answered. */
static bool find_place(struct call *call, int64_t id, const char **ret_host, int64_t *ret_port)
{
    struct instance_view view;
    struct error err;
    bool has;

    if (!flow_instance_show(&call->app->flow, &call->caller, id, call->request->arena, &view, &has,
                            &err)) {
        reply_error(call, &err);
        return false;
    }
    if (!has) {
        reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                     (long long)id);
        return false;
    }
    const char *status = instance_actual_status(&view);
    if (!has_files(status)) {
        reply_refuse(call, 400, "invalid_args",
                     "Instance %lld is %s: its files can be copied while it runs, and while it is "
                     "stopped.",
                     (long long)id, status != NULL ? status : "not made yet");
        return false;
    }
    if (!instance_ssh_place(&view, ret_host, ret_port)) {
        reply_refuse(call, 400, "invalid_args",
                     "Instance %lld was rented without SSH, which copies go through, or has never "
                     "run.",
                     (long long)id);
        return false;
    }
    return true;
}

static void reply_begun(struct call *call, const char *token)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "result_url", result_url(call, token));
    encode_field_text(&json, "msg",
                      "The copy has begun. The target's status_msg says how far it is, and how it "
                      "ended.");
    encode_end(&json);
    reply_json(call, &body);
}

static void copy_between(struct call *call, const struct copy_request *request)
{
    struct copy_reply done;
    struct error err;

    if (!flow_copy_begin(&call->app->flow, &call->caller, request, &done, &err))
        return reply_error(call, &err);
    switch (done.outcome) {
    case COPY_BEGUN:
        return reply_begun(call, done.token);
    case COPY_NO_SOURCE:
    case COPY_NO_TARGET:
        return reply_refuse(
            call, 404, "no_such_instance", "No instance %lld on this account.",
            (long long)(done.outcome == COPY_NO_SOURCE ? request->source_id : request->target_id));
    case COPY_ONE_INSTANCE:
        return reply_refuse(call, 400, "invalid_args",
                            "Both sides are the same instance: copy within it by a command.");
    case COPY_BAD_PATH:
        return reply_refuse(call, 400, "invalid_args",
                            "Each side needs a path of at most %d bytes, without control "
                            "characters.",
                            OP_PATH_MAX);
    case COPY_NOT_REACHABLE:
        return reply_refuse(call, 409, "machine_offline",
                            "The host of one of them cannot be reached now.");
    case COPY_BUSY:
        return reply_refuse(call, 409, "conflict",
                            "A copy to that instance goes on, or too many do on its host. Wait for "
                            "its end, or cancel it.");
    }
}

/* Both routes take the same and do the same. */
static void copy(struct call *call)
{
    struct copy_request request = { 0 };
    const char *host;
    struct error err;
    int64_t port;

    if (!read_place(call->body, "src_id", &request.source_id, &err) ||
        !read_place(call->body, "dst_id", &request.target_id, &err) ||
        !json_opt_text(call->body, "src_path", OP_PATH_MAX, &request.source_path, &err) ||
        !json_opt_text(call->body, "dst_path", OP_PATH_MAX, &request.target_path, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (request.source_id == 0 && request.target_id == 0)
        return reply_refuse(call, 400, "invalid_args", "One side must be an instance.");
    if (request.source_id == 0 || request.target_id == 0) {
        bool is_source = request.source_id != 0;

        if (find_place(call, is_source ? request.source_id : request.target_id, &host, &port))
            reply_place(call, is_source, host, port);
        return;
    }
    if (!find_place(call, request.target_id, &host, &port) ||
        !find_place(call, request.source_id, &request.source_host, &request.source_port))
        return;
    copy_between(call, &request);
}

void handle_copy_direct(struct call *call)
{
    copy(call);
}

void handle_copy_rsync(struct call *call)
{
    copy(call);
}

/* The caller's instance that the member names; false: the call is answered. */
static bool find_instance(struct call *call, const char *name)
{
    struct instance_view view;
    struct error err;
    int64_t id;
    bool has;

    if (!read_place(call->body, name, &id, &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    if (id == 0) {
        reply_refuse(call, 400, "invalid_args", "%s must be an instance.", name);
        return false;
    }
    if (!flow_instance_show(&call->app->flow, &call->caller, id, call->request->arena, &view, &has,
                            &err)) {
        reply_error(call, &err);
        return false;
    }
    if (!has)
        reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                     (long long)id);
    return has;
}

static void reply_cancelled(struct call *call, bool was_there, const char *sentence)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", was_there);
    encode_field_text(&json, "msg", sentence);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_copy_cancel(struct call *call)
{
    int64_t id, count;
    struct error err;

    if (!find_instance(call, "dst_id"))
        return;
    if (!read_place(call->body, "dst_id", &id, &err) ||
        !flow_copy_cancel(&call->app->flow, &call->caller, id, &count, &err))
        return reply_error(call, &err);
    reply_cancelled(call, count > 0,
                    count > 0
                        ? "The copy is cancelled. What has arrived stays."
                        : "No copy to it from another instance goes on. One that goes through "
                          "the caller's own machine ends when its rsync is interrupted.");
}

void handle_cloud_cancel(struct call *call)
{
    if (find_instance(call, "dst_id"))
        reply_cancelled(call, false, "No copy to or from a cloud store is under way.");
}

void handle_cloud_copy(struct call *call)
{
    const char *connection;
    struct error err;

    if (!json_need_text(call->body, "selected", PLACE_TEXT_MAX, &connection, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (find_instance(call, "instance_id"))
        reply_refuse(call, 404, "no_such_connection",
                     "There is no cloud connection %s on this account.", connection);
}

void handle_connections_list(struct call *call)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_array(&json);
    encode_end(&json);
    reply_json(call, &body);
}
