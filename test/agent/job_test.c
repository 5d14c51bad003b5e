/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/file.h"

enum { PATIENCE_MS = 10000, STEP_MS = 50 };

static struct loop *loop;
static struct job *job;
static char progress[256];
static struct {
    int count;
    bool is_done;
    char result[128]; /* as JSON; "-": none */
    struct error err;
} end;

static void on_progress(void *context, const char *text)
{
    (void)context;
    (void)snprintf(progress + strlen(progress), sizeof progress - strlen(progress), "%s;", text);
}

static void on_end(void *context, const struct job_end *how)
{
    (void)context;
    end.count++;
    end.is_done = how->is_done;
    end.err = how->err;
    (void)snprintf(end.result, sizeof end.result, "-");
    if (how->result != NULL) {
        size_t length = json_dumpb(how->result, end.result, sizeof end.result - 1,
                                   JSON_COMPACT | JSON_ENCODE_ANY);
        end.result[length < sizeof end.result ? length : 0] = '\0';
    }
    CHECK(job == NULL); /* before on_end is called */
}

static void start(job_work *work, void *context, int64_t timeout_ms)
{
    struct job_spec spec = { .work = work,
                             .work_context = context,
                             .timeout_ms = timeout_ms,
                             .on_progress = on_progress,
                             .on_end = on_end };
    struct error err;

    *progress = '\0';
    end.count = 0;
    CHECK_OK(job_start(loop, &spec, &job, &err), &err);
    CHECK(job != NULL);
}

