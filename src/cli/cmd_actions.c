/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_actions.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/schedule_options.h"

enum { PATH_SIZE = 128, BODY_LENGTH_MAX = 8192 };

const struct args_option cmd_destroy_instance_options[] = {
    { "yes", 'y', NULL, "do not ask" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_reboot_instance_options[] = {
#include "cli/schedule_options.def"
    { NULL, 0, NULL, NULL },
};

/* One request about an instance: its id goes between the two parts of the path. */
struct action {
    const char *method, *before, *body, *done;
};

static bool act(struct cli *cli, const struct action *action, long long id, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];

    buf_append(&body, action->body, strlen(action->body));
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    (void)snprintf(path, sizeof path, "%s%lld/", action->before, id);
    if (!client_call(cli->client, action->method, path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Instance %lld %s.", id, action->done);
    if (*print_text_of(reply, "msg") != '\0') {
        buf_append(cli->out, " ", 1);
        print_clean(cli->out, print_text_of(reply, "msg"));
    }
    buf_append(cli->out, "\n", 1);
    return true;
}

/* All words are ids before anything happens to the first. */
static bool act_on_each(struct cli *cli, const struct action *action, struct error *err)
{
    long long ids[ARGS_WORDS_MAX];

    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!cli_id(cli, cli->args.words[i], "an instance", &ids[i], err))
            return false;
    }
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!act(cli, action, ids[i], err))
            return false;
    }
    return true;
}

bool cmd_start_instance(struct cli *cli, struct error *err)
{
    const struct action action = { "PUT", "/api/v0/instances/", "{\"state\":\"running\"}",
                                   "is starting" };

    return act_on_each(cli, &action, err);
}

bool cmd_stop_instance(struct cli *cli, struct error *err)
{
    const struct action action = { "PUT", "/api/v0/instances/", "{\"state\":\"stopped\"}",
                                   "is stopping" };

    return act_on_each(cli, &action, err);
}

/* From now on, too: it was done once already. */
static bool schedule_reboots(struct cli *cli, struct error *err)
{
    for (size_t i = 0; i < cli->args.word_count; i++) {
        auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
        char path[PATH_SIZE];
        long long id;

        if (!cli_id(cli, cli->args.words[i], "an instance", &id, err))
            return false;
        (void)snprintf(path, sizeof path, "/api/v0/instances/reboot/%lld/", id);
        buf_printf(&body, "{\"instance_id\":%lld}", id);
        if (!schedule_add(cli, id, path, &body, err))
            return false;
    }
    return true;
}

bool cmd_reboot_instance(struct cli *cli, struct error *err)
{
    const struct action action = { "PUT", "/api/v0/instances/reboot/", "{}", "is rebooting" };

    if (!act_on_each(cli, &action, err))
        return false;
    return !args_has(&cli->args, "schedule") || schedule_reboots(cli, err);
}

/* What is destroyed does not come back: a person says so, or --yes does. */
static bool confirm(struct cli *cli, struct error *err)
{
    char answer[8] = "";

    if (args_has(&cli->args, "yes"))
        return true;
    if (isatty(STDIN_FILENO) != 1)
        return cli_usage(cli, err,
                         "this deletes data for good: say --yes where nobody can be "
                         "asked");
    cli_note(cli, "Destroy %zu instance%s and all their data? [y/N]", cli->args.word_count,
             cli->args.word_count == 1 ? "" : "s");
    ssize_t length = read(STDIN_FILENO, answer, sizeof answer - 1);
    if (length <= 0 || (answer[0] != 'y' && answer[0] != 'Y'))
        return error_set(err, ERROR_INVALID, "nothing was destroyed");
    return true;
}

bool cmd_destroy_instance(struct cli *cli, struct error *err)
{
    const struct action action = { "DELETE", "/api/v0/instances/", "{}", "is being destroyed" };

    return confirm(cli, err) && act_on_each(cli, &action, err);
}

bool cmd_label_instance(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    encode_object(&json);
    encode_field_text(&json, "label", cli->args.words[1]);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "the label is too long");

    const struct action action = { "PUT", "/api/v0/instances/", body.bytes, "has its label" };
    return act(cli, &action, id, err);
}

/* The server says what is wrong with a size that is none. */
bool cmd_grow_instance(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    uint64_t disk_gb;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (!parse_u64(cli->args.words[1], &disk_gb) || disk_gb > INT64_MAX)
        return cli_usage(cli, err, "the disk is a whole number of GB, not '%.32s'",
                         cli->args.words[1]);
    encode_object(&json);
    encode_field_int(&json, "disk", (int64_t)disk_gb);
    encode_end(&json);

    const struct action action = { "PUT", "/api/v0/instances/", body.bytes, "has that disk now" };
    return act(cli, &action, id, err);
}
