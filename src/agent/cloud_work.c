/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_work.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/access_login.h"
#include "agent/cloud_jail.h"
#include "agent/cloud_ways.h"
#include "agent/copy_key.h"
#include "agent/op_work.h"
#include "base/encode.h"
#include "base/hex.h"
#include "base/json.h"
#include "market/cloud.h"
#include "sys/child.h"
#include "sys/copy_secret.h"
#include "sys/fd.h"

enum {
    VARIABLES_MAX = 48,
    ARGUMENTS_MAX = 40,
    VARIABLE_SIZE_MAX = CLOUD_VALUE_MAX + 128,
    REMOTE_SIZE = CLOUD_PATH_MAX + 16,
    OBSCURE_MS = 10000,
    KEY_TRIES = 20, /* until the SSH front has heard of the copy */
    KEY_PAUSE_MS = 500,
    POLL_MS = 1000,
    FILES_TEXT_MAX = 16 * 1024,
    UID_SPAN = 1 << 20,
};

/* Of users that no system gives out: each instance's copies are one's of its own. */
#define UID_FIRST 1879048192

static const char *const programs[] = { "/usr/bin/rclone", "/usr/local/bin/rclone" };

const char *cloud_program(void)
{
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (access(programs[i], X_OK) == 0)
            return programs[i];
    return NULL;
}

/* What rclone is told */

struct variables {
    char *texts[VARIABLES_MAX + 1]; /* owned; NULL at the end */
    bool are_secret[VARIABLES_MAX];
    size_t count;
};

static void variables_wipe(struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++) {
        crypto_wipe(variables->texts[i], strlen(variables->texts[i]));
        free(variables->texts[i]);
    }
    variables->count = 0;
}

static void add(struct variables *variables, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *text = malloc(size);

    if (text == NULL || variables->count == VARIABLES_MAX)
        abort();
    (void)snprintf(text, size, "%s=%s", name, value);
    variables->texts[variables->count++] = text;
}

/* As rclone wants a password that lies in its settings. */
static bool obscure(const char *program, const char *value, char *ret, size_t size,
                    struct error *err)
{
    const char *const arguments[] = { program, "--config", "", "obscure", "-", NULL };
    const struct child_run run = { .arguments = arguments,
                                   .input = value,
                                   .timeout_ms = OBSCURE_MS };
    auto_buf struct buf said = buf_of(VARIABLE_SIZE_MAX);
    int status;

    if (!child_run(&run, &said, &status, err))
        return error_context(err, "rclone obscure");
    if (status != 0 || said.length == 0 || said.length >= size)
        return error_set(err, ERROR_INVALID, "rclone obscure ended with %d", status);
    (void)snprintf(ret, size, "%.*s", (int)strcspn(said.bytes, "\r\n"), said.bytes);
    return true;
}

static bool add_field(struct variables *variables, const char *program,
                      const struct cloud_field *field, const char *value, struct error *err)
{
    char name[64] = "RCLONE_CONFIG_CLOUD_", hidden[VARIABLE_SIZE_MAX];
    size_t length = strlen(name);

    for (const char *at = field->name; *at != '\0' && length < sizeof name - 1; at++)
        name[length++] = (char)toupper((unsigned char)*at);
    name[length] = '\0';
    variables->are_secret[variables->count] = field->is_secret;
    if (!field->is_obscured) {
        add(variables, name, value);
        return true;
    }
    if (!obscure(program, value, hidden, sizeof hidden, err))
        return false;
    add(variables, name, hidden);
    crypto_wipe(hidden, sizeof hidden);
    return true;
}

/* The store, as the account's connection has it. */
static bool add_cloud(struct variables *variables, const char *program, const struct desired_op *op,
                      struct error *err)
{
    const struct cloud_kind *kind = cloud_find(op->cloud_kind);
    auto_json json_t *config = NULL;

