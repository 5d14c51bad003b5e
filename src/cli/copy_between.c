/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/copy_between.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/cmd_instances.h"
#include "cli/print.h"

enum {
    BODY_MAX = 64 * 1024,
    URL_LENGTH_MAX = 4096,
    SAID_MAX = 64 * 1024,
    ROUNDS_MAX = 24 * 3600, /* of the client's own patience, each; the market ends it long before */
    ID_SIZE = 32,
};

static bool ask(struct cli *cli, const struct copy_side *from, const struct copy_side *to,
                json_t **ret_reply, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    char source[ID_SIZE], target[ID_SIZE];

    (void)snprintf(source, sizeof source, "C.%lld", from->id);
    (void)snprintf(target, sizeof target, "C.%lld", to->id);
    encode_object(&json);
    encode_field_text(&json, "client_id", "me");
    encode_field_text(&json, "src_id", source);
    encode_field_text(&json, "dst_id", target);
    encode_field_text(&json, "src_path", from->path);
    encode_field_text(&json, "dst_path", to->path);
    encode_end(&json);
    if (body.has_overflowed)
        return error_set(err, ERROR_INVALID, "a path is too long");
    return client_call(cli->client, "PUT", "/api/v0/commands/copy_direct/", &body, ret_reply, err);
}

/* On a terminal, in one line. */
static void show(struct cli *cli, long long target_id)
{
    auto_json json_t *instance = NULL;
    auto_buf struct buf line = buf_of(SAID_MAX);
    struct error ignored;

    if (isatty(cli->note_fd) != 1 || !instance_fetch(cli, target_id, &instance, &ignored))
        return;
    buf_printf(&line, "\r\033[K");
    print_clean(&line, print_text_of(instance, "status_msg"));
    if (!line.has_overflowed && write(cli->note_fd, line.bytes, line.length) < 0)
        return;
}

static void end_line(const struct cli *cli)
{
    if (isatty(cli->note_fd) == 1 && write(cli->note_fd, "\r\033[K", 4) < 0)
        return;
}

bool copy_between_hosts(struct cli *cli, const struct copy_side *from, const struct copy_side *to,
                        struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_buf struct buf said = buf_of(SAID_MAX);
    const char *url;
    int code, rounds = 0;

    if (!ask(cli, from, to, &reply, err) ||
        !json_need_text(reply, "result_url", URL_LENGTH_MAX, &url, err))
        return false;
    while (!client_fetch(cli->client, url, &said, &code, err)) {
        if (err->code != ERROR_TIMEOUT || ++rounds > ROUNDS_MAX)
            return false;
        show(cli, to->id);
    }
    end_line(cli);
    buf_append(&said, "", 0);
    const char *words = said.bytes != NULL ? said.bytes : "";
    if (strncmp(words, "done", 4) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s", words);
    buf_printf(cli->out, "copied from instance %lld to instance %lld: ", from->id, to->id);
    print_clean(cli->out, words);
    buf_printf(cli->out, "\n");
    return true;
}
