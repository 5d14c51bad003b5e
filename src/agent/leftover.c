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
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "sys/file.h"

enum {
    ID_LENGTH = 64,
    CGROUP_MAX = 64 * 1024,
    TRIES_MAX = 100,
    TRY_US = 50000, /* five seconds in all */
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

static bool kill_once(const char *container_id, size_t *ret_count, struct error *err)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    if (processes == NULL)
        return error_system(err, errno, "open /proc");
    while ((entry = readdir(processes)) != NULL) {
        uint64_t pid;

        if (!isdigit((unsigned char)*entry->d_name) || !parse_u64(entry->d_name, &pid) || pid < 2 ||
            pid > INT32_MAX || !runs_in((pid_t)pid, container_id))
            continue;
        (void)kill((pid_t)pid, SIGKILL);
        count++;
    }
    (void)closedir(processes);
    *ret_count = count;
    return true;
}

bool leftover_kill(const char *container_id, size_t *ret_count, struct error *err)
{
    size_t first, count;

    if (!kill_once(container_id, &first, err))
        return false;
    count = first;
    for (int i = 0; count > 0; i++) {
        if (i == TRIES_MAX)
            return error_set(err, ERROR_TIMEOUT, "%zu processes of container %.12s do not end",
                             count, container_id);
        (void)usleep(TRY_US);
        if (!kill_once(container_id, &count, err))
            return false;
    }
    *ret_count = first;
    return true;
}
