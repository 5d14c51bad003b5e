/* SPDX-License-Identifier: Apache-2.0 */
/* Copy between an instance and the caller's own machine (api.md 2.9): the reply says where the
 * client's rsync finds the instance's end, which the SSH front of its host answers for. So the
 * copies are the clients' own: there is none that the market could cancel, and no cloud store that
 * it could reach. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/instance.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/instance_json.h"
#include "server/reply.h"

enum { COPY_REPLY_MAX = 16 * 1024, PLACE_TEXT_MAX = 64, COPY_PATH_MAX = 4096 };

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

/* Both routes take the same and do the same. */
static void copy(struct call *call)
{
    struct instance_view view;
    const char *path = NULL, *status, *host;
    int64_t source, target, port;
    struct error err;
    bool has;

    if (!read_place(call->body, "src_id", &source, &err) ||
        !read_place(call->body, "dst_id", &target, &err) ||
        !json_opt_text(call->body, "src_path", COPY_PATH_MAX, &path, &err) ||
        !json_opt_text(call->body, "dst_path", COPY_PATH_MAX, &path, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (source == 0 && target == 0)
        return reply_refuse(call, 400, "invalid_args", "One side must be an instance.");
    if (source != 0 && target != 0)
        return reply_refuse(call, 400, "invalid_args",
                            "Copying from instance to instance is not offered here: copy to your "
                            "own machine first.");
    if (!flow_instance_show(&call->app->flow, &call->caller, source != 0 ? source : target,
                            call->request->arena, &view, &has, &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                            (long long)(source != 0 ? source : target));
    status = instance_actual_status(&view);
    if (!has_files(status))
        return reply_refuse(call, 400, "invalid_args",
                            "The instance is %s: its files can be copied while it runs, and while "
                            "it is stopped.",
                            status != NULL ? status : "not made yet");
    if (!instance_ssh_place(&view, &host, &port))
        return reply_refuse(call, 400, "invalid_args",
                            "The instance was rented without SSH, which copies go through, or has "
                            "never run.");
    reply_place(call, source != 0, host, port);
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

static void cancel(struct call *call, const char *sentence)
{
    auto_buf struct buf body = buf_of(COPY_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    if (!find_instance(call, "dst_id"))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", false);
    encode_field_text(&json, "msg", sentence);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_copy_cancel(struct call *call)
{
    cancel(call, "No copy to it is under way here: copies go through the caller's own machine, "
                 "whose rsync ends when it is interrupted.");
}

void handle_cloud_cancel(struct call *call)
{
    cancel(call, "No copy to or from a cloud store is under way.");
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
