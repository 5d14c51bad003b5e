/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_webhooks.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"

enum { BODY_MAX = 64 * 1024, PATH_MAX_SIZE = 128, EVENT_SIZE = 128 };

#define WEBHOOKS_PATH "/api/v0/webhooks/"

const struct args_option cmd_create_webhook_options[] = {
    { "webhook-url", 0, "URL", "where to send it; https" },
    { "events", 0, "A,B", "what to send: berth show notifications" },
    { "name", 0, "TEXT", "what to call it" },
    { NULL, 0, NULL, NULL },
};

static void add_events(struct table *table, const json_t *row)
{
    auto_buf struct buf text = buf_of(BODY_MAX);
    const json_t *events = json_member(row, "event_types");

    for (size_t i = 0; i < json_array_size(events); i++) {
        const char *event = json_string_value(json_array_get(events, i));

        buf_printf(&text, "%s%s", i > 0 ? " " : "", event != NULL ? event : "-");
    }
    table_cell(table, "%s", text.length > 0 ? text.bytes : "");
}

bool cmd_show_webhooks(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Name", false, 1, 32 },
                                                   { "URL", false, 0, 60 },
                                                   { "State", false, 0, 0 },
                                                   { "Events", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", WEBHOOKS_PATH, NULL, &reply, err))
        return false;
    const json_t *rows = json_member(reply, "webhooks");
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        bool is_failing = json_is_number(json_member(row, "failing_since"));

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "name");
        table_text(&table, row, "webhook_url");
        table_cell(&table, "%s",
                   !json_is_true(json_member(row, "enabled")) ? "off"
                   : is_failing                               ? "failing"
                                                              : "on");
        add_events(&table, row);
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

/* "a,b" as an array. */
static void encode_events(struct encoder *json, const char *text)
{
    encode_key(json, "event_types");
    encode_array(json);
    while (*text != '\0') {
        char event[EVENT_SIZE];
        size_t length = strcspn(text, ",");

        (void)snprintf(event, sizeof event, "%.*s", length < INT32_MAX ? (int)length : 0, text);
        encode_text(json, event);
        text += length;
        text += *text == ',';
    }
    encode_end(json);
}

/* Its secret is for standard output alone. */
static bool print_secret(struct cli *cli, const json_t *reply)
{
    const json_t *row = json_member(reply, "webhook");

    if (cli_print_raw(cli, reply))
        return true;
    cli_note(cli, "Webhook %lld; this is the only time that its secret is shown:",
             (long long)print_int_of(row, "id"));
    buf_printf(cli->out, "%s\n", print_text_of(row, "webhook_secret"));
    return true;
}

bool cmd_create_webhook(struct cli *cli, struct error *err)
{
    const char *url = args_get(&cli->args, "webhook-url"), *events = args_get(&cli->args, "events");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;

    if (url == NULL || events == NULL)
        return cli_usage(cli, err, "--webhook-url and --events are needed");
    encode_object(&json);
    encode_field_text(&json, "name", args_get(&cli->args, "name"));
    encode_field_text(&json, "webhook_url", url);
    encode_events(&json, events);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "that is too long");
    return client_call(cli->client, "POST", WEBHOOKS_PATH, &body, &reply, err) &&
           print_secret(cli, reply);
}

/* Call what is below the webhook that the first word names. */
static bool call_one(struct cli *cli, const char *method, const char *below, json_t **ret_reply,
                     struct error *err)
{
    char path[PATH_MAX_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a webhook", &id, err))
        return false;
    (void)snprintf(path, sizeof path, WEBHOOKS_PATH "%lld/%s", id, below);
    return client_call(cli->client, method, path, NULL, ret_reply, err);
}

static bool call_and_say(struct cli *cli, const char *method, const char *below, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!call_one(cli, method, below, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "%s\n", print_text_of(reply, "msg"));
    return true;
}

bool cmd_delete_webhook(struct cli *cli, struct error *err)
{
    return call_and_say(cli, "DELETE", "", err);
}

bool cmd_test_webhook(struct cli *cli, struct error *err)
{
    return call_and_say(cli, "POST", "test/", err);
}

bool cmd_reset_webhook(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    return call_one(cli, "POST", "rotate-secret/", &reply, err) && print_secret(cli, reply);
}
