/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/oneself.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/access_broker.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { NUMBER_SIZE = 24 };

/* In the child. */
static void drop_all(const struct oneself *oneself, int socket)
{
    sigset_t none;

    /* Not the terminal's: a Ctrl-C is for the agent, which ends us. */
    (void)setsid();
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (oneself->log->fd >= 0 && dup2(oneself->log->fd, STDERR_FILENO) < 0)
        _exit(1);
    broker_keep_only(socket, oneself->file);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        _exit(1);
    (void)close(nothing);
    for (int fd = ONESELF_FD; fd <= ONESELF_FD + (oneself->file >= 0); fd++)
        (void)fcntl(fd, F_SETFD, 0);
}

static _Noreturn void become(const struct oneself *oneself, int socket)
{
    const unsigned values[ONESELF_NUMBERS] = { oneself->uid, oneself->gid,
                                               oneself->log->fd >= 0 ? 1 : 0,
                                               (unsigned)oneself->log->level_min,
                                               oneself->log->is_terminal ? 1 : 0 };
    char name[] = "berth-host", verb[64], numbers[ONESELF_NUMBERS][NUMBER_SIZE];
    const char *arguments[ONESELF_ARGUMENTS_MAX + ONESELF_NUMBERS + 1] = { name, verb };
    size_t count = 2;

    drop_all(oneself, socket);
    (void)snprintf(verb, sizeof verb, "%s", oneself->verb);
    for (size_t i = 0; oneself->texts != NULL && oneself->texts[i] != NULL; i++) {
        assert(count < ONESELF_ARGUMENTS_MAX);
        arguments[count++] = oneself->texts[i];
    }
    for (size_t i = 0; i < ONESELF_NUMBERS; i++) {
        (void)snprintf(numbers[i], NUMBER_SIZE, "%u", values[i]);
        arguments[count++] = numbers[i];
    }
    (void)execv("/proc/self/exe", (char *const *)arguments);
    _exit(1);
}

bool oneself_start(const struct oneself *oneself, pid_t *ret_pid, int *ret_socket,
                   struct error *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return error_system(err, errno, "make a socket for %s", oneself->what);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(oneself, pair[1]);
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return error_system(err, errno, "start %s", oneself->what);
    }
    *ret_pid = pid;
    *ret_socket = pair[0];
    return true;
}

bool oneself_deliver(int socket, const void *head, size_t size, const struct buf *table)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec part = { .iov_base = (void *)(uintptr_t)head, .iov_len = size };
    struct msghdr out = { .msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof control.bytes };
    struct error ignored;
    auto_close int file = memfd_create("berth-table", MFD_CLOEXEC);

    if (file < 0 || socket < 0 || !file_write_all(file, table->bytes, table->length, &ignored))
        return false;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&out);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &file, sizeof(int));
    return sendmsg(socket, &out, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}
