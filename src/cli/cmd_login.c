/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_login.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cmd_people.h"

/* One line from standard input, which is not shown where it is typed at a terminal. */
static bool read_secret(char *text, size_t size, struct error *err)
{
    struct termios shown, hidden;
    bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    size_t length = 0;
    ssize_t count;

    if (is_terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    while (length < size - 1 && (count = read(STDIN_FILENO, text + length, 1)) == 1 &&
           text[length] != '\n')
        length++;
    if (is_terminal)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    text[length] = '\0';
    text[strcspn(text, "\r")] = '\0';
    if (*text == '\0')
        return error_set(err, ERROR_INVALID, "no API key was given");
    return true;
}

static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* A key that is asked for replaces whatever the environment or an earlier login said. */
static bool ask_key(struct cli *cli, struct error *err)
{
    char key[SETTINGS_KEY_SIZE];

    if (args_has(&cli->args, "api-key"))
        return true;
    cli_note(cli, "API key for %s (it is not shown):", cli->settings.url);
    if (!read_secret(key, sizeof key, err))
        return false;
    return settings_load(cli->settings.url, key, &cli->settings, err);
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
