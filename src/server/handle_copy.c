/* SPDX-License-Identifier: Apache-2.0 */
/* Copies (api.md 2.9). Between an instance and the caller's own machine the reply says where the
 * client's rsync finds the instance's end, which the SSH front of its host answers for. From
 * instance to instance the hosts do it by themselves (flow/copy.h), and between an instance and a
 * cloud store its host does (flow/cloud.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/cloud.h"
#include "flow/copy.h"
#include "flow/instance.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/instance_json.h"
#include "server/reply.h"
#include "server/result_url.h"

enum { COPY_REPLY_MAX = 16 * 1024, PLACE_TEXT_MAX = 64 };

/* One end of a copy; both 0: the caller's own machine. */
struct place {
    int64_t instance_id, cloud_id;
};

/* "s3.101" */
static bool read_cloud(const char *text, int64_t *ret_id)
{
    const char *dot = strchr(text, '.');
    char kind[PLACE_TEXT_MAX + 1];
    uint64_t id;

    if (dot == NULL)
        return false;
    (void)snprintf(kind, sizeof kind, "%.*s", (int)(dot - text), text);
    if (cloud_find(kind) == NULL || !parse_u64(dot + 1, &id) || id == 0 || id > INT64_MAX)
        return false;
    *ret_id = (int64_t)id;
    return true;
}

