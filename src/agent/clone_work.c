/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/clone_work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/clone_tree.h"
#include "agent/volumes.h"
#include "sys/fd.h"

enum { BODY_MAX = 4096, GB_SHIFT = 30, DOTS = 2 };

/* `*ret_folder` is -1 where the engine has no such volume. */
static bool open_folder(struct docker *docker, const char *name, int *ret_folder, struct error *err)
{
    char path[DOCKER_URL_SIZE];
    const struct docker_call call = { .method = "GET", .path = path };
    auto_json json_t *reply = NULL;
    const char *folder;

    *ret_folder = -1;
    (void)snprintf(path, sizeof path, "/volumes/%s", name);
    if (!docker_call(docker, &call, &reply, err))
        return err->code == ERROR_NOT_FOUND;
    if (!json_need_text(reply, "Mountpoint", PATH_MAX, &folder, err))
        return false;
    *ret_folder = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret_folder >= 0 || error_system(err, errno, "open the volume");
}

static bool make_limited(struct docker *docker, const struct clone_work *work, bool has_quota,
                         struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    struct docker_call call = { .method = "POST", .path = "/volumes/create" };

    volumes_encode_new(&json, work->host, work->op->instance_id, has_quota ? work->op->size_gb : 0);
    call.body = body.bytes;
    return docker_call(docker, &call, NULL, err);
}

/* Held to its size where the engine's storage can do that. */
static bool make(struct docker *docker, const struct clone_work *work, struct error *err)
{
    return (work->host->has_volume_quota && make_limited(docker, work, true, err)) ||
           make_limited(docker, work, false, err);
}

/* Nothing is added to what is there already, whoever made it. */
static bool check_empty(int folder, struct error *err)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again < 0 ? NULL : fdopendir(again);
    int count = 0;

    if (names == NULL) {
        fd_release(&again);
        return error_system(err, errno, "read the new volume");
    }
    while (count <= DOTS && readdir(names) != NULL)
        count++;
    (void)closedir(names);
    return count <= DOTS || error_set(err, ERROR_CONFLICT, "the new volume is not empty");
}

bool clone_work_run(const struct clone_work *work, struct docker *docker, struct buf *out,
                    struct error *err)
{
    const struct desired_op *op = work->op;
    char from_name[VOLUME_NAME_SIZE], to_name[VOLUME_NAME_SIZE];
    struct clone_tree tree = { .bytes_max = op->size_gb << GB_SHIFT };
    auto_close int from = -1, to = -1;
    struct stat status;

    if (!open_folder(docker, volume_name(work->host, op->source_id, from_name), &from, err))
        return false;
    if (from < 0) {
        buf_printf(out, "Nothing has mounted volume %" PRId64 " yet: its clone is as empty.\n",
                   op->source_id);
        return true;
    }
    if (!make(docker, work, err) ||
        !open_folder(docker, volume_name(work->host, op->instance_id, to_name), &to, err))
        return false;
    if (to < 0)
        return error_set(err, ERROR_IO, "the engine has not kept the new volume");
    if (!check_empty(to, err) || !clone_tree(from, to, &tree, err))
        return false;
    /* What was taken away under the copy's feet would look like a folder with less in it. */
    if (fstat(from, &status) != 0 || status.st_nlink == 0)
        return error_set(err, ERROR_NOT_FOUND, "volume %" PRId64 " was removed meanwhile",
                         op->source_id);
    buf_printf(out,
               "%" PRId64 " files with %" PRId64 " bytes are copied from volume %" PRId64
               " to volume %" PRId64 ".\n",
               tree.files, tree.bytes, op->source_id, op->instance_id);
    if (tree.left_out > 0)
        buf_printf(out, "%" PRId64 " sockets, devices or mounts are left out.\n", tree.left_out);
    return true;
}
