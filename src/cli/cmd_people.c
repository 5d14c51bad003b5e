/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_people.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/json.h"
#include "cli/secret_line.h"

enum { PATH_SIZE = 128, BODY_MAX = 16 * 1024, SECRET_TEXT_SIZE = 1100 };

const struct args_option cmd_signup_options[] = {
    { "username", 0, "NAME", "how to call you" },
    { "accept-terms", 0, "VERSION", "accept this version of the market's terms" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_reset_password_options[] = {
    { "code", 0, "CODE", "from the mail that asking without it has sent" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_create_subaccount_options[] = {
    { "email", 0, "EMAIL", "whose account" },
    { "username", 0, "NAME", "how to call them" },
    { "password", 0, "PASSWORD", "to begin with; asked for without it" },
    { "type", 0, "host|client", "host: it lends machines alone" },
    { NULL, 0, NULL, NULL },
};

/* One call as nobody: an old key of the login file would only be in the way. */
static bool call_as_nobody(struct cli *cli, const char *path, const struct buf *body,
                           json_t **ret_reply, struct error *err)
{
    struct settings settings = cli->settings;

    settings.api_key[0] = '\0';
    if (*settings.url == '\0')
        return cli_usage(cli, err, "--url is missing: the address of the market");
    auto_client struct client *client = client_open(&settings);
    return client_call(client, "POST", path, body, ret_reply, err);
}

/* {"NAME": "text", ...}, ended by a NULL name; where the text is NULL it is left out. */
struct member {
    const char *name, *text;
};

static bool write_body(struct buf *body, const struct member *members, struct error *err)
{
    struct encoder json = encoder_of(body);

    encode_object(&json);
    for (; members->name != NULL; members++) {
        if (members->text != NULL)
            encode_field_text(&json, members->name, members->text);
    }
    encode_end(&json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "that is too long");
}

/* The reply as JSON, or what the market says. */
static void print_message(struct cli *cli, const json_t *reply)
{
    if (cli_print_raw(cli, reply))
        return;
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_printf(cli->out, "\n");
}

bool cmd_signup(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char password[SECRET_TEXT_SIZE];

    if (!secret_line_read(cli, "A password, of 10 characters or more", password, sizeof password,
                          err))
        return false;
    const struct member members[] = { { "email", cli->args.words[0] },
                                      { "password", password },
                                      { "username", args_get(&cli->args, "username") },
                                      { "terms", args_get(&cli->args, "accept-terms") },
                                      { NULL, NULL } };
    if (!write_body(&body, members, err) ||
        !call_as_nobody(cli, "/api/v0/users/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    cli_note(cli, "`berth verify CODE` makes the account.");
    return true;
}

static bool remember(struct cli *cli, const char *key, const char *email, struct error *err)
{
    if (strlen(key) >= sizeof cli->settings.api_key)
        return error_set(err, ERROR_INVALID, "the market answered with no key");
    (void)snprintf(cli->settings.api_key, sizeof cli->settings.api_key, "%s", key);
    if (!settings_save(&cli->settings, err))
        return false;
    if (cli->is_raw)
        return true;
    buf_printf(cli->out, "Logged in to %s as ", cli->settings.url);
    print_clean(cli->out, email);
    buf_printf(cli->out, ".\n");
    return true;
}

bool cmd_verify(struct cli *cli, struct error *err)
{
    const struct member members[] = { { "code", cli->args.words[0] }, { NULL, NULL } };
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;

    if (!write_body(&body, members, err) ||
        !call_as_nobody(cli, "/api/v0/users/verify/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    const char *key = json_string_value(json_member(reply, "api_key"));
    return key == NULL || remember(cli, key, print_text_of(reply, "email"), err);
}

bool cmd_reset_password(struct cli *cli, struct error *err)
{
    const char *code = args_get(&cli->args, "code");
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char password[SECRET_TEXT_SIZE];

    if ((code == NULL) == (cli->args.word_count == 0))
        return cli_usage(cli, err, "give an email, or --code with what came there");
    if (code != NULL && !secret_line_read(cli, "The new password", password, sizeof password, err))
        return false;
    const struct member ask[] = { { "email", cli->args.words[0] }, { NULL, NULL } };
    const struct member set[] = { { "code", code }, { "password", password }, { NULL, NULL } };
    if (!write_body(&body, code == NULL ? ask : set, err) ||
        !call_as_nobody(cli,
                        code == NULL ? "/api/v0/users/reset_password/"
                                     : "/api/v0/users/reset_password/confirm/",
                        &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

/* Half a session becomes a whole one by a code of the app, or one that was written down. */
static bool give_code(struct cli *cli, const char *secret, json_t **ret_reply, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    char code[SECRET_TEXT_SIZE];

    if (!secret_line_read(cli, "A code of your authenticator app, or a backup code", code,
                          sizeof code, err))
        return false;
    bool is_backup = strchr(code, '-') != NULL;
    const struct member members[] = { { "secret", secret },
                                      { "tfa_method", "totp" },
                                      { is_backup ? "backup_code" : "code", code },
                                      { NULL, NULL } };
    return write_body(&body, members, err) &&
           call_as_nobody(cli, "/api/v0/tfa/", &body, ret_reply, err);
}

bool people_login(struct cli *cli, const char *email, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL, *second = NULL;
    char password[SECRET_TEXT_SIZE];

    if (!secret_line_read(cli, "Password", password, sizeof password, err))
        return false;
    const struct member members[] = { { "email", email },
                                      { "password", password },
                                      { NULL, NULL } };
    if (!write_body(&body, members, err) ||
        !call_as_nobody(cli, "/api/v0/sessions/", &body, &reply, err))
        return false;
    if (json_is_true(json_member(reply, "tfa_required")) &&
        !give_code(cli, print_text_of(reply, "secret"), &second, err))
        return false;
    return remember(cli, print_text_of(second != NULL ? second : reply, "session_key"), email, err);
}

bool cmd_set_password(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char old[SECRET_TEXT_SIZE] = "", fresh[SECRET_TEXT_SIZE];
    struct error none;

    /* An account may have none yet. */
    bool has_old =
        secret_line_read(cli, "The present password, or nothing", old, sizeof old, &none);
    if (!secret_line_read(cli, "The new password", fresh, sizeof fresh, err))
        return false;
    const struct member members[] = { { "password", has_old ? old : NULL },
                                      { "new_password", fresh },
                                      { NULL, NULL } };
    if (!write_body(&body, members, err) ||
        !client_call(cli->client, "PUT", "/api/v0/users/password/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

bool cmd_set_email(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char password[SECRET_TEXT_SIZE] = "";
    struct error none;

    bool has_password =
        secret_line_read(cli, "The password, or nothing", password, sizeof password, &none);
    const struct member members[] = { { "email", cli->args.words[0] },
                                      { "password", has_password ? password : NULL },
                                      { NULL, NULL } };
    if (!write_body(&body, members, err) ||
        !client_call(cli->client, "PUT", "/api/v0/users/email/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

bool cmd_show_sessions(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "From", false, 0, 0 },
                                                   { "Client", false, 1, 40 },
                                                   { "This", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/sessions/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "sessions");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "ip_address");
        table_text(&table, row, "user_agent");
        table_cell(&table, "%s", json_is_true(json_member(row, "current")) ? "yes" : "");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

static bool delete_and_print(struct cli *cli, const char *path, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

bool cmd_delete_session(struct cli *cli, struct error *err)
{
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a session", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/sessions/%lld/", id);
    return delete_and_print(cli, path, err);
}

bool cmd_delete_sessions(struct cli *cli, struct error *err)
{
    return delete_and_print(cli, "/api/v0/sessions/", err);
}

bool cmd_show_subaccounts(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Email", false, 0, 0 },
                                                   { "Name", false, 1, 40 },
                                                   { "Credit", true, 0, 0 },
                                                   { "Earned", true, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/subaccounts/", NULL, &reply, err))
        return false;
    const json_t *rows = json_member(reply, "users");
    if (cli_print_raw(cli, rows) || cli_print_ids(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "email");
        table_text(&table, row, "username");
        table_number(&table, row, "credit", 1, 4);
        table_number(&table, row, "balance", 1, 4);
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_create_subaccount(struct cli *cli, struct error *err)
{
    const char *given = args_get(&cli->args, "password"), *type = args_get(&cli->args, "type");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    char password[SECRET_TEXT_SIZE];

    if (!args_has(&cli->args, "email"))
        return cli_usage(cli, err, "--email is missing");
    if (given == NULL &&
        !secret_line_read(cli, "A password for it", password, sizeof password, err))
        return false;
    encode_object(&json);
    encode_field_text(&json, "email", args_get(&cli->args, "email"));
    encode_field_text(&json, "username", args_get(&cli->args, "username"));
    encode_field_text(&json, "password", given != NULL ? given : password);
    encode_field_bool(&json, "host_only", type != NULL && strcmp(type, "host") == 0);
    encode_field_text(&json, "parent_id", "me");
    encode_end(&json);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "that is too long");
    if (!client_call(cli->client, "POST", "/api/v0/users/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

bool cmd_show_audit_logs(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        { "When", false, 0, 0 },   { "From", false, 0, 0 },  { "Key", true, 0, 0 },
        { "Session", true, 1, 0 }, { "Route", false, 0, 0 }, { "Arguments", false, 2, 60 }
    };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *rows = NULL;
    char when[INSTANT_TEXT_SIZE];

    if (!client_call(cli->client, "GET", "/api/v0/audit_logs/", NULL, &rows, err))
        return false;
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct instant at = { (int64_t)(print_real_of(row, "created_at") * 1e6) };

        table_cell(&table, "%.19s", instant_format(at, when));
        table_text(&table, row, "ip_address");
        table_number(&table, row, "api_key_id", 1, 0);
        table_number(&table, row, "session_id", 1, 0);
        table_text(&table, row, "api_route");
        table_text(&table, row, "args");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_show_ipaddrs(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "Address", false, 0, 0 },
                                                   { "First", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/users/me/ipaddrs/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "results");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        table_text(&table, json_array_get(rows, i), "ip");
        table_text(&table, json_array_get(rows, i), "first_seen");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

/* The second factor. */

const struct args_option cmd_tfa_options[] = {
    { "tfa-method", 't', "M", "totp, the only one there is" },
    { "code", 'c', "CODE", "of the authenticator app" },
    { "backup-code", 0, "B", "one of those to be written down" },
    { "bc", 0, "B", "the same" },
    { "method-type", 0, "M", "the same as --tfa-method" },
    { "method-id", 0, "ID", "which app; any does" },
    { "id-to-delete", 0, "ID", "the same as --id" },
    { "phone-number", 'p', "NUMBER", "for texts, which this market does not send" },
    { "set-primary", 0, "true|false", "which app is asked first" },
    { "secret", 's', "S", "what totp-setup or a login has answered" },
    { "label", 'l', "TEXT", "what to call it" },
    { "id", 0, "ID", "of tfa status" },
    { NULL, 0, NULL, NULL },
};

bool cmd_tfa_status(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/tfa/status/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "methods");
    print_line(cli->out, "Second factor", "%s", json_array_size(rows) > 0 ? "on" : "off");
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_line(cli->out, "App", "%lld %s",
                   (long long)print_int_of(json_array_get(rows, i), "id"),
                   print_text_or_dash(json_array_get(rows, i), "label"));
    print_line(cli->out, "Backup codes", "%lld left",
               (long long)print_int_of(reply, "backup_codes_remaining"));
    return true;
}

/* The options as the route takes them. */
static bool write_options(struct cli *cli, const char *code, struct buf *body, struct error *err)
{
    const char *given = args_get(&cli->args, "code");
    const char *method = args_has(&cli->args, "method-type") ? args_get(&cli->args, "method-type")
                                                             : args_get(&cli->args, "tfa-method");
    const char *backup = args_has(&cli->args, "bc") ? args_get(&cli->args, "bc")
                                                    : args_get(&cli->args, "backup-code");
    const struct member members[] = { { "tfa_method", method != NULL ? method : "totp" },
                                      { "code", given != NULL ? given : code },
                                      { "backup_code", backup },
                                      { "secret", args_get(&cli->args, "secret") },
                                      { "label", args_get(&cli->args, "label") },
                                      { NULL, NULL } };

    return write_body(body, members, err);
}

bool cmd_tfa_login(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL, *user = NULL;
    char code[SECRET_TEXT_SIZE] = "";

    bool is_given = args_has(&cli->args, "code") || args_has(&cli->args, "backup-code") ||
                    args_has(&cli->args, "bc");
    if (!is_given &&
        !secret_line_read(cli, "A code of your authenticator app", code, sizeof code, err))
        return false;
    if (!write_options(cli, is_given ? NULL : code, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/tfa/", &body, &reply, err) ||
        !client_call(cli->client, "GET", "/api/v0/users/current/", NULL, &user, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    return remember(cli, print_text_of(reply, "session_key"), print_text_of(user, "email"), err);
}

bool cmd_tfa_totp_setup(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "POST", "/api/v0/tfa/totp-setup/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    print_line(cli->out, "Secret", "%s", print_text_of(reply, "secret"));
    print_line(cli->out, "Address", "%s", print_text_of(reply, "provisioning_uri"));
    cli_note(cli, "Give it to your authenticator app; then `berth tfa activate CODE`.");
    return true;
}

static void print_codes(struct cli *cli, const json_t *codes)
{
    for (size_t i = 0; i < json_array_size(codes); i++) {
        print_clean(cli->out, json_string_value(json_array_get(codes, i)));
        buf_printf(cli->out, "\n");
    }
    if (json_array_size(codes) > 0)
        cli_note(cli, "Write these down: each logs you in once when the app is lost.");
}

bool cmd_tfa_activate(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;

    if (!write_options(cli, cli->args.words[0], &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/tfa/confirm-new/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    cli_note(cli, "%s", print_text_of(reply, "msg"));
    print_codes(cli, json_member(reply, "backup_codes"));
    return true;
}

bool cmd_tfa_regen_codes(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "PUT", "/api/v0/tfa/regen-backup-codes/", NULL, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        print_codes(cli, json_member(reply, "backup_codes"));
    return true;
}

bool cmd_tfa_delete(struct cli *cli, struct error *err)
{
    const char *word = args_has(&cli->args, "id") ? args_get(&cli->args, "id")
                                                  : args_get(&cli->args, "id-to-delete");
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    long long id;

    if (word == NULL)
        return cli_usage(cli, err, "--id is missing: `berth tfa status` shows them");
    if (!cli_id(cli, word, "a second factor", &id, err))
        return false;
    buf_printf(&body, "{\"target_id\":%lld}", id);
    if (!client_call(cli->client, "DELETE", "/api/v0/tfa/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

/* A request of the options, and what the market says to it. */
static bool ask_factor(struct cli *cli, const char *method, const char *path, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;

    if (!write_options(cli, NULL, &body, err) ||
        !client_call(cli->client, method, path, &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}

/* Without a code it asks for a challenge, with one it answers it. */
bool cmd_tfa_auth_new(struct cli *cli, struct error *err)
{
    return ask_factor(cli, args_has(&cli->args, "code") ? "PUT" : "POST",
                      "/api/v0/tfa/authorize-new-method/", err);
}

bool cmd_tfa_send_email(struct cli *cli, struct error *err)
{
    return ask_factor(cli, "POST", "/api/v0/tfa/email/", err);
}

bool cmd_tfa_send_sms(struct cli *cli, struct error *err)
{
    return ask_factor(cli, "POST", "/api/v0/tfa/sms/", err);
}

bool cmd_tfa_resend_sms(struct cli *cli, struct error *err)
{
    return ask_factor(cli, "POST", "/api/v0/tfa/sms/resend/", err);
}

bool cmd_tfa_update(struct cli *cli, struct error *err)
{
    const char *primary = args_get(&cli->args, "set-primary");
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a second factor", &id, err))
        return false;
    if (primary != NULL && strcmp(primary, "true") != 0 && strcmp(primary, "false") != 0)
        return cli_usage(cli, err, "--set-primary is true or false");
    encode_object(&json);
    encode_field_int(&json, "tfa_method_id", id);
    encode_field_text(&json, "label", args_get(&cli->args, "label"));
    if (primary != NULL)
        encode_field_bool(&json, "is_primary", *primary == 't');
    encode_end(&json);
    if (!client_call(cli->client, "PUT", "/api/v0/tfa/update/", &body, &reply, err))
        return false;
    print_message(cli, reply);
    return true;
}
