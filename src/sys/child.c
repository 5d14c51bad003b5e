/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { CHUNK_SIZE = 16384, SIGNAL_COUNT = 64 };

/* In the child, between fork() and exec: other threads' locks may be held, so nothing here may
 * allocate. Reports errno over `report_fd`, which closes by itself once the program runs. */
static void become(const char *const *arguments, int input_fd, int output_fd, int report_fd)
{
    sigset_t none;

    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    for (int number = 1; number < SIGNAL_COUNT; number++)
        (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);

    if (dup2(input_fd, STDIN_FILENO) >= 0 && dup2(output_fd, STDOUT_FILENO) >= 0 &&
        dup2(output_fd, STDERR_FILENO) >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);

    int errnum = errno;
    _exit(write(report_fd, &errnum, sizeof errnum) == sizeof errnum ? 127 : 126);
}

/* Start the program and wait until it runs, or say why it does not. The descriptors must be
 * above 2. */
static bool start(const char *const *arguments, int input_fd, int output_fd, pid_t *ret_pid,
                  struct error *err)
{
    int report[2];
    int errnum = 0;

    if (pipe2(report, O_CLOEXEC) != 0)
        return error_system(err, errno, "make a pipe");
    auto_close int report_read = report[0];
    auto_close int report_write = report[1];

    pid_t pid = fork();
    if (pid < 0)
        return error_system(err, errno, "start %s", arguments[0]);
    if (pid == 0)
        become(arguments, input_fd, output_fd, report_write);

    fd_release(&report_write);
    ssize_t length;
    do
        length = read(report_read, &errnum, sizeof errnum);
    while (length < 0 && errno == EINTR);
    if (length == 0) {
        *ret_pid = pid;
        return true;
    }
    (void)waitpid(pid, NULL, 0);
    return error_system(err, length == sizeof errnum ? errnum : EIO, "start %s", arguments[0]);
}

/* A descriptor above 2, where the three standard ones of the child are made. */
static int lift(int fd)
{
    int lifted = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (fd >= 0)
        (void)close(fd);
    return lifted;
}

/* All of the input at once, in memory: the child cannot make us wait for it to read. */
static bool open_input(const char *input, int *ret_fd, struct error *err)
{
    if (input == NULL) {
        auto_close int null = lift(open("/dev/null", O_RDWR | O_CLOEXEC));
        if (null < 0)
            return error_system(err, errno, "open /dev/null");
        *ret_fd = null;
        null = -1;
        return true;
    }

    auto_close int fd = lift(memfd_create("input", MFD_CLOEXEC));
    if (fd < 0)
        return error_system(err, errno, "make a file in memory");
    if (!file_write_all(fd, input, strlen(input), err))
        return false;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return error_system(err, errno, "rewind");
    *ret_fd = fd;
    fd = -1;
    return true;
}

/* Take what is there to be read. False where there will be no more. */
static bool drain(int fd, struct buf *output)
{
    char chunk[CHUNK_SIZE];

    for (;;) {
        ssize_t length = read(fd, chunk, sizeof chunk);

        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length < 0 && errno == EAGAIN;
        size_t room = output->limit - output->length;
        buf_append(output, chunk, (size_t)length < room ? (size_t)length : room);
    }
}

/* Until the child ends: what it leaves running behind it may hold the pipe open for ever. */
static bool collect(int pid_fd, int output_fd, int64_t timeout_ms, struct buf *output)
{
    int64_t deadline_us = clock_boot_us(&clock_system) + timeout_ms * US_PER_MS;
    struct pollfd polls[] = { { .fd = pid_fd, .events = POLLIN },
                              { .fd = output_fd, .events = POLLIN } };

    for (;;) {
        int64_t left_us = deadline_us - clock_boot_us(&clock_system);

        if (left_us <= 0)
            return false;
        int64_t wait_ms = left_us / US_PER_MS + 1;
        int count = poll(polls, 2, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms);
        if (count < 0)
            continue;
        if (polls[1].revents != 0 && !drain(output_fd, output))
            polls[1].fd = -1;
        if (polls[0].revents != 0) {
            if (polls[1].fd >= 0)
                (void)drain(output_fd, output);
            return true;
        }
    }
}

static int exit_status_of(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Reap the child, which has ended or is about to. */
static int reap(pid_t pid)
{
    int wait_status = 0;

    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    return exit_status_of(wait_status);
}

bool child_run(const struct child_run *run, struct buf *output, int *ret_status, struct error *err)
{
    int ends[2], opened_input = -1;
    pid_t pid;

    assert(run->timeout_ms > 0);
    if (!open_input(run->input, &opened_input, err))
        return false;
    auto_close int input_fd = opened_input;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_system(err, errno, "make a pipe");
    auto_close int output_read = lift(ends[0]);
    auto_close int output_write = lift(ends[1]);
    if (output_read < 0 || output_write < 0 || fcntl(output_read, F_SETFL, O_NONBLOCK) != 0)
        return error_system(err, errno, "make a pipe");

    if (!start(run->arguments, input_fd, output_write, &pid, err))
        return false;
    fd_release(&output_write);

    auto_close int pid_fd = pidfd_open(pid, 0);
    bool has_ended = pid_fd >= 0 && collect(pid_fd, output_read, run->timeout_ms, output);
    if (!has_ended)
        (void)kill(-pid, SIGKILL);
    int status = reap(pid);
    if (!has_ended)
        return error_set(err, ERROR_TIMEOUT, "%s did not end within %lld ms", run->arguments[0],
                         (long long)run->timeout_ms);
    *ret_status = status;
    return true;
}

bool child_start(const char *const *arguments, int log_fd, pid_t *ret_pid, struct error *err)
{
    int opened_input = -1;

    assert(log_fd >= 0);
    if (!open_input(NULL, &opened_input, err))
        return false;
    auto_close int input_fd = opened_input;
    auto_close int output_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 3);
    if (output_fd < 0)
        return error_system(err, errno, "use descriptor %d", log_fd);
    return start(arguments, input_fd, output_fd, ret_pid, err);
}
