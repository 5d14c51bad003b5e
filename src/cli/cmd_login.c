/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_login.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cmd_people.h"
#include "cli/secret_line.h"

static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* A key that is asked for replaces whatever the environment or an earlier login said. */
static bool ask_key(struct cli *cli, struct error *err)
{
    char key[SETTINGS_KEY_SIZE], question[SETTINGS_URL_SIZE + 16];

    if (args_has(&cli->args, "api-key"))
        return true;
    (void)snprintf(question, sizeof question, "API key for %s", cli->settings.url);
    if (!secret_line_read(cli, question, key, sizeof key, err))
        return error_set(err, ERROR_INVALID, "no API key was given");
    return settings_begin(cli->settings.url, key, &cli->settings, err);
}

const struct args_option cmd_login_options[] = {
    { "email", 0, "EMAIL", "log in with email and password, in place of an API key" },
    { NULL, 0, NULL, NULL },
};

bool cmd_login(struct cli *cli, struct error *err)
{
    auto_json json_t *user = NULL;
    const char *email = args_get(&cli->args, "email");

    if (*cli->settings.url == '\0')
        return cli_usage(cli, err, "--url is missing: the address of the market");
    if (email == NULL && !ask_key(cli, err))
        return false;
    if (strncmp(cli->settings.url, "http://", 7) == 0 && !is_loopback(cli->settings.url))
        cli_note(cli, "berth: http:// sends the key for everyone on the way to read");
    if (email != NULL)
        return people_login(cli, email, err);

    auto_client struct client *client = client_open(&cli->settings);
    if (!client_call(client, "GET", "/api/v0/users/current/", NULL, &user, err))
        return error_context(err, "log in to %s", cli->settings.url);
    if (!settings_save(&cli->settings, err))
        return false;
    if (cli_print_raw(cli, user))
        return true;
    buf_printf(cli->out, "Logged in to %s as ", cli->settings.url);
    print_clean(cli->out, print_text_of(user, "email"));
    buf_printf(cli->out, ".\n");
    return true;
}

bool cmd_logout(struct cli *cli, struct error *err)
{
    if (!settings_forget(&cli->settings, err))
        return false;
    if (!cli->is_raw)
        buf_printf(cli->out, "Logged out.\n");
    return true;
}

bool cmd_show_user(struct cli *cli, struct error *err)
{
    auto_json json_t *user = NULL;
    struct buf *out = cli->out;

    if (!client_call(cli->client, "GET", "/api/v0/users/current/", NULL, &user, err))
        return false;
    (void)json_object_del(user, "api_key");
    if (cli_print_raw(cli, user))
        return true;
    if (args_has(&cli->args, "quiet")) {
        buf_printf(out, "%lld\n", (long long)print_int_of(user, "id"));
        return true;
    }
    print_line(out, "Account", "%lld", (long long)print_int_of(user, "id"));
    print_line(out, "Email", "%s", print_text_of(user, "email"));
    if (*print_text_of(user, "fullname") != '\0')
        print_line(out, "Name", "%s", print_text_of(user, "fullname"));
    print_line(out, "Credit", "$%.4f to spend", print_real_of(user, "credit"));
    print_line(out, "Earned", "$%.4f not paid out yet", print_real_of(user, "balance"));
    if (json_is_true(json_member(user, "balance_threshold_enabled")))
        print_line(out, "Warning", "by mail below $%.2f", print_real_of(user, "balance_threshold"));
    print_line(out, "Market", "%s", cli->settings.url);
    return true;
}
