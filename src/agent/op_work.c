/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/op_work.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/access_tools.h"
#include "agent/clone_work.h"
#include "agent/diary.h"
#include "agent/docker.h"
#include "agent/leftover.h"
#include "agent/seen.h"
#include "agent/snapshot.h"
#include "base/encode.h"
#include "proto/heartbeat.h"
#include "sys/fd.h"

enum {
    LOG_READ_MAX = 48 << 20,
    URL_SIZE = 512,
    NOTE_MAX = 256,
    SINCE_SIZE = 48,
    ENDING_MS = 2000, /* from the end of a command's output to its own */
    PAUSE_MS = 20,
    KILLED_CODE = 128 + SIGKILL,
};

void op_frames_take(struct op_frames *frames, const char *bytes, size_t length, struct buf *out)
{
    while (length > 0) {
        if (frames->left == 0) {
            size_t missing = sizeof frames->header - frames->header_length;
            size_t count = length < missing ? length : missing;

            memcpy(frames->header + frames->header_length, bytes, count);
            frames->header_length += count;
            bytes += count;
            length -= count;
            if (frames->header_length < sizeof frames->header)
                return;
            frames->header_length = 0;
            frames->left = (size_t)frames->header[4] << 24 | (size_t)frames->header[5] << 16 |
                           (size_t)frames->header[6] << 8 | (size_t)frames->header[7];
            continue;
        }
        size_t count = length < frames->left ? length : frames->left;
        size_t room = out->limit - out->length;

        buf_append(out, bytes, count < room ? count : room);
        frames->left -= count;
        bytes += count;
        length -= count;
    }
}

/* How many bytes the UTF-8 sequence at `at` has; 0: it is none. */
static size_t sequence_length(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } rows[] = {
        { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = rows[i].length;

        if (*at < rows[i].first_low || *at > rows[i].first_high)
            continue;
        if (length > left ||
            (length > 1 && (at[1] < rows[i].second_low || at[1] > rows[i].second_high)))
            return 0;
        for (size_t k = 2; k < length; k++) {
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        }
        return length;
    }
    return 0;
}

void op_clean(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t count = sequence_length((const unsigned char *)text + i, length - i);

        if (count == 0)
            text[i] = '?';
        i += count > 0 ? count : 1;
    }
}

static bool contains(const char *line, size_t length, const char *filter)
{
    return filter == NULL || memmem(line, length, filter, strlen(filter)) != NULL;
}

void op_lines(const char *text, size_t length, const char *filter, int64_t count, struct buf *out)
{
    size_t start = length;
    size_t room = out->limit - out->length;

    /* Backwards over the lines, to where the last `count` that match begin. */
    for (int64_t found = 0; start > 0 && found < count;) {
        size_t line = start - 1;

        while (line > 0 && text[line - 1] != '\n')
            line--;
        if (contains(text + line, start - line, filter)) {
            if (start - line > room)
                break;
            room -= start - line;
            found++;
        }
        start = line;
    }
    for (size_t end; start < length; start = end) {
        const char *newline = memchr(text + start, '\n', length - start);

        end = newline != NULL ? (size_t)(newline - text) + 1 : length;
        if (contains(text + start, end - start, filter))
            buf_append(out, text + start, end - start);
    }
}

/* A stream of frames, gathered. */
struct gathering {
    struct op_frames frames;
    struct buf text;
};

static bool gather(void *context, const char *bytes, size_t length)
{
    struct gathering *gathering = context;

    op_frames_take(&gathering->frames, bytes, length, &gathering->text);
    return true;
}

/* A refusal comes without frames, as JSON; short, and not to be taken for output. */
struct exchange {
    struct gathering gathering;
    struct buf plain;
};

static bool take_bytes(void *context, const char *bytes, size_t length)
{
    struct exchange *exchange = context;
    size_t room = exchange->plain.limit - exchange->plain.length;

    buf_append(&exchange->plain, bytes, length < room ? length : room);
    return gather(&exchange->gathering, bytes, length);
}

static bool stream(struct docker *docker, const struct http_request *request, size_t limit,
                   struct buf *text, struct error *err)
{
    struct exchange exchange = { .gathering = { .text = buf_of(limit) }, .plain = buf_of(8192) };
    int status = 0;

