/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sftp_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/sftp_stat.h"

enum { NAMES_MAX = 128, MODE_MASK = 07777, NOREPLACE = 1 };

struct handle {
    bool is_used;
    uint32_t generation; /* a handle that was closed never means another file */
    int fd;              /* of a file; -1 for a directory */
    bool is_append;
    DIR *directory; /* owned; NULL for a file */
    char path[SFTP_PATH_MAX];
};

static struct handle handles[SFTP_HANDLES_MAX];

size_t sftp_put_status(uint8_t reply[static SFTP_REPLY_MAX], uint32_t id, enum sftp_status status,
                       const char *text)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_STATUS);

    sftp_put_u32(&out, id);
    sftp_put_u32(&out, status);
    sftp_put_text(&out, text);
    sftp_put_text(&out, "en");
    return sftp_end(&out);
}

static size_t put_errno(uint8_t *reply, uint32_t id, int reason)
{
    enum sftp_status status = SFTP_FAILURE;

    if (reason == ENOENT || reason == ENOTDIR || reason == EBADF || reason == ELOOP)
        status = SFTP_NO_SUCH_FILE;
    else if (reason == EPERM || reason == EACCES)
        status = SFTP_PERMISSION_DENIED;
    else if (reason == ENOSYS)
        status = SFTP_UNSUPPORTED;
    return sftp_put_status(reply, id, status, strerror(reason));
}

/* What most calls come to: 0 is success, else errno has the reason. */
static size_t put_result(uint8_t *reply, uint32_t id, int result)
{
    return result == 0 ? sftp_put_status(reply, id, SFTP_OK, "done") : put_errno(reply, id, errno);
}

/* A client's empty path is the directory we are in. */
static const char *real(const char *path)
{
    return path[0] != '\0' ? path : ".";
}

/* The open file that a request names; NULL, with errno, where there is none. */
static struct handle *find(const struct sftp_request *request)
{
    uint32_t index, generation;

    memcpy(&index, request->handle, sizeof(index));
    memcpy(&generation, request->handle + sizeof(index), sizeof(generation));
    if (index >= SFTP_HANDLES_MAX || !handles[index].is_used ||
        handles[index].generation != generation) {
        errno = EBADF;
        return NULL;
    }
    return &handles[index];
}

/* The same, of a file rather than a directory; its descriptor, or -1. */
static int find_fd(const struct sftp_request *request)
{
    const struct handle *handle = find(request);

    if (handle != NULL && handle->fd < 0)
        errno = EISDIR;
    return handle != NULL ? handle->fd : -1;
}

static size_t put_handle(uint8_t *reply, uint32_t id, const struct handle *handle)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_HANDLE);
    uint32_t index = (uint32_t)(handle - handles);
    uint8_t name[SFTP_HANDLE_SIZE];

    memcpy(name, &index, sizeof(index));
    memcpy(name + sizeof(index), &handle->generation, sizeof(handle->generation));
    sftp_put_u32(&out, id);
    sftp_put_bytes(&out, name, sizeof(name));
    return sftp_end(&out);
}

/* A place in the table for what was just opened; NULL, with errno, where all are taken. */
static struct handle *take_handle(const char *path)
{
    for (size_t i = 0; i < SFTP_HANDLES_MAX; i++) {
        struct handle *handle = &handles[i];

        if (handle->is_used)
            continue;
        *handle =
            (struct handle){ .is_used = true, .generation = handle->generation + 1, .fd = -1 };
        memcpy(handle->path, path, strlen(path) + 1);
        return handle;
    }
    errno = EMFILE;
    return NULL;
}

static int open_flags(uint32_t flags)
{
    int how = O_CLOEXEC | O_NOCTTY;

    if ((flags & SFTP_FOR_READ) != 0 && (flags & SFTP_FOR_WRITE) != 0)
        how |= O_RDWR;
    else
        how |= (flags & SFTP_FOR_WRITE) != 0 ? O_WRONLY : O_RDONLY;
    how |= (flags & SFTP_APPEND) != 0 ? O_APPEND : 0;
    how |= (flags & SFTP_CREATE) != 0 ? O_CREAT : 0;
    how |= (flags & SFTP_TRUNCATE) != 0 ? O_TRUNC : 0;
    how |= (flags & SFTP_EXCLUSIVE) != 0 ? O_EXCL : 0;
    return how;
}

