/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/desired_rows.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "market/cloud.h"
#include "market/volume.h"

enum { VOLUME_SIZE_GB_MAX = 1 << 20 };

static const struct field volume_fields[] = {
    FIELD_INT(struct spec_volume, id, 1, INT64_MAX),
    FIELD_INT(struct spec_volume, size_gb, 1, VOLUME_SIZE_GB_MAX),
    FIELD_LINE(struct spec_volume, path, 1, VOLUME_PATH_MAX),
};
static const struct field_list volume_list = FIELD_LIST(volume_fields);

static const struct field gone_fields[] = {
    FIELD_INT(struct desired_gone, id, 1, INT64_MAX),
    FIELD_INT(struct desired_gone, gen, 1, INT64_MAX),
    FIELD_BYTES(struct desired_gone, destroy_token),
};
static const struct field_list gone_list = FIELD_LIST(gone_fields);

static const struct desired_rows volume_rows = { "volumes", SPEC_VOLUMES_MAX,
                                                 sizeof(struct spec_volume), &volume_list };
static const struct desired_rows gone_rows = { "gone", DESIRED_GONE_MAX,
                                               sizeof(struct desired_gone), &gone_list };

static int64_t member_count(const json_t *object, const char *name)
{
    return (int64_t)json_array_size(json_member(object, name));
}