    if (kind == NULL)
        return error_set(err, ERROR_INVALID,
                         "this host does not know that kind of store: its berth-host is too old");
    if (op->cloud_config == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "the host was started anew: copy again");
    if (!json_parse(op->cloud_config, strlen(op->cloud_config), &config, err) ||
        !cloud_check(kind, config, err))
        return error_context(err, "the connection");
    add(variables, "RCLONE_CONFIG_CLOUD_TYPE", kind->rclone);
    for (size_t i = 0; i < CLOUD_FIELDS_MAX && kind->fields[i].name != NULL; i++) {
        const char *value = json_string_value(json_member(config, kind->fields[i].name));

        if (value != NULL && !add_field(variables, program, &kind->fields[i], value, err))
            return false;
    }
    if (strcmp(kind->name, "s3") == 0 && json_member(config, "provider") == NULL)
        add(variables, "RCLONE_CONFIG_CLOUD_PROVIDER",
            json_member(config, "endpoint") != NULL ? "Other" : "AWS");
    return true;
}

/* The instance's files. A line's end is written \n there. */
static bool add_instance(struct variables *variables, const struct desired_op *op,
                         struct error *err)
{
    char pem[COPY_KEY_PEM_SIZE], line[2 * COPY_KEY_PEM_SIZE], port[8];
    struct copy_secret secret;
    size_t length = 0;

    if (!hex_parse(op->copy_secret, secret.seed.bytes, sizeof secret.seed.bytes))
        return error_set(err, ERROR_INVALID, "the copy has no secret");
    struct key_pair keys = copy_secret_keys(&secret);
    copy_key_pem(&keys, pem);
    for (const char *at = pem; *at != '\0'; at++) {
        if (*at == '\n')
            line[length++] = '\\';
        line[length++] = *at == '\n' ? 'n' : *at;
    }
    line[length] = '\0';
    (void)snprintf(port, sizeof port, "%d", CLOUD_WAYS_PORT_FILES);
    add(variables, "RCLONE_CONFIG_INSTANCE_TYPE", "sftp");
    add(variables, "RCLONE_CONFIG_INSTANCE_HOST", "127.0.0.1");
    add(variables, "RCLONE_CONFIG_INSTANCE_PORT", port);
    add(variables, "RCLONE_CONFIG_INSTANCE_USER", LOGIN_COPY_USER);
    add(variables, "RCLONE_CONFIG_INSTANCE_KEY_PEM", line);
    add(variables, "RCLONE_CONFIG_INSTANCE_SHELL_TYPE", "none");
    add(variables, "RCLONE_CONFIG_INSTANCE_DISABLE_HASHCHECK", "true");
    add(variables, "RCLONE_CONFIG_INSTANCE_SKIP_LINKS", "true");
    crypto_wipe(&keys, sizeof keys);
    crypto_wipe(&secret, sizeof secret);
    crypto_wipe(pem, sizeof pem);
    crypto_wipe(line, sizeof line);
    return true;
}

static bool fill(struct variables *variables, const char *program, const struct desired_op *op,
                 struct error *err)
{
    char proxy[64];

    (void)snprintf(proxy, sizeof proxy, "socks5://127.0.0.1:%d", CLOUD_WAYS_PORT_SOCKS);
    add(variables, "PATH", "/usr/bin");
    add(variables, "LANG", "C.UTF-8");
    add(variables, "HOME", "/tmp");
    add(variables, "HTTP_PROXY", proxy);
    add(variables, "HTTPS_PROXY", proxy);
    return add_instance(variables, op, err) && add_cloud(variables, program, op, err);
}

/* What it says */

static void take_stats(struct cloud_said *said, const json_t *stats)
{
    const struct {
        const char *name;
        int64_t *ret;
    } rows[] = {
        { "bytes", &said->bytes },     { "totalBytes", &said->total_bytes },
        { "transfers", &said->files }, { "totalTransfers", &said->total_files },
        { "errors", &said->errors },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i].ret = json_integer_value(json_object_get(stats, rows[i].name));
    said->speed = (int64_t)json_number_value(json_object_get(stats, "speed"));
    said->has_stats = true;
}

