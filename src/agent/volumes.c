/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/volumes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/docker.h"
#include "agent/seen.h"
#include "agent/tree.h"
#include "agent/workspaces.h"
#include "base/parse.h"
#include "sys/crypto.h"

#define PREFIX "berth."

enum { JOB_TIMEOUT_MS = 15 * 60000, FILTER_MAX = 512 };

char *volume_name(const struct container_host *host, int64_t id, char name[static VOLUME_NAME_SIZE])
{
    (void)snprintf(name, VOLUME_NAME_SIZE, PREFIX "%.16s.V.%" PRId64, host->host, id);
    return name;
}

static void encode_labels(struct encoder *json, const struct container_host *host, int64_t id)
{
    char text[32];

    encode_key(json, "Labels");
    encode_object(json);
    encode_field_text(json, SEEN_LABEL_HOST, host->host);
    (void)snprintf(text, sizeof text, "%" PRId64, id);
    encode_field_text(json, "berth.volume", text);
    encode_end(json);
}

static void encode_size(struct encoder *json, const struct container_host *host, int64_t size_gb)
{
    char text[32];

    if (!host->has_volume_quota)
        return;
    encode_key(json, "DriverConfig");
    encode_object(json);
    encode_field_text(json, "Name", "local");
    encode_key(json, "Options");
    encode_object(json);
    (void)snprintf(text, sizeof text, "%" PRId64 "G", size_gb);
    encode_field_text(json, "size", text);
    encode_end(json);
    encode_end(json);
}

void volumes_encode(struct encoder *json, const struct container_wish *wish)
{
    const struct container_host *host = wish->host;
    const struct instance_spec *spec = &wish->desired->spec;
    char name[VOLUME_NAME_SIZE];
    bool has_workspace = spec->workspace_gb > 0 && !wish->is_for_copies;

    if (spec->volume_count == 0 && !has_workspace)
        return;
    encode_key(json, "Mounts");
    encode_array(json);
    for (int64_t i = 0; i < spec->volume_count; i++) {
        const struct spec_volume *volume = &spec->volumes[i];

        encode_object(json);
        encode_field_text(json, "Type", "volume");
        encode_field_text(json, "Source", volume_name(host, volume->id, name));
        encode_field_text(json, "Target", volume->path);
        encode_key(json, "VolumeOptions");
        encode_object(json);
        encode_field_bool(json, "NoCopy", true); /* what an image has there is not the renter's */
        encode_labels(json, host, volume->id);
        encode_size(json, host, volume->size_gb);
        encode_end(json);
        encode_end(json);
    }
    if (has_workspace)
        workspaces_encode(json, host->workspaces_dir, wish->desired->id);
    encode_end(json);
}

void volumes_encode_new(struct encoder *json, const struct container_host *host, int64_t id,
                        int64_t size_gb)
{
    char name[VOLUME_NAME_SIZE], text[32];

    encode_object(json);
    encode_field_text(json, "Name", volume_name(host, id, name));
    encode_labels(json, host, id);
    if (size_gb > 0) {
        encode_key(json, "DriverOpts");
        encode_object(json);
        (void)snprintf(text, sizeof text, "%" PRId64 "G", size_gb);
        encode_field_text(json, "size", text);
        encode_end(json);
    }
    encode_end(json);
}

static bool is_signed(const struct volumes *volumes, const struct desired_gone *gone)
{
    auto_buf struct buf bytes = buf_of(1024);
    struct signature signature;

    if (volumes->identity->machine_id == 0)
        return false;
    destroy_signed(&bytes, volumes->identity->machine_id, gone->id, gone->gen);
    memcpy(signature.bytes, gone->destroy_token, sizeof signature.bytes);
    return crypto_verify(volumes->identity->server_key, &signature, bytes.bytes, bytes.length);
}

static bool has_gone(const struct volumes *volumes, const struct desired_gone *gone)
{
    for (size_t i = 0; i < volumes->gone_count; i++)
        if (volumes->gone[i].id == gone->id && volumes->gone[i].gen == gone->gen)
            return true;
    return false;
}

