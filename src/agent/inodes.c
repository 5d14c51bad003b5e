/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inodes.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "agent/agent.h"
#include "agent/files.h"
#include "agent/tree.h"
#include "base/encode.h"

enum { PATH_SIZE = 1024 };

/* In the child. */
static bool weigh(struct docker *docker, const char *container, int64_t *ret_mb, struct error *err)
{
    struct tree_size size;
    struct statvfs file_system;
    char folder[PATH_SIZE];

    if (!files_upper_dir(docker, container, folder, sizeof folder, err) ||
        !tree_measure(folder, &size, err))
        return false;
    if (statvfs(folder, &file_system) != 0)
        return error_set(err, ERROR_IO, "%s: which file system it is on is not known", folder);
    *ret_mb = tree_used_mb(&size, &file_system);
    return true;
}

static bool work(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    const struct agent *agent = context;
    auto_docker struct docker docker = docker_open(agent->engine_socket);
    struct encoder json = encoder_of(result);

    (void)report;
    (void)err;
    encode_object(&json);
    encode_key(&json, "weights");
    encode_array(&json);
    for (size_t i = 0; i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        struct error ignored;
        int64_t weight_mb;

        if (seen == NULL || seen->state != SEEN_RUNNING ||
            !weigh(&docker, seen->id, &weight_mb, &ignored))
            continue;
        encode_object(&json);
        encode_field_int(&json, "id", instance->id);
        encode_field_int(&json, "weight_mb", weight_mb);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    return true;
}

static void on_end(void *context, const struct job_end *end)
{
    struct agent *agent = context;
    struct inodes *inodes = &agent->inodes;
    size_t i;
    json_t *row;

    inodes->looked_us = loop_now_us(agent->loop);
    if (!end->is_done)
        return;
    inodes->count = 0;
    json_array_foreach(json_object_get(end->result, "weights"), i, row)
    {
        if (inodes->count == INODES_INSTANCES_MAX)
            break;
        inodes->rows[inodes->count].id = json_integer_value(json_object_get(row, "id"));
        inodes->rows[inodes->count++].weight_mb =
            json_integer_value(json_object_get(row, "weight_mb"));
    }
    if (agent->link != NULL)
        link_hurry(agent->link);
}

void inodes_engine(struct inodes *inodes, const json_t *info)
{
    const char *root = json_string_value(json_object_get(info, "DockerRootDir"));

    (void)snprintf(inodes->root, sizeof inodes->root, "%s", root != NULL ? root : "");
}

void inodes_tend(struct agent *agent)
{
    struct inodes *inodes = &agent->inodes;
    struct job_spec spec = { .work = work,
                             .work_context = agent,
                             .timeout_ms = INODES_COUNT_MS,
                             .on_end = on_end,
                             .context = agent };
    int64_t now_us = loop_now_us(agent->loop);
    struct statvfs file_system;
    struct error err;

    if (inodes->job != NULL || *inodes->root == '\0' ||
        now_us - inodes->looked_us < INODES_EVERY_MS * US_PER_MS)
        return;
    inodes->looked_us = now_us;
    if (statvfs(inodes->root, &file_system) != 0 || !tree_is_scarce(&file_system)) {
        inodes->count = 0;
        return;
    }
    if (!job_start(agent->loop, &spec, &inodes->job, &err))
        log_failure(&agent->log, "files not counted", &err);
}

void inodes_close(struct agent *agent)
{
    job_cancel(&agent->inodes.job);
}

int64_t inodes_weight_mb(const struct inodes *inodes, int64_t instance_id)
{
    for (size_t i = 0; i < inodes->count; i++)
        if (inodes->rows[i].id == instance_id)
            return inodes->rows[i].weight_mb;
    return 0;
}
