/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_logs.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/parse.h"

enum { PATH_SIZE = 128, BODY_LENGTH_MAX = 64 * 1024, URL_LENGTH_MAX = 4096, TAIL_MAX = 100000 };

const struct args_option cmd_logs_options[] = {
    { "tail", 0, "N", "at most the last N lines (1000)" },
    { "filter", 0, "TEXT", "only lines that hold this" },
    { "daemon-logs", 0, NULL, "the host's own log about the instance" },
    { NULL, 0, NULL, NULL },
};

/* Ask, then fetch the text from where the market says that it will be. */
static bool request_text(struct cli *cli, const char *path, const struct buf *body,
                         struct error *err)
{
    auto_json json_t *reply = NULL;
    const char *url;

    if (!client_call(cli->client, "PUT", path, body, &reply, err) ||
        !json_need_text(reply, "result_url", URL_LENGTH_MAX, &url, err))
        return false;
    if (!cli->is_raw)
        return client_fetch(cli->client, url, cli->out, err);

    auto_buf struct buf text = buf_of(CLIENT_REPLY_MAX);
    struct encoder json = encoder_of(cli->out);
    if (!client_fetch(cli->client, url, &text, err))
        return false;
    encode_bytes(&json, text.length > 0 ? text.bytes : "", text.length);
    buf_append(cli->out, "\n", 1);
    return true;
}

bool cmd_logs(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    const char *tail = args_get(&cli->args, "tail");
    const char *filter = args_get(&cli->args, "filter");
    char path[PATH_SIZE];
    uint64_t lines;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (tail != NULL && (!parse_u64(tail, &lines) || lines > TAIL_MAX))
        return cli_usage(cli, err, "--tail is a number of lines up to %d", TAIL_MAX);
    encode_object(&json);
    if (tail != NULL)
        encode_field_text(&json, "tail", tail);
    if (filter != NULL)
        encode_field_text(&json, "filter", filter);
    if (args_has(&cli->args, "daemon-logs"))
        encode_field_text(&json, "daemon_logs", "true");
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "the filter is too long");
    (void)snprintf(path, sizeof path, "/api/v0/instances/request_logs/%lld/", id);
    return request_text(cli, path, &body, err) || error_context(err, "logs of instance %lld", id);
}

bool cmd_execute(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX), command = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    char path[PATH_SIZE];
    long long id;

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
    return request_text(cli, path, &body, err) || error_context(err, "instance %lld", id);
}
