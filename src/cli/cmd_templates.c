/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_templates.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/query.h"

enum { BODY_LENGTH_MAX = 1 << 20 };

const struct args_option cmd_create_template_options[] = {
    { "name", 0, "TEXT", "what to call it" },
    { "image", 0, "IMAGE", "what it runs" },
    { "image-tag", 0, "TAG", "the image's tag" },
    { "href", 0, "URL", "a link" },
    { "repo", 0, "URL", "a link to a repository" },
    { "login", 0, "FLAGS", "for a private registry: '-u USER -p PASSWORD HOST'" },
    { "env", 0, "FLAGS", "variables and ports, as for docker: '-e A=b -p 8080:8080'" },
    { "ssh", 0, NULL, "launch it for SSH; this is the default" },
    { "jupyter", 0, NULL, "launch it with Jupyter" },
    { "direct", 0, NULL, "on ports of the host itself" },
    { "jupyter-dir", 0, "DIR", "where Jupyter starts" },
    { "jupyter-lab", 0, NULL, "JupyterLab rather than the notebook" },
    { "onstart-cmd", 0, "COMMAND", "a command to run at each start" },
    { "disk-space", 0, "GB", "how much disk it wants" },
    { "readme", 0, "TEXT", "what people should know" },
    { "hide-readme", 0, NULL, "for its owner alone" },
    { "desc", 0, "TEXT", "one line" },
    { "public", 0, NULL, "everybody may use it" },
    { "search-params", 0, "QUERY", "which offers it suits, as for search offers" },
    { "no-default", 'n', NULL, "with --search-params: also what is not verified or not free" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_delete_template_options[] = {
    { "template-id", 0, "ID", "which, by its number" },
    { "hash-id", 0, "HASH", "which, by its hash" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column template_columns[] = {
    { "ID", true, 0, 0 },       { "Name", false, 0, 32 }, { "Image", false, 0, 40 },
    { "Launch", false, 2, 0 },  { "Disk", true, 2, 0 },   { "Used", true, 3, 0 },
    { "Seen by", false, 1, 0 }, { "Hash", false, 0, 0 },
};

static bool has_word(const json_t *template, const char *word)
{
    static const char *const members[] = { "name", "image", "desc", "hash_id" };

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strcasestr(print_text_of(template, members[i]), word) != NULL)
            return true;
    }
    return false;
}

/* Every word is somewhere in it. */
static bool is_wanted(const struct cli *cli, const json_t *template)
{
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!has_word(template, cli->args.words[i]))
            return false;
    }
    return true;
}

static void add_template(struct table *table, const json_t *template)
{
    const char *tag = print_text_of(template, "tag");

    table_number(table, template, "id", 1, 0);
    table_text(table, template, "name");
    table_cell(table, "%s%s%s", print_text_of(template, "image"), *tag != '\0' ? ":" : "", tag);
    table_text(table, template, "runtype");
    table_number(table, template, "recommended_disk_space", 1, 0);
    table_number(table, template, "count_created", 1, 0);
    table_cell(table, "%s", json_is_true(json_member(template, "private")) ? "you" : "all");
    table_text(table, template, "hash_id");
}

bool cmd_search_templates(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL, *wanted = json_array();
    auto_table struct table table =
        table_of(template_columns, sizeof template_columns / sizeof template_columns[0]);
    const json_t *templates;

    if (!client_call(cli->client, "GET", "/api/v0/template/", NULL, &reply, err) ||
        !json_need_array(reply, "templates", SIZE_MAX, &templates, err))
        return false;
    for (size_t i = 0; i < json_array_size(templates); i++) {
        json_t *template = json_array_get(templates, i);

        if (!is_wanted(cli, template))
            continue;
        add_template(&table, template);
        (void)json_array_append(wanted, template);
    }
    if (cli_print_raw(cli, wanted))
        return true;
    if (json_array_size(wanted) == 0)
        cli_note(cli, "No template matches. `berth create template` makes one.");
    else
        table_write(&table, cli->style, cli->out);
    return true;
}

/* -u USER -p PASSWORD HOST, as the members that the server keeps apart. */
static bool write_login(struct cli *cli, struct encoder *json, struct error *err)
{
    char copy[4096], *state = NULL, *value[3] = { NULL, NULL, NULL };
    const char *login = args_get(&cli->args, "login");

    if (login == NULL)
        return true;
    if (strlen(login) >= sizeof copy)
        return cli_usage(cli, err, "--login is too long");
    memcpy(copy, login, strlen(login) + 1);
    for (char *word = strtok_r(copy, " ", &state); word != NULL;
         word = strtok_r(NULL, " ", &state)) {
        bool is_user = strcmp(word, "-u") == 0, is_password = strcmp(word, "-p") == 0;
        int at = is_user ? 0 : is_password ? 1 : 2;

        value[at] = is_user || is_password ? strtok_r(NULL, " ", &state) : word;
    }
    if (value[0] == NULL || value[1] == NULL)
        return cli_usage(cli, err, "--login is '-u USER -p PASSWORD HOST'");
    encode_field_text(json, "docker_login_user", value[0]);
    encode_field_text(json, "docker_login_pass", value[1]);
    encode_field_text(json, "docker_login_repo", value[2]);
    return true;
}