/* One line, whatever it was. */
static void take_error(struct cloud_said *said, const char *object, const char *text)
{
    (void)snprintf(said->error, sizeof said->error, "%s%s%s", object != NULL ? object : "",
                   object != NULL ? ": " : "", text);
    for (char *at = said->error; *at != '\0'; at++)
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
}

/* What ends it at once is no JSON: "2026/11/30 21:59:53 Failed to create file system for ...". What
 * went before that says more, if anything did. */
static void take_plain(struct cloud_said *said, const char *line, size_t length)
{
    static const char date[] = "0000/00/00 00:00:00 ";
    char text[CLOUD_TEXT_SIZE];

    if (said->error[0] != '\0')
        return;
    (void)snprintf(text, sizeof text, "%.*s", (int)length, line);
    op_clean(text, strlen(text));
    size_t skipped = length > sizeof date && line[4] == '/' && line[7] == '/' ? sizeof date - 1 : 0;
    take_error(said, NULL, text + skipped);
}

void cloud_said_take(struct cloud_said *said, const char *line, size_t length)
{
    auto_json json_t *root = NULL;
    struct error ignored;

    if (!json_parse(line, length, &root, &ignored)) {
        take_plain(said, line, length);
        return;
    }
    const char *level = json_string_value(json_object_get(root, "level"));
    const char *text = json_string_value(json_object_get(root, "msg"));
    const char *object = json_string_value(json_object_get(root, "object"));
    const json_t *stats = json_object_get(root, "stats");
    if (json_is_object(stats))
        take_stats(said, stats);
    if (text == NULL || level == NULL)
        return;
    bool is_bad = strcmp(level, "error") == 0 || strcmp(level, "critical") == 0 ||
                  strcmp(level, "fatal") == 0;
    /* "Attempt 1/3 failed with ..." repeats what an object's line has said better. */
    if (is_bad && (strncmp(text, "Attempt ", 8) != 0 || said->error[0] == '\0'))
        take_error(said, object, text);
    if (object == NULL || strncmp(text, "Skipped ", 8) != 0 || strstr(text, "--dry-run") == NULL)
        return;
    if (said->skipped_count++ < CLOUD_FILES_SHOWN)
        buf_printf(&said->files_skipped, "%s\n", object);
}

