/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agent/access_channel.h"
#include "agent/access_tools.h"

/* See access_login.c. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { EXIT_SIGNAL = 256, EXIT_LOST = 255 };

/* Signals by the names that SSH has for them (RFC 4254, 6.10). */
static const struct {
    const char *name;
    int number;
} SIGNALS[] = {
    { "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },   { "HUP", SIGHUP },
    { "ILL", SIGILL },   { "INT", SIGINT },   { "KILL", SIGKILL }, { "PIPE", SIGPIPE },
    { "QUIT", SIGQUIT }, { "SEGV", SIGSEGV }, { "TERM", SIGTERM }, { "USR1", SIGUSR1 },
    { "USR2", SIGUSR2 },
};

enum { SIGNAL_COUNT = sizeof(SIGNALS) / sizeof(SIGNALS[0]) };

void program_open(struct session *session, ssh_message message)
{
    struct channel *channel = channel_take(session, CHANNEL_PROGRAM);

    if (channel == NULL) {
        (void)ssh_message_reply_default(message);
        return;
    }
    ssh_channel ssh = ssh_message_channel_request_open_reply_accept(message);
    if (ssh == NULL)
        channel_drop(session, channel);
    else
        channel_attach(channel, ssh);
}

static uint16_t clamp(int value)
{
    return value < 0 ? 0 : value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
}

static struct wire_terminal terminal_of(ssh_message message)
{
    return (struct wire_terminal){
        .columns = clamp(ssh_message_channel_request_pty_width(message)),
        .rows = clamp(ssh_message_channel_request_pty_height(message)),
        .x_pixels = clamp(ssh_message_channel_request_pty_pxwidth(message)),
        .y_pixels = clamp(ssh_message_channel_request_pty_pxheight(message)),
    };
}

static bool take_terminal(struct channel *channel, ssh_message message)
{
    const char *term = ssh_message_channel_request_pty_term(message);

    if (term == NULL || strlen(term) > WIRE_TERM_MAX)
        return false;
    channel->has_terminal = true;
    channel->terminal = terminal_of(message);
    memcpy(channel->term, term, strlen(term) + 1);
    return true;
}

static bool add_variable(struct channel *channel, const char *name, const char *value)
{
    if (name == NULL || value == NULL || !wire_is_variable(name, strlen(name)))
        return false;
    size_t length = strlen(name) + 1 + strlen(value) + 1;
    if (length > WIRE_ENV_MAX - channel->env_length)
        return false;
    char *env = realloc(channel->env, channel->env_length + length);
    if (env == NULL)
        abort();
    (void)snprintf(env + channel->env_length, length, "%s=%s", name, value);
    channel->env = env;
    channel->env_length += length;
    return true;
}

/* $SSH_CONNECTION and $SSH_CLIENT: programs look there for who calls. */
static void add_connection(const struct session *session, struct channel *channel)
{
    char client[sizeof(session->start->connection)];
    const char *connection = session->start->connection;

    (void)add_variable(channel, "SSH_CONNECTION", connection);
    /* The first two and the last of its four words. */
    size_t peer = strcspn(connection, " ") + 1;
    peer += strcspn(connection + peer, " ");
    const char *port = strrchr(connection, ' ');
    (void)snprintf(client, sizeof(client), "%.*s%s", (int)peer, connection,
                   port != NULL ? port : "");
    (void)add_variable(channel, "SSH_CLIENT", client);
}

static bool take_command(struct session *session, struct channel *channel, enum wire_kind kind,
                         const char *command)
{
    if (command != NULL && strlen(command) > WIRE_TEXT_MAX)
        return false;
    channel->wanted = kind;
    if (command != NULL) {
        channel->command = strdup(command);
        if (channel->command == NULL)
            abort();
    }
    add_connection(session, channel);
    channel->state = CHANNEL_WAITING;
    session_ask_helper(session);
    return true;
}

static bool resize(struct channel *channel, ssh_message message)
{
    channel->terminal = terminal_of(message);
    const struct winsize size = {
        .ws_col = channel->terminal.columns,
        .ws_row = channel->terminal.rows,
        .ws_xpixel = channel->terminal.x_pixels,
        .ws_ypixel = channel->terminal.y_pixels,
    };
    int fd = channel->streams[STREAM_OUT].fd;
    return channel->has_terminal && (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) == 0);
}

/* Their key is good for the instance's files, as often as they ask, and for no program. */
static bool is_for_files(const struct session *session)
{
    const char *what = session->errand != NULL ? strchr(session->errand, ' ') : NULL;

    return what != NULL && strcmp(what, " sftp") == 0;
}

/* Whatever they ask for: what their key is good for, and once. */
static bool take_errand(struct session *session, struct channel *channel)
{
    const char *what = strchr(session->errand, ' ');
    char ours[WIRE_TEXT_MAX / 4];

    if (what == NULL || session->has_greeted || is_for_files(session))
        return false;
    int length = snprintf(ours, sizeof(ours), "%s copy %lld%s", ACCESS_GUEST_HELPER,
                          (long long)session->start->instance_id, what);
    return length > 0 && (size_t)length < sizeof(ours) &&
           take_command(session, channel, WIRE_COMMAND, ours);
}

void program_greet(struct session *session, struct channel *channel)
{
    if (session->errand == NULL || session->has_greeted || is_for_files(session))
        return;
    session->has_greeted = true;
    session->errand[strcspn(session->errand, " ")] = '\n';
    (void)ssh_channel_write(channel->ssh, session->errand,
                            (uint32_t)(strcspn(session->errand, "\n") + 1));
}

