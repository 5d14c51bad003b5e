/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/workspace_crypt.h"
#include "agent/workspace_image.h"
#include "base/parse.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { BLOCK_BYTES = 512, BYTES_PER_MB = 1 << 20, TRY_BYTES = 4 << 20 };

#define FILES        "files"
#define BYTES_PER_GB (INT64_C(1) << 30)
#define TRY_ID       INT64_C(0) /* no instance has it */

static char *image_of(const struct workspace *workspace, char path[static WORKSPACE_PATH_SIZE])
{
    (void)snprintf(path, WORKSPACE_PATH_SIZE, "%s/%" PRId64 ".img", workspace->dir, workspace->id);
    return path;
}

static char *folder_of(const struct workspace *workspace, char path[static WORKSPACE_PATH_SIZE])
{
    (void)snprintf(path, WORKSPACE_PATH_SIZE, "%s/%" PRId64, workspace->dir, workspace->id);
    return path;
}

char *workspace_files(const struct workspace *workspace, char path[static WORKSPACE_PATH_SIZE])
{
    (void)snprintf(path, WORKSPACE_PATH_SIZE, "%s/%" PRId64 "/" FILES, workspace->dir,
                   workspace->id);
    return path;
}

static bool unlock(const struct workspace *workspace, const uint8_t key[static WORKSPACE_KEY_SIZE],
                   struct error *err)
{
    char files[WORKSPACE_PATH_SIZE];

    if (!file_make_dir(workspace_files(workspace, files), 0755, err))
        return false;
    auto_close int fd = open(files, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(err, errno, "open %s", files);
    return workspace_unlock(fd, key, err);
}

static bool open_of_size(const struct workspace *workspace, int64_t size,
                         const uint8_t key[static WORKSPACE_KEY_SIZE], struct error *err)
{
    char image[WORKSPACE_PATH_SIZE], folder[WORKSPACE_PATH_SIZE];
    struct error ignored;

    if (!file_make_dir(workspace->dir, 0700, err) ||
        !workspace_image_make(image_of(workspace, image), size, err) ||
        !workspace_image_mount(image, folder_of(workspace, folder), err))
        return error_context(err, "the encrypted workspace");
    if (unlock(workspace, key, err))
        return true;
    (void)!workspace_image_unmount(folder, &ignored);
    return error_context(err, "the encrypted workspace");
}

bool workspace_open(const struct workspace *workspace, int64_t size_gb,
                    const uint8_t key[static WORKSPACE_KEY_SIZE], struct error *err)
{
    return open_of_size(workspace, size_gb * BYTES_PER_GB, key, err);
}

static bool lock(const char *folder, struct error *err)
{
    auto_close int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (root < 0 || syncfs(root) != 0)
        return error_system(err, errno, "write out %s", folder);
    return workspace_lock(root, FILES, err);
}

bool workspace_close(const struct workspace *workspace, struct error *err)
{
    char folder[WORKSPACE_PATH_SIZE];

    if (!workspace_image_is_mounted(folder_of(workspace, folder)))
        return true;
    if (!lock(folder, err) || !workspace_image_unmount(folder, err))
        return error_context(err, "close the encrypted workspace");
    return true;
}

bool workspace_remove(const struct workspace *workspace, struct error *err)
{
    char image[WORKSPACE_PATH_SIZE], folder[WORKSPACE_PATH_SIZE];

    if (!workspace_close(workspace, err))
        return false;
    if ((unlink(image_of(workspace, image)) != 0 && errno != ENOENT) ||
        (rmdir(folder_of(workspace, folder)) != 0 && errno != ENOENT))
        return error_system(err, errno, "remove the encrypted workspace");
    return true;
}

bool workspace_is_open(const struct workspace *workspace)
{
    char folder[WORKSPACE_PATH_SIZE];

    return workspace_image_is_mounted(folder_of(workspace, folder));
}

int64_t workspace_used_mb(const struct workspace *workspace)
{
    char image[WORKSPACE_PATH_SIZE];
    struct stat status;

    if (stat(image_of(workspace, image), &status) != 0)
        return 0;
    return status.st_blocks / (BYTES_PER_MB / BLOCK_BYTES);
}

size_t workspace_list(const char *dir, int64_t ids[static WORKSPACES_MAX])
{
    DIR *entries = opendir(dir);
    size_t count = 0;
    uint64_t id;

    if (entries == NULL)
        return 0;
    for (const struct dirent *entry;
         count < WORKSPACES_MAX && (entry = readdir(entries)) != NULL;) {
        if (!parse_u64(entry->d_name, &id) || id > INT64_MAX)
            continue;
        struct workspace workspace = { dir, (int64_t)id };
        if (workspace_is_open(&workspace))
            ids[count++] = (int64_t)id;
    }
    (void)closedir(entries);
    return count;
}

/* It can be written to, and what is written can be read. */
static bool use(const struct workspace *workspace, struct error *err)
{
    static const char text[] = "berth";
    char files[WORKSPACE_PATH_SIZE], path[WORKSPACE_PATH_SIZE + 8], read_back[sizeof text];

    (void)snprintf(path, sizeof path, "%s/try", workspace_files(workspace, files));
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, sizeof text) != sizeof text ||
        pread(fd, read_back, sizeof read_back, 0) != sizeof read_back ||
        memcmp(text, read_back, sizeof text) != 0)
        return error_system(err, errno != 0 ? errno : EIO, "write to an encrypted folder");
    return true;
}

bool workspace_try(const char *dir, struct error *err)
{
    struct workspace workspace = { dir, TRY_ID };
    uint8_t key[WORKSPACE_KEY_SIZE];
    struct error ignored;

    crypto_random(key, sizeof key);
    (void)!workspace_remove(&workspace, &ignored); /* of one that was killed */
    bool can = open_of_size(&workspace, TRY_BYTES, key, err) && use(&workspace, err);
    bool is_gone = workspace_remove(&workspace, can ? err : &ignored);
    return can && is_gone;
}