static void write_size(int64_t bytes, char text[static 32])
{
    static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
    double size = (double)bytes;
    size_t unit = 0;

    for (; size >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        size /= 1000;
    (void)snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

void cloud_said_write(const struct cloud_said *said, char text[static CLOUD_TEXT_SIZE])
{
    char done[32], total[32], speed[32];
    int64_t percent = said->total_bytes > 0 ? said->bytes * 100 / said->total_bytes : 0;

    if (!said->has_stats || said->total_files == 0) {
        (void)snprintf(text, CLOUD_TEXT_SIZE, "looking at what is there");
        return;
    }
    write_size(said->bytes, done);
    write_size(said->total_bytes, total);
    write_size(said->speed, speed);
    (void)snprintf(text, CLOUD_TEXT_SIZE,
                   "%" PRId64 " %%, %" PRId64 " of %" PRId64 " files, %s of %s, %s/s", percent,
                   said->files, said->total_files, done, total, speed);
}

/* Running it */

struct run {
    const struct copy_work *work;
    const char *program;
    struct variables variables;
    struct cloud_ways ways;
    const struct job_report *report;
    struct cloud_said said;
    char *line; /* owned, CLOUD_LINE_MAX: of its output, not yet whole */
    size_t length;
    bool is_too_long; /* the rest of that line is dropped */
    int64_t said_s;
};

static int64_t now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static uid_t uid_of(int64_t instance_id)
{
    return (uid_t)(UID_FIRST + instance_id % UID_SPAN);
}

/* From the root of either side, whatever stands in front. */
static void name_remotes(const struct desired_op *op, char instance[static REMOTE_SIZE],
                         char cloud[static REMOTE_SIZE])
{
    (void)snprintf(instance, REMOTE_SIZE, "instance:/%s",
                   op->instance_path + strspn(op->instance_path, "/"));
    (void)snprintf(cloud, REMOTE_SIZE, "cloud:%s", op->cloud_path + strspn(op->cloud_path, "/"));
}

static _Noreturn void become_rclone(const struct run *run, int out)
{
    static const char *const front[] = {
        "rclone",       "copy",        "--config", "",           "--use-json-log",
        "--log-level",  "NOTICE",      "--stats",  "1s",         "--stats-log-level",
        "NOTICE",       "--transfers", "4",        "--checkers", "4",
        "--contimeout", "90s"
    };
    const struct desired_op *op = run->work->op;
    const struct cloud_jail jail = { .root = run->work->jail,
                                     .network = run->ways.network,
                                     .uid = run->ways.uid };
    char flags[CLOUD_FLAGS_MAX + 1], instance[REMOTE_SIZE], cloud[REMOTE_SIZE], *rest = NULL;
    const char *arguments[ARGUMENTS_MAX];
    size_t count = sizeof front / sizeof front[0];

    memcpy(arguments, front, sizeof front);
    (void)snprintf(flags, sizeof flags, "%s", op->cloud_flags);
    for (char *flag = strtok_r(flags, " ", &rest); flag != NULL && count < ARGUMENTS_MAX - 4;
         flag = strtok_r(NULL, " ", &rest))
        if (cloud_has_flag(flag))
            arguments[count++] = flag;
    name_remotes(op, instance, cloud);
    arguments[count++] = "--";
    arguments[count++] = op->is_to_cloud ? instance : cloud;
    arguments[count++] = op->is_to_cloud ? cloud : instance;
    arguments[count] = NULL;
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0 || !cloud_jail_enter(&jail))
        _exit(126);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    (void)execve(run->program, (char *const *)(uintptr_t)arguments, run->variables.texts);
    _exit(127);
}

static void take_bytes(struct run *run, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            run->is_too_long = run->is_too_long || run->length == CLOUD_LINE_MAX;
            if (!run->is_too_long)
                run->line[run->length++] = bytes[i];
            continue;
        }
        if (!run->is_too_long)
            cloud_said_take(&run->said, run->line, run->length);
        run->length = 0;
        run->is_too_long = false;
    }
}

static void say(struct run *run)
{
    char text[CLOUD_TEXT_SIZE];

    if (now_s() == run->said_s)
        return;
    run->said_s = now_s();
    cloud_said_write(&run->said, text);
    job_say(run->report, "%s", text);
}

/* All that have ended: of rclone, how. */
static bool reap(struct run *run, pid_t rclone, int *status)
{
    bool has_ended = false;

    for (pid_t pid; (pid = waitpid(-1, status, WNOHANG)) > 0;) {
        if (pid == rclone) {
            has_ended = true;
            return has_ended;
        }
        run->ways.count--;
    }
    return has_ended;
}

/* Its ways and its words, until it ends. */
static void attend(struct run *run, int out)
{
    char bytes[16 * 1024];

    for (;;) {
        struct pollfd ready[] = { { .fd = out, .events = POLLIN },
                                  { .fd = run->ways.socks, .events = POLLIN },
                                  { .fd = run->ways.files, .events = POLLIN } };

        if (poll(ready, 3, POLL_MS) < 0 && errno != EINTR)
            return;
        if ((ready[1].revents & POLLIN) != 0)
            cloud_ways_take(&run->ways, run->ways.socks);
        if ((ready[2].revents & POLLIN) != 0)
            cloud_ways_take(&run->ways, run->ways.files);
        if (ready[0].revents == 0)
            continue;
        ssize_t count = read(out, bytes, sizeof bytes);
        if (count == 0)
            return; /* all of its descriptors are closed */
        if (count > 0)
            take_bytes(run, bytes, (size_t)count);
        say(run);
    }
}