/* Who came to copy says that rsync should serve, and cannot know what it serves. */
static bool take_exec(struct session *session, struct channel *channel, const char *command)
{
    static const char wanted[] = "rsync --server --daemon ";
    char ours[128];

    if (session->errand != NULL)
        return take_errand(session, channel);
    if (!session->is_copy)
        return take_command(session, channel, WIRE_COMMAND, command);
    if (command == NULL || strncmp(command, wanted, sizeof(wanted) - 1) != 0)
        return false;
    (void)snprintf(ours, sizeof(ours), "%s copy %lld", ACCESS_GUEST_HELPER,
                   (long long)session->start->instance_id);
    return take_command(session, channel, WIRE_COMMAND, ours);
}

/* What a channel may be asked. Once something runs, only its window changes. */
static bool handle_request(struct session *session, struct channel *channel, ssh_message message)
{
    int what = ssh_message_subtype(message);
    const char *subsystem;

    if (what == SSH_CHANNEL_REQUEST_WINDOW_CHANGE)
        return resize(channel, message);
    if (channel->state != CHANNEL_NEW)
        return false;
    switch (what) {
    case SSH_CHANNEL_REQUEST_PTY:
        return take_terminal(channel, message);
    case SSH_CHANNEL_REQUEST_ENV:
        return add_variable(channel, ssh_message_channel_request_env_name(message),
                            ssh_message_channel_request_env_value(message));
    case SSH_CHANNEL_REQUEST_SHELL:
        if (session->is_copy)
            return false;
        return take_command(session, channel, WIRE_SHELL, NULL);
    case SSH_CHANNEL_REQUEST_EXEC:
        return take_exec(session, channel, ssh_message_channel_request_command(message));
    case SSH_CHANNEL_REQUEST_SUBSYSTEM:
        subsystem = ssh_message_channel_request_subsystem(message);
        return (!session->is_copy || is_for_files(session)) && subsystem != NULL &&
               strcmp(subsystem, "sftp") == 0 && take_command(session, channel, WIRE_SFTP, NULL);
    default:
        return false;
    }
}

void program_request(struct session *session, ssh_message message)
{
    ssh_channel ssh = ssh_message_channel_request_channel(message);

    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->kind == CHANNEL_PROGRAM && channel->ssh == ssh &&
            handle_request(session, channel, message)) {
            (void)ssh_message_channel_request_reply_success(message);
            return;
        }
    }
    (void)ssh_message_reply_default(message);
}

bool program_is_copy(const struct session *session, const struct channel *channel)
{
    static const char *const commands[] = { "rsync --server ", "scp -" };

    if (channel->kind != CHANNEL_PROGRAM)
        return false;
    if (session->is_copy || channel->wanted == WIRE_SFTP)
        return true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (channel->wanted == WIRE_COMMAND && channel->command != NULL && !channel->has_terminal &&
            strncmp(channel->command, commands[i], strlen(commands[i])) == 0)
            return true;
    return false;
}

void program_start(struct session *session, struct channel *channel)
{
    const struct wire_message message = {
        .type = WIRE_RUN,
        .tag = channel->tag,
        .kind = channel->wanted,
        .has_terminal = channel->has_terminal,
        .terminal = channel->has_terminal ? channel->terminal : (struct wire_terminal){ 0 },
        .term = channel->term,
        .env = channel->env,
        .env_length = channel->env_length,
        .text = channel->command,
    };

    /* Not sent: the helper has much to do. The loop comes back. */
    if (!wire_send(session->helper, &message, NULL, 0))
        return;
    channel->state = CHANNEL_ASKED;
    free(channel->command);
    channel->command = NULL;
}

void program_tell(struct session *session, const struct channel *channel, enum wire_type type,
                  uint32_t number)
{
    const struct wire_message message = {
        .type = type,
        .tag = channel->tag,
        .number = number,
    };

    if (session->helper >= 0 && channel->state >= CHANNEL_ASKED)
        (void)wire_send(session->helper, &message, NULL, 0);
}

void program_refused(struct channel *channel, const char *why)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "berth: %s\r\n", why);
    (void)ssh_channel_write_stderr(channel->ssh, line, (uint32_t)strlen(line));
    channel->has_exited = true;
    channel->exit_number = EXIT_LOST;
    channel->state = CHANNEL_OPEN;
}

void program_end(struct channel *channel)
{
    int number = (int)channel->exit_number - EXIT_SIGNAL;

    if (number < 0) {
        (void)ssh_channel_request_send_exit_status(channel->ssh, (int)channel->exit_number);
    } else {
        const char *name = "KILL";

        for (size_t i = 0; i < SIGNAL_COUNT; i++)
            if (SIGNALS[i].number == number)
                name = SIGNALS[i].name;
        (void)ssh_channel_request_send_exit_signal(channel->ssh, name, 0, "", "");
    }
    (void)ssh_channel_send_eof(channel->ssh);
    (void)ssh_channel_close(channel->ssh);
}

void program_signalled(ssh_session ssh, ssh_channel ssh_channel, const char *name, void *context)
{
    struct channel *channel = context;

    (void)ssh;
    (void)ssh_channel;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (channel->kind == CHANNEL_PROGRAM && strcmp(SIGNALS[i].name, name) == 0)
            program_tell(channel->session, channel, WIRE_SIGNAL, (uint32_t)SIGNALS[i].number);
}
