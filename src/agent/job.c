/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/file.h"

enum { PROGRESS_MAX = 1024, CHUNK_SIZE = 65536, SIGNAL_COUNT = 64 };

struct job {
    struct job **owner;
    pid_t pid;
    int fd; /* of the pipe, our end */
    struct loop_watch *watch;
    struct loop_timer *timer; /* the deadline */
    struct buf line;          /* what came without an end yet */
    struct job_spec spec;
    json_t *end; /* the last line: {"result":...} or {"error":...,"text":...} */
    bool is_late;
};

/* Lines that do not arrive tell nobody: the parent is gone, and so are we in a moment. */
static void send_line(const struct job_report *report, struct buf *line)
{
    struct error err;

    buf_append(line, "\n", 1);
    if (!line->has_overflowed && !file_write_all(report->fd, line->bytes, line->length, &err))
        return;
}

void job_say(const struct job_report *report, const char *format, ...)
{
    auto_buf struct buf line = buf_of(16 * PROGRESS_MAX);
    struct encoder json = encoder_of(&line);
    char text[PROGRESS_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    encode_object(&json);
    encode_field_text(&json, "progress", text);
    encode_end(&json);
    send_line(report, &line);
}

static void say_result(const struct job_report *report, const struct buf *result)
{
    auto_buf struct buf line = buf_of(JOB_LINE_MAX);
    struct encoder json = encoder_of(&line);

    encode_object(&json);
    encode_key(&json, "result");
    if (result->length > 0)
        encode_raw(&json, result->bytes, result->length);
    else
        encode_null(&json);
    encode_end(&json);
    send_line(report, &line);
}

static void say_failure(const struct job_report *report, const struct error *err)
{
    auto_buf struct buf line = buf_of(JOB_LINE_MAX);
    struct encoder json = encoder_of(&line);

    encode_object(&json);
    encode_field_int(&json, "error", err->code);
    encode_field_text(&json, "text", err->text);
    encode_end(&json);
    send_line(report, &line);
}

/* The child keeps standard error and the pipe: no connection of the parent's lives on in it. */
static void become_worker(int fd, pid_t parent)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    (void)prctl(PR_SET_NAME, "berth-work");
    (void)sigemptyset(&none);
    for (int number = 1; number < SIGNAL_COUNT; number++)
        (void)signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (fd > 3)
        (void)close_range(3, (unsigned)fd - 1, 0);
    (void)close_range((unsigned)fd + 1, ~0U, 0);
}

static void work(const struct job_spec *spec, int fd, pid_t parent)
{
    struct job_report report = { fd };
    auto_buf struct buf result = buf_of(JOB_LINE_MAX - 64);
    struct error err = { 0 };

    become_worker(fd, parent);
    if (!spec->work(spec->work_context, &report, &result, &err))
        say_failure(&report, &err);
    else if (result.has_overflowed)
        say_failure(&report, &(struct error){ ERROR_OUT_OF_RANGE, "the result is too long" });
    else
        say_result(&report, &result);
}

static void job_free(struct job *job)
{
    loop_unwatch(&job->watch);
    loop_timer_close(&job->timer);
    fd_release(&job->fd);
    buf_release(&job->line);
    json_release(&job->end);
    free(job);
}

static void reap(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
}

void job_cancel(struct job **owner)
{
    struct job *job = *owner;
    int status;

    if (job == NULL)
        return;
    *owner = NULL;
    (void)kill(job->pid, SIGKILL);
    reap(job->pid, &status);
    job_free(job);
}

static void fill_end(const struct job *job, int status, struct job_end *end)
{
    const json_t *code = json_object_get(job->end, "error");
    const char *text = json_string_value(json_object_get(job->end, "text"));

    end->result = json_member(job->end, "result");
    if (job->is_late)
        (void)error_set(&end->err, ERROR_TIMEOUT, "not done within %lld s",
                        (long long)(job->spec.timeout_ms / 1000));
    else if (code != NULL)
        (void)error_set(&end->err, (enum error_code)json_integer_value(code), "%s",
                        text != NULL ? text : "");
    else if (job->end == NULL)
        (void)error_set(&end->err, ERROR_UNAVAILABLE, "the worker ended early (%s %d)",
                        WIFSIGNALED(status) ? "signal" : "status",
                        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    else
        end->is_done = true;
}

static void finish(struct job *job)
{
    struct job_end end = { 0 };
    int status = 0;

    (void)kill(job->pid, SIGKILL); /* the pipe is closed: there is nothing left for it to say */
    reap(job->pid, &status);
    fill_end(job, status, &end);
    *job->owner = NULL;
    job->spec.on_end(job->spec.context, &end);
    job_free(job);
}

static void take_line(struct job *job, const char *bytes, size_t length)
{
    json_t *root = NULL;
    struct error err;

    if (!json_parse(bytes, length, &root, &err))
        return; /* cut short by our own SIGKILL */
    const char *progress = json_string_value(json_object_get(root, "progress"));
    if (progress == NULL) {
        json_release(&job->end);
        job->end = root;
        return;
    }
    if (job->spec.on_progress != NULL)
        job->spec.on_progress(job->spec.context, progress);
    json_release(&root);
}

static void take_bytes(struct job *job, const char *bytes, size_t length)
{
    const char *end;

    while ((end = memchr(bytes, '\n', length)) != NULL) {
        size_t count = (size_t)(end - bytes);

        buf_append(&job->line, bytes, count);
        if (job->line.length > 0)
            take_line(job, job->line.bytes, job->line.length);
        buf_release(&job->line);
        bytes += count + 1;
        length -= count + 1;
    }
    buf_append(&job->line, bytes, length);
}

static void on_ready(void *context, short revents)
{
    struct job *job = context;
    char chunk[CHUNK_SIZE];

    (void)revents;
    ssize_t length = read(job->fd, chunk, sizeof chunk);
    if (length > 0)
        take_bytes(job, chunk, (size_t)length);
    else if (length == 0 || (errno != EINTR && errno != EAGAIN))
        finish(job);
}

/* The pipe closes with the child, and on_ready() does the rest. */
static void on_deadline(void *context)
{
    struct job *job = context;

    job->is_late = true;
    (void)kill(job->pid, SIGKILL);
}

bool job_start(struct loop *loop, const struct job_spec *spec, struct job **owner,
               struct error *err)
{
    pid_t parent = getpid();
    int ends[2];

    assert(*owner == NULL && spec->timeout_ms > 0);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_system(err, errno, "make a pipe");
    auto_close int read_end = ends[0];
    auto_close int write_end = ends[1];
    if (fcntl(read_end, F_SETFL, O_NONBLOCK) != 0)
        return error_system(err, errno, "make a pipe");

    pid_t pid = fork();
    if (pid < 0)
        return error_system(err, errno, "start a worker");
    if (pid == 0) {
        work(spec, write_end, parent);
        _exit(0);
    }

    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    *job = (struct job){
        .owner = owner, .pid = pid, .fd = read_end, .spec = *spec, .line = buf_of(JOB_LINE_MAX)
    };
    read_end = -1;
    job->watch = loop_watch(loop, job->fd, POLLIN, on_ready, job);
    job->timer = loop_timer(loop, on_deadline, job);
    loop_timer_set(job->timer, spec->timeout_ms);
    *owner = job;
    return true;
}
