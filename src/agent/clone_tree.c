/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/clone_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sys/fd.h"
#include "sys/file.h"

enum { CHUNK = 1 << 20, NAMES_MAX = 1 << 16, VALUE_MAX = 1 << 16, SLOTS_MIN = 64 };

/* A file with several names, by its number, and the first of them that was copied. */
struct link {
    ino_t inode;
    char *path; /* owned; NULL: the slot is empty */
};

struct copying {
    struct clone_tree *tree;
    int root_to;
    dev_t device;
    char path[PATH_MAX]; /* of what is copied, below the root */
    size_t path_length;
    struct link *links; /* a table of a power of two of slots, at most half full; owned */
    size_t link_count, slot_count;
};

/* One name, below two open folders. */
struct entry {
    int from, to;
    const char *name;
    int depth;
};

static bool system_error(struct error *err, const struct copying *copying, const char *deed)
{
    (void)error_system(err, errno, "%s", deed);
    return error_context(err, "%.*s", 200, copying->path);
}

/* It is not there any more, or is another thing by now. */
static bool is_swapped(void)
{
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO;
}

/* Links */

static struct link *find_slot(const struct copying *copying, ino_t inode)
{
    size_t mask = copying->slot_count - 1;
    size_t at = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15)) & mask;

    while (copying->links[at].path != NULL && copying->links[at].inode != inode)
        at = (at + 1) & mask;
    return &copying->links[at];
}

static void grow(struct copying *copying)
{
    struct copying larger = { .slot_count =
                                  copying->slot_count > 0 ? 2 * copying->slot_count : SLOTS_MIN };

    larger.links = calloc(larger.slot_count, sizeof *larger.links);
    if (larger.links == NULL)
        abort();
    for (size_t i = 0; i < copying->slot_count; i++)
        if (copying->links[i].path != NULL)
            *find_slot(&larger, copying->links[i].inode) = copying->links[i];
    free(copying->links);
    copying->links = larger.links;
    copying->slot_count = larger.slot_count;
}

static void remember(struct copying *copying, ino_t inode)
{
    if (copying->link_count == CLONE_LINKS_MAX)
        return;
    if (2 * (copying->link_count + 1) > copying->slot_count)
        grow(copying);
    struct link *slot = find_slot(copying, inode);
    *slot = (struct link){ inode, strdup(copying->path) };
    if (slot->path == NULL)
        abort();
    copying->link_count++;
}

/* Another name of what was copied already? `*ret_is` says so, and it is made. */
static bool link_again(const struct copying *copying, const struct entry *entry, ino_t inode,
                       bool *ret_is, struct error *err)
{
    const struct link *known = copying->slot_count > 0 ? find_slot(copying, inode) : NULL;

    *ret_is = known != NULL && known->path != NULL;
    return !*ret_is || linkat(copying->root_to, known->path, entry->to, entry->name, 0) == 0 ||
           system_error(err, copying, "link");
}

/* What a file has besides its data */

/* Attributes of guests, capabilities and access lists. Those that this file system has no room for,
 * or that nobody may set, are left. */
static void copy_attributes(int from, int to)
{
    char names[NAMES_MAX], value[VALUE_MAX];
    ssize_t length = flistxattr(from, names, sizeof names);

    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t size = fgetxattr(from, names + at, value, sizeof value);

        if (size >= 0)
            (void)fsetxattr(to, names + at, value, (size_t)size, 0);
    }
}

/* In this order: a new owner takes away the bits and capabilities that come after it. */
static bool copy_state(const struct copying *copying, int from, int to, const struct stat *status,
                       struct error *err)
{
    const struct timespec times[] = { status->st_atim, status->st_mtim };

    if (fchown(to, status->st_uid, status->st_gid) != 0 ||
        fchmod(to, status->st_mode & ALLPERMS) != 0)
        return system_error(err, copying, "set the owner");
    copy_attributes(from, to);
    return futimens(to, times) == 0 || system_error(err, copying, "set the times");
}

