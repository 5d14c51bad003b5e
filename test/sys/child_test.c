/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { TIMEOUT_MS = 20000 };

#define SHELL(script) ((const char *const[]){ "sh", "-c", script, NULL })

static void test_output_status_and_input(void **state)
{
    static const struct {
        const char *script, *input, *output;
        int status;
    } rows[] = {
        { "true", NULL, "", 0 },
        { "echo out; echo err >&2; exit 7", NULL, "out\nerr\n", 7 },
        { "cat", "fed in", "fed in", 0 },
        { "cat", "", "", 0 },
        { "cat", NULL, "", 0 },
        { "kill -9 $$", NULL, "", 128 + 9 },
        { "kill -TERM $$", NULL, "", 128 + 15 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf output = buf_of(1000);
        struct child_run run = { SHELL(rows[i].script), rows[i].input, TIMEOUT_MS };
        struct error err;
        int status = -1;

        check_row("%s", rows[i].script);
        CHECK_OK(child_run(&run, &output, &status, &err), &err);
        CHECK_INT(status, rows[i].status);
        CHECK_TEXT(output.bytes == NULL ? "" : output.bytes, rows[i].output);
    }
}

static void test_arguments_arrive_as_they_are(void **state)
{
    const char *const arguments[] = { "printf", "%s|", "$(id)", "a b", "", "; rm", "*", NULL };
    struct child_run run = { arguments, NULL, TIMEOUT_MS };
    auto_buf struct buf output = buf_of(1000);
    struct error err;
    int status;

    (void)state;
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK_TEXT(output.bytes, "$(id)|a b||; rm|*|");
}

static void test_output_past_the_limit_is_dropped(void **state)
{
    struct child_run run = { SHELL("head -c 300000 /dev/zero | tr '\\0' x; exit 3"), NULL,
                             TIMEOUT_MS };
    auto_buf struct buf output = buf_of(100000);
    struct error err;
    int status;

    (void)state;
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK_INT(status, 3);
    CHECK(!output.has_overflowed && output.length == 100000 && output.bytes[99999] == 'x');
}

/* More than a pipe holds, both ways at once. */
static void test_large_input_does_not_deadlock(void **state)
{
    auto_free char *input = malloc(1000001);
    auto_buf struct buf output = buf_of(2000000);
    struct error err;
    int status;

    (void)state;
    CHECK(input != NULL);
    memset(input, 'y', 1000000);
    input[1000000] = '\0';
    struct child_run run = { SHELL("cat"), input, TIMEOUT_MS };
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK_TEXT(output.bytes, input);
}

/* Whether nothing runs under that id any more; whoever should reap it may be slow to. */
static bool has_ended(const char *pid_text)
{
    char path[64], line[512];

    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid_text);
    for (int tries = 0; tries < 500; tries++) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);

        line[length > 0 ? length : 0] = '\0';
        if (length <= 0 || strstr(line, ") Z ") != NULL)
            return true;
        (void)usleep(10000);
    }
    return false;
}

static void test_too_late_is_killed_with_all_it_started(void **state)
{
    struct child_run run = { SHELL("sleep 600 & printf %s $!; wait"), NULL, 300 };
    auto_buf struct buf output = buf_of(1000);
    int64_t start_us = clock_boot_us(&clock_system);
    struct error err;
    int status = 42;

    (void)state;
    CHECK_FAILS(child_run(&run, &output, &status, &err), &err, ERROR_TIMEOUT);
    int64_t took_us = clock_boot_us(&clock_system) - start_us;
    CHECK(took_us >= 300 * US_PER_MS && took_us < 10 * US_PER_SECOND);
    CHECK_INT(status, 42);
    CHECK(has_ended(output.bytes));
}

/* What a program leaves running behind it holds the pipe open, and nobody waits for that. */
static void test_the_end_is_that_of_the_program_itself(void **state)
{
    struct child_run run = { SHELL("sleep 5 & echo done"), NULL, TIMEOUT_MS };
    auto_buf struct buf output = buf_of(1000);
    int64_t start_us = clock_boot_us(&clock_system);
    struct error err;
    int status;

    (void)state;
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK(clock_boot_us(&clock_system) - start_us < 4 * US_PER_SECOND);
    CHECK_TEXT(output.bytes, "done\n");
}

static void test_programs_that_do_not_start(void **state)
{
    static const struct {
        const char *program;
        enum error_code code;
    } rows[] = {
        { "/nowhere/berth-none", ERROR_NOT_FOUND },
        { "berth-no-such-program", ERROR_NOT_FOUND },
        { "/etc/passwd", ERROR_IO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const arguments[] = { rows[i].program, NULL };
        struct child_run run = { arguments, NULL, TIMEOUT_MS };
        auto_buf struct buf output = buf_of(1000);
        struct error err;
        int status = 42;

        check_row("%s", rows[i].program);
        CHECK_FAILS(child_run(&run, &output, &status, &err), &err, rows[i].code);
        CHECK_INT(status, 42);
        CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* nobody is left to reap */
    }
}

static void test_the_child_inherits_nothing(void **state)
{
    struct child_run run = { SHELL("ls /proc/self/fd | wc -l; kill -PIPE $$; exit 0"), NULL,
                             TIMEOUT_MS };
    auto_buf struct buf output = buf_of(1000);
    auto_close int leaked = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    struct error err;
    sigset_t all, before;
    int status;

    (void)state;
    CHECK(leaked > 2);
    CHECK(sigfillset(&all) == 0 && sigprocmask(SIG_SETMASK, &all, &before) == 0);
    void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
    bool is_ok = child_run(&run, &output, &status, &err);
    (void)signal(SIGPIPE, handler);
    CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK_OK(is_ok, &err);
    CHECK_TEXT(output.bytes, "4\n"); /* three, and the directory that is being listed */
    CHECK_INT(status, 128 + SIGPIPE);
}

static void test_starting_leaves_it_running(void **state)
{
    auto_close int log_fd = memfd_create("log", MFD_CLOEXEC);
    struct error err;
    pid_t pid = -1;
    int wait_status;
    char text[100] = "";

    (void)state;
    CHECK_OK(child_start(SHELL("cat; echo out; echo err >&2; exit 5"), log_fd, &pid, &err), &err);
    CHECK(waitpid(pid, &wait_status, 0) == pid && WEXITSTATUS(wait_status) == 5);
    CHECK(pread(log_fd, text, sizeof text - 1, 0) == 8);
    CHECK_TEXT(text, "out\nerr\n");

    CHECK_OK(child_start(SHELL("sleep 600"), log_fd, &pid, &err), &err);
    CHECK(getpgid(pid) == pid);
    CHECK(waitpid(pid, &wait_status, WNOHANG) == 0);
    CHECK(kill(-pid, SIGKILL) == 0 && waitpid(pid, &wait_status, 0) == pid);

    const char *const absent[] = { "/nowhere/berth-none", NULL };
    pid = 42;
    CHECK_FAILS(child_start(absent, log_fd, &pid, &err), &err, ERROR_NOT_FOUND);
    CHECK_INT(pid, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_status_and_input),
        cmocka_unit_test(test_arguments_arrive_as_they_are),
        cmocka_unit_test(test_output_past_the_limit_is_dropped),
        cmocka_unit_test(test_large_input_does_not_deadlock),
        cmocka_unit_test(test_too_late_is_killed_with_all_it_started),
        cmocka_unit_test(test_the_end_is_that_of_the_program_itself),
        cmocka_unit_test(test_programs_that_do_not_start),
        cmocka_unit_test(test_the_child_inherits_nothing),
        cmocka_unit_test(test_starting_leaves_it_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
