/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/grow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/quota.h>

#include "agent/agent.h"
#include "agent/files.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { PATH_SIZE = 1024, NAME_MAX_LENGTH = 256, BASIC_BLOCK = 512, BTRFS_OWN = 0 };

bool grow_xfs(const char *folder, const char *backing, int64_t bytes, struct error *err)
{
    auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct fsxattr attributes;

    if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0)
        return error_system(err, errno, "%s: its project", folder);
    if (attributes.fsx_projid == 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s has no project of its own", folder);
    struct fs_disk_quota limit = {
        .d_version = FS_DQUOT_VERSION,
        .d_flags = FS_PROJ_QUOTA,
        .d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT,
        .d_id = attributes.fsx_projid,
        .d_blk_hardlimit = (uint64_t)bytes / BASIC_BLOCK,
        .d_blk_softlimit = (uint64_t)bytes / BASIC_BLOCK,
    };
    if (quotactl(QCMD(Q_XSETQLIM, PRJQUOTA), backing, (int)attributes.fsx_projid,
                 (caddr_t)&limit) != 0)
        return error_system(err, errno, "%s: a limit for project %u", backing,
                            (unsigned)attributes.fsx_projid);
    return true;
}

bool grow_btrfs(const char *subvolume, const char *note, int64_t bytes, struct error *err)
{
    auto_close int fd = open(subvolume, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct btrfs_ioctl_qgroup_limit_args limit = {
        .qgroupid = BTRFS_OWN,
        .lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = (uint64_t)bytes },
    };
    char text[32];

    if (fd < 0 || ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &limit) != 0)
        return error_system(err, errno, "%s: a limit", subvolume);
    int length = snprintf(text, sizeof text, "%" PRId64, bytes);
    return file_replace(AT_FDCWD, note, 0644, text, (size_t)length, err);
}

/* The engine's name for a container's own layer. */
static bool read_layer(const char *root, const char *driver, const char *id,
                       char ret[static NAME_MAX_LENGTH], struct error *err)
{
    auto_buf struct buf text = buf_of(NAME_MAX_LENGTH);
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%s/image/%s/layerdb/mounts/%s/mount-id", root, driver, id);
    if (!file_read(AT_FDCWD, path, &text, err))
        return false;
    (void)snprintf(ret, NAME_MAX_LENGTH, "%s", text.length > 0 ? text.bytes : "");
    if (*ret == '\0' || strchr(ret, '/') != NULL || *ret == '.')
        return error_set(err, ERROR_CORRUPT, "%s names no layer", path);
    return true;
}

static bool grow_container(const char *root, const char *driver, const char *id, int64_t bytes,
                           struct error *err)
{
    char layer[NAME_MAX_LENGTH], folder[PATH_SIZE], beside[PATH_SIZE];

    if (!read_layer(root, driver, id, layer, err))
        return false;
    if (strcmp(driver, "overlay2") == 0) {
        (void)snprintf(folder, sizeof folder, "%s/overlay2/%s", root, layer);
        (void)snprintf(beside, sizeof beside, "%s/overlay2/backingFsBlockDev", root);
        return grow_xfs(folder, beside, bytes, err);
    }
    if (strcmp(driver, "btrfs") != 0)
        return error_set(err, ERROR_UNAVAILABLE, "nobody knows how to grow what %s stores", driver);
    (void)snprintf(folder, sizeof folder, "%s/btrfs/subvolumes/%s", root, layer);
    (void)snprintf(beside, sizeof beside, "%s/btrfs/quotas/%s", root, layer);
    return grow_btrfs(folder, beside, bytes, err);
}

/* In the child. */
static bool work(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    const struct agent *agent = context;
    auto_docker struct docker docker = docker_open(agent->engine_socket);
    auto_json json_t *inspected = NULL;
    char name[64], id[DOCKER_ID_SIZE];
    bool is_running;

    (void)report;
    (void)result;
    (void)seen_name(agent->grow.instance_id, name);
    if (!files_identify(&docker, name, id, &is_running, err) ||
        !docker_inspect(&docker, name, &inspected, err))
        return false;
    const char *driver =
        json_string_value(json_object_get(json_object_get(inspected, "GraphDriver"), "Name"));
    return grow_container(agent->inodes.root, driver != NULL ? driver : "", id,
                          agent->grow.disk_gb << 30, err);
}

static void on_end(void *context, const struct job_end *end)
{
    struct agent *agent = context;
    struct grow *grow = &agent->grow;
    struct instance *instance =
        instances_find(&agent->instances, agent->identity.machine_id, grow->instance_id);

    if (end->is_done && instance != NULL)
        instance->grown_gb = grow->disk_gb;
    if (end->is_done)
        log_write(&agent->log, LOG_INFO, "disk grown", "instance %" PRId64 ": %" PRId64 " GB",
                  grow->instance_id, grow->disk_gb);
    else
        log_failure(&agent->log, "disk not grown", &end->err);
}

void grow_tend(struct agent *agent)
{
    struct grow *grow = &agent->grow;
    struct job_spec spec = { .work = work,
                             .work_context = agent,
                             .timeout_ms = GROW_WORK_MS,
                             .on_end = on_end,
                             .context = agent };
    int64_t now_us = loop_now_us(agent->loop);
    struct error err;

    if (grow->job != NULL || !agent->host.has_quota || now_us < grow->retry_us)
        return;
    for (size_t i = 0; i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);

        if (instance->desired == NULL || instance->desired->grown_gb == 0 || seen == NULL ||
            seen->state != SEEN_RUNNING || seen_is_for_copies(seen) ||
            instance->grown_gb == container_disk_gb(instance->desired))
            continue;
        grow->instance_id = instance->id;
        grow->disk_gb = container_disk_gb(instance->desired);
        grow->retry_us = now_us + GROW_RETRY_MS * US_PER_MS;
        if (!job_start(agent->loop, &spec, &grow->job, &err))
            log_failure(&agent->log, "disk not grown", &err);
        return;
    }
}

void grow_close(struct agent *agent)
{
    job_cancel(&agent->grow.job);
}