static size_t perform_open(const struct sftp_request *request, uint8_t *reply)
{
    const struct sftp_attributes *attributes = &request->attributes;
    mode_t mode = (attributes->has & SFTP_HAS_MODE) != 0 ? attributes->mode & MODE_MASK : 0666;

    int fd = open(real(request->path), open_flags(request->flags), mode);
    if (fd < 0)
        return put_errno(reply, request->id, errno);
    struct handle *handle = take_handle(request->path);
    if (handle == NULL) {
        int reason = errno;
        (void)close(fd);
        return put_errno(reply, request->id, reason);
    }
    handle->fd = fd;
    handle->is_append = (request->flags & SFTP_APPEND) != 0;
    return put_handle(reply, request->id, handle);
}

static size_t perform_opendir(const struct sftp_request *request, uint8_t *reply)
{
    DIR *directory = opendir(real(request->path));

    if (directory == NULL)
        return put_errno(reply, request->id, errno);
    struct handle *handle = take_handle(real(request->path));
    if (handle == NULL) {
        int reason = errno;
        (void)closedir(directory);
        return put_errno(reply, request->id, reason);
    }
    handle->directory = directory;
    return put_handle(reply, request->id, handle);
}

static size_t perform_close(const struct sftp_request *request, uint8_t *reply)
{
    struct handle *handle = find(request);

    if (handle == NULL)
        return put_errno(reply, request->id, errno);
    int result = handle->directory != NULL ? closedir(handle->directory) : close(handle->fd);
    handle->is_used = false;
    return put_result(reply, request->id, result);
}

static size_t perform_read(const struct sftp_request *request, uint8_t *reply)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_DATA);
    size_t wanted = request->length < SFTP_DATA_MAX ? request->length : SFTP_DATA_MAX;

    int fd = find_fd(request);
    if (fd < 0)
        return put_errno(reply, request->id, errno);
    if (request->offset > INT64_MAX)
        return sftp_put_status(reply, request->id, SFTP_FAILURE, "no file is that long");
    sftp_put_u32(&out, request->id);
    /* Straight to where the answer has it, behind its length. */
    uint8_t *data = reply + out.length + 4;
    ssize_t got = pread(fd, data, wanted, (off_t)request->offset);
    if (got < 0 && errno == ESPIPE)
        got = read(fd, data, wanted);
    if (got < 0)
        return put_errno(reply, request->id, errno);
    if (got == 0)
        return sftp_put_status(reply, request->id, SFTP_EOF, "end of file");
    sftp_put_u32(&out, (uint32_t)got);
    out.length += (size_t)got;
    return sftp_end(&out);
}

static size_t perform_write(const struct sftp_request *request, uint8_t *reply)
{
    const struct handle *handle = find(request);
    int fd = find_fd(request);
    uint64_t offset = request->offset;

    if (fd < 0)
        return put_errno(reply, request->id, errno);
    if (offset > (uint64_t)INT64_MAX - request->length)
        return sftp_put_status(reply, request->id, SFTP_FAILURE, "no file is that long");
    for (uint32_t done = 0; done < request->length;) {
        const uint8_t *data = request->data + done;
        size_t left = request->length - done;
        ssize_t put = handle->is_append ? write(fd, data, left)
                                        : pwrite(fd, data, left, (off_t)(offset + done));

        if (put < 0 && errno == ESPIPE)
            put = write(fd, data, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put_errno(reply, request->id, put == 0 ? EIO : errno);
        done += (uint32_t)put;
    }
    return sftp_put_status(reply, request->id, SFTP_OK, "done");
}

static size_t put_stat(uint8_t *reply, uint32_t id, int result, const struct stat *found)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_ATTRS);

    if (result != 0)
        return put_errno(reply, id, errno);
    struct sftp_attributes attributes = sftp_attributes_of(found);
    sftp_put_u32(&out, id);
    sftp_put_attributes(&out, &attributes);
    return sftp_end(&out);
}