/* Which offers it suits: a query, as an object. */
static bool write_filters(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *text = args_get(&cli->args, "search-params");
    bool is_bare = args_has(&cli->args, "no-default");
    struct error why;
    size_t at;

    if (text == NULL)
        return true;
    encode_key(json, "extra_filters");
    encode_object(json);
    if (!query_write(text, is_bare ? QUERY_DEFAULTS_NONE : QUERY_DEFAULTS_ALL, json, &at, &why))
        return cli_usage(cli, err, "--search-params, character %zu: %s", at + 1, why.text);
    encode_end(json);
    return true;
}

/* What an edit does not name stays as it is; a new one gets the rest by default. */
static bool write_template(struct cli *cli, bool is_new, struct encoder *json, struct error *err)
{
    static const struct {
        const char *option, *member;
    } texts[] = { { "name", "name" },
                  { "image", "image" },
                  { "image-tag", "tag" },
                  { "href", "href" },
                  { "repo", "repo" },
                  { "env", "env" },
                  { "jupyter-dir", "jupyter_dir" },
                  { "onstart-cmd", "onstart" },
                  { "disk-space", "recommended_disk_space" },
                  { "readme", "readme" },
                  { "desc", "desc" } };
    bool is_jupyter = args_has(&cli->args, "jupyter") || args_has(&cli->args, "jupyter-lab");
    bool is_direct = args_has(&cli->args, "direct");

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        encode_field_text(json, texts[i].member, args_get(&cli->args, texts[i].option));
    if (is_new || is_jupyter || args_has(&cli->args, "ssh"))
        encode_field_text(json, "runtype", is_jupyter ? "jupyter" : "ssh");
    if (is_new || is_direct) {
        encode_field_bool(json, "ssh_direct", is_direct);
        encode_field_bool(json, "jup_direct", is_direct && is_jupyter);
    }
    if (args_has(&cli->args, "jupyter-lab"))
        encode_field_bool(json, "use_jupyter_lab", true);
    if (!write_filters(cli, json, err))
        return false;
    if (is_new || args_has(&cli->args, "hide-readme"))
        encode_field_bool(json, "readme_visible", !args_has(&cli->args, "hide-readme"));
    if (is_new || args_has(&cli->args, "public"))
        encode_field_bool(json, "private", !args_has(&cli->args, "public"));
    return write_login(cli, json, err);
}

static bool send(struct cli *cli, const char *method, const char *hash, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;

    encode_object(&json);
    if (hash != NULL)
        encode_field_text(&json, "hash_id", hash);
    if (!write_template(cli, hash == NULL, &json, err))
        return false;
    encode_end(&json);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the template is too long");
    if (!client_call(cli->client, method, "/api/v0/template/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *template = json_member(reply, "template");
    buf_printf(cli->out, "Template %lld: %s\n", (long long)print_int_of(template, "id"),
               print_text_of(template, "hash_id"));
    cli_note(cli, "`berth create instance OFFER --template_hash %s` rents with it.",
             print_text_of(template, "hash_id"));
    return true;
}

bool cmd_create_template(struct cli *cli, struct error *err)
{
    if (!args_has(&cli->args, "name") || !args_has(&cli->args, "image"))
        return cli_usage(cli, err, "--name and --image are needed");
    return send(cli, "POST", NULL, err);
}

bool cmd_update_template(struct cli *cli, struct error *err)
{
    return send(cli, "PUT", cli->args.words[0], err);
}

bool cmd_delete_template(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    const char *hash = args_get(&cli->args, "hash-id"),
               *number = args_get(&cli->args, "template-id");
    long long id = 0;

    if ((hash == NULL) == (number == NULL))
        return cli_usage(cli, err, "--template-id or --hash-id says which");
    if (number != NULL && !cli_id(cli, number, "a template", &id, err))
        return false;
    encode_object(&json);
    encode_field_text(&json, "hash_id", hash);
    if (number != NULL)
        encode_field_int(&json, "template_id", id);
    encode_end(&json);
    if (!client_call(cli->client, "DELETE", "/api/v0/template/", &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "%s\n", print_text_of(reply, "msg"));
    return true;
}