bool desired_rows_decode(const json_t *object, const struct desired_rows *rows, struct arena *arena,
                         void *ret_items, struct error *err)
{
    const json_t *array;

    if (!json_need_array(object, rows->name, rows->count_max, &array, err))
        return false;

    size_t count = json_array_size(array);
    char *items = arena_alloc(arena, count, rows->size);
    if (items == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at %s", rows->name);
    for (size_t i = 0; i < count; i++) {
        if (!fields_decode(json_array_get(array, i), rows->list, arena, items + i * rows->size,
                           err))
            return error_context(err, "%s[%zu]", rows->name, i);
    }
    memcpy(ret_items, &items, sizeof items);
    return true;
}

void desired_volumes_encode(struct encoder *json, const struct instance_spec *spec)
{
    assert(spec->volume_count >= 0 && spec->volume_count <= SPEC_VOLUMES_MAX);
    if (spec->volume_count == 0)
        return;
    encode_key(json, "volumes");
    encode_array(json);
    for (int64_t i = 0; i < spec->volume_count; i++) {
        encode_object(json);
        fields_encode(json, &volume_list, &spec->volumes[i]);
        encode_end(json);
    }
    encode_end(json);
}

/* Nothing that was written before there were any has them. No two at one place. */
bool desired_volumes_decode(const json_t *object, struct arena *arena, struct instance_spec *spec,
                            struct error *err)
{
    if (json_member(object, volume_rows.name) == NULL)
        return true;
    if (!desired_rows_decode(object, &volume_rows, arena, &spec->volumes, err))
        return false;
    spec->volume_count = member_count(object, volume_rows.name);
    for (int64_t i = 0; i < spec->volume_count; i++) {
        if (!volume_path_is_good(spec->volumes[i].path))
            return error_set(err, ERROR_INVALID, "volumes[%" PRId64 "]: no place to mount it", i);
        for (int64_t j = 0; j < i; j++)
            if (spec->volumes[j].id == spec->volumes[i].id ||
                strcmp(spec->volumes[j].path, spec->volumes[i].path) == 0)
                return error_set(err, ERROR_INVALID, "volumes[%" PRId64 "] is there twice", i);
    }
    return true;
}

void desired_gone_encode(struct encoder *json, const struct desired *desired)
{
    assert(desired->gone_count <= DESIRED_GONE_MAX);
    if (desired->gone_count == 0)
        return;
    encode_key(json, "gone");
    encode_array(json);
    for (int64_t i = 0; i < desired->gone_count; i++) {
        encode_object(json);
        fields_encode(json, &gone_list, &desired->gone[i]);
        encode_end(json);
    }
    encode_end(json);
}

/* Likewise. */
bool desired_gone_decode(const json_t *root, struct arena *arena, struct desired *desired,
                         struct error *err)
{
    if (json_member(root, gone_rows.name) == NULL)
        return true;
    if (!desired_rows_decode(root, &gone_rows, arena, &desired->gone, err))
        return false;
    desired->gone_count = member_count(root, gone_rows.name);
    return true;
}

const char *const desired_op_kinds[] = {
    [OP_LOGS] = "logs",         [OP_EXEC] = "exec",   [OP_COPY] = "copy",
    [OP_SNAPSHOT] = "snapshot", [OP_CLONE] = "clone", [OP_CLOUD] = "cloud",
};

/* What an operation has besides, by its kind: a copy. */
static const struct field op_copy_fields[] = {
    FIELD_INT(struct desired_op, source_id, 1, INT64_MAX),
    FIELD_LINE(struct desired_op, source_host, 1, 255),
    FIELD_INT(struct desired_op, source_port, 1, UINT16_MAX),
    FIELD_LINE(struct desired_op, copy_secret, COPY_SECRET_SIZE - 1, COPY_SECRET_SIZE - 1),
};
static const struct field_list op_copy_list = FIELD_LIST(op_copy_fields);

/* A snapshot. */
static const struct field op_snapshot_fields[] = {
    FIELD_LINE(struct desired_op, image, 1, 512),
    FIELD_LINE_OPTIONAL(struct desired_op, login, 0, 4096),
    FIELD_BOOL(struct desired_op, is_paused),
};
static const struct field_list op_snapshot_list = FIELD_LIST(op_snapshot_fields);

/* A clone. */
static const struct field op_clone_fields[] = {
    FIELD_INT(struct desired_op, source_id, 1, INT64_MAX),
    FIELD_INT(struct desired_op, size_gb, 1, VOLUME_SIZE_GB_MAX),
};
static const struct field_list op_clone_list = FIELD_LIST(op_clone_fields);

/* A copy from or to a cloud store. */
static const struct field op_cloud_fields[] = {
    FIELD_LINE(struct desired_op, copy_secret, COPY_SECRET_SIZE - 1, COPY_SECRET_SIZE - 1),
    FIELD_LINE(struct desired_op, cloud_kind, 1, CLOUD_NAME_MAX),
    FIELD_TEXT_OPTIONAL(struct desired_op, cloud_config, 2, CLOUD_CONFIG_MAX),
    FIELD_LINE(struct desired_op, cloud_path, 1, CLOUD_PATH_MAX),
    FIELD_LINE(struct desired_op, instance_path, 1, CLOUD_PATH_MAX),
    FIELD_LINE(struct desired_op, cloud_flags, 0, CLOUD_FLAGS_MAX),
    FIELD_BOOL(struct desired_op, is_to_cloud),
};
static const struct field_list op_cloud_list = FIELD_LIST(op_cloud_fields);

static const struct field_list *const op_lists[] = {
    [OP_COPY] = &op_copy_list,   [OP_SNAPSHOT] = &op_snapshot_list,
    [OP_CLONE] = &op_clone_list, [OP_CLOUD] = &op_cloud_list,
    [OP_OTHER] = NULL,
};

void desired_op_kind_encode(struct encoder *json, const struct desired_op *op)
{
    if (op_lists[op->kind] != NULL)
        fields_encode(json, op_lists[op->kind], op);
}

bool desired_op_kind_decode(const json_t *object, struct arena *arena, struct desired_op *op,
                            struct error *err)
{
    uint8_t secret[COPY_KEY_SIZE];
    const char *name;

    if (!json_need_text(object, "kind", 64, &name, err))
        return false;
    op->kind = OP_LOGS;
    while (op->kind != OP_OTHER && strcmp(desired_op_kinds[op->kind], name) != 0)
        op->kind = (enum op_kind)(op->kind + 1);
    if (op_lists[op->kind] != NULL && !fields_decode(object, op_lists[op->kind], arena, op, err))
        return false;
    if ((op->kind == OP_COPY || op->kind == OP_CLOUD) &&
        !hex_parse(op->copy_secret, secret, sizeof secret))
        return error_set(err, ERROR_INVALID, "copy_secret is none");
    return true;
}