    bool is_done = http_client_stream(docker->client, request, &status, take_bytes, &exchange, err);
    if (is_done && status >= 400)
        is_done = docker_refused(status, exchange.plain.bytes != NULL ? exchange.plain.bytes : "",
                                 exchange.plain.length, err);
    else
        buf_append(text, exchange.gathering.text.bytes, exchange.gathering.text.length);
    buf_release(&exchange.gathering.text);
    buf_release(&exchange.plain);
    return is_done;
}

/* As the engine wants it: seconds since 1970, with decimals. */
static bool engine_time(const char *since, char text[static SINCE_SIZE], struct error *err)
{
    struct tm time = { 0 };

    if (strcmp(since, DESIRED_SINCE_ALL) == 0) {
        (void)snprintf(text, SINCE_SIZE, "0");
        return true;
    }
    const char *rest = strptime(since, "%Y-%m-%dT%H:%M:%S", &time);
    if (rest == NULL || *rest != '.')
        return error_set(err, ERROR_INVALID, "since is no time: %.32s", since);
    (void)snprintf(text, SINCE_SIZE, "%lld.%.9s", (long long)timegm(&time), rest + 1);
    return true;
}

static bool read_container_log(const struct op_work *work, struct docker *docker, struct buf *text,
                               struct error *err)
{
    char url[URL_SIZE], name[64], tail[32] = "all", since[SINCE_SIZE] = "0";
    bool is_stamped = work->op->since != NULL;
    struct http_request request = { .method = "GET", .url = url, .timeout_ms = OP_EXEC_MS };

    if (work->op->filter == NULL)
        (void)snprintf(tail, sizeof tail, "%" PRId64, work->op->tail);
    if (is_stamped && !engine_time(work->op->since, since, err))
        return false;
    (void)snprintf(url, sizeof url,
                   "%s/containers/%s/logs?stdout=1&stderr=1&tail=%s&since=%s&timestamps=%d",
                   DOCKER_URL, seen_name(work->op->instance_id, name), tail, since, is_stamped);
    return stream(docker, &request, LOG_READ_MAX, text, err);
}

static bool run_logs(const struct op_work *work, struct docker *docker, struct buf *out,
                     struct error *err)
{
    auto_buf struct buf text = buf_of(LOG_READ_MAX);