void volumes_desire(struct volumes *volumes, const struct desired *desired)
{
    size_t kept = 0;

    volumes->desired_rev = desired->desired_rev;
    volumes->wanted_count = 0;
    for (int64_t i = 0; i < desired->gone_count && volumes->wanted_count < VOLUMES_MAX; i++) {
        if (is_signed(volumes, &desired->gone[i]))
            volumes->wanted[volumes->wanted_count++] = desired->gone[i];
        else
            log_write(volumes->log, LOG_ERROR, "volume kept",
                      "volume %" PRId64 ": the order to delete it is not signed by the server",
                      desired->gone[i].id);
    }
    /* What is asked for no more was heard of. */
    for (size_t i = 0; i < volumes->gone_count; i++)
        for (size_t j = 0; j < volumes->wanted_count; j++)
            if (volumes->wanted[j].id == volumes->gone[i].id) {
                volumes->gone[kept++] = volumes->gone[i];
                break;
            }
    volumes->gone_count = kept;
}

/* In the child: whether nothing is there of it any more. */
static bool remove_one(struct docker *docker, const struct volumes *volumes, int64_t id,
                       const struct job_report *report)
{
    char name[VOLUME_NAME_SIZE], path[DOCKER_URL_SIZE];
    struct docker_call call = { .method = "DELETE", .path = path, .timeout_ms = JOB_TIMEOUT_MS };
    struct error err;

    (void)snprintf(path, sizeof path, "/volumes/%s", volume_name(volumes->host, id, name));
    if (docker_call(docker, &call, NULL, &err) || err.code == ERROR_NOT_FOUND)
        return true;
    job_say(report, "volume %" PRId64 " is not removed: %s", id, err.text);
    return false;
}

/* -1: cannot be read. */
static int64_t measure(const char *folder)
{
    struct statvfs file_system;
    struct tree_size size;
    struct error ignored;

    if (!tree_measure(folder, &size, &ignored) || statvfs(folder, &file_system) != 0)
        return -1;
    return tree_used_mb(&size, &file_system);
}

/* In the child: those of this host that the engine has. */
static void measure_all(struct encoder *json, struct docker *docker, const struct volumes *volumes)
{
    auto_buf struct buf filter = buf_of(FILTER_MAX), path = buf_of(DOCKER_URL_SIZE);
    auto_json json_t *root = NULL;
    struct error ignored;
    size_t i;
    json_t *row;

    buf_printf(&filter, "{\"label\":[\"" SEEN_LABEL_HOST "=%s\"]}", volumes->host->host);
    buf_printf(&path, "/volumes?filters=");
    docker_escape(&path, filter.bytes);
    struct docker_call call = { .method = "GET", .path = path.bytes };
    if (!docker_call(docker, &call, &root, &ignored))
        return;
    json_array_foreach(json_object_get(root, "Volumes"), i, row)
    {
        const char *folder = json_string_value(json_object_get(row, "Mountpoint"));
        const char *text =
            json_string_value(json_object_get(json_object_get(row, "Labels"), "berth.volume"));
        uint64_t id;

        if (folder == NULL || text == NULL || !parse_u64(text, &id) || id > INT64_MAX)
            continue;
        encode_object(json);
        encode_field_int(json, "id", (int64_t)id);
        encode_field_int(json, "used_mb", measure(folder));
        encode_end(json);
    }
}

static bool work(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    const struct volumes *volumes = context;
    auto_docker struct docker docker = docker_open(volumes->engine_socket);
    struct encoder json = encoder_of(result);

    (void)err;
    encode_object(&json);
    encode_key(&json, "gone");
    encode_array(&json);
    for (size_t i = 0; i < volumes->wanted_count; i++)
        if (!has_gone(volumes, &volumes->wanted[i]) &&
            remove_one(&docker, volumes, volumes->wanted[i].id, report))
            encode_int(&json, volumes->wanted[i].id);
    encode_end(&json);
    encode_key(&json, "sizes");
    encode_array(&json);
    measure_all(&json, &docker, volumes);
    encode_end(&json);
    encode_end(&json);
    return true;
}