static bool read_place(const json_t *body, const char *name, struct place *ret, struct error *err)
{
    const json_t *value = json_member(body, name);
    const char *text = json_string_value(value);
    uint64_t id = 0;

    *ret = (struct place){ 0 };
    if (value == NULL || json_is_null(value) || (text != NULL && strcmp(text, "local") == 0))
        return true;
    if (json_is_integer(value) && json_integer_value(value) > 0) {
        ret->instance_id = json_integer_value(value);
        return true;
    }
    if (text != NULL && strlen(text) <= PLACE_TEXT_MAX) {
        if (parse_u64(strncmp(text, "C.", 2) == 0 ? text + 2 : text, &id) && id > 0 &&
            id <= INT64_MAX) {
            ret->instance_id = (int64_t)id;
            return true;
        }
        if (read_cloud(text, &ret->cloud_id))
            return true;
    }
    return error_set(err, ERROR_INVALID,
                     "%s is neither an instance, nor local, nor a connection to a cloud store: "
                     "volumes are copied by way of an instance that mounts them",
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

/* The caller's instance. False: there is none, and the call is answered. */
static bool find_own(struct call *call, int64_t id, struct instance_view *ret)
{
    struct error err;
    bool has;

    if (!flow_instance_show(&call->app->flow, &call->caller, id, call->request->arena, ret, &has,
                            &err)) {
        reply_error(call, &err);
        return false;
    }
    if (!has)
        reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                     (long long)id);
    return has;
}

/* Where the SSH of the caller's instance is. False: the call is answered. */
static bool find_place(struct call *call, int64_t id, const char **ret_host, int64_t *ret_port)
{
    struct instance_view view;

    if (!find_own(call, id, &view))
        return false;
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

static void reply_cloud_refusal(struct call *call, const struct cloud_copy_request *request,
                                enum cloud_copy_outcome outcome)
{
    switch (outcome) {
    case CLOUD_COPY_BEGUN:
        return;
    case CLOUD_COPY_NO_INSTANCE:
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                            (long long)request->instance_id);
    case CLOUD_COPY_NO_CONNECTION:
        return reply_refuse(call, 404, "no_such_connection",
                            "There is no cloud connection %lld on this account.",
                            (long long)request->cloud_id);
    case CLOUD_COPY_BAD_PATH:
        return reply_refuse(call, 400, "invalid_args",
                            "Each side needs a path of at most %d bytes, without control "
                            "characters.",
                            CLOUD_PATH_MAX);
    case CLOUD_COPY_BAD_FLAG:
        return reply_refuse(call, 400, "invalid_args",
                            "flags are a list of --dry-run, --size-only, --ignore-existing, "
                            "--update and --delete-excluded.");
    case CLOUD_COPY_NOT_REACHABLE:
        return reply_refuse(call, 409, "machine_offline", "The host cannot be reached now.");
    case CLOUD_COPY_BUSY:
        return reply_refuse(call, 409, "conflict",
                            "A copy from or to a cloud store goes on at that instance, or too many "
                            "do. Wait for its end, or cancel it.");
    }
}

/* Of the caller's account. False: the call is answered. */
static bool find_connection(struct call *call, const struct cloud_copy_request *request)
{
    struct cloud_row *rows;
    struct error err;
    size_t count;

    if (!flow_cloud_list(&call->app->flow, &call->caller, call->request->arena, &rows, &count,
                         &err)) {
        reply_error(call, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (rows[i].id == request->cloud_id)
            return true;
    reply_cloud_refusal(call, request, CLOUD_COPY_NO_CONNECTION);
    return false;
}

static void copy_by_cloud(struct call *call, const struct cloud_copy_request *request)
{
    struct cloud_copy_reply done;
    const char *host;
    struct error err;
    int64_t port;

    if (!find_connection(call, request) || !find_place(call, request->instance_id, &host, &port))
        return;
    if (!flow_cloud_copy(&call->app->flow, &call->caller, request, &done, &err))
        return reply_error(call, &err);
    if (done.outcome == CLOUD_COPY_BEGUN)
        reply_begun(call, done.token);
    else
        reply_cloud_refusal(call, request, done.outcome);
}

/* One side is a cloud store, as in `copy C.7001:/workspace s3.101:/bk`. */
static void copy_at_cloud(struct call *call, const struct place *source, const struct place *target,
                          const struct copy_request *paths)
{
    bool is_to_cloud = target->cloud_id != 0;
    struct instance_view view;
    const struct cloud_copy_request request = {
        .instance_id = is_to_cloud ? source->instance_id : target->instance_id,
        .cloud_id = is_to_cloud ? target->cloud_id : source->cloud_id,
        .instance_path = is_to_cloud ? paths->source_path : paths->target_path,
        .cloud_path = is_to_cloud ? paths->target_path : paths->source_path,
        .is_to_cloud = is_to_cloud,
        .flags = "",
    };

    if (request.instance_id == 0)
        return reply_refuse(call, 400, "invalid_args", "The other side must be an instance.");
    if (!find_own(call, request.instance_id, &view))
        return;
    copy_by_cloud(call, &request);
}

/* Both routes take the same and do the same. */
static void copy(struct call *call)
{
    struct copy_request request = { .source_path = "", .target_path = "" };
    struct place source, target;
    const char *host;
    struct error err;
    int64_t port;

    if (!read_place(call->body, "src_id", &source, &err) ||
        !read_place(call->body, "dst_id", &target, &err) ||
        !json_opt_text(call->body, "src_path", OP_PATH_MAX, &request.source_path, &err) ||
        !json_opt_text(call->body, "dst_path", OP_PATH_MAX, &request.target_path, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (source.cloud_id != 0 || target.cloud_id != 0)
        return copy_at_cloud(call, &source, &target, &request);
    request.source_id = source.instance_id;
    request.target_id = target.instance_id;
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
static bool find_instance(struct call *call, const char *name, int64_t *ret_id)
{
    struct place place;
    struct instance_view view;
    struct error err;

    if (!read_place(call->body, name, &place, &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    *ret_id = place.instance_id;
    if (place.instance_id == 0) {
        reply_refuse(call, 400, "invalid_args", "%s must be an instance.", name);
        return false;
    }
    return find_own(call, place.instance_id, &view);
}

static void reply_cancelled(struct call *call, bool was_there, const char *otherwise)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", was_there);
    encode_field_text(&json, "msg",
                      was_there ? "The copy is cancelled. What has arrived stays." : otherwise);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_copy_cancel(struct call *call)
{
    int64_t id, count;
    struct error err;

    if (!find_instance(call, "dst_id", &id))
        return;
    if (!flow_copy_cancel(&call->app->flow, &call->caller, id, &count, &err))
        return reply_error(call, &err);
    reply_cancelled(call, count > 0,
                    "No copy to it from another instance goes on. One that goes through the "
                    "caller's own machine ends when its rsync is interrupted.");
}

void handle_cloud_cancel(struct call *call)
{
    int64_t id, count;
    struct error err;

    if (!find_instance(call, "dst_id", &id))
        return;
    if (!flow_cloud_cancel(&call->app->flow, &call->caller, id, &count, &err))
        return reply_error(call, &err);
    reply_cancelled(call, count > 0, "No copy to or from a cloud store is under way.");
}

/* A list of texts, with a blank between them in `out`. */
static bool read_flags(const json_t *given, struct buf *out)
{
    size_t count = json_array_size(given);

    if (given == NULL || json_is_null(given))
        return true;
    for (size_t i = 0; i < count; i++) {
        const char *flag = json_string_value(json_array_get(given, i));

        if (flag == NULL || !cloud_has_flag(flag))
            return false;
        buf_printf(out, "%s%s", i > 0 ? " " : "", flag);
    }
    return json_is_array(given) && !out->has_overflowed;
}

static bool read_connection(const json_t *body, int64_t *ret)
{
    const json_t *value = json_member(body, "selected");
    const char *text = json_string_value(value);
    uint64_t id = 0;

    if (json_is_integer(value))
        id = json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    else if (text == NULL || !parse_u64(text, &id))
        return false;
    *ret = (int64_t)id;
    return id > 0 && id <= INT64_MAX;
}

void handle_cloud_copy(struct call *call)
{
    auto_buf struct buf flags = buf_of(CLOUD_FLAGS_MAX);
    const char *source = "", *target = "", *transfer = NULL;
    struct cloud_copy_request request = { .is_to_cloud = true };
    struct error err;

    if (!json_opt_text(call->body, "src", OP_PATH_MAX, &source, &err) ||
        !json_opt_text(call->body, "dst", OP_PATH_MAX, &target, &err) ||
        !json_opt_text(call->body, "transfer", PLACE_TEXT_MAX, &transfer, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!find_instance(call, "instance_id", &request.instance_id))
        return;
    if (!read_connection(call->body, &request.cloud_id))
        return reply_refuse(call, 400, "invalid_args", "selected is a connection's number.");
    if (transfer != NULL && strcasecmp(transfer, "Cloud To Instance") == 0)
        request.is_to_cloud = false;
    else if (transfer != NULL && strcasecmp(transfer, "Instance To Cloud") != 0)
        return reply_refuse(call, 400, "invalid_args",
                            "transfer is 'Instance To Cloud' or 'Cloud To Instance'.");
    if (!read_flags(json_member(call->body, "flags"), &flags))
        return reply_cloud_refusal(call, &request, CLOUD_COPY_BAD_FLAG);
    request.flags = flags.length > 0 ? flags.bytes : "";
    source = source != NULL ? source : "";
    target = target != NULL ? target : "";
    request.instance_path = request.is_to_cloud ? source : target;
    request.cloud_path = request.is_to_cloud ? target : source;
    copy_by_cloud(call, &request);
}