/* Of what cannot be opened. Nobody else has the folder that it is in. */
static bool copy_state_at(const struct copying *copying, const struct entry *entry,
                          const struct stat *status, struct error *err)
{
    const struct timespec times[] = { status->st_atim, status->st_mtim };

    return (fchownat(entry->to, entry->name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) ==
                0 &&
            (S_ISLNK(status->st_mode) ||
             fchmodat(entry->to, entry->name, status->st_mode & ALLPERMS, 0) == 0) &&
            utimensat(entry->to, entry->name, times, AT_SYMLINK_NOFOLLOW) == 0) ||
           system_error(err, copying, "set the owner");
}

/* Data */

static bool copy_by_hand(int from, int to, off_t at, size_t length, ssize_t *ret_count)
{
    static char chunk[CHUNK];
    ssize_t count = pread(from, chunk, length < CHUNK ? length : CHUNK, at);

    for (ssize_t done = 0; done < count;) {
        ssize_t written = pwrite(to, chunk + done, (size_t)(count - done), at + done);

        if (written < 0)
            return false;
        done += written;
    }
    *ret_count = count;
    return count >= 0;
}

/* From `at` to `end`, where there is data; `*ret_is_over`: the file ends before. */
static bool copy_range(struct copying *copying, const int ends[2], off_t at, off_t end,
                       bool *ret_is_over, struct error *err)
{
    struct clone_tree *tree = copying->tree;

    if (end - at > tree->bytes_max - tree->bytes)
        return error_set(err, ERROR_OUT_OF_RANGE, "it holds more than %lld bytes",
                         (long long)tree->bytes_max);
    for (*ret_is_over = false; at < end && !*ret_is_over;) {
        off_t in = at, out = at;
        size_t length = (size_t)(end - at);
        ssize_t count = copy_file_range(ends[0], &in, ends[1], &out, length, 0);

        if (count < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ||
             errno == EPERM) &&
            !copy_by_hand(ends[0], ends[1], at, length, &count))
            return system_error(err, copying, "copy");
        if (count < 0)
            return system_error(err, copying, "copy");
        at += count;
        tree->bytes += count;
        *ret_is_over = count == 0;
    }
    return true;
}

/* As long as it was when it was opened: who writes on and on is not followed. */
static bool copy_data(struct copying *copying, int from, int to, off_t size, struct error *err)
{
    const int ends[] = { from, to };
    bool is_over = false;

    for (off_t at = 0; at < size && !is_over;) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? size : lseek(from, data, SEEK_HOLE);
        if (hole < 0 || hole > size)
            hole = size;
        if (data >= size)
            break;
        if (!copy_range(copying, ends, data < 0 ? at : data, hole, &is_over, err))
            return false;
        at = hole;
    }
    return ftruncate(to, size) == 0 || system_error(err, copying, "set the size");
}

/* Kinds of entries */