static void wait_end(void)
{
    for (int waited = 0; waited < PATIENCE_MS && end.count == 0; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK_INT(end.count, 1);
}

static void run(job_work *work, void *context)
{
    start(work, context, PATIENCE_MS);
    wait_end();
}

static int setup(void **state)
{
    (void)state;
    loop = loop_open(&clock_system);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

static bool tell(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    (void)err;
    job_say(report, "one");
    job_say(report, "two \"%s\" and a\nline", "quoted");
    buf_printf(result, "{\"answer\":%d}", *(const int *)context);
    return true;
}

static void test_it_says_how_it_went(void **state)
{
    int answer = 42;

    (void)state;
    run(tell, &answer);
    CHECK(end.is_done);
    CHECK_TEXT(end.result, "{\"answer\":42}");
    CHECK_TEXT(progress, "one;two \"quoted\" and a\nline;");
}

static bool say_nothing(void *context, const struct job_report *report, struct buf *result,
                        struct error *err)
{
    (void)context, (void)report, (void)result, (void)err;
    return true;
}

static bool refuse(void *context, const struct job_report *report, struct buf *result,
                   struct error *err)
{
    (void)context, (void)report;
    buf_printf(result, "1");
    return error_set(err, ERROR_CONFLICT, "no \"room\" %d", 7);
}

static bool exit_early(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    (void)context, (void)report, (void)result, (void)err;
    _exit(3);
}

static bool crash(void *context, const struct job_report *report, struct buf *result,
                  struct error *err)
{
    (void)context, (void)report, (void)result, (void)err;
    (void)raise(SIGKILL);
    return true;
}

static bool write_garbage(void *context, const struct job_report *report, struct buf *result,
                          struct error *err)
{
    static const char garbage[] = "\n\nnot json\n{\"progress\":7}\n[1,2]\n{\"resu";

    (void)context, (void)result;
    if (!file_write_all(report->fd, garbage, strlen(garbage), err))
        _exit(4);
    _exit(0);
}

static bool say_too_much(void *context, const struct job_report *report, struct buf *result,
                         struct error *err)
{
    (void)context, (void)report, (void)err;
    while (!result->has_overflowed)
        buf_printf(result, "%4096d", 1);
    return true;
}

static void test_every_end_is_told(void **state)
{
    static const struct {
        job_work *work;
        bool is_done;
        enum error_code code;
        const char *text;
    } rows[] = {
        { say_nothing, true, ERROR_NONE, "" },
        { refuse, false, ERROR_CONFLICT, "no \"room\" 7" },
        { exit_early, false, ERROR_UNAVAILABLE, "the worker ended early (status 3)" },
        { crash, false, ERROR_UNAVAILABLE, "the worker ended early (signal 9)" },
        { say_too_much, false, ERROR_OUT_OF_RANGE, "the result is too long" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        run(rows[i].work, NULL);
        CHECK(end.is_done == rows[i].is_done);
        CHECK_TEXT(end.result, "-");
        if (!end.is_done) {
            CHECK_INT(end.err.code, rows[i].code);
            CHECK_TEXT(end.err.text, rows[i].text);
        }
    }
}

/* A child that was taken over by what it talks to may write anything. */
static void test_nonsense_on_the_pipe_is_no_result(void **state)
{
    (void)state;
    run(write_garbage, NULL);
    CHECK_TEXT(progress, "");
    CHECK_TEXT(end.result, "-");
}

static bool sleep_long(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    (void)context, (void)result, (void)err;
    job_say(report, "%d", (int)getpid());
    (void)sleep(60);
    return true;
}

static bool is_alive(pid_t pid)
{
    return pid > 0 && kill(pid, 0) == 0;
}

static pid_t wait_pid(void)
{
    for (int waited = 0; waited < PATIENCE_MS && *progress == '\0'; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    pid_t pid = (pid_t)strtol(progress, NULL, 10);
    CHECK(is_alive(pid));
    return pid;
}

static void test_its_deadline_ends_it(void **state)
{
    (void)state;
    start(sleep_long, NULL, 300);
    pid_t pid = wait_pid();
    wait_end();
    CHECK(!end.is_done);
    CHECK_INT(end.err.code, ERROR_TIMEOUT);
    CHECK(!is_alive(pid));
}

static void test_one_that_is_cancelled_is_gone_and_silent(void **state)
{
    (void)state;
    start(sleep_long, NULL, PATIENCE_MS);
    pid_t pid = wait_pid();
    job_cancel(&job);
    CHECK(job == NULL && !is_alive(pid));
    job_cancel(&job); /* none is fine */
    for (int i = 0; i < 4; i++)
        loop_step(loop, 10);
    CHECK_INT(end.count, 0);
}

static bool list_files(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    DIR *files = opendir("/proc/self/fd");
    int count = 0;

    (void)context, (void)err;
    if (files == NULL)
        return true;
    for (const struct dirent *entry; (entry = readdir(files)) != NULL;) {
        long fd = strtol(entry->d_name, NULL, 10);

        count += fd > 2 && fd != report->fd && fd != dirfd(files) ? 1 : 0;
    }
    (void)closedir(files);
    buf_printf(result, "%d", count);
    return true;
}

/* No connection of the parent's lives on in a worker, on either side of the pipe's number. */
static void test_it_has_none_of_our_files(void **state)
{
    int low = open("/dev/null", O_RDONLY), high = fcntl(low, F_DUPFD, 200);

    (void)state;
    CHECK(low > 2 && high >= 200);
    run(list_files, NULL);
    CHECK_TEXT(end.result, "0");
    (void)close(low);
    (void)close(high);
}

/* Nobody works behind the back of the next agent. */
static void test_it_dies_with_us(void **state)
{
    int ends[2];
    char text[16] = "";

    (void)state;
    CHECK(pipe(ends) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct loop *own = loop_open(&clock_system);
        struct job_spec spec = { .work = sleep_long,
                                 .timeout_ms = PATIENCE_MS,
                                 .on_progress = on_progress,
                                 .on_end = on_end };
        struct error err;

        *progress = '\0';
        if (!job_start(own, &spec, &job, &err))
            _exit(1);
        while (*progress == '\0')
            loop_step(own, STEP_MS);
        (void)!write(ends[1], progress, strlen(progress));
        _exit(0);
    }
    CHECK(read(ends[0], text, sizeof text - 1) > 0);
    CHECK(waitpid(parent, NULL, 0) == parent);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    for (int i = 0; i < 200 && is_alive(pid); i++) {
        auto_buf struct buf stat = buf_of(4096);
        struct error ignored;
        char path[64];

        /* Whoever adopted it may be slow to reap it. */
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        if (file_read(AT_FDCWD, path, &stat, &ignored) && strstr(stat.bytes, ") Z") != NULL)
            break;
        usleep(10000);
        CHECK(i < 199);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_how_it_went),
        cmocka_unit_test(test_every_end_is_told),
        cmocka_unit_test(test_nonsense_on_the_pipe_is_no_result),
        cmocka_unit_test(test_its_deadline_ends_it),
        cmocka_unit_test(test_one_that_is_cancelled_is_gone_and_silent),
        cmocka_unit_test(test_it_has_none_of_our_files),
        cmocka_unit_test(test_it_dies_with_us),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