static size_t perform_stat(const struct sftp_request *request, uint8_t *reply)
{
    struct stat found;
    int result;

    if (request->type == SFTP_FSTAT) {
        const struct handle *handle = find(request);

        if (handle == NULL)
            return put_errno(reply, request->id, errno);
        result = fstat(handle->fd >= 0 ? handle->fd : dirfd(handle->directory), &found);
    } else {
        result = request->type == SFTP_LSTAT ? lstat(real(request->path), &found)
                                             : stat(real(request->path), &found);
    }
    return put_stat(reply, request->id, result, &found);
}

static size_t perform_setstat(const struct sftp_request *request, uint8_t *reply)
{
    int result;

    if (request->type == SFTP_FSETSTAT) {
        int fd = find_fd(request);

        result = fd < 0 ? -1 : sftp_apply_fd(fd, &request->attributes);
    } else {
        result = sftp_apply_path(real(request->path), request->type == SFTP_SETSTAT,
                                 &request->attributes);
    }
    return put_result(reply, request->id, result);
}

static void put_name(struct sftp_writer *out, const char *name, const struct stat *found)
{
    struct sftp_attributes attributes = { 0 };
    char line[SFTP_LONG_NAME_SIZE];

    if (found != NULL)
        attributes = sftp_attributes_of(found);
    sftp_put_text(out, name);
    sftp_put_text(out, found != NULL ? sftp_long_name(name, found, line) : name);
    sftp_put_attributes(out, &attributes);
}

static size_t perform_readdir(const struct sftp_request *request, uint8_t *reply)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_NAME);
    struct handle *handle = find(request);
    uint32_t count = 0;

    if (handle == NULL || handle->directory == NULL)
        return put_errno(reply, request->id, handle == NULL ? errno : ENOTDIR);
    sftp_put_u32(&out, request->id);
    size_t count_at = out.length;
    sftp_put_u32(&out, 0);
    for (const struct dirent *entry;
         count < NAMES_MAX && (entry = readdir(handle->directory)) != NULL; count++) {
        struct stat found;
        int fd = dirfd(handle->directory);

        put_name(&out, entry->d_name,
                 fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 ? &found : NULL);
    }
    if (count == 0)
        return sftp_put_status(reply, request->id, SFTP_EOF, "end of directory");
    struct sftp_writer counter = { .bytes = out.bytes + count_at, .size = 4 };
    sftp_put_u32(&counter, count);
    return sftp_end(&out);
}

static size_t put_path(uint8_t *reply, uint32_t id, const char *path)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_NAME);

    sftp_put_u32(&out, id);
    sftp_put_u32(&out, 1);
    put_name(&out, path, NULL);
    return sftp_end(&out);
}

static size_t perform_realpath(const struct sftp_request *request, uint8_t *reply)
{
    char path[PATH_MAX];

    if (!sftp_resolve(request->path, request->type == SFTP_EXPAND_PATH, path))
        return put_errno(reply, request->id, errno);
    return put_path(reply, request->id, path);
}

static size_t perform_readlink(const struct sftp_request *request, uint8_t *reply)
{
    char target[SFTP_PATH_MAX];

    ssize_t length = readlink(request->path, target, sizeof(target) - 1);
    if (length < 0)
        return put_errno(reply, request->id, errno);
    target[length] = '\0';
    return put_path(reply, request->id, target);
}

