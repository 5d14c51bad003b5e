/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pull.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/registry.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/hex.h"
#include "base/parse.h"
#include "market/image.h"
#include "market/launch.h"
#include "sys/clock.h"

enum {
    LINE_MAX_BYTES = 1 << 20,
    LOGIN_MAX = 8192,
    SAY_EVERY_MS = 500,
    MB = 1000000,
    MS_PER_SECOND = 1000,
};

static int compare_ports(const void *left, const void *right)
{
    const struct pull_port *a = left, *b = right;

    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return (int)a->is_udp - (int)b->is_udp;
}

/* "8080/tcp" or "53/udp"; others, such as sctp, are not opened. */
static bool parse_exposed(const char *text, struct pull_port *ret)
{
    const char *slash = strchr(text, '/');
    char number[8] = "";
    uint64_t port;

    if (slash == NULL || (size_t)(slash - text) >= sizeof number)
        return false;
    memcpy(number, text, (size_t)(slash - text));
    if (!parse_u64(number, &port) || port < 1 || port > 65535)
        return false;
    if (strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0)
        return false;
    *ret = (struct pull_port){ (int64_t)port, slash[1] == 'u' };
    return true;
}

bool pull_inspect(struct docker *docker, const char *image, struct pull_image *ret,
                  struct error *err)
{
    auto_buf struct buf path = buf_of(DOCKER_URL_SIZE);
    auto_json json_t *root = NULL;
    struct pull_image found = { 0 };
    const char *id, *name;
    json_t *value;

    buf_printf(&path, "/images/%s/json", image);
    struct docker_call call = { .method = "GET", .path = path.bytes };
    if (!docker_call(docker, &call, &root, err))
        return false;
    if (!json_need_text(root, "Id", sizeof found.id - 1, &id, err))
        return error_context(err, "image %s", image);
    (void)snprintf(found.id, sizeof found.id, "%s", id);

    json_t *exposed = json_object_get(json_object_get(root, "Config"), "ExposedPorts");
    json_object_foreach(exposed, name, value)
    {
        if (found.port_count < PULL_EXPOSED_MAX &&
            parse_exposed(name, &found.ports[found.port_count]))
            found.port_count++;
    }
    qsort(found.ports, (size_t)found.port_count, sizeof found.ports[0], compare_ports);
    *ret = found;
    return true;
}

bool pull_expect(struct docker *docker, const char *image, const char *id, struct error *err)
{
    struct pull_image found;

    if (!pull_inspect(docker, image, &found, err))
        return false;
    if (strcmp(found.id, id) != 0)
        return error_set(err, ERROR_NOT_FOUND, "%s is another image by now", image);
    return true;
}

static struct pull_layer *layer_of(struct pull_state *state, const char *id)
{
    for (int64_t i = 0; i < state->layer_count; i++) {
        if (strncmp(state->layers[i].id, id, sizeof state->layers[i].id - 1) == 0)
            return &state->layers[i];
    }
    if (state->layer_count == PULL_LAYERS_MAX)
        return NULL;

    struct pull_layer *layer = &state->layers[state->layer_count++];
    (void)snprintf(layer->id, sizeof layer->id, "%s", id);
    return layer;
}

static void take_layer(struct pull_state *state, const json_t *line, const char *status)
{
    const char *id = json_string_value(json_object_get(line, "id"));
    const json_t *detail = json_object_get(line, "progressDetail");
    int64_t done = json_integer_value(json_object_get(detail, "current"));
    int64_t total = json_integer_value(json_object_get(detail, "total"));

    if (id == NULL || strncmp(status, "Pulling from", 12) == 0)
        return;
    struct pull_layer *layer = layer_of(state, id);
    if (layer == NULL)
        return;
    if (strcmp(status, "Downloading") == 0 && total > 0) {
        layer->done = done;
        layer->total = total;
    } else if (strcmp(status, "Download complete") == 0 || strcmp(status, "Extracting") == 0 ||
               strcmp(status, "Verifying Checksum") == 0) {
        layer->is_fetched = true;
        layer->done = layer->total;
    } else if (strcmp(status, "Pull complete") == 0 || strcmp(status, "Already exists") == 0) {
        layer->is_fetched = layer->is_unpacked = true;
        layer->done = layer->total;
        state->has_layers = state->has_layers || *status == 'A';
    }
}

void pull_take(struct pull_state *state, const char *line, size_t length)
{
    auto_json json_t *root = NULL;
    struct error ignored;

    if (!json_parse(line, length, &root, &ignored))
        return;
    const json_t *detail = json_object_get(root, "errorDetail");
    const char *text = json_string_value(json_object_get(root, "error"));
    const char *status = json_string_value(json_object_get(root, "status"));
    if (text == NULL)
        text = json_string_value(json_object_get(root, "message")); /* of a refusal */
    if (detail != NULL || text != NULL) {
        const char *message = json_string_value(json_object_get(detail, "message"));

        state->has_failed = true;
        (void)error_set(&state->err, ERROR_IO, "%s",
                        message != NULL ? message
                        : text != NULL  ? text
                                        : "no reason given");
    } else if (status != NULL) {
        take_layer(state, root, status);
    }
}

char *pull_format(const struct pull_state *state, char text[static 128])
{
    int64_t done = 0, total = 0, layers_done = 0;

    for (int64_t i = 0; i < state->layer_count; i++) {
        done += state->layers[i].done;
        total += state->layers[i].total;
        layers_done += state->layers[i].is_unpacked ? 1 : 0;
    }
    (void)snprintf(text, 128, "%" PRId64 " of %" PRId64 " layers, %" PRId64 " of %" PRId64 " MB",
                   layers_done, state->layer_count, done / MB, total / MB);
    return text;
}