static bool copy_file(struct copying *copying, const struct entry *entry, struct error *err)
{
    auto_close int from =
        openat(entry->from, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    bool is_known;

    if (from < 0)
        return is_swapped() || system_error(err, copying, "open");
    if (fstat(from, &status) != 0)
        return system_error(err, copying, "look at");
    if (!S_ISREG(status.st_mode) || status.st_dev != copying->device)
        return true; /* swapped */
    if (status.st_nlink > 1 && !link_again(copying, entry, status.st_ino, &is_known, err))
        return false;
    if (status.st_nlink > 1 && is_known)
        return true;
    auto_close int to =
        openat(entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return system_error(err, copying, "make");
    if (!copy_data(copying, from, to, status.st_size, err) ||
        !copy_state(copying, from, to, &status, err))
        return false;
    copying->tree->files++;
    if (status.st_nlink > 1)
        remember(copying, status.st_ino);
    return true;
}

static bool copy_symlink(const struct copying *copying, const struct entry *entry,
                         const struct stat *status, struct error *err)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(entry->from, entry->name, target, sizeof target - 1);

    if (length < 0)
        return errno == EINVAL || is_swapped() || system_error(err, copying, "read the link");
    target[length] = '\0';
    if (symlinkat(target, entry->to, entry->name) != 0)
        return system_error(err, copying, "make the link");
    return copy_state_at(copying, entry, status, err);
}

static bool copy_entry(struct copying *copying, const struct entry *entry, struct error *err);

static bool copy_names(struct copying *copying, DIR *names, const struct entry *folder,
                       struct error *err)
{
    size_t length = copying->path_length;

    for (;;) {
        errno = 0;
        const struct dirent *row = readdir(names);
        if (row == NULL)
            return errno == 0 || system_error(err, copying, "read the folder");
        if (strcmp(row->d_name, ".") == 0 || strcmp(row->d_name, "..") == 0)
            continue;
        int added = snprintf(copying->path + length, sizeof copying->path - length, "%s%s",
                             length > 0 ? "/" : "", row->d_name);
        if ((size_t)added >= sizeof copying->path - length)
            return error_set(err, ERROR_OUT_OF_RANGE, "a path is too long");
        copying->path_length = length + (size_t)added;
        const struct entry entry = { folder->from, folder->to, row->d_name, folder->depth };
        if (!copy_entry(copying, &entry, err))
            return false;
        copying->path_length = length;
        copying->path[length] = '\0';
    }
}

/* `folder`: both are open, and nothing is in the one that is copied to. */
static bool copy_folder(struct copying *copying, const struct entry *folder, struct error *err)
{
    int again = openat(folder->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again < 0 ? NULL : fdopendir(again);
    struct stat status;

    if (names == NULL) {
        fd_release(&again);
        return system_error(err, copying, "read the folder");
    }
    bool is_done = copy_names(copying, names, folder, err);
    (void)closedir(names);
    if (!is_done)
        return false;
    if (fstat(folder->from, &status) != 0)
        return system_error(err, copying, "look at");
    return copy_state(copying, folder->from, folder->to, &status, err);
}

static bool copy_folder_below(struct copying *copying, const struct entry *entry, struct error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    auto_close int from = openat(entry->from, entry->name, flags);
    struct stat status;

    if (from < 0)
        return is_swapped() || system_error(err, copying, "open");
    if (entry->depth == CLONE_DEPTH_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "folders are nested deeper than %d",
                         CLONE_DEPTH_MAX);
    if (fstat(from, &status) != 0)
        return system_error(err, copying, "look at");
    if (status.st_dev != copying->device) {
        copying->tree->left_out++;
        return true;
    }
    if (mkdirat(entry->to, entry->name, 0700) != 0)
        return system_error(err, copying, "make the folder");
    auto_close int to = openat(entry->to, entry->name, flags);
    if (to < 0)
        return system_error(err, copying, "open the folder");
    return copy_folder(copying, &(struct entry){ from, to, "", entry->depth + 1 }, err);
}

static bool copy_entry(struct copying *copying, const struct entry *entry, struct error *err)
{
    struct stat status;

    if (fstatat(entry->from, entry->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return is_swapped() || system_error(err, copying, "look at");
    switch (status.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(copying, entry, err);
    case S_IFDIR:
        return copy_folder_below(copying, entry, err);
    case S_IFLNK:
        return copy_symlink(copying, entry, &status, err);
    case S_IFIFO:
        return (mkfifoat(entry->to, entry->name, 0600) == 0 ||
                system_error(err, copying, "make the pipe")) &&
               copy_state_at(copying, entry, &status, err);
    default:
        copying->tree->left_out++;
        return true;
    }
}

bool clone_tree(int from, int to, struct clone_tree *tree, struct error *err)
{
    struct copying copying = { .tree = tree, .root_to = to };
    struct stat status;

    if (fstat(from, &status) != 0)
        return error_system(err, errno, "look at the folder");
    copying.device = status.st_dev;
    bool is_done = copy_folder(&copying, &(struct entry){ from, to, "", 0 }, err);
    for (size_t i = 0; i < copying.slot_count; i++)
        free(copying.links[i].path);
    free(copying.links);
    return is_done;
}
