/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static bool label_number(const json_t *labels, const char *name, int64_t *ret)
{
    const char *text = json_string_value(json_object_get(labels, name));
    uint64_t value;

    if (text == NULL || !parse_u64(text, &value) || value > INT64_MAX)
        return false;
    *ret = (int64_t)value;
    return true;
}

static void copy_text(char *to, size_t size, const json_t *text)
{
    const char *value = json_string_value(text);

    (void)snprintf(to, size, "%s", value != NULL ? value : "");
}

static enum seen_state state_of(const char *status)
{
    static const struct {
        const char *status;
        enum seen_state state;
    } rows[] = {
        { "created", SEEN_CREATED },    { "running", SEEN_RUNNING }, { "paused", SEEN_RUNNING },
        { "restarting", SEEN_RUNNING }, { "exited", SEEN_EXITED },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].state;
    }
    return SEEN_BUSY;
}

static void read_state(const json_t *state, struct seen *seen)
{
    const char *status = json_string_value(json_object_get(state, "Status"));

    seen->state = state_of(status != NULL ? status : "");
    copy_text(seen->started_at, sizeof seen->started_at, json_object_get(state, "StartedAt"));
    if (strncmp(seen->started_at, "0001-", 5) == 0)
        *seen->started_at = '\0';
    seen->pid = json_integer_value(json_object_get(state, "Pid"));
    seen->exit_code = -1;
    if (seen->state == SEEN_EXITED)
        seen->exit_code = json_integer_value(json_object_get(state, "ExitCode"));
    seen->is_oom = json_is_true(json_object_get(state, "OOMKilled"));
    copy_text(seen->reason, sizeof seen->reason, json_object_get(state, "Error"));
}

/* Some negative number, the same for the same host and machine. */
static int64_t foreign_id(const char *host, int64_t machine_id)
{
    uint64_t hash = (uint64_t)machine_id;

    for (; *host != '\0'; host++)
        hash = (hash ^ (unsigned char)*host) * 0x100000001b3;
    return -(int64_t)(hash >> 2) - 1;
}

bool seen_parse(const json_t *inspected, const char *host, struct seen *ret, struct error *err)
{
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");
    const json_t *size = json_object_get(inspected, "SizeRw");
    const char *label = json_string_value(json_object_get(labels, SEEN_LABEL_HOST));
    struct seen seen = { .disk_used_mb = -1 };

    if (json_object_get(labels, SEEN_LABEL_MACHINE) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "a container without a label of Berth");
    if (!label_number(labels, SEEN_LABEL_MACHINE, &seen.machine_id) ||
        !label_number(labels, SEEN_LABEL_INSTANCE, &seen.instance_id) ||
        !label_number(labels, SEEN_LABEL_GEN, &seen.gen))
        return error_set(err, ERROR_CORRUPT, "a container with labels that make no sense");
    if (label == NULL || strcmp(label, host) != 0)
        seen.machine_id = foreign_id(label != NULL ? label : "", seen.machine_id);
    copy_text(seen.id, sizeof seen.id, json_object_get(inspected, "Id"));
    copy_text(seen.name, sizeof seen.name, json_object_get(inspected, "Name"));
    if (*seen.name == '/')
        memmove(seen.name, seen.name + 1, strlen(seen.name));
    copy_text(seen.spec, sizeof seen.spec, json_object_get(labels, SEEN_LABEL_SPEC));
    copy_text(seen.gpus, sizeof seen.gpus, json_object_get(labels, SEEN_LABEL_GPUS));
    copy_text(seen.image_id, sizeof seen.image_id, json_object_get(inspected, "Image"));
    read_state(json_object_get(inspected, "State"), &seen);
    if (json_is_integer(size))
        seen.disk_used_mb = json_integer_value(size) / (1 << 20);
    *ret = seen;
    return true;
}

char *seen_name(int64_t instance_id, char name[static 64])
{
    (void)snprintf(name, 64, "berth-%" PRId64, instance_id);
    return name;
}

char *seen_next_name(int64_t instance_id, char name[static 64])
{
    (void)snprintf(name, 64, "berth-%" PRId64 "-next", instance_id);
    return name;
}

char *seen_kept_name(const char *container_id, char name[static 64])
{
    (void)snprintf(name, 64, "berth-kept-%.12s", container_id);
    return name;
}

bool seen_is_kept(const struct seen *seen)
{
    return strncmp(seen->name, "berth-kept-", 11) == 0;
}

bool seen_is_next(const struct seen *seen)
{
    char name[64];

    return strcmp(seen->name, seen_next_name(seen->instance_id, name)) == 0;
}

bool seen_is_for_copies(const struct seen *seen)
{
    return strcmp(seen->spec, SEEN_SPEC_COPIES) == 0;
}

char *seen_start_token(const struct seen *seen, char token[static 128])
{
    (void)snprintf(token, 128, "%.64s%s%.40s", *seen->started_at != '\0' ? seen->id : "",
                   *seen->started_at != '\0' ? "@" : "", seen->started_at);
    return token;
}

bool seen_gpus_overlap(const char *a, const char *b)
{
    for (const char *comma; (comma = strchr(a, ',')) != NULL; a = comma + 1) {
        size_t length = (size_t)(comma - a) + 1;

        for (const char *at = b, *end; (end = strchr(at, ',')) != NULL; at = end + 1) {
            if ((size_t)(end - at) + 1 == length && memcmp(at, a, length) == 0)
                return true;
        }
    }
    return false;
}
