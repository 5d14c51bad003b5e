/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_notifications.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { BODY_MAX = 64 * 1024, CONTEXT_SIZE = 64 };

#define PREFS_PATH "/api/v0/users/me/notification-prefs/"

const struct args_option cmd_set_notifications_options[] = {
    { "email", 0, "on|off", "whether mails come" },
    { "webhooks", 0, "on|off", "whether your webhooks are called" },
    { NULL, 0, NULL, NULL },
};

static const char *on_off(const json_t *choice, const char *way)
{
    return json_is_true(json_member(choice, way)) ? "on" : "off";
}

bool cmd_show_notifications(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "Kind", false, 0, 0 },
                                                   { "Email", false, 0, 0 },
                                                   { "Webhooks", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;
    const char *context, *slug;
    json_t *kinds, *choice;

    if (!client_call(cli->client, "GET", PREFS_PATH, NULL, &reply, err))
        return false;
    const json_t *all = json_member(reply, "notification_preferences");
    if (cli_print_raw(cli, all))
        return true;
    json_object_foreach((json_t *)all, context, kinds)
    {
        json_object_foreach(kinds, slug, choice)
        {
            table_cell(&table, "%s:%s", context, slug);
            table_cell(&table, "%s", on_off(choice, "email"));
            table_cell(&table, "%s", on_off(choice, "webhooks"));
        }
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

/* One way of a kind, as its option says; where there is none it stays. */
static bool change(struct cli *cli, json_t *choice, const char *way, struct error *err)
{
    const char *word = args_get(&cli->args, way);

    if (word == NULL)
        return true;
    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
        return cli_usage(cli, err, "--%s is on or off", way);
    (void)json_object_set_new(choice, way, json_boolean(strcmp(word, "on") == 0));
    return true;
}

/* "client:low_credit" among what was chosen; NULL: there is no such kind. */
static json_t *find_choice(const json_t *all, const char *key)
{
    char context[CONTEXT_SIZE];
    size_t length = strcspn(key, ":");

    if (length >= sizeof context || key[length] == '\0')
        return NULL;
    memcpy(context, key, length);
    context[length] = '\0';
    return json_object_get(json_object_get(all, context), key + length + 1);
}

bool cmd_set_notifications(struct cli *cli, struct error *err)
{
    auto_json json_t *chosen = NULL, *reply = NULL;
    auto_buf struct buf body = buf_of(BODY_MAX);

    if (!args_has(&cli->args, "email") && !args_has(&cli->args, "webhooks"))
        return cli_usage(cli, err, "--email or --webhooks says what to change");
    if (!client_call(cli->client, "GET", PREFS_PATH, NULL, &chosen, err))
        return false;
    for (size_t i = 0; i < cli->args.word_count; i++) {
        json_t *choice =
            find_choice(json_member(chosen, "notification_preferences"), cli->args.words[i]);

        if (choice == NULL)
            return cli_usage(cli, err, "there is no '%.64s': berth show notifications",
                             cli->args.words[i]);
        if (!change(cli, choice, "email", err) || !change(cli, choice, "webhooks", err))
            return false;
    }
    auto_free char *text = json_dumps(chosen, JSON_COMPACT);
    if (text == NULL)
        abort();
    buf_append(&body, text, strlen(text));
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "that is too long");
    if (!client_call(cli->client, "PUT", PREFS_PATH, &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "Changed.\n");
    return true;
}
