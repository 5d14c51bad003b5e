/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_engine.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/access_netns.h"
#include "agent/access_tools.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "sys/fd.h"
#include "sys/http_client.h"

enum {
    CALL_TIMEOUT_MS = 20000,
    REPLY_MAX = 4 << 20, /* a container's description: long where it has many settings */
    CONNECT_TRIES = 500,
    CONNECT_STEP_MS = 10,
    ID_LENGTH_MAX = 128,
    PID_MAX = 1 << 30,
};

struct call {
    const char *method;
    char path[256];
    const char *body; /* JSON, or NULL */
    int want_status;
};

/* The engine's own words for what went wrong, where it has any. */
static const char *engine_message(const json_t *root)
{
    const char *message = json_string_value(json_member(root, "message"));

    return message != NULL ? message : "no reason given";
}

/* One call; `*ret_root` is the answer, NULL for an empty one, and the caller's. */
static bool call_engine(struct http_client *client, const struct call *call, json_t **ret_root,
                        struct error *err)
{
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    auto_buf struct buf reply = buf_of(REPLY_MAX);
    auto_json json_t *root = NULL;
    char url[320];
    int status;

    (void)snprintf(url, sizeof(url), "http://engine/v1.41%s", call->path);
    const struct http_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .body = call->body,
        .body_length = call->body != NULL ? strlen(call->body) : 0,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    if (!http_client_send(client, &request, &status, &reply, err))
        return error_context(err, "the host's container engine does not answer");
    if (reply.length > 0 && !json_parse(reply.bytes, reply.length, &root, err) &&
        status == call->want_status)
        return error_context(err, "the container engine's answer");
    if (status != call->want_status)
        return error_set(err, ERROR_UNAVAILABLE, "the container engine refuses (%d): %s", status,
                         engine_message(root));
    *ret_root = root;
    root = NULL;
    return true;
}

static bool find_process(struct http_client *client, const char *container_id, pid_t *ret_pid,
                         struct error *err)
{
    struct call call = { .method = "GET", .want_status = 200 };
    const struct json_bounds bounds = { 0, PID_MAX };
    auto_json json_t *root = NULL;
    const json_t *state;
    bool is_running, is_paused = false;
    int64_t pid;

    (void)snprintf(call.path, sizeof(call.path), "/containers/%s/json", container_id);
    if (!call_engine(client, &call, &root, err) || !json_need_object(root, "State", &state, err) ||
        !json_need_bool(state, "Running", &is_running, err) ||
        !json_opt_bool(state, "Paused", &is_paused, err) ||
        !json_need_int(state, "Pid", bounds, &pid, err))
        return false;
    if (!is_running || pid == 0)
        return error_set(err, ERROR_UNAVAILABLE, "the instance is not running");
    if (is_paused)
        return error_set(err, ERROR_UNAVAILABLE, "the instance is paused");
    *ret_pid = (pid_t)pid;
    return true;
}

static bool create_exec(struct http_client *client, const struct access_engine *engine,
                        struct call *start, struct error *err)
{
    auto_buf struct buf body = buf_of(4096);
    auto_json json_t *root = NULL;
    struct encoder json = encoder_of(&body);
    struct call call = { .method = "POST", .want_status = 201 };
    const char *id;

    encode_object(&json);
    encode_field_text(&json, "User", "0:0");
    encode_key(&json, "Cmd");
    encode_array(&json);
    encode_text(&json, ACCESS_GUEST_HELPER);
    encode_text(&json, "serve");
    encode_text(&json, engine->name);
    encode_end(&json);
    encode_end(&json);
    call.body = body.bytes;
    (void)snprintf(call.path, sizeof(call.path), "/containers/%s/exec", engine->container_id);
    if (!call_engine(client, &call, &root, err) ||
        !json_need_text(root, "Id", ID_LENGTH_MAX, &id, err))
        return false;
    (void)snprintf(start->path, sizeof(start->path), "/exec/%s/start", id);
    return true;
}

/* It was started; wait until it answers. */
static bool wait_for_helper(pid_t pid, const struct access_engine *engine, struct error *err)
{
    auto_netns struct netns netns = NETNS_NONE;

    if (!netns_open(pid, engine->container_id, &netns, err))
        return false;
    for (int i = 0; i < CONNECT_TRIES; i++) {
        auto_close int fd = netns_connect(&netns, engine->name);

        if (fd >= 0)
            return true;
        if (errno != ECONNREFUSED && errno != EAGAIN)
            return error_system(err, errno, "connect to the helper in the container");
        (void)poll(NULL, 0, i == 0 ? 1 : CONNECT_STEP_MS);
    }
    return error_set(err, ERROR_TIMEOUT, "the helper in the container does not start");
}

bool access_engine_start(const struct access_engine *engine, pid_t *ret_pid, struct error *err)
{
    auto_http_client struct http_client *client = http_client_open(engine->socket, NULL);
    struct call start = { .method = "POST", .body = "{\"Detach\":true}", .want_status = 200 };
    auto_json json_t *nothing = NULL;
    pid_t pid = 0;

    if (!find_process(client, engine->container_id, &pid, err) ||
        !create_exec(client, engine, &start, err) || !call_engine(client, &start, &nothing, err) ||
        !wait_for_helper(pid, engine, err))
        return false;
    *ret_pid = pid;
    return true;
}