static void on_progress(void *context, const char *text)
{
    struct volumes *volumes = context;

    log_write(volumes->log, LOG_INFO, "volumes", "%s", text);
}

/* What was wanted when the job began may have changed since: only what is wanted still counts. */
static void take_gone(struct volumes *volumes, int64_t id)
{
    for (size_t i = 0; i < volumes->wanted_count; i++) {
        const struct desired_gone *wanted = &volumes->wanted[i];

        if (wanted->id != id || has_gone(volumes, wanted) || volumes->gone_count == VOLUMES_MAX)
            continue;
        volumes->gone[volumes->gone_count++] = *wanted;
        volumes->has_news = true;
        log_write(volumes->log, LOG_INFO, "volume removed", "volume %" PRId64, id);
    }
}

static void on_end(void *context, const struct job_end *end)
{
    struct volumes *volumes = context;
    size_t i;
    json_t *row;

    volumes->retry_us = loop_now_us(volumes->loop) + VOLUMES_RETRY_MS * US_PER_MS;
    if (!end->is_done)
        return;
    json_array_foreach(json_object_get(end->result, "gone"), i, row)
        take_gone(volumes, json_integer_value(row));
    volumes->size_count = 0;
    json_array_foreach(json_object_get(end->result, "sizes"), i, row)
    {
        if (volumes->size_count < VOLUMES_MAX)
            volumes->sizes[volumes->size_count++] = (struct volume_size){
                json_integer_value(json_object_get(row, "id")),
                json_integer_value(json_object_get(row, "used_mb")),
            };
    }
}

static bool has_to_remove(const struct volumes *volumes)
{
    for (size_t i = 0; i < volumes->wanted_count; i++)
        if (!has_gone(volumes, &volumes->wanted[i]))
            return true;
    return false;
}

void volumes_tend(struct volumes *volumes)
{
    struct job_spec spec = { .work = work,
                             .work_context = volumes,
                             .timeout_ms = JOB_TIMEOUT_MS,
                             .on_progress = on_progress,
                             .on_end = on_end,
                             .context = volumes };
    int64_t now_us = loop_now_us(volumes->loop);
    bool measures = now_us - volumes->measured_us >= VOLUMES_MEASURE_MS * US_PER_MS;
    struct error err;

    if (volumes->job != NULL || !(has_to_remove(volumes) || measures) || now_us < volumes->retry_us)
        return;
    volumes->measured_us = now_us;
    volumes->retry_us = now_us + VOLUMES_RETRY_MS * US_PER_MS;
    if (!job_start(volumes->loop, &spec, &volumes->job, &err))
        log_failure(volumes->log, "volumes not tended", &err);
}

void volumes_close(struct volumes *volumes)
{
    job_cancel(&volumes->job);
}

static struct instance_report report_of(int64_t id, int64_t gen, enum instance_phase phase,
                                        int64_t used_mb)
{
    return (struct instance_report){ .id = id,
                                     .gen = gen,
                                     .phase = phase,
                                     .start_token = "",
                                     .exit_code = -1,
                                     .disk_used_mb = used_mb,
                                     .cpu_permille = -1,
                                     .ram_used_mb = -1,
                                     .gpu_permille = -1,
                                     .message = "" };
}

static bool is_wanted_gone(const struct volumes *volumes, int64_t id)
{
    for (size_t i = 0; i < volumes->wanted_count; i++)
        if (volumes->wanted[i].id == id)
            return true;
    return false;
}

void volumes_fill(const struct volumes *volumes, struct heartbeat *heartbeat, size_t room)
{
    for (size_t i = 0; i < volumes->gone_count && room > 0; i++, room--)
        heartbeat->instances[heartbeat->instance_count++] =
            report_of(volumes->gone[i].id, volumes->gone[i].gen, PHASE_ABSENT, -1);
    for (size_t i = 0; i < volumes->size_count && room > 0; i++) {
        if (is_wanted_gone(volumes, volumes->sizes[i].id))
            continue;
        heartbeat->instances[heartbeat->instance_count++] =
            report_of(volumes->sizes[i].id, 0, PHASE_STOPPED, volumes->sizes[i].used_mb);
        room--;
    }
}
