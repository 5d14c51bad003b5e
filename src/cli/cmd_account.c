/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_account.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { PATH_SIZE = 128, FILE_LENGTH_MAX = 64 * 1024, BODY_LENGTH_MAX = 256 * 1024 };

static const char KEYS_PATH[] = "/api/v0/auth/apikeys/";
static const char SECRETS_PATH[] = "/api/v0/secrets/";

const struct args_option cmd_create_api_key_options[] = {
    { "name", 0, "NAME", "what to call it" },
    { "permission-file", 0, "FILE", "JSON: what it may do; without it, everything" },
    { "key-params", 0, "JSON", "what \"$NAME\" stands for in its constraints" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_set_user_options[] = {
    { "file", 0, "FILE", "JSON: fullname, balance_threshold, billaddress_city, ..." },
    { NULL, 0, NULL, NULL },
};

static const struct table_column key_columns[] = {
    { "ID", true, 0, 0 },
    { "Name", false, 0, 40 },
    { "Last used", false, 1, 0 },
    { "May", false, 2, 60 },
};

/* How long ago, in words. */
static void add_use(struct table *table, const json_t *key)
{
    int64_t now_s = clock_now(&clock_system).microseconds / US_PER_SECOND;
    int64_t used_s = (int64_t)print_real_of(key, "last_used");
    char age[AGE_TEXT_SIZE];

    if (used_s == 0)
        table_cell(table, "never");
    else
        table_cell(table, "%s ago", print_age(now_s - used_s, age));
}

/* The categories, and a star at those that are narrowed. */
static void add_categories(struct table *table, const json_t *key)
{
    json_t *api = json_object_get(json_member(key, "rights"), "api"), *routes;
    auto_buf struct buf text = buf_of(FILE_LENGTH_MAX);
    const char *category;

    json_object_foreach(api, category, routes)
    {
        buf_printf(&text, "%s%s%s", text.length > 0 ? " " : "", category,
                   json_object_size(routes) > 0 ? "*" : "");
    }
    table_cell(table, "%s", text.length > 0 ? text.bytes : "nothing");
}

bool cmd_show_api_keys(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(key_columns, sizeof key_columns / sizeof key_columns[0]);

    if (!client_call(cli->client, "GET", KEYS_PATH, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *keys = json_member(reply, "apikeys");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);

        table_number(&table, key, "id", 1, 0);
        table_cell(&table, "%s", print_text_of(key, "name"));
        add_use(&table, key);
        add_categories(&table, key);
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

static bool name_path(struct cli *cli, char path[static PATH_SIZE], long long *ret_id,
                      struct error *err)
{
    if (!cli_id(cli, cli->args.words[0], "an API key", ret_id, err))
        return false;
    (void)snprintf(path, PATH_SIZE, "%s%lld/", KEYS_PATH, *ret_id);
    return true;
}

bool cmd_show_api_key(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!name_path(cli, path, &id, err))
        return false;
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return error_context(err, "API key %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    auto_free char *rights = json_dumps(json_member(reply, "rights"), JSON_INDENT(2));
    buf_printf(cli->out, "API key %lld, '%s', may:\n%s\n", id, print_text_of(reply, "name"),
               rights != NULL ? rights : "nothing");
    return true;
}

/* All that there is: the server gives no more than the calling key has. */
static const char RIGHTS_ALL[] =
    "{\"api\":{\"instance_read\":{},\"instance_write\":{},\"user_read\":{},\"user_write\":{},"
    "\"billing_read\":{},\"billing_write\":{},\"machine_read\":{},\"machine_write\":{},"
    "\"misc\":{},\"team_read\":{},\"team_write\":{}}}";

static bool read_permissions(struct cli *cli, struct buf *text, struct error *err)
{
    const char *path = args_get(&cli->args, "permission-file");
    auto_json json_t *root = NULL;

    if (path == NULL) {
        buf_append(text, RIGHTS_ALL, sizeof RIGHTS_ALL - 1);
        return true;
    }
    if (!file_read(AT_FDCWD, path, text, err))
        return error_context(err, "--permission-file");
    if (text->has_overflowed || text->length == 0)
        return cli_usage(cli, err, "%s has 1 to %d bytes", path, FILE_LENGTH_MAX);
    if (!json_parse(text->bytes, text->length, &root, err))
        return error_context(err, "%s", path);
    return true;
}

bool cmd_create_api_key(struct cli *cli, struct error *err)
{
    auto_buf struct buf permissions = buf_of(FILE_LENGTH_MAX), body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    const char *name = args_get(&cli->args, "name");

    if (!read_permissions(cli, &permissions, err))
        return false;
    encode_object(&json);
    encode_field_text(&json, "name", name != NULL ? name : "");
    encode_key(&json, "permissions");
    encode_raw(&json, permissions.bytes, permissions.length);
    encode_field_text(&json, "key_params", args_get(&cli->args, "key-params"));
    encode_end(&json);
    if (!client_call(cli->client, "POST", KEYS_PATH, &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    cli_note(cli, "API key %lld; this is the only time that it is shown:",
             (long long)print_int_of(reply, "id"));
    buf_printf(cli->out, "%s\n", print_text_of(reply, "key"));
    return true;
}

bool cmd_delete_api_key(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!name_path(cli, path, &id, err))
        return false;
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return error_context(err, "API key %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "API key %lld opens nothing any more.\n", id);
    return true;
}

bool cmd_reset_api_key(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;

    buf_printf(&body, "{\"client_id\":\"me\"}");
    if (!client_call(cli->client, "PUT", "/api/v0/commands/reset_apikey/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    cli_note(cli, "The key that was used is void; `berth login` stores the new one:");
    buf_printf(cli->out, "%s\n", print_text_of(reply, "new_api_key"));
    return true;
}

bool cmd_show_env_vars(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    const char *name;
    json_t *value;

    if (!client_call(cli->client, "GET", SECRETS_PATH, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    json_object_foreach((json_t *)json_member(reply, "secrets"), name, value)
    {
        buf_printf(cli->out, "%s\n", name);
    }
    if (cli->out->length == 0)
        cli_note(cli, "There are no variables. `berth create env-var NAME VALUE` makes one.");
    return true;
}

/* {"key": ..., "value": ...}, and the sentence that comes back. */
static bool send_variable(struct cli *cli, const char *method, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "key", cli->args.words[0]);
    if (cli->args.word_count > 1)
        encode_field_text(&json, "value", cli->args.words[1]);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "the value is too long");
    if (!client_call(cli->client, method, SECRETS_PATH, &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "%s\n", print_text_of(reply, "msg"));
    return true;
}

bool cmd_create_env_var(struct cli *cli, struct error *err)
{
    return send_variable(cli, "POST", err);
}

bool cmd_update_env_var(struct cli *cli, struct error *err)
{
    return send_variable(cli, "PUT", err);
}

bool cmd_delete_env_var(struct cli *cli, struct error *err)
{
    return send_variable(cli, "DELETE", err);
}

bool cmd_set_user(struct cli *cli, struct error *err)
{
    const char *path = args_get(&cli->args, "file");
    auto_buf struct buf body = buf_of(FILE_LENGTH_MAX);
    auto_json json_t *root = NULL, *reply = NULL;

    if (path == NULL)
        return cli_usage(cli, err, "--file names the file that says what to change");
    if (!file_read(AT_FDCWD, path, &body, err) ||
        !json_parse(body.length > 0 ? body.bytes : "", body.length, &root, err))
        return error_context(err, "--file");
    if (!client_call(cli->client, "PUT", "/api/v0/users/", &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "%s\n", print_text_of(reply, "msg"));
    return true;
}

bool cmd_set_api_key(struct cli *cli, struct error *err)
{
    if (strlen(cli->args.words[0]) >= sizeof cli->settings.api_key)
        return cli_usage(cli, err, "this is no API key");
    if (*cli->settings.url == '\0')
        return cli_usage(cli, err, "--url or BERTH_URL says which market it is for");
    (void)snprintf(cli->settings.api_key, sizeof cli->settings.api_key, "%s", cli->args.words[0]);
    if (!settings_save(&cli->settings, err))
        return false;
    cli_note(cli, "It is remembered for %s.", cli->settings.url);
    return true;
}
