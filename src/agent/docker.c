/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/docker.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "sys/clock.h"

enum { NETWORK_BODY_MAX = 8192 };

struct docker docker_open(const char *socket)
{
    return (struct docker){ .client = http_client_open(socket, NULL) };
}

void docker_close(struct docker *docker)
{
    http_client_close(&docker->client);
}

static enum error_code code_of(int status)
{
    switch (status) {
    case 400:
        return ERROR_INVALID;
    case 404:
        return ERROR_NOT_FOUND;
    case 409:
        return ERROR_CONFLICT;
    default:
        return ERROR_IO;
    }
}

bool docker_refused(int status, const char *body, size_t length, struct error *err)
{
    auto_json json_t *root = NULL;
    struct error ignored;
    const char *message = NULL;

    if (json_parse(body, length, &root, &ignored))
        message = json_string_value(json_object_get(root, "message"));
    return error_set(err, code_of(status), "%s", message != NULL ? message : "no reason given");
}

bool docker_call(struct docker *docker, const struct docker_call *call, json_t **ret_reply,
                 struct error *err)
{
    auto_buf struct buf reply = buf_of(DOCKER_REPLY_MAX);
    char url[DOCKER_URL_SIZE];
    int status;

    int length = snprintf(url, sizeof url, "%s%s", DOCKER_URL, call->path);
    if (length < 0 || (size_t)length >= sizeof url)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long: %.64s...", call->path);
    struct http_request request = {
        .method = call->method,
        .url = url,
        .headers = call->headers,
        .body = call->body,
        .body_length = call->body_length,
        .timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : DOCKER_CALL_MS,
    };
    if (call->body != NULL && call->body_length == 0)
        request.body_length = strlen(call->body);
    int64_t began_us = clock_boot_us(&clock_system);
    bool is_answered = http_client_send(docker->client, &request, &status, &reply, err);
    docker->busy_us += clock_boot_us(&clock_system) - began_us;
    if (!is_answered)
        return error_context(err, "the engine");
    if (status >= 400)
        return docker_refused(status, reply.bytes != NULL ? reply.bytes : "", reply.length, err);
    if (ret_reply == NULL)
        return true;
    *ret_reply = NULL;
    if (reply.length == 0)
        return true;
    if (!json_parse(reply.bytes, reply.length, ret_reply, err))
        return error_context(err, "the engine's answer to %s", call->path);
    return true;
}

void docker_escape(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (isalnum(byte) || strchr("-_.~", byte) != NULL)
            buf_append(out, text, 1);
        else
            buf_printf(out, "%%%02X", byte);
    }
}

static void copy_text(char *to, size_t size, const json_t *text)
{
    const char *value = json_string_value(text);

    (void)snprintf(to, size, "%s", value != NULL ? value : "");
}

bool docker_info(struct docker *docker, struct docker_info *ret, struct error *err)
{
    struct docker_call call = { .method = "GET", .path = "/info" };
    auto_json json_t *root = NULL;
    struct docker_info info = { 0 };
    json_t *option;
    size_t i;

    if (!docker_call(docker, &call, &root, err))
        return false;
    copy_text(info.id, sizeof info.id, json_object_get(root, "ID"));
    copy_text(info.version, sizeof info.version, json_object_get(root, "ServerVersion"));
    copy_text(info.driver, sizeof info.driver, json_object_get(root, "Driver"));
    copy_text(info.root, sizeof info.root, json_object_get(root, "DockerRootDir"));
    info.cpu_count = json_integer_value(json_object_get(root, "NCPU"));
    info.has_live_restore = json_is_true(json_object_get(root, "LiveRestoreEnabled"));
    json_array_foreach(json_object_get(root, "SecurityOptions"), i, option)
    {
        const char *text = json_string_value(option);

        info.maps_users = info.maps_users || (text != NULL && strcmp(text, "name=userns") == 0);
    }
    info.has_nvidia = json_object_get(json_object_get(root, "Runtimes"), "nvidia") != NULL;
    *ret = info;
    return true;
}

static bool call_container(struct docker *docker, const char *method, const char *container,
                           const char *rest, struct error *err)
{
    char path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = method, .path = path };

    (void)snprintf(path, sizeof path, "/containers/%s%s", container, rest);
    return docker_call(docker, &call, NULL, err);
}

