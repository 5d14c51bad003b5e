/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hostname.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/access_netns.h"
#include "sys/fd.h"
#include "sys/file.h"

/* Whether two descriptors are of the same namespace. */
static bool is_same(int a, int b)
{
    struct stat left, right;

    return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

bool hostname_give(int64_t pid, const char *container_id, const char *hostname, struct error *err)
{
    auto_netns struct netns netns = NETNS_NONE;
    auto_close int home = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

    if (home < 0)
        return error_system(err, errno, "open our own host name");
    if (!netns_open((pid_t)pid, container_id, &netns, err))
        return false;
    auto_close int there = openat(netns.process, "ns/uts", O_RDONLY | O_CLOEXEC);
    if (there < 0)
        return error_set(err, ERROR_NOT_FOUND, "the container has just ended");
    /* The host itself must never be renamed. */
    if (is_same(home, there))
        return error_set(err, ERROR_INVALID, "the container has the host's own name");
    if (setns(there, CLONE_NEWUTS) != 0)
        return error_system(err, errno, "enter the container's host name");
    bool is_given = sethostname(hostname, strlen(hostname)) == 0;
    int reason = errno;
    if (setns(home, CLONE_NEWUTS) != 0)
        abort();
    return is_given ? true : error_system(err, reason, "name the container %s", hostname);
}

void hostname_in_hosts(struct buf *out, const char *hosts, size_t length, const char *holder,
                       const char *hostname)
{
    const char *end = hosts + length;
    size_t holder_length = strlen(holder);

    while (hosts < end) {
        size_t blank = strspn(hosts, " \t\n"), word = strcspn(hosts + blank, " \t\n");

        buf_append(out, hosts, blank);
        hosts += blank;
        if (word == holder_length && memcmp(hosts, holder, word) == 0)
            buf_append(out, hostname, strlen(hostname));
        else
            buf_append(out, hosts, word);
        hosts += word;
    }
}

/* Unless that is what it holds already. */
static bool write_in_place(const char *path, const char *before, size_t before_length,
                           const struct buf *text, struct error *err)
{
    if (before_length == text->length && memcmp(before, text->bytes, text->length) == 0)
        return true;
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(err, errno, "open %s", path);
    if (!file_write_all(fd, text->bytes, text->length, err))
        return error_context(err, "%s", path);
    if (ftruncate(fd, (off_t)text->length) != 0)
        return error_system(err, errno, "write %s", path);
    return true;
}

bool hostname_write(const char *hostname_path, const char *hosts_path, const char *holder,
                    const char *hostname, struct error *err)
{
    auto_buf struct buf name = buf_of(HOSTNAME_FILE_MAX), hosts = buf_of(HOSTNAME_FILE_MAX);
    auto_buf struct buf before = buf_of(HOSTNAME_FILE_MAX);

    if (!file_read(AT_FDCWD, hosts_path, &before, err))
        return false;
    buf_append(&before, "", 0); /* there is a NUL behind it, even where it is empty */
    hostname_in_hosts(&hosts, before.bytes, before.length, holder, hostname);
    buf_printf(&name, "%s\n", hostname);
    if (hosts.has_overflowed || name.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is too long", hosts_path);
    return write_in_place(hosts_path, before.bytes, before.length, &hosts, err) &&
           write_in_place(hostname_path, "", 0, &name, err);
}
