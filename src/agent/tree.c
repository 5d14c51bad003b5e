/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

enum { BLOCK_BYTES = 512, MB_BYTES = 1 << 20, FOLDERS_FIRST = 1024, HANDLE_MAX = 32 };

/* How the kernel finds a folder again, wherever it is. */
struct handle {
    uint32_t length;
    int type;
    uint8_t bytes[HANDLE_MAX];
};

/* The kernel's own form, with room behind it. */
union kernel_handle {
    struct file_handle head;
    uint8_t room[sizeof(struct file_handle) + HANDLE_MAX];
};

struct walk {
    int root;
    dev_t device;
    struct handle *folders; /* owned; still to be looked into */
    size_t count, room;
    /* In parts of a file, so that one with three names is whole again when all were seen. */
    __int128 byte_parts, inode_parts;
};

/* Divisible by all small numbers of names. */
static const int64_t PARTS = 720720;

static void add_folder(struct walk *walk, const struct handle *handle)
{
    if (walk->count == TREE_FOLDERS_MAX)
        return;
    if (walk->count == walk->room) {
        walk->room = walk->room == 0 ? FOLDERS_FIRST : 2 * walk->room;
        walk->folders = realloc(walk->folders, walk->room * sizeof *walk->folders);
        if (walk->folders == NULL)
            abort();
    }
    walk->folders[walk->count++] = *handle;
}

static bool handle_of(int folder, const char *name, struct handle *ret)
{
    union kernel_handle handle = { .head = { .handle_bytes = HANDLE_MAX } };
    int ignored;

    if (name_to_handle_at(folder, name, &handle.head, &ignored, 0) != 0)
        return false;
    *ret = (struct handle){ .length = handle.head.handle_bytes, .type = handle.head.handle_type };
    memcpy(ret->bytes, handle.head.f_handle, ret->length);
    return true;
}

static int open_handle(const struct walk *walk, const struct handle *folder)
{
    union kernel_handle handle = { .head = { .handle_bytes = folder->length } };

    handle.head.handle_type = folder->type;
    memcpy(handle.head.f_handle, folder->bytes, folder->length);
    return open_by_handle_at(walk->root, &handle.head,
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void count_one(struct walk *walk, const struct stat *found)
{
    /* A folder has a name more for each below it. */
    int64_t names = S_ISDIR(found->st_mode) || found->st_nlink < 1 ? 1 : (int64_t)found->st_nlink;

    walk->byte_parts += (__int128)found->st_blocks * BLOCK_BYTES * PARTS / names;
    walk->inode_parts += PARTS / names;
}

/* It may be gone by now, and so may all that is in it. */
static void look_into(struct walk *walk, int fd)
{
    DIR *folder = fdopendir(fd);

    if (folder == NULL) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct handle handle;
        struct stat found;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0 ||
            found.st_dev != walk->device)
            continue;
        count_one(walk, &found);
        if (S_ISDIR(found.st_mode) && handle_of(fd, entry->d_name, &handle))
            add_folder(walk, &handle);
    }
    (void)closedir(folder);
}

bool tree_measure(const char *folder, struct tree_size *ret, struct error *err)
{
    auto_close int root = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct walk walk = { .root = root };
    struct handle top;
    struct stat found;

    if (root < 0 || fstat(root, &found) != 0)
        return error_system(err, errno, "open %s", folder);
    walk.device = found.st_dev;
    count_one(&walk, &found);
    if (!handle_of(root, ".", &top))
        return error_system(err, errno, "find %s again", folder);
    int fd = open_handle(&walk, &top);
    if (fd < 0)
        return error_system(err, errno, "find %s again", folder);
    look_into(&walk, fd);
    while (walk.count > 0) {
        fd = open_handle(&walk, &walk.folders[--walk.count]);
        if (fd >= 0)
            look_into(&walk, fd);
    }
    free(walk.folders);
    *ret = (struct tree_size){ (int64_t)(walk.byte_parts / PARTS),
                               (int64_t)((walk.inode_parts + PARTS - 1) / PARTS) };
    return true;
}

bool tree_is_scarce(const struct statvfs *file_system)
{
    /* Some say that they have none, and make them as they go. */
    return file_system->f_files > 0 && (__int128)file_system->f_ffree * 100 <
                                           (__int128)file_system->f_files * TREE_SCARCE_PERCENT;
}

int64_t tree_used_mb(const struct tree_size *size, const struct statvfs *file_system)
{
    int64_t used_mb = size->bytes / MB_BYTES;

    if (!tree_is_scarce(file_system))
        return used_mb;
    __int128 bytes = (__int128)file_system->f_blocks * file_system->f_frsize * size->inodes /
                     file_system->f_files;
    int64_t worth_mb = (int64_t)(bytes / MB_BYTES);
    return worth_mb > used_mb ? worth_mb : used_mb;
}