/* Version 3 has a rename that never replaces. */
static int rename_to_new(const char *from, const char *to)
{
    struct stat found;

    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (lstat(to, &found) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static size_t put_file_system(uint8_t *reply, uint32_t id, const struct statvfs *found)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_EXTENDED_REPLY);
    const uint64_t is_read_only = (found->f_flag & ST_RDONLY) != 0 ? 1 : 0;
    const uint64_t is_no_setuid = (found->f_flag & ST_NOSUID) != 0 ? 2 : 0;
    const uint64_t values[] = {
        found->f_bsize,   found->f_frsize,
        found->f_blocks,  found->f_bfree,
        found->f_bavail,  found->f_files,
        found->f_ffree,   found->f_favail,
        found->f_fsid,    is_read_only | is_no_setuid,
        found->f_namemax,
    };

    sftp_put_u32(&out, id);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        sftp_put_u64(&out, values[i]);
    return sftp_end(&out);
}

static size_t perform_statvfs(const struct sftp_request *request, uint8_t *reply)
{
    struct statvfs found;
    int result;

    if (request->type == SFTP_FSTATVFS) {
        int fd = find_fd(request);

        result = fd < 0 ? -1 : fstatvfs(fd, &found);
    } else {
        result = statvfs(real(request->path), &found);
    }
    return result == 0 ? put_file_system(reply, request->id, &found)
                       : put_errno(reply, request->id, errno);
}

static size_t perform_limits(const struct sftp_request *request, uint8_t *reply)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_EXTENDED_REPLY);

    sftp_put_u32(&out, request->id);
    sftp_put_u64(&out, SFTP_PACKET_MAX);
    sftp_put_u64(&out, SFTP_DATA_MAX);
    sftp_put_u64(&out, SFTP_DATA_MAX);
    sftp_put_u64(&out, SFTP_HANDLES_MAX);
    return sftp_end(&out);
}

/* Those that succeed or not, and say nothing else. */
static int perform_simple(const struct sftp_request *request)
{
    const struct sftp_attributes *attributes = &request->attributes;
    mode_t mode = (attributes->has & SFTP_HAS_MODE) != 0 ? attributes->mode & MODE_MASK : 0777;
    int fd;

    switch ((int)request->type) {
    case SFTP_REMOVE:
        return unlink(request->path);
    case SFTP_MKDIR:
        return mkdir(request->path, mode);
    case SFTP_RMDIR:
        return rmdir(request->path);
    case SFTP_RENAME:
        return rename_to_new(request->path, request->other_path);
    case SFTP_POSIX_RENAME:
        return rename(request->path, request->other_path);
    case SFTP_SYMLINK:
        /* OpenSSH sends the target first, and everybody does as OpenSSH. */
        return symlink(request->path, request->other_path);
    case SFTP_HARDLINK:
        return link(request->path, request->other_path);
    default: /* SFTP_FSYNC */
        fd = find_fd(request);
        return fd < 0 ? -1 : fsync(fd);
    }
}

size_t sftp_perform(const struct sftp_request *request, uint8_t reply[static SFTP_REPLY_MAX])
{
    switch ((int)request->type) {
    case SFTP_OPEN:
        return perform_open(request, reply);
    case SFTP_OPENDIR:
        return perform_opendir(request, reply);
    case SFTP_CLOSE:
        return perform_close(request, reply);
    case SFTP_READ:
        return perform_read(request, reply);
    case SFTP_WRITE:
        return perform_write(request, reply);
    case SFTP_LSTAT:
    case SFTP_STAT:
    case SFTP_FSTAT:
        return perform_stat(request, reply);
    case SFTP_SETSTAT:
    case SFTP_FSETSTAT:
    case SFTP_LSETSTAT:
        return perform_setstat(request, reply);
    case SFTP_READDIR:
        return perform_readdir(request, reply);
    case SFTP_REALPATH:
    case SFTP_EXPAND_PATH:
        return perform_realpath(request, reply);
    case SFTP_READLINK:
        return perform_readlink(request, reply);
    case SFTP_STATVFS:
    case SFTP_FSTATVFS:
        return perform_statvfs(request, reply);
    case SFTP_LIMITS:
        return perform_limits(request, reply);
    default:
        return put_result(reply, request->id, perform_simple(request));
    }
}
