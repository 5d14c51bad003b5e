/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

enum { CHUNK_SIZE = 16384 };

bool file_read(int dir, const char *path, struct buf *content, struct error *err)
{
    auto_buf struct buf whole = buf_of(content->limit - content->length);
    char chunk[CHUNK_SIZE];

    auto_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_system(err, errno, "open %s", path);

    for (;;) {
        ssize_t length = read(fd, chunk, sizeof chunk);

        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return error_system(err, errno, "read %s", path);
        if (length == 0)
            break;
        buf_append(&whole, chunk, (size_t)length);
        if (whole.has_overflowed)
            return error_set(err, ERROR_OUT_OF_RANGE, "%s is longer than %zu bytes", path,
                             whole.limit);
    }
    buf_append(content, whole.bytes, whole.length);
    return true;
}

bool file_write_all(int fd, const void *bytes, size_t length, struct error *err)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t written = write(fd, at, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_system(err, errno, "write");
        at += written;
        length -= (size_t)written;
    }
    return true;
}

int file_scratch(const char *folder, int flags, struct error *err)
{
    enum { MODE = 0600 };
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | flags, MODE);

    /* Not every file system can; then it has a name for a moment. */
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        (void)snprintf(path, sizeof path, "%s/scratch-XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC | flags);
        if (fd >= 0)
            (void)unlink(path);
    }
    if (fd < 0)
        (void)error_system(err, errno, "make a file in %s", folder);
    return fd;
}

/* The name itself is only safe once the directory that holds it is. */
static bool sync_parent(int dir, const char *path, struct error *err)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : slash == path ? 1 : (int)(slash - path);

    (void)snprintf(parent, sizeof parent, "%.*s", length, path);
    auto_close int fd = openat(dir, length > 0 ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(err, errno, "open the directory of %s", path);
    if (fsync(fd) != 0)
        return error_system(err, errno, "sync the directory of %s", path);
    return true;
}

static bool fill(int fd, mode_t mode, const void *bytes, size_t length, struct error *err)
{
    if (!file_write_all(fd, bytes, length, err))
        return false;
    if (fchmod(fd, mode) != 0)
        return error_system(err, errno, "set the mode");
    return true;
}

static bool sync_file(int fd, struct error *err)
{
    return fsync(fd) == 0 || error_system(err, errno, "sync");
}

struct content {
    mode_t mode;
    const void *bytes;
    size_t length;
    bool is_synced; /* before it has the name */
};

static bool put(int dir, const char *path, const struct content *content, struct error *err)
{
    char beside[PATH_MAX];

    /* A name that no other thread writes to; what a crash left there before is in the way. */
    int beside_length = snprintf(beside, sizeof beside, "%s.%d.new", path, (int)gettid());
    if (beside_length < 0 || (size_t)beside_length >= sizeof beside)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path %.64s... is too long", path);
    if (unlinkat(dir, beside, 0) != 0 && errno != ENOENT)
        return error_system(err, errno, "remove %s", beside);

    auto_close int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(err, errno, "create %s", beside);
    if (!fill(fd, content->mode, content->bytes, content->length, err) ||
        (content->is_synced && !sync_file(fd, err))) {
        (void)unlinkat(dir, beside, 0);
        return error_context(err, "%s", beside);
    }
    if (renameat(dir, beside, dir, path) != 0) {
        (void)error_system(err, errno, "rename to %s", path);
        (void)unlinkat(dir, beside, 0);
        return false;
    }
    return true;
}

bool file_replace(int dir, const char *path, mode_t mode, const void *bytes, size_t length,
                  struct error *err)
{
    const struct content content = { mode, bytes, length, .is_synced = true };

    return put(dir, path, &content, err) && sync_parent(dir, path, err);
}

bool file_place(int dir, const char *path, mode_t mode, const void *bytes, size_t length,
                struct error *err)
{
    const struct content content = { mode, bytes, length, .is_synced = false };

    return put(dir, path, &content, err);
}

bool file_sync(int dir, const char *path, struct error *err)
{
    auto_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_system(err, errno, "open %s", path);
    if (!sync_file(fd, err))
        return error_context(err, "%s", path);
    return sync_parent(dir, path, err);
}

static bool make_one(const char *path, mode_t mode, struct error *err)
{
    struct stat status;

    if (mkdir(path, mode) == 0)
        return true;
    int errnum = errno;
    if (errnum == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return error_system(err, errnum, "make the directory %s", path);
}

bool file_make_dir(const char *path, mode_t mode, struct error *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof part)
        return error_set(err, ERROR_INVALID, "'%.64s' cannot be a directory", path);

    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (!make_one(part, mode, err))
            return false;
    }
    return true;
}
