/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/preempt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_netns.h"
#include "base/encode.h"
#include "base/json.h"
#include "sys/fd.h"

enum { TICKS_PER_DOLLAR = 1000, SECONDS_END = 19 };

#define PREEMPT_PART PREEMPT_FILE ".part"

void preempt_encode(struct buf *out, const struct desired_notice *notice, struct instant deadline)
{
    struct encoder json = encoder_of(out);
    char text[INSTANT_TEXT_SIZE], price[32];

    /* To the second: "2026-11-22T14:03:32" and a Z. */
    (void)instant_format(deadline, text);
    memcpy(text + SECONDS_END, "Z", 2);
    encode_object(&json);
    encode_field_text(&json, "reason", notice->reason);
    encode_field_text(&json, "deadline", text);
    encode_field_text(&json, "winner_class", notice->winner);
    encode_key(&json, "price_to_keep");
    (void)snprintf(price, sizeof price, "null");
    if (notice->keep_ticks >= 0)
        (void)snprintf(price, sizeof price, "%" PRId64 ".%03" PRId64,
                       notice->keep_ticks / TICKS_PER_DOLLAR,
                       notice->keep_ticks % TICKS_PER_DOLLAR);
    encode_raw(&json, price, strlen(price));
    encode_end(&json);
}

/* In the container's view of files, for good: only for a process that ends afterwards. */
static bool write_inside(int files, const char *text)
{
    size_t length = strlen(text);

    if (setns(files, CLONE_NEWNS) != 0)
        return false;
    (void)mkdir("/run", 0755);
    (void)mkdir(PREEMPT_DIR, 0755);
    auto_close int dir = open(PREEMPT_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return false;
    (void)unlinkat(dir, PREEMPT_PART, 0);
    auto_close int fd =
        openat(dir, PREEMPT_PART, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd >= 0 && write(fd, text, length) == (ssize_t)length &&
           renameat(dir, PREEMPT_PART, dir, PREEMPT_FILE) == 0;
}

static bool write_file(pid_t pid, const char *container_id, const char *text, struct error *err)
{
    auto_netns struct netns process = NETNS_NONE;
    int status = 0;

    if (!netns_open(pid, container_id, &process, err))
        return false;
    auto_close int files = openat(process.process, "ns/mnt", O_RDONLY | O_CLOEXEC);
    if (files < 0)
        return error_system(err, errno, "open the container's files");
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return error_system(err, errno, "fork");
    if (child == 0)
        _exit(write_inside(files, text) ? 0 : 1);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           error_set(err, ERROR_UNAVAILABLE, "the notice could not be written");
}

static bool find_process(struct docker *docker, const char *container,
                         char id[static DOCKER_ID_SIZE], pid_t *ret_pid, struct error *err)
{
    auto_json json_t *root = NULL;
    const char *text;

    if (!docker_inspect(docker, container, &root, err) ||
        !json_need_text(root, "Id", DOCKER_ID_SIZE - 1, &text, err))
        return false;
    (void)snprintf(id, DOCKER_ID_SIZE, "%s", text);
    *ret_pid = (pid_t)json_integer_value(json_object_get(json_object_get(root, "State"), "Pid"));
    return true;
}

bool preempt_tell(struct docker *docker, const char *container, const char *text, struct error *err)
{
    char id[DOCKER_ID_SIZE], path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = "POST", .path = path };
    struct error ignored;
    pid_t pid;

    if (!find_process(docker, container, id, &pid, err))
        return err->code == ERROR_NOT_FOUND;
    if (pid <= 0)
        return true; /* it has ended */
    /* A full disk must not keep the signal from anyone. */
    (void)write_file(pid, id, text, &ignored);
    (void)snprintf(path, sizeof path, "/containers/%s/kill?signal=SIGTERM", container);
    return docker_call(docker, &call, NULL, err) || err->code == ERROR_CONFLICT ||
           err->code == ERROR_NOT_FOUND;
}

void preempt_clear(struct docker *docker, const char *container)
{
    static const struct open_how beneath = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                             .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
    auto_json json_t *root = NULL;
    struct error ignored;

    if (!docker_inspect(docker, container, &root, &ignored))
        return;
    const json_t *data = json_object_get(json_object_get(root, "GraphDriver"), "Data");
    const char *upper = json_string_value(json_object_get(data, "UpperDir"));
    if (upper == NULL)
        return;
    auto_close int top = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return;
    auto_close int dir = (int)syscall(SYS_openat2, top, &PREEMPT_DIR[1], &beneath, sizeof beneath);
    if (dir >= 0)
        (void)unlinkat(dir, PREEMPT_FILE, 0);
}