bool docker_inspect(struct docker *docker, const char *container, json_t **ret, struct error *err)
{
    char path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = "GET", .path = path };

    (void)snprintf(path, sizeof path, "/containers/%s/json", container);
    return docker_call(docker, &call, ret, err);
}

bool docker_create(struct docker *docker, const char *name, const char *body,
                   char ret_id[static DOCKER_ID_SIZE], struct error *err)
{
    char path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = "POST", .path = path, .body = body };
    auto_json json_t *reply = NULL;
    const char *id;

    (void)snprintf(path, sizeof path, "/containers/create?name=%s", name);
    if (!docker_call(docker, &call, &reply, err))
        return false;
    if (!json_need_text(reply, "Id", DOCKER_ID_SIZE - 1, &id, err))
        return error_context(err, "the engine's answer");
    (void)snprintf(ret_id, DOCKER_ID_SIZE, "%s", id);
    return true;
}

bool docker_start(struct docker *docker, const char *container, struct error *err)
{
    return call_container(docker, "POST", container, "/start", err);
}

bool docker_stop(struct docker *docker, const char *container, int64_t grace_s, struct error *err)
{
    char path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = "POST",
                                .path = path,
                                .timeout_ms = (grace_s + 60) * 1000 };

    (void)snprintf(path, sizeof path, "/containers/%s/stop?t=%" PRId64, container, grace_s);
    return docker_call(docker, &call, NULL, err);
}

bool docker_rename(struct docker *docker, const char *container, const char *name,
                   struct error *err)
{
    char rest[256];

    (void)snprintf(rest, sizeof rest, "/rename?name=%s", name);
    return call_container(docker, "POST", container, rest, err);
}

bool docker_remove(struct docker *docker, const char *container, struct error *err)
{
    if (call_container(docker, "DELETE", container, "?force=1&v=1", err))
        return true;
    return err->code == ERROR_NOT_FOUND;
}

static void encode_network(struct encoder *json, const struct docker_network *network)
{
    encode_object(json);
    encode_field_text(json, "Name", network->name);
    encode_field_text(json, "Driver", "bridge");
    encode_field_bool(json, "CheckDuplicate", true);
    encode_key(json, "IPAM");
    encode_object(json);
    encode_key(json, "Config");
    encode_array(json);
    encode_object(json);
    encode_field_text(json, "Subnet", network->subnet);
    encode_field_text(json, "Gateway", network->gateway);
    encode_end(json);
    encode_end(json);
    encode_end(json);
    encode_key(json, "Options");
    encode_object(json);
    encode_field_text(json, "com.docker.network.bridge.name", network->name);
    encode_field_text(json, "com.docker.network.bridge.enable_icc", "false");
    encode_end(json);
    encode_key(json, "Labels");
    encode_raw(json, network->labels, strlen(network->labels));
    encode_end(json);
}

bool docker_network_make(struct docker *docker, const struct docker_network *network,
                         struct error *err)
{
    auto_buf struct buf body = buf_of(NETWORK_BODY_MAX);
    struct encoder json = encoder_of(&body);
    char path[256];
    struct docker_call create = { .method = "POST", .path = "/networks/create" };
    struct docker_call inspect = { .method = "GET", .path = path };

    encode_network(&json, network);
    assert(!body.has_overflowed);
    create.body = body.bytes;
    if (docker_call(docker, &create, NULL, err))
        return true;
    if (err->code != ERROR_CONFLICT)
        return error_context(err, "make the network %s", network->name);
    (void)snprintf(path, sizeof path, "/networks/%s", network->name);
    if (!docker_call(docker, &inspect, NULL, err))
        return error_context(err, "make the network %s", network->name);
    return true;
}

bool docker_network_remove(struct docker *docker, const char *name, struct error *err)
{
    char path[256];
    struct docker_call call = { .method = "DELETE", .path = path };

    (void)snprintf(path, sizeof path, "/networks/%s", name);
    if (docker_call(docker, &call, NULL, err) || err->code == ERROR_NOT_FOUND)
        return true;
    return error_context(err, "remove the network %s", name);
}
