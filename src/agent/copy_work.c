/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy_work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/copy_carry.h"
#include "base/encode.h"
#include "base/hex.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    DIAL_MS = 20000,
    NOBODY = 65534,
    PORT_SIZE = 8,
    FREE_FD = 10,
    KEY_TRIES = 20, /* until both hosts have heard of the copy */
    KEY_PAUSE_MS = 500,
};

static bool dial_one(const struct addrinfo *address, int *ret_fd, struct error *err)
{
    auto_close int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    socklen_t size = sizeof(int);
    int reason = 0;

    if (fd < 0 || (connect(fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS))
        return error_system(err, errno, "connect");
    if (poll(&ready, 1, DIAL_MS) != 1)
        return error_set(err, ERROR_TIMEOUT, "connect: no answer");
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0)
        return error_system(err, reason, "connect");
    *ret_fd = fd;
    fd = -1;
    return true;
}

static bool dial(const char *host, int64_t port, int *ret_fd, struct error *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *addresses = NULL;
    char service[PORT_SIZE];
    bool is_done = false;

    (void)snprintf(service, sizeof service, "%" PRId64, port);
    int status = getaddrinfo(host, service, &hints, &addresses);
    if (status != 0)
        return error_set(err, ERROR_UNREACHABLE, "%s: %s", host, gai_strerror(status));
    for (const struct addrinfo *at = addresses; at != NULL && !is_done; at = at->ai_next)
        is_done = dial_one(at, ret_fd, err);
    freeaddrinfo(addresses);
    return is_done || error_context(err, "%s port %" PRId64, host, port);
}

/* The descriptors where copy_carry.h has them, whatever they are now. */
static bool place(int source, int target, int file, int out)
{
    const int from[] = { source, target, file };

    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high[3];
    for (int i = 0; i < 3; i++)
        high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FREE_FD);
    int said = fcntl(out, F_DUPFD_CLOEXEC, FREE_FD);
    if (nothing < 0 || said < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(said, STDOUT_FILENO) < 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (high[i] < 0 || dup2(high[i], COPY_CARRY_SOURCE_FD + i) < 0)
            return false;
    return true;
}

static _Noreturn void become_carrier(int source, int target, int file, int out)
{
    char name[] = "berth-host", verb[] = COPY_CARRY_VERB;
    char *const arguments[] = { name, verb, NULL };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (place(source, target, file, out))
        (void)execv("/proc/self/exe", arguments);
    _exit(1);
}

/* A file in memory with what it has to know, which is in nobody's list of arguments. */
static bool write_start(const struct copy_work *work, int *ret_file, struct error *err)
{
    struct copy_carry start = { .uid = NOBODY, .gid = NOBODY };
    auto_close int file = memfd_create("berth-copy", MFD_CLOEXEC);

    (void)snprintf(start.jail, sizeof start.jail, "%s", work->jail);
    if (!hex_parse(work->op->copy_secret, start.secret, sizeof start.secret))
        return error_set(err, ERROR_INVALID, "the copy has no secret");
    if (file < 0 || !file_write_all(file, &start, sizeof start, err))
        return error_context(err, "write the start of a copy");
    *ret_file = file;
    file = -1;
    return true;
}

/* What it says, line by line, until it has no more. The last one of all is how it ended. */
static void listen_to(FILE *said, const struct job_report *report,
                      char last[static COPY_CARRY_LINE_MAX])
{
    char line[COPY_CARRY_LINE_MAX];

    while (fgets(line, sizeof line, said) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "= ", 2) == 0)
            job_say(report, "%s", line + 2);
        else
            (void)snprintf(last, COPY_CARRY_LINE_MAX, "%s", line);
    }
}

static bool carry(const struct copy_work *work, const int ends[2], const struct job_report *report,
                  char last[static COPY_CARRY_LINE_MAX], struct error *err)
{
    auto_close int file = -1;
    int pipes[2], status;

    if (!write_start(work, &file, err))
        return false;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return error_system(err, errno, "make a pipe");
    pid_t pid = fork();
    if (pid == 0)
        become_carrier(ends[0], ends[1], file, pipes[1]);
    (void)close(pipes[1]);
    FILE *said = pid > 0 ? fdopen(pipes[0], "r") : NULL;
    if (said == NULL) {
        (void)close(pipes[0]);
        return error_system(err, errno, "start a copy");
    }
    listen_to(said, report, last);
    (void)fclose(said);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return true;
}

/* Connections to both ends, and what came of them. */
static bool try(const struct copy_work *work, const struct job_report *report,
                char last[static COPY_CARRY_LINE_MAX], struct error *err)
{
    const struct desired_op *op = work->op;
    bool is_here = work->source_port > 0;
    auto_close int source = -1, target = -1;

    if (!dial(is_here ? work->address : op->source_host,
              is_here ? work->source_port : op->source_port, &source, err))
        return error_context(err, "the source");
    if (!dial(work->address, work->target_port, &target, err))
        return error_context(err, "the target");
    const int ends[2] = { source, target };
    return carry(work, ends, report, last, err);
}

/* What it said behind a word, or NULL. */
static const char *after(const char *last, const char *word)
{
    size_t length = strlen(word);

    return strncmp(last, word, length) == 0 ? last + length : NULL;
}

bool copy_work_run(void *context, const struct job_report *report, struct buf *result,
                   struct error *err)
{
    const struct copy_work *work = context;
    char last[COPY_CARRY_LINE_MAX] = "later ";
    struct encoder json = encoder_of(result);

    job_say(report, "connecting");
    for (int i = 0; i < KEY_TRIES && after(last, "later ") != NULL; i++) {
        if (i > 0)
            (void)usleep(KEY_PAUSE_MS * 1000);
        *last = '\0';
        if (!try(work, report, last, err))
            return false;
    }
    const char *done = after(last, "ok "), *why = after(last, "no ");
    if (why == NULL)
        why = after(last, "later ");
    if (done == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "%s", why != NULL ? why : "the copy ended early");
    encode_object(&json);
    encode_field_text(&json, "output", done);
    encode_end(&json);
    return true;
}
