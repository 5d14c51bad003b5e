/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_logs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_instances.h"
#include "cli/schedule_options.h"
#include "sys/file.h"

enum {
    PATH_SIZE = 128,
    BODY_LENGTH_MAX = 64 * 1024,
    URL_LENGTH_MAX = 4096,
    TAIL_MAX = 100000,
    STAMP_LENGTH = 30, /* 2026-01-02T03:04:05.000000006Z, as every line begins that is followed */
    LOOK_MS_FIRST = 500,
    LOOK_MS_MAX = 4000,
    EXIT_UNKNOWN = 1, /* the host could not run it, or was interrupted: its text says so */
};

const struct args_option cmd_logs_options[] = {
    { "tail", 0, "N", "at most the last N lines (1000)" },
    { "filter", 0, "TEXT", "only lines that hold this" },
    { "follow", 'f', NULL, "go on with what is printed from now on, until the instance stops" },
    { "daemon-logs", 0, NULL, "the host's own log about the instance" },
    { NULL, 0, NULL, NULL },
};

/* Ask, then fetch the text from where the market says that it will be. */
static bool fetch_text(struct cli *cli, const char *path, const struct buf *body, struct buf *text,
                       int *ret_exit_code, struct error *err)
{
    auto_json json_t *reply = NULL;
    const char *url;

    return client_call(cli->client, "PUT", path, body, &reply, err) &&
           json_need_text(reply, "result_url", URL_LENGTH_MAX, &url, err) &&
           client_fetch(cli->client, url, text, ret_exit_code, err);
}

static bool request_text(struct cli *cli, const char *path, const struct buf *body,
                         int *ret_exit_code, struct error *err)
{
    if (!cli->is_raw)
        return fetch_text(cli, path, body, cli->out, ret_exit_code, err);

    auto_buf struct buf text = buf_of(CLIENT_REPLY_MAX);
    struct encoder json = encoder_of(cli->out);
    if (!fetch_text(cli, path, body, &text, ret_exit_code, err))
        return false;
    encode_bytes(&json, text.length > 0 ? text.bytes : "", text.length);
    buf_append(cli->out, "\n", 1);
    return true;
}

/* What is asked for; `since` NULL: lines as they are. */
static bool logs_body(struct cli *cli, const char *tail, const char *since, struct buf *body,
                      struct error *err)
{
    const char *filter = args_get(&cli->args, "filter");
    struct encoder json = encoder_of(body);

    encode_object(&json);
    if (tail != NULL)
        encode_field_text(&json, "tail", tail);
    if (filter != NULL)
        encode_field_text(&json, "filter", filter);
    if (args_has(&cli->args, "daemon-logs"))
        encode_field_text(&json, "daemon_logs", "true");
    if (since != NULL)
        encode_field_text(&json, "since", since);
    encode_end(&json);
    return !body->has_overflowed || cli_usage(cli, err, "the filter is too long");
}

/* Where following has come to: the time of the last line that was printed. */
struct followed {
    char stamp[STAMP_LENGTH + 1];
    bool has_grown;
};

static bool has_stamp(const char *line, size_t length)
{
    return length > STAMP_LENGTH && line[STAMP_LENGTH - 1] == 'Z' && line[STAMP_LENGTH] == ' ';
}

/* Lines later than the last one, without their times. The engine counts times as closely as it
 * tells them, so equal ones were printed already. */
static bool print_new(struct cli *cli, const struct buf *text, struct followed *followed,
                      struct error *err)
{
    auto_buf struct buf out = buf_of(CLIENT_REPLY_MAX);

    followed->has_grown = false;
    for (size_t at = 0, end; at < text->length; at = end) {
        const char *line = text->bytes + at;
        const char *newline = memchr(line, '\n', text->length - at);

        end = newline != NULL ? (size_t)(newline - text->bytes) + 1 : text->length;
        if (!has_stamp(line, end - at) || memcmp(line, followed->stamp, STAMP_LENGTH) <= 0)
            continue;
        memcpy(followed->stamp, line, STAMP_LENGTH);
        followed->has_grown = true;
        buf_append(&out, line + STAMP_LENGTH + 1, end - at - STAMP_LENGTH - 1);
    }
    return out.length == 0 || file_write_all(cli->out_fd, out.bytes, out.length, err);
}

