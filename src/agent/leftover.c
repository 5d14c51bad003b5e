/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/leftover.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    ID_LENGTH = 64,
    CGROUP_MAX = 64 * 1024,
    COMMAND_MAX = 64 * 1024,
    TRIES_MAX = 100,
    TRY_US = 50000,  /* five seconds in all */
    SHIM_TRIES = 20, /* for which a shim may still be about to end */
};

bool leftover_is_in(const char *cgroup_text, const char *container_id)
{
    const char *found = strstr(cgroup_text, container_id);

    assert(strlen(container_id) == ID_LENGTH);
    /* "/docker/ID", "/system.slice/docker-ID.scope", and groups of its own below them. */
    return found != NULL && strchr("/.\n", found[ID_LENGTH]) != NULL;
}

static bool runs_in(pid_t pid, const char *container_id)
{
    auto_buf struct buf text = buf_of(CGROUP_MAX);
    struct error ignored;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    return file_read(AT_FDCWD, path, &text, &ignored) && text.length > 0 &&
           leftover_is_in(text.bytes, container_id);
}

bool leftover_is_shim(const char *command_line, size_t length, const char *container_id)
{
    bool has_flag = false;
    size_t at = 0;

    assert(strlen(container_id) == ID_LENGTH);
    if (length == 0 || command_line[length - 1] != '\0' ||
        strstr(command_line, "containerd-shim") == NULL)
        return false;
    for (; at < length; at += strlen(command_line + at) + 1) {
        if (has_flag && strcmp(command_line + at, container_id) == 0)
            return true;
        has_flag = strcmp(command_line + at, "-id") == 0;
    }
    return false;
}

static bool is_shim(pid_t pid, const char *container_id)
{
    auto_buf struct buf text = buf_of(COMMAND_MAX);
    struct error ignored;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    return file_read(AT_FDCWD, path, &text, &ignored) &&
           leftover_is_shim(text.bytes, text.length, container_id);
}

/* While the descriptor is open the number is nobody else's. */
static bool end(pid_t pid, const char *container_id, bool is_it(pid_t, const char *))
{
    auto_close int process = pidfd_open(pid, 0);

    return process >= 0 && is_it(pid, container_id) &&
           pidfd_send_signal(process, SIGKILL, NULL, 0) == 0;
}

bool leftover_end(pid_t pid, const char *container_id)
{
    return end(pid, container_id, runs_in);
}

/* `with_shim`: it has had its time. */
static bool kill_once(const char *container_id, bool with_shim, size_t *ret_count,
                      struct error *err)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    if (processes == NULL)
        return error_system(err, errno, "open /proc");
    while ((entry = readdir(processes)) != NULL) {
        uint64_t pid;

        if (!isdigit((unsigned char)*entry->d_name) || !parse_u64(entry->d_name, &pid) || pid < 2 ||
            pid > INT32_MAX)
            continue;
        bool runs = runs_in((pid_t)pid, container_id);
        if (!runs && !is_shim((pid_t)pid, container_id))
            continue;
        if (runs || with_shim)
            (void)end((pid_t)pid, container_id, runs ? runs_in : is_shim);
        count++;
    }
    (void)closedir(processes);
    *ret_count = count;
    return true;
}

bool leftover_kill(const char *container_id, size_t *ret_count, struct error *err)
{
    size_t first, count;

    if (!kill_once(container_id, false, &first, err))
        return false;
    count = first;
    for (int i = 0; count > 0; i++) {
        if (i == TRIES_MAX)
            return error_set(err, ERROR_TIMEOUT, "%zu processes of container %.12s do not end",
                             count, container_id);
        (void)usleep(TRY_US);
        if (!kill_once(container_id, i >= SHIM_TRIES, &count, err))
            return false;
    }
    *ret_count = first;
    return true;
}

bool leftover_remove(struct docker *docker, const char *container, struct error *err)
{
    auto_json json_t *root = NULL;
    const char *id;
    size_t count;

    if (!docker_inspect(docker, container, &root, err))
        return err->code == ERROR_NOT_FOUND;
    if (!json_need_text(root, "Id", DOCKER_ID_SIZE - 1, &id, err))
        return error_context(err, "the engine's answer");
    return docker_remove(docker, container, err) && leftover_kill(id, &count, err);
}
