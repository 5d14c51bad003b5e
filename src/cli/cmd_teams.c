/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_teams.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/money.h"
#include "sys/file.h"

enum { PATH_MAX_SIZE = 1024, BODY_MAX = 64 * 1024, FILE_LENGTH_MAX = 16 * 1024 };

const struct args_option cmd_create_team_options[] = {
    { "team-name", 0, "TEXT", "what to call it" },
    { "transfer-credit", 0, "DOLLARS", "of your bought credit, to begin with" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_invite_member_options[] = {
    { "email", 0, "EMAIL", "whom" },
    { "role", 0, "ROLE", "what they may do: berth show team-roles" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_team_role_options[] = {
    { "name", 0, "TEXT", "what to call it" },
    { "permissions", 0, "FILE", "JSON: {\"api\": {\"instance_read\": {}}}" },
    { NULL, 0, NULL, NULL },
};

/* What the market says about it. */
static void say(struct cli *cli, const json_t *reply)
{
    const char *text = print_text_of(reply, "msg");

    if (cli_print_raw(cli, reply))
        return;
    print_clean(cli->out, text[0] != '\0' ? text : print_text_of(reply, "message"));
    buf_printf(cli->out, "\n");
}

static bool call_and_say(struct cli *cli, const char *method, const char *path,
                         const struct buf *body, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, method, path, body, &reply, err))
        return false;
    say(cli, reply);
    return true;
}

/* A key is for standard output alone, and the rest is not. */
static bool call_for_key(struct cli *cli, const char *path, const struct buf *body,
                         struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "POST", path, body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    cli_note(cli, "Team %lld: %s", (long long)print_int_of(reply, "team_id"),
             print_text_of(reply, "msg"));
    cli_note(cli, "`berth --api-key KEY ...` acts for it, and so does `berth login`.");
    buf_printf(cli->out, "%s\n", print_text_of(reply, "key"));
    return true;
}

bool cmd_create_team(struct cli *cli, struct error *err)
{
    const char *name = args_get(&cli->args, "team-name");
    const char *credit = args_get(&cli->args, "transfer-credit");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    struct money dollars;

    if (name == NULL)
        return cli_usage(cli, err, "--team-name is missing");
    if (credit != NULL && (!money_parse(credit, &dollars, err) || dollars.nanodollars < 0))
        return cli_usage(cli, err, "'%.32s' is no amount", credit);
    encode_object(&json);
    encode_field_text(&json, "team_name", name);
    if (credit != NULL)
        encode_field_money(&json, "transfer_credit", dollars);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "the name is too long");
    return call_for_key(cli, "/api/v0/team/", &body, err);
}

bool cmd_destroy_team(struct cli *cli, struct error *err)
{
    return call_and_say(cli, "DELETE", "/api/v0/team/", NULL, err);
}

bool cmd_show_teams(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Name", false, 0, 40 },
                                                   { "You are", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/teams/", NULL, &reply, err))
        return false;
    const json_t *rows = json_member(reply, "teams");
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        table_number(&table, json_array_get(rows, i), "id", 1, 0);
        table_text(&table, json_array_get(rows, i), "name");
        table_text(&table, json_array_get(rows, i), "role");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

/* "/api/v0/teams/" and the id, and what is behind it. */
static bool name_path(struct cli *cli, const char *before, const char *behind,
                      char path[static PATH_MAX_SIZE], struct error *err)
{
    long long id;

    if (!cli_id(cli, cli->args.words[0], "what it names", &id, err))
        return false;
    (void)snprintf(path, PATH_MAX_SIZE, "%s%lld%s", before, id, behind);
    return true;
}

bool cmd_create_team_key(struct cli *cli, struct error *err)
{
    char path[PATH_MAX_SIZE];

    return name_path(cli, "/api/v0/teams/", "/key/", path, err) &&
           call_for_key(cli, path, NULL, err);
}

bool cmd_leave_team(struct cli *cli, struct error *err)
{
    char path[PATH_MAX_SIZE];

    return name_path(cli, "/api/v0/teams/", "/member/", path, err) &&
           call_and_say(cli, "DELETE", path, NULL, err);
}

bool cmd_show_members(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Email", false, 0, 0 },
                                                   { "Name", false, 1, 40 },
                                                   { "Role", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *rows = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/team/members/", NULL, &rows, err))
        return false;
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *role = json_string_value(json_array_get(json_member(row, "roles"), 0));

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "email");
        table_text(&table, row, "username");
        table_cell(&table, "%s", role != NULL ? role : "-");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_invite_member(struct cli *cli, struct error *err)
{
    const char *email = args_get(&cli->args, "email"), *role = args_get(&cli->args, "role");
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE);

    if (email == NULL || role == NULL)
        return cli_usage(cli, err, "--email and --role are needed");
    buf_printf(&path, "/api/v0/team/invite/?email=");
    client_escape(&path, email);
    buf_printf(&path, "&role=");
    client_escape(&path, role);
    if (path.has_overflowed)
        return cli_usage(cli, err, "that is too long");
    return call_and_say(cli, "POST", path.bytes, NULL, err);
}

bool cmd_accept_invite(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "code", cli->args.words[0]);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "the code is too long");
    return call_for_key(cli, "/api/v0/team/accept/", &body, err);
}

bool cmd_remove_member(struct cli *cli, struct error *err)
{
    char path[PATH_MAX_SIZE];

    return name_path(cli, "/api/v0/team/members/", "/", path, err) &&
           call_and_say(cli, "DELETE", path, NULL, err);
}

static bool write_role(struct cli *cli, struct buf *body, struct error *err)
{
    const char *name = args_get(&cli->args, "name"), *file = args_get(&cli->args, "permissions");
    auto_buf struct buf text = buf_of(FILE_LENGTH_MAX);
    struct encoder json = encoder_of(body);
    auto_json json_t *root = NULL;

    if (name == NULL || file == NULL)
        return cli_usage(cli, err, "--name and --permissions are needed");
    if (!file_read(AT_FDCWD, file, &text, err))
        return error_context(err, "--permissions");
    if (text.has_overflowed || text.length == 0)
        return cli_usage(cli, err, "%s has 1 to %d bytes", file, FILE_LENGTH_MAX);
    if (!json_parse(text.bytes, text.length, &root, err))
        return error_context(err, "%s", file);
    encode_object(&json);
    encode_field_text(&json, "name", name);
    encode_key(&json, "permissions");
    encode_raw(&json, text.bytes, text.length);
    encode_end(&json);
    return !body->has_overflowed || cli_usage(cli, err, "that is too long");
}

bool cmd_create_team_role(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;

    if (!write_role(cli, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/team/roles/", &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "The role is made.\n");
    return true;
}

/* A star marks what a role allows in part. */
static void add_rights(struct table *table, const json_t *role)
{
    auto_buf struct buf text = buf_of(BODY_MAX);
    const char *category;
    json_t *routes;

    json_object_foreach((json_t *)json_member(json_member(role, "permissions"), "api"), category,
                        routes)
    {
        buf_printf(&text, "%s%s%s", text.length > 0 ? " " : "", category,
                   json_object_size(routes) > 0 ? "*" : "");
    }
    table_cell(table, "%s", text.length > 0 ? text.bytes : "nothing");
}

bool cmd_show_team_roles(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Name", false, 0, 0 },
                                                   { "May", false, 1, 100 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *rows = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/team/roles-full/", NULL, &rows, err))
        return false;
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "name");
        add_rights(&table, row);
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

/* "/api/v0/team/roles/NAME/". */
static void name_role(const struct cli *cli, struct buf *path)
{
    buf_printf(path, "/api/v0/team/roles/");
    client_escape(path, cli->args.words[0]);
    buf_printf(path, "/");
}

bool cmd_show_team_role(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE);
    auto_json json_t *reply = NULL;

    name_role(cli, &path);
    if (path.has_overflowed)
        return cli_usage(cli, err, "the name is too long");
    if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    print_json(cli->out, reply);
    return true;
}

bool cmd_update_team_role(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    char path[PATH_MAX_SIZE];

    return name_path(cli, "/api/v0/team/roles/", "/", path, err) && write_role(cli, &body, err) &&
           call_and_say(cli, "PUT", path, &body, err);
}

bool cmd_remove_team_role(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE);

    name_role(cli, &path);
    if (path.has_overflowed)
        return cli_usage(cli, err, "the name is too long");
    return call_and_say(cli, "DELETE", path.bytes, NULL, err);
}
