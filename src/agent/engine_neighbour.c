/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine_neighbour.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "sys/file.h"

enum { ARGUMENTS_MAX = 64 * 1024, NAMESPACE_SIZE = 64 };

static bool read_process(const char *pid, const char *name, struct buf *text)
{
    struct error ignored;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%.16s/%.16s", pid, name);
    return file_read(AT_FDCWD, path, text, &ignored) && text->length > 0;
}

/* "net:[4026531840]"; false for one that is gone or dead. */
static bool network_of(const char *pid, char name[static NAMESPACE_SIZE])
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%.16s/ns/net", pid);
    ssize_t length = readlink(path, name, NAMESPACE_SIZE - 1);
    if (length <= 0)
        return false;
    name[length] = '\0';
    return true;
}

static bool is_engine_here(const char *pid)
{
    auto_buf struct buf name = buf_of(64);
    char here[NAMESPACE_SIZE], there[NAMESPACE_SIZE];

    return read_process(pid, "comm", &name) && strcmp(name.bytes, "dockerd\n") == 0 &&
           network_of("self", here) && network_of(pid, there) && strcmp(here, there) == 0;
}

/* As agent/engine.c starts it: "--pidfile", "X/engine/docker.pid". */
static void find_dir(const char *pid, char dir[static NEIGHBOUR_DIR_SIZE])
{
    static const char end[] = "/engine/docker.pid";
    auto_buf struct buf text = buf_of(ARGUMENTS_MAX);

    *dir = '\0';
    if (!read_process(pid, "cmdline", &text))
        return;
    for (size_t i = 0; i < text.length; i += strlen(text.bytes + i) + 1) {
        const char *argument = text.bytes + i;
        size_t length = strlen(argument);

        if (*argument != '/' || length < sizeof end || length >= NEIGHBOUR_DIR_SIZE ||
            strcmp(argument + length - (sizeof end - 1), end) != 0)
            continue;
        (void)snprintf(dir, NEIGHBOUR_DIR_SIZE, "%.*s", (int)(length - strlen("/docker.pid")),
                       argument);
        return;
    }
}

int64_t engine_neighbour_find(int64_t own_pid, char dir[static NEIGHBOUR_DIR_SIZE])
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int64_t found = 0;

    *dir = '\0';
    if (processes == NULL)
        return 0;
    while (found == 0 && (entry = readdir(processes)) != NULL) {
        uint64_t pid;

        if (!isdigit((unsigned char)*entry->d_name) || !parse_u64(entry->d_name, &pid) ||
            pid > INT32_MAX || (int64_t)pid == own_pid || !is_engine_here(entry->d_name))
            continue;
        found = (int64_t)pid;
        find_dir(entry->d_name, dir);
    }
    (void)closedir(processes);
    return found;
}