static bool look(struct cli *cli, const char *path, const char *tail, struct followed *followed,
                 struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX), text = buf_of(CLIENT_REPLY_MAX);
    int ignored;

    return logs_body(cli, tail, followed->stamp, &body, err) &&
           fetch_text(cli, path, &body, &text, &ignored, err) &&
           print_new(cli, &text, followed, err);
}

static bool is_over(struct cli *cli, long long id, bool *ret, struct error *err)
{
    auto_json json_t *instance = NULL;

    if (!instance_fetch(cli, id, &instance, err))
        return false;
    const char *status = print_text_of(instance, "actual_status");
    const char *intended = print_text_of(instance, "intended_status");
    *ret = strcmp(status, "exited") == 0 ||
           (strcmp(status, "stopped") == 0 && strcmp(intended, "running") != 0);
    return true;
}

/* Look again and again, less often while nothing comes; once more when it has stopped. */
static bool follow(struct cli *cli, long long id, const char *path, const char *tail,
                   struct error *err)
{
    struct followed followed = { .stamp = "0" };
    char all[16];
    bool has_ended = false;

    (void)snprintf(all, sizeof all, "%d", TAIL_MAX);
    for (long pause = LOOK_MS_FIRST;;) {
        bool was_over = has_ended;

        if (!look(cli, path, tail, &followed, err))
            return false;
        if (was_over)
            return true;
        pause = followed.has_grown ? LOOK_MS_FIRST : pause < LOOK_MS_MAX ? 2 * pause : pause;
        tail = strcmp(followed.stamp, "0") != 0 ? all : tail;
        if (!is_over(cli, id, &has_ended, err))
            return false;
        struct timespec time = { has_ended ? 0 : pause / 1000,
                                 has_ended ? 0 : pause % 1000 * 1000000 };
        (void)nanosleep(&time, NULL);
    }
}

bool cmd_logs(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    const char *tail = args_get(&cli->args, "tail");
    char path[PATH_SIZE];
    uint64_t lines;
    long long id;
    int ignored;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (tail != NULL && (!parse_u64(tail, &lines) || lines > TAIL_MAX))
        return cli_usage(cli, err, "--tail is a number of lines up to %d", TAIL_MAX);
    if (args_has(&cli->args, "follow") && (args_has(&cli->args, "daemon-logs") || cli->is_raw))
        return cli_usage(cli, err, "--follow goes with neither --daemon-logs nor --raw");
    (void)snprintf(path, sizeof path, "/api/v0/instances/request_logs/%lld/", id);
    bool is_done = args_has(&cli->args, "follow")
                       ? follow(cli, id, path, tail, err)
                       : logs_body(cli, tail, NULL, &body, err) &&
                             request_text(cli, path, &body, &ignored, err);
    return is_done || error_context(err, "logs of instance %lld", id);
}

const struct args_option cmd_execute_options[] = {
#include "cli/schedule_options.def"
    { NULL, 0, NULL, NULL },
};

bool cmd_execute(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX), command = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    char path[PATH_SIZE];
    long long id;
    int code = -1;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    for (size_t i = 1; i < cli->args.word_count; i++)
        buf_printf(&command, "%s%s", i > 1 ? " " : "", cli->args.words[i]);
    encode_object(&json);
    encode_key(&json, "command");
    encode_bytes(&json, command.length > 0 ? command.bytes : "", command.length);
    encode_end(&json);
    if (command.has_overflowed || body.has_overflowed)
        return cli_usage(cli, err, "the command is too long");
    (void)snprintf(path, sizeof path, "/api/v0/instances/command/%lld/", id);
    if (!request_text(cli, path, &body, &code, err))
        return error_context(err, "instance %lld", id);
    cli->exit_status = code >= 0 ? code : EXIT_UNKNOWN;
    return !args_has(&cli->args, "schedule") || schedule_add(cli, id, path, &body, err);
}