static bool run_once(struct run *run, int *ret_status, struct error *err)
{
    int pipes[2], status = 0;

    if (pipe2(pipes, O_CLOEXEC) != 0)
        return error_system(err, errno, "make a pipe");
    pid_t pid = fork();
    if (pid == 0)
        become_rclone(run, pipes[1]);
    (void)close(pipes[1]);
    if (pid < 0) {
        (void)close(pipes[0]);
        return error_system(err, errno, "start rclone");
    }
    attend(run, pipes[0]);
    (void)close(pipes[0]);
    while (!reap(run, pid, &status))
        (void)usleep(KEY_PAUSE_MS * 10);
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

/* The front knows the key a moment after the host has heard of the copy. */
static bool is_too_early(const struct run *run, int status)
{
    return status != 0 && strstr(run->said.error, "unable to authenticate") != NULL;
}

/* What rclone says of a failure is for people to read, whatever it repeats. */
static void hide_secrets(const struct variables *variables, char text[static CLOUD_TEXT_SIZE])
{
    for (size_t i = 0; i < variables->count; i++) {
        const char *value = strchr(variables->texts[i], '=') + 1;
        size_t length = strlen(value);

        if (!variables->are_secret[i] || length == 0)
            continue;
        for (char *at = text; (at = strstr(at, value)) != NULL; at += length)
            memset(at, '*', length);
    }
}

static bool conclude(const struct run *run, int status, int64_t seconds, struct buf *result,
                     struct error *err)
{
    const struct cloud_said *said = &run->said;
    auto_buf struct buf text = buf_of(FILES_TEXT_MAX + CLOUD_TEXT_SIZE);
    struct encoder json = encoder_of(result);
    char size[32];

    if (status != 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s%srclone ended with %d", said->error,
                         *said->error != '\0' ? "; " : "", status);
    write_size(said->bytes, size);
    if (strstr(run->work->op->cloud_flags, "--dry-run") != NULL)
        buf_printf(&text, "nothing was copied; %" PRId64 " files would be%s\n%s",
                   said->skipped_count, said->skipped_count > 0 ? ":" : "",
                   said->files_skipped.length > 0 ? said->files_skipped.bytes : "");
    else
        buf_printf(&text, "done, %" PRId64 " files, %s in %" PRId64 " s", said->files, size,
                   seconds);
    encode_object(&json);
    encode_field_text(&json, "output", text.bytes);
    encode_end(&json);
    return true;
}

static bool run_all(struct run *run, struct buf *result, struct error *err)
{
    int64_t began_s = now_s();
    int status = 0;

    run->ways.ssh_port = run->work->target_port;
    run->ways.allowed = run->work->private_clouds;
    run->ways.uid = uid_of(run->work->op->instance_id);
    if (!cloud_ways_open(&run->ways, err) ||
        !fill(&run->variables, run->program, run->work->op, err))
        return false;
    for (int i = 0; i < KEY_TRIES; i++) {
        run->said.error[0] = '\0';
        if (!run_once(run, &status, err))
            return false;
        if (!is_too_early(run, status))
            break;
        (void)usleep(KEY_PAUSE_MS * 1000);
    }
    hide_secrets(&run->variables, run->said.error);
    return conclude(run, status, now_s() - began_s, result, err);
}

bool cloud_work_run(void *context, const struct job_report *report, struct buf *result,
                    struct error *err)
{
    struct run run = { .work = context,
                       .program = cloud_program(),
                       .ways = CLOUD_WAYS_NONE,
                       .report = report,
                       .said.files_skipped = buf_of(FILES_TEXT_MAX),
                       .line = malloc(CLOUD_LINE_MAX) };

    if (run.line == NULL)
        abort();
    job_say(report, "connecting");
    bool is_done = run.program != NULL
                       ? run_all(&run, result, err)
                       : error_set(err, ERROR_UNAVAILABLE,
                                   "this host has no rclone, by which it would copy; its owner "
                                   "can install it");
    variables_wipe(&run.variables);
    cloud_ways_close(&run.ways);
    buf_release(&run.said.files_skipped);
    free(run.line);
    return is_done;
}
