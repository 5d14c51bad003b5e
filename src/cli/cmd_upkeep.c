/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_upkeep.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"

enum { PATH_SIZE = 128, BODY_MAX = 16 * 1024 };

const struct args_option cmd_report_machine_options[] = {
    { "problem", 0, "WORD", "what it is about: gpu, network, disk, ..." },
    { "message", 0, "TEXT", "what is wrong" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_rate_instance_options[] = {
    { "stars", 0, "N", "1 to 5" },
    { "message", 0, "TEXT", "why, for everybody to read" },
    { NULL, 0, NULL, NULL },
};

/* About the thing that the first word numbers; its number goes between the parts of the path. */
struct place {
    const char *what, *before, *behind;
};

static bool ask_about(struct cli *cli, const char *method, const struct place *place,
                      struct error *err)
{
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], place->what, &id, err))
        return false;
    (void)snprintf(path, sizeof path, "%s%lld%s", place->before, id, place->behind);
    return cli_ask(cli, method, path, NULL, err);
}

bool cmd_recycle_instance(struct cli *cli, struct error *err)
{
    static const struct place place = { "an instance", "/api/v0/instances/recycle/", "/" };

    if (!ask_about(cli, "PUT", &place, err))
        return false;
    cli_note(cli, "It is made from its image again; its files are gone.");
    return true;
}

bool cmd_show_scheduled_jobs(struct cli *cli, struct error *err)
{
    return cli_ask(cli, "GET", "/api/v0/commands/schedule_job/", NULL, err);
}

bool cmd_delete_scheduled_job(struct cli *cli, struct error *err)
{
    static const struct place place = { "a scheduled job", "/api/v0/commands/schedule_job/", "/" };

    return ask_about(cli, "DELETE", &place, err);
}

bool cmd_report_machine(struct cli *cli, struct error *err)
{
    const char *problem = args_get(&cli->args, "problem");
    const char *message = args_get(&cli->args, "message");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    if (problem == NULL || message == NULL)
        return cli_usage(cli, err, "--problem and --message say what is wrong");
    encode_object(&json);
    encode_field_int(&json, "machine_id", id);
    encode_field_text(&json, "problem", problem);
    encode_field_text(&json, "message", message);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    return cli_ask(cli, "POST", "/api/v0/machines/reports/", &body, err);
}

bool cmd_reports(struct cli *cli, struct error *err)
{
    static const struct place place = { "a machine", "/api/v0/machines/", "/reports/" };

    return ask_about(cli, "GET", &place, err);
}

bool cmd_show_reports(struct cli *cli, struct error *err)
{
    return cli_ask(cli, "GET", "/api/v0/machines/reports/", NULL, err);
}

bool cmd_reply_report(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a report", &id, err))
        return false;
    encode_object(&json);
    encode_field_int(&json, "report_id", id);
    encode_field_text(&json, "reply", cli->args.words[1]);
    encode_end(&json);
    return cli_ask(cli, "PUT", "/api/v0/machines/reports/", &body, err);
}

bool cmd_rate_instance(struct cli *cli, struct error *err)
{
    const char *stars = args_get(&cli->args, "stars"), *message = args_get(&cli->args, "message");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long id, count;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (stars == NULL)
        return error_set(err, ERROR_INVALID, "say how good it was: --stars 1 to 5");
    if (!cli_id(cli, stars, "a number of stars", &count, err))
        return false;
    encode_object(&json);
    encode_field_int(&json, "instance_id", id);
    encode_field_int(&json, "stars", count);
    if (message != NULL)
        encode_field_text(&json, "message", message);
    encode_end(&json);
    return cli_ask(cli, "POST", "/api/v0/ratings/", &body, err);
}

bool cmd_show_ratings(struct cli *cli, struct error *err)
{
    static const struct place place = { "a host", "/api/v0/hosts/", "/ratings/" };

    return ask_about(cli, "GET", &place, err);
}

bool cmd_cleanup_machine(struct cli *cli, struct error *err)
{
    static const struct place place = { "a machine", "/api/v0/machines/", "/cleanup/" };

    return ask_about(cli, "PUT", &place, err);
}

bool cmd_defrag_machines(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long id;

    encode_object(&json);
    encode_key(&json, "machine_ids");
    encode_array(&json);
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!cli_id(cli, cli->args.words[i], "a machine", &id, err))
            return false;
        encode_int(&json, id);
    }
    encode_end(&json);
    encode_end(&json);
    return cli_ask(cli, "PUT", "/api/v0/machines/defrag_offers/", &body, err);
}

bool cmd_delete_machine(struct cli *cli, struct error *err)
{
    static const struct place place = { "a machine", "/api/v0/machines/", "/force_delete/" };

    return ask_about(cli, "POST", &place, err);
}

static bool cancel(struct cli *cli, const char *path, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "client_id", "me");
    encode_field_text(&json, "dst_id", cli->args.words[0]);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    return cli_ask(cli, "DELETE", path, &body, err);
}

bool cmd_cancel_copy(struct cli *cli, struct error *err)
{
    return cancel(cli, "/api/v0/commands/copy_direct/", err);
}

bool cmd_cancel_sync(struct cli *cli, struct error *err)
{
    return cancel(cli, "/api/v0/commands/rclone/", err);
}