    if (work->op->is_daemon_log) {
        auto_close int dir = open(work->instances_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return error_system(err, errno, "open the records");
        if (!diary_read(dir, work->op->instance_id, &text, err))
            return false;
    } else if (!read_container_log(work, docker, &text, err)) {
        return false;
    }
    if (text.length > 0)
        op_lines(text.bytes, text.length, work->op->filter, work->op->tail, out);
    return true;
}

static bool create_exec(const struct op_work *work, struct docker *docker,
                        char id[static DOCKER_ID_SIZE], struct error *err)
{
    const char *const command[] = { ACCESS_GUEST_HELPER, "shell", "-c", work->op->command };
    auto_buf struct buf body = buf_of(16 * OP_COMMAND_MAX);
    struct encoder json = encoder_of(&body);
    char path[URL_SIZE], name[64];
    struct docker_call call = { .method = "POST", .path = path };
    auto_json json_t *reply = NULL;
    const char *created;

    encode_object(&json);
    encode_field_bool(&json, "AttachStdout", true);
    encode_field_bool(&json, "AttachStderr", true);
    encode_key(&json, "Cmd");
    encode_array(&json);
    for (size_t i = 0; i < sizeof command / sizeof command[0]; i++)
        encode_text(&json, command[i]);
    encode_end(&json);
    encode_end(&json);
    assert(!body.has_overflowed);
    call.body = body.bytes;
    (void)snprintf(path, sizeof path, "/containers/%s/exec",
                   seen_name(work->op->instance_id, name));
    if (!docker_call(docker, &call, &reply, err) ||
        !json_need_text(reply, "Id", DOCKER_ID_SIZE - 1, &created, err))
        return false;
    (void)snprintf(id, DOCKER_ID_SIZE, "%s", created);
    return true;
}

/* The engine has no call for it: its process is ours to end, by its number on this host. */
static void kill_exec(struct docker *docker, const char *id)
{
    char path[URL_SIZE];
    struct docker_call call = { .method = "GET", .path = path };
    auto_json json_t *reply = NULL;
    struct error ignored;

    (void)snprintf(path, sizeof path, "/exec/%s/json", id);
    if (!docker_call(docker, &call, &reply, &ignored))
        return;
    pid_t pid = (pid_t)json_integer_value(json_object_get(reply, "Pid"));
    const char *container = json_string_value(json_object_get(reply, "ContainerID"));
    if (json_is_true(json_object_get(reply, "Running")) && pid > 1 && container != NULL &&
        strlen(container) == DOCKER_ID_SIZE - 1)
        (void)leftover_end(pid, container);
}

/* How it ended, which comes a little after the end of its output; -1: not yet. */
static int64_t exit_code_of(struct docker *docker, const char *id)
{
    const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
    char path[URL_SIZE];
    struct docker_call call = { .method = "GET", .path = path };
    struct error ignored;

    (void)snprintf(path, sizeof path, "/exec/%s/json", id);
    for (int waited_ms = 0; waited_ms < ENDING_MS; waited_ms += PAUSE_MS) {
        auto_json json_t *reply = NULL;

        if (!docker_call(docker, &call, &reply, &ignored))
            return -1;
        const json_t *code = json_object_get(reply, "ExitCode");
        if (json_is_false(json_object_get(reply, "Running")) && json_is_integer(code))
            return json_integer_value(code) & 0xff;
        (void)nanosleep(&pause, NULL);
    }
    return -1;
}

static bool run_exec(const struct op_work *work, struct docker *docker, struct buf *out,
                     int64_t *ret_code, struct error *err)
{
    static const char body[] = "{\"Detach\":false,\"Tty\":false}";
    char url[URL_SIZE], id[DOCKER_ID_SIZE];
    struct http_request request = { .method = "POST",
                                    .url = url,
                                    .body = body,
                                    .body_length = sizeof body - 1,
                                    .timeout_ms = OP_EXEC_MS };

    if (!create_exec(work, docker, id, err))
        return false;
    (void)snprintf(url, sizeof url, "%s/exec/%s/start", DOCKER_URL, id);
    if (stream(docker, &request, out->limit - out->length - NOTE_MAX, out, err)) {
        *ret_code = exit_code_of(docker, id);
        return true;
    }
    if (err->code != ERROR_TIMEOUT)
        return false;
    kill_exec(docker, id);
    *ret_code = KILLED_CODE;
    buf_printf(out, "\nthe command was ended after %d s\n", OP_EXEC_MS / 1000);
    return true;
}

static bool run(const struct op_work *work, struct docker *docker, struct buf *out,
                int64_t *ret_code, struct error *err)
{
    const struct snapshot_work snapshot = { work->engine_socket, work->instances_path, work->op,
                                            work->host->private_registries };

    switch (work->op->kind) {
    case OP_LOGS:
        return run_logs(work, docker, out, err);
    case OP_EXEC:
        return run_exec(work, docker, out, ret_code, err);
    case OP_SNAPSHOT:
        return snapshot_run(&snapshot, docker, out, err);
    case OP_CLONE:
        return clone_work_run(&(struct clone_work){ work->host, work->op }, docker, out, err);
    case OP_COPY:  /* has a worker of its own */
    case OP_CLOUD: /* likewise */
    case OP_OTHER: /* is not begun */
        break;
    }
    return error_set(err, ERROR_INVALID, "that is not done by this worker");
}

bool op_work_run(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    const struct op_work *work = context;
    auto_docker struct docker docker = docker_open(work->engine_socket);
    auto_buf struct buf out = buf_of(OP_OUTPUT_MAX);
    struct encoder json = encoder_of(result);
    int64_t code = -1;

    (void)report;
    if (!run(work, &docker, &out, &code, err))
        return false;
    if (out.length > 0)
        op_clean(out.bytes, out.length);
    encode_object(&json);
    encode_key(&json, "output");
    encode_bytes(&json, out.length > 0 ? out.bytes : "", out.length);
    encode_field_int(&json, "exit_code", code);
    encode_end(&json);
    return true;
}
