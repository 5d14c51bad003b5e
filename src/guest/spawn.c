/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "guest/resolve.h"
#include "guest/sftp.h"
#include "guest/shell.h"

enum { PIPE_SIZE = 256 * 1024, FDS_MAX = 1024 };

/* The process's own ends. */
struct ends {
    int in, out, err;
};

static void close_all(const int *fds, size_t count)
{
    int reason = errno;

    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    errno = reason;
}

static bool open_pipes(struct spawned *spawned, struct ends *ends)
{
    int fds[6] = { -1, -1, -1, -1, -1, -1 };

    for (int i = 0; i < 3; i++) {
        if (pipe2(fds + 2 * i, O_CLOEXEC) != 0) {
            close_all(fds, 6);
            return false;
        }
        /* More in one go; the default will do as well. */
        (void)fcntl(fds[2 * i], F_SETPIPE_SZ, PIPE_SIZE);
    }
    *ends = (struct ends){ .in = fds[0], .out = fds[3], .err = fds[5] };
    spawned->fd_count = 3;
    spawned->fds[0] = fds[1];
    spawned->fds[1] = fds[2];
    spawned->fds[2] = fds[4];
    return true;
}

static bool resize(int terminal, const struct wire_terminal *size)
{
    struct winsize wanted = {
        .ws_col = size->columns,
        .ws_row = size->rows,
        .ws_xpixel = size->x_pixels,
        .ws_ypixel = size->y_pixels,
    };

    return ioctl(terminal, TIOCSWINSZ, &wanted) == 0;
}

void spawn_resize(const struct wire_terminal *terminal)
{
    (void)resize(STDIN_FILENO, terminal);
}

static bool open_terminal(const struct wire_terminal *size, struct spawned *spawned,
                          struct ends *ends)
{
    char name[64];
    int fds[2] = { posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), -1 };

    if (fds[0] < 0)
        return false;
    if (grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0 && ptsname_r(fds[0], name, sizeof(name)) == 0)
        fds[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fds[1] < 0 || !resize(fds[0], size)) {
        close_all(fds, 2);
        return false;
    }
    *ends = (struct ends){ .in = fds[1], .out = fds[1], .err = fds[1] };
    spawned->fd_count = 1;
    spawned->fds[0] = fds[0];
    return true;
}

static void set_environment(const struct wire_message *message)
{
    char name[64];

    shell_environment();
    for (size_t at = 0; at < message->env_length; at += strlen(message->env + at) + 1) {
        /* The block goes with us; each text ends in its own NUL. */
        (void)putenv(strdup(message->env + at));
    }
    if (message->has_terminal) {
        (void)setenv("TERM", message->term[0] != '\0' ? message->term : "dumb", 1);
        if (ttyname_r(STDIN_FILENO, name, sizeof(name)) == 0)
            (void)setenv("SSH_TTY", name, 1);
    }
}

/* Some become nothing else by exec, which would close these: a copy of our own input's other end
 * would keep it open for ever. */
static void close_rest(void)
{
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
        return;
    for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++)
        (void)close(fd);
}

static _Noreturn void become(const struct wire_message *message, const struct ends *ends)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setsid();
    if (message->has_terminal)
        (void)ioctl(ends->in, TIOCSCTTY, 0);
    if (dup2(ends->in, STDIN_FILENO) < 0 || dup2(ends->out, STDOUT_FILENO) < 0 ||
        dup2(ends->err, STDERR_FILENO) < 0)
        _exit(126);
    close_rest();
    set_environment(message);

    switch (message->kind) {
    case WIRE_SHELL:
        shell_run(NULL);
    case WIRE_COMMAND:
        shell_run(message->text);
    case WIRE_SFTP:
        _exit(sftp_main());
    case WIRE_RESOLVE:
        _exit(resolve_main(message->text));
    case WIRE_KINDS_END:
        break;
    }
    _exit(126);
}

bool spawn(const struct wire_message *message, struct spawned *ret_spawned)
{
    struct spawned spawned = { .fds = { -1, -1, -1 } };
    struct ends ends = { -1, -1, -1 };
    bool is_open = message->has_terminal ? open_terminal(&message->terminal, &spawned, &ends)
                                         : open_pipes(&spawned, &ends);

    if (!is_open)
        return false;
    spawned.pid = fork();
    if (spawned.pid == 0)
        become(message, &ends);
    const int theirs[] = { ends.in, message->has_terminal ? -1 : ends.out,
                           message->has_terminal ? -1 : ends.err };
    close_all(theirs, 3);
    if (spawned.pid < 0) {
        close_all(spawned.fds, WIRE_FDS_MAX);
        return false;
    }
    *ret_spawned = spawned;
    return true;
}

void spawn_close(struct spawned *spawned)
{
    close_all(spawned->fds, spawned->fd_count);
    spawned->fd_count = 0;
}
