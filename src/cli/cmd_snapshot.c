/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_snapshot.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"

enum { PATH_SIZE = 128, BODY_MAX = 16 * 1024 };

const struct args_option cmd_take_snapshot_options[] = {
    { "repo", 0, "NAME", "the repository to push to, with a tag or without" },
    { "container-registry", 0, "HOST", "that it is in (docker.io)" },
    { "docker-login-user", 0, "NAME", "who may push to it" },
    { "docker-login-pass", 0, "SECRET", "with this password or token" },
    { "pause", 0, "true|false", "its processes stand still meanwhile (true)" },
    { NULL, 0, NULL, NULL },
};

bool cmd_take_snapshot(struct cli *cli, struct error *err)
{
    /* Of the option, and of the request's member. */
    static const char *const names[][2] = {
        { "container-registry", "container_registry" },
        { "repo", "personal_repo" },
        { "docker-login-user", "docker_login_user" },
        { "docker-login-pass", "docker_login_pass" },
        { "pause", "pause" },
    };
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (!args_has(&cli->args, "repo"))
        return cli_usage(cli, err, "--repo says where the snapshot goes");
    encode_object(&json);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (args_has(&cli->args, names[i][0]))
            encode_field_text(&json, names[i][1], args_get(&cli->args, names[i][0]));
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    (void)snprintf(path, sizeof path, "/api/v0/instances/take_snapshot/%lld/", id);
    if (!client_call(cli->client, "POST", path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_printf(cli->out, "\n%s\n", print_text_of(reply, "result_url"));
    return true;
}