/* A stream in pieces, cut into lines. */
struct stream {
    const struct pull_request *request;
    struct pull_state state;
    struct buf line;
    int64_t said_us;
};

static void say_progress(struct stream *stream)
{
    int64_t now_us = clock_boot_us(&clock_system);
    char text[128];

    if (stream->state.layer_count == 0 || now_us - stream->said_us < SAY_EVERY_MS * US_PER_MS)
        return;
    stream->said_us = now_us;
    job_say(stream->request->report, "pulling %s: %s", stream->request->image,
            pull_format(&stream->state, text));
}

static bool take_piece(void *context, const char *bytes, size_t length)
{
    struct stream *stream = context;
    const char *end;

    while ((end = memchr(bytes, '\n', length)) != NULL) {
        size_t count = (size_t)(end - bytes);

        buf_append(&stream->line, bytes, count);
        if (stream->line.length > 0)
            pull_take(&stream->state, stream->line.bytes, stream->line.length);
        buf_release(&stream->line);
        bytes += count + 1;
        length -= count + 1;
    }
    buf_append(&stream->line, bytes, length);
    say_progress(stream);
    return true;
}

/* The engine wants base64 with its padding. */
static void append_padded(struct buf *out, const char *bytes, size_t length)
{
    static const char *const padding[] = { "", "==", "=" };
    char text[BASE64_SIZE(LOGIN_MAX)];

    assert(length <= LOGIN_MAX);
    (void)base64_format((const uint8_t *)bytes, length, text);
    buf_printf(out, "%s%s", text, padding[length % 3]);
}

/* "X-Registry-Auth: ..." from the renter's login. */
static bool auth_header(const char *login, struct buf *header, struct error *err)
{
    auto_arena struct arena arena = arena_of(LOGIN_MAX);
    auto_buf struct buf text = buf_of(LOGIN_MAX);
    struct encoder json = encoder_of(&text);
    struct launch_login parsed;

    if (!launch_login_parse(login, &arena, &parsed, err))
        return error_context(err, "the registry login");
    encode_object(&json);
    encode_field_text(&json, "username", parsed.user);
    encode_field_text(&json, "password", parsed.password);
    encode_field_text(&json, "serveraddress",
                      *parsed.registry != '\0' ? parsed.registry : "https://index.docker.io/v1/");
    encode_end(&json);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the registry login is too long");
    buf_printf(header, "X-Registry-Auth: ");
    append_padded(header, text.bytes, text.length);
    return true;
}

/* One tag or digest, never all tags of a repository, which is what the engine does unasked. */
static bool pull_path(const struct pull_request *request, struct buf *path, struct error *err)
{
    struct image image;

    if (!image_parse(request->image, &image, err) ||
        !registry_check(&image, request->private_registries, err))
        return false;
    buf_printf(path, "%s/images/create?fromImage=", DOCKER_URL);
    if (*image.host != '\0') {
        docker_escape(path, image.host);
        buf_printf(path, "%%2F");
    }
    docker_escape(path, image.path);
    buf_printf(path, "&tag=");
    docker_escape(path, *image.digest != '\0' ? image.digest
                        : *image.tag != '\0'  ? image.tag
                                              : "latest");
    return true;
}

static struct pull_measure measure(const struct pull_state *state, int64_t begun_us)
{
    struct pull_measure measure = { .us = clock_boot_us(&clock_system) - begun_us,
                                    .is_whole = !state->has_layers };

    for (int64_t i = 0; i < state->layer_count; i++)
        measure.bytes += state->layers[i].total;
    return measure;
}

bool pull_run(struct docker *docker, const struct pull_request *request, struct pull_measure *ret,
              struct error *err)
{
    int64_t begun_us = clock_boot_us(&clock_system);
    auto_buf struct buf url = buf_of(DOCKER_URL_SIZE), header = buf_of(3 * LOGIN_MAX);
    struct stream stream = { .request = request, .line = buf_of(LINE_MAX_BYTES) };
    const char *headers[] = { NULL, NULL };
    int status = 0;

    if (!pull_path(request, &url, err))
        return false;
    if (request->login != NULL) {
        if (!auth_header(request->login, &header, err))
            return false;
        headers[0] = header.bytes;
    }

    job_say(request->report, "pulling %s", request->image);
    struct http_request http = {
        .method = "POST", .url = url.bytes, .headers = headers, .silence_ms = PULL_SILENCE_MS
    };
    bool is_answered = http_client_stream(docker->client, &http, &status, take_piece, &stream, err);
    if (is_answered && stream.line.length > 0)
        pull_take(&stream.state, stream.line.bytes, stream.line.length);
    buf_release(&stream.line);
    /* An engine that says nothing for so long waits for a registry that does. */
    if (!is_answered && err->code == ERROR_TIMEOUT)
        return error_set(err, ERROR_IO, "pull %s: nothing has come from its registry for %d s",
                         request->image, PULL_SILENCE_MS / MS_PER_SECOND);
    if (!is_answered)
        return error_context(err, "pull %s", request->image);
    if (stream.state.has_failed || status >= 400)
        return error_set(err, status == 404 ? ERROR_NOT_FOUND : ERROR_IO, "pull %s: %s",
                         request->image,
                         stream.state.has_failed ? stream.state.err.text : "no reason given");
    *ret = measure(&stream.state, begun_us);
    return true;
}
