/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/desired.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"
#include "market/launch.h"
#include "proto/desired_rows.h"
#include "proto/fields.h"
#include "proto/hello.h"

#define SPAN_MS_MAX DESIRED_SPAN_MS_MAX

enum { SIZE_GB_MAX = 1 << 20, SIZE_MB_MAX = 1 << 30 };

static const char *const state_names[] = {
    [DESIRED_RUNNING] = "running",
    [DESIRED_STOPPED] = "stopped",
    [DESIRED_ABSENT] = "absent",
};

static const struct field desired_fields[] = {
    FIELD_INT(struct desired, session_epoch, 1, INT64_MAX),
    FIELD_INT(struct desired, desired_rev, 0, INT64_MAX),
    FIELD_INT_ADDED(struct desired, audit_id, 0, INT64_MAX),
    FIELD_INT(struct desired, server_time_us, 0, INT64_MAX),
};
static const struct field_list desired_list = FIELD_LIST(desired_fields);

static const struct field instance_fields[] = {
    FIELD_INT(struct desired_instance, id, 1, INT64_MAX),
    FIELD_INT(struct desired_instance, gen, 1, INT64_MAX),
    FIELD_NAMES(struct desired_instance, state, state_names),
    FIELD_INT(struct desired_instance, restart_nonce, 0, INT64_MAX),
    FIELD_INT(struct desired_instance, stop_after_ms, -1, SPAN_MS_MAX),
    FIELD_INT(struct desired_instance, lifetime_after_ms, -1, SPAN_MS_MAX),
};
static const struct field_list instance_list = FIELD_LIST(instance_fields);

/* Written where it has grown. */
static const struct field grown_fields[] = {
    FIELD_INT_ADDED(struct desired_instance, grown_gb, 0, SIZE_GB_MAX),
};
static const struct field_list grown_list = FIELD_LIST(grown_fields);

/* There where somebody asked for it. */
static const struct field request_fields[] = {
    FIELD_LINE_OPTIONAL(struct desired_instance, request_id, 1, REQUEST_ID_LENGTH),
};
static const struct field_list request_list = FIELD_LIST(request_fields);

/* Written where one of them is any. */
static const struct field limit_fields[] = {
    FIELD_INT_ADDED(struct desired_instance, up_mbit, 0, DESIRED_MBIT_MAX),
    FIELD_INT_ADDED(struct desired_instance, down_mbit, 0, DESIRED_MBIT_MAX),
};
static const struct field_list limit_list = FIELD_LIST(limit_fields);

static const struct field token_fields[] = {
    FIELD_BYTES(struct desired_instance, destroy_token),
};
static const struct field_list token_list = FIELD_LIST(token_fields);

static const struct field notice_fields[] = {
    FIELD_INT(struct desired_notice, after_ms, 0, SPAN_MS_MAX),
    FIELD_LINE(struct desired_notice, reason, 1, 64),
    FIELD_LINE(struct desired_notice, winner, 1, 64),
    FIELD_INT(struct desired_notice, keep_ticks, -1, INT64_MAX),
};
static const struct field_list notice_list = FIELD_LIST(notice_fields);

#define S struct instance_spec
static const struct field spec_fields[] = {
    FIELD_LINE(S, image, 1, 512),
    FIELD_LINE_OPTIONAL(S, registry_login, 0, 4096),
    FIELD_LINE_OPTIONAL(S, runtype, 0, 256),
    FIELD_TEXT_OPTIONAL(S, onstart, 0, SPEC_TEXT_MAX),
    FIELD_LINE_OPTIONAL(S, user, 1, 128),
    FIELD_LINE_OPTIONAL(S, hostname, 1, 63),
    FIELD_LINE_OPTIONAL(S, jupyter_token, 1, 128),
    FIELD_LINE_OPTIONAL(S, jupyter_dir, 1, 1024),
    FIELD_LINE_OPTIONAL(S, jupyter_app, 1, 16),
    FIELD_LINE_OPTIONAL(S, public_host, 1, 255),
    FIELD_LINE_OPTIONAL(S, workspace_key, WORKSPACE_KEY_TEXT, WORKSPACE_KEY_TEXT),
    FIELD_INT(S, disk_gb, 0, SIZE_GB_MAX),
    FIELD_INT(S, cpu_millis, 0, SIZE_MB_MAX),
    FIELD_INT(S, ram_mb, 0, SIZE_MB_MAX),
    FIELD_INT(S, shm_mb, 0, SIZE_MB_MAX),
};
#undef S
static const struct field_list spec_list = FIELD_LIST(spec_fields);

static const struct field variable_fields[] = {
    FIELD_LINE(struct spec_variable, name, 1, 1024),
    FIELD_TEXT(struct spec_variable, value, 0, SPEC_TEXT_MAX),
};
static const struct field_list variable_list = FIELD_LIST(variable_fields);

static const struct field port_fields[] = {
    FIELD_INT(struct spec_port, port, 1, LAUNCH_PORT_MAX),
    FIELD_BOOL(struct spec_port, is_udp),
};
static const struct field_list port_list = FIELD_LIST(port_fields);

static const struct field relayed_fields[] = {
    FIELD_INT(struct spec_relayed, asked, 1, LAUNCH_PORT_MAX),
    FIELD_BOOL(struct spec_relayed, is_udp),
    FIELD_INT(struct spec_relayed, port, 1, UINT16_MAX),
};
static const struct field_list relayed_list = FIELD_LIST(relayed_fields);

static const struct field op_fields[] = {
    FIELD_LINE(struct desired_op, op_id, OP_ID_SIZE - 1, OP_ID_SIZE - 1),
    FIELD_INT(struct desired_op, instance_id, 1, INT64_MAX),
    FIELD_INT(struct desired_op, min_gen, 0, INT64_MAX),
    FIELD_INT(struct desired_op, expires_ms, 0, SPAN_MS_MAX),
    FIELD_TEXT_OPTIONAL(struct desired_op, command, 0, OP_COMMAND_MAX),
    FIELD_TEXT_OPTIONAL(struct desired_op, filter, 0, 1024),
    FIELD_INT(struct desired_op, tail, 0, DESIRED_TAIL_MAX),
    FIELD_BOOL(struct desired_op, is_daemon_log),
    FIELD_LINE_OPTIONAL(struct desired_op, since, 1, DESIRED_SINCE_LENGTH),
    FIELD_LINE_OPTIONAL(struct desired_op, request_id, 1, REQUEST_ID_LENGTH),
};
static const struct field_list op_list = FIELD_LIST(op_fields);

static const struct field copy_fields[] = {
    FIELD_BYTES(struct desired_copy, public_key),
    FIELD_BYTES(struct desired_copy, greeting),
    FIELD_BOOL(struct desired_copy, is_target),
    FIELD_INT_ADDED(struct desired_copy, expires_ms, 0, SPAN_MS_MAX),
    FIELD_LINE(struct desired_copy, from, 1, OP_PATH_MAX),
    FIELD_LINE_OPTIONAL(struct desired_copy, to, 1, OP_PATH_MAX),
};
static const struct field_list copy_list = FIELD_LIST(copy_fields);

static const struct field relay_fields[] = {
    FIELD_INT(struct desired_relay, id, 1, INT64_MAX),
    FIELD_LINE(struct desired_relay, host, 1, 255),
    FIELD_INT(struct desired_relay, port, 1, UINT16_MAX),
    FIELD_LINE(struct desired_relay, pin, 0, 64),
};
static const struct field_list relay_list = FIELD_LIST(relay_fields);

/* An array of texts, each in one line or not. */
struct texts {
    const char *name;
    size_t count_max;
    int64_t min, max;
    bool is_line;
};
static const struct texts args_texts = { "args", SPEC_ARGS_MAX, 0, SPEC_TEXT_MAX, false };
static const struct texts keys_texts = { "ssh_keys", SPEC_KEYS_MAX, 1, SPEC_KEY_MAX, true };
static const struct texts gpus_texts = { "gpus", GPUS_MAX, 1, GPU_UUID_SIZE - 1, true };

bool desired_since_is_valid(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000000000Z";

    if (strcmp(text, DESIRED_SINCE_ALL) == 0)
        return true;
    if (strlen(text) != DESIRED_SINCE_LENGTH)
        return false;
    for (size_t i = 0; i < DESIRED_SINCE_LENGTH; i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    }
    return true;
}

bool op_id_is_valid(const char *text)
{
    return strlen(text) == OP_ID_SIZE - 1 && strspn(text, "0123456789abcdef") == OP_ID_SIZE - 1;
}

static void encode_texts(struct encoder *json, const struct texts *texts, const char **items,
                         int64_t count)
{
    assert(count >= 0 && (size_t)count <= texts->count_max);
    encode_key(json, texts->name);
    encode_array(json);
    for (int64_t i = 0; i < count; i++)
        encode_text(json, items[i]);
    encode_end(json);
}

/* Not where it is nothing: what runs is known by a hash of this text. */
static void encode_relayed(struct encoder *json, const struct instance_spec *spec)
{
    assert(spec->relayed_count >= 0 && spec->relayed_count <= SPEC_RELAYED_MAX);
    if (spec->relayed_count == 0)
        return;
    encode_key(json, "relayed");
    encode_array(json);
    for (int64_t i = 0; i < spec->relayed_count; i++) {
        encode_object(json);
        fields_encode(json, &relayed_list, &spec->relayed[i]);
        encode_end(json);
    }
    encode_end(json);
}

int64_t instance_spec_relayed(const struct instance_spec *spec, int64_t asked, bool is_udp)
{
    for (int64_t i = 0; i < spec->relayed_count; i++)
        if (spec->relayed[i].asked == asked && spec->relayed[i].is_udp == is_udp)
            return spec->relayed[i].port;
    return 0;
}

static void encode_spec(struct encoder *json, const struct instance_spec *spec)
{
    assert(spec->env_count >= 0 && spec->env_count <= SPEC_ENV_MAX);
    assert(spec->port_count >= 0 && spec->port_count <= SPEC_PORTS_MAX);

    encode_object(json);
    fields_encode(json, &spec_list, spec);
    /* Not where it is nothing: what runs is known by a hash of this text. */
    if (spec->remake > 0)
        encode_field_int(json, "remake", spec->remake);
    if (spec->workspace_gb > 0)
        encode_field_int(json, "workspace_gb", spec->workspace_gb);
    encode_texts(json, &args_texts, spec->args, spec->arg_count);
    encode_texts(json, &keys_texts, spec->ssh_keys, spec->ssh_key_count);
    encode_key(json, "env");
    encode_array(json);
    for (int64_t i = 0; i < spec->env_count; i++) {
        encode_object(json);
        fields_encode(json, &variable_list, &spec->env[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_key(json, "ports");
    encode_array(json);
    for (int64_t i = 0; i < spec->port_count; i++) {
        encode_object(json);
        fields_encode(json, &port_list, &spec->ports[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_relayed(json, spec);
    desired_volumes_encode(json, spec);
    encode_end(json);
}

void instance_spec_encode(struct buf *out, const struct instance_spec *spec)
{
    struct encoder json = encoder_of(out);

    encode_spec(&json, spec);
}

static void encode_copies(struct encoder *json, const struct desired_instance *instance)
{
    assert(instance->copy_count <= DESIRED_COPIES_MAX);
    encode_key(json, "copies");
    encode_array(json);
    for (int64_t i = 0; i < instance->copy_count; i++) {
        encode_object(json);
        fields_encode(json, &copy_list, &instance->copies[i]);
        encode_end(json);
    }
    encode_end(json);
}

static void encode_op(struct encoder *json, const struct desired_op *op)
{
    assert(op->kind != OP_OTHER);
    encode_object(json);
    encode_field_text(json, "kind", desired_op_kinds[op->kind]);
    fields_encode(json, &op_list, op);
    desired_op_kind_encode(json, op);
    encode_end(json);
}

static void encode_instance(struct encoder *json, const struct desired_instance *instance)
{
    encode_object(json);
    fields_encode(json, &instance_list, instance);
    if (instance->is_kept_running)
        encode_field_bool(json, "is_kept_running", true);
    encode_texts(json, &gpus_texts, instance->gpus, instance->gpu_count);
    if (instance->has_notice) {
        encode_key(json, "notice");
        encode_object(json);
        fields_encode(json, &notice_list, &instance->notice);
        encode_end(json);
    }
    if (instance->has_destroy_token)
        fields_encode(json, &token_list, instance);
    if (instance->grown_gb > 0)
        fields_encode(json, &grown_list, instance);
    if (instance->request_id != NULL)
        fields_encode(json, &request_list, instance);
    if (instance->up_mbit > 0 || instance->down_mbit > 0)
        fields_encode(json, &limit_list, instance);
    if (instance->copy_count > 0)
        encode_copies(json, instance);
    if (instance->state != DESIRED_ABSENT) {
        encode_key(json, "spec");
        encode_spec(json, &instance->spec);
    }
    encode_end(json);
}

static void encode_relays(struct encoder *json, const struct desired *desired)
{
    encode_key(json, "relays");
    encode_array(json);
    for (int64_t i = 0; i < desired->relay_count; i++) {
        encode_object(json);
        fields_encode(json, &relay_list, &desired->relays[i]);
        encode_end(json);
    }
    encode_end(json);
}

void desired_encode(struct buf *out, const struct desired *desired)
{
    struct encoder json = encoder_of(out);

    assert(desired->instance_count >= 0 && desired->instance_count <= DESIRED_INSTANCES_MAX);
    assert(desired->op_count >= 0 && desired->op_count <= DESIRED_OPS_MAX);
    assert(desired->relay_count >= 0 && desired->relay_count <= DESIRED_RELAYS_MAX);

    encode_object(&json);
    fields_encode(&json, &desired_list, desired);
    encode_key(&json, "instances");
    encode_array(&json);
    for (int64_t i = 0; i < desired->instance_count; i++)
        encode_instance(&json, &desired->instances[i]);
    encode_end(&json);
    encode_key(&json, "ops");
    encode_array(&json);
    for (int64_t i = 0; i < desired->op_count; i++)
        encode_op(&json, &desired->ops[i]);
    encode_end(&json);
    desired_gone_encode(&json, desired);
    if (desired->relay_count > 0)
        encode_relays(&json, desired);
    encode_end(&json);
}

static bool too_large(const char *what, struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at %s", what);
}

static bool decode_texts(const json_t *object, const struct texts *texts, struct arena *arena,
                         const char ***ret_items, struct error *err)
{
    const json_t *array;

    if (!json_need_array(object, texts->name, texts->count_max, &array, err))
        return false;

    size_t count = json_array_size(array);
    const char **items = arena_alloc(arena, count, sizeof *items);
    if (items == NULL)
        return too_large(texts->name, err);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item))
            return error_set(err, ERROR_INVALID, "%s[%zu] is not a text", texts->name, i);

        const char *text = json_string_value(item);
        int64_t length = (int64_t)json_string_length(item);
        if (length < texts->min || length > texts->max)
            return error_set(err, ERROR_OUT_OF_RANGE, "%s[%zu] has %" PRId64 " bytes", texts->name,
                             i, length);
        if (texts->is_line && !fields_is_line(text))
            return error_set(err, ERROR_INVALID, "%s[%zu] has a control character", texts->name, i);
        items[i] = arena_text(arena, text);
        if (items[i] == NULL)
            return too_large(texts->name, err);
    }
    *ret_items = items;
    return true;
}

static int64_t member_count(const json_t *object, const char *name)
{
    return (int64_t)json_array_size(json_member(object, name));
}

static const struct desired_rows env_rows = { "env", SPEC_ENV_MAX, sizeof(struct spec_variable),
                                              &variable_list };
static const struct desired_rows port_rows = { "ports", SPEC_PORTS_MAX, sizeof(struct spec_port),
                                               &port_list };
static const struct desired_rows relayed_rows = { "relayed", SPEC_RELAYED_MAX,
                                                  sizeof(struct spec_relayed), &relayed_list };
static const struct desired_rows op_rows = { "ops", DESIRED_OPS_MAX, sizeof(struct desired_op),
                                             &op_list };
static const struct desired_rows copy_rows = { "copies", DESIRED_COPIES_MAX,
                                               sizeof(struct desired_copy), &copy_list };
static const struct desired_rows relay_rows = { "relays", DESIRED_RELAYS_MAX,
                                                sizeof(struct desired_relay), &relay_list };
static const struct desired_rows instance_rows = { "instances", DESIRED_INSTANCES_MAX,
                                                   sizeof(struct desired_instance),
                                                   &instance_list };

static bool decode_spec(const json_t *object, struct arena *arena, struct instance_spec *spec,
                        struct error *err)
{
    static const struct json_bounds remakes = { 0, INT64_MAX }, sizes = { 0, SIZE_GB_MAX };
    uint8_t key[WORKSPACE_KEY_SIZE];

    if (!fields_decode(object, &spec_list, arena, spec, err) ||
        !json_opt_int(object, "remake", remakes, &spec->remake, err) ||
        !json_opt_int(object, "workspace_gb", sizes, &spec->workspace_gb, err))
        return false;
    if (spec->workspace_key != NULL && !hex_parse(spec->workspace_key, key, sizeof key))
        return error_set(err, ERROR_INVALID, "workspace_key is not hexadecimal");
    if (!decode_texts(object, &args_texts, arena, &spec->args, err) ||
        !decode_texts(object, &keys_texts, arena, &spec->ssh_keys, err) ||
        !desired_rows_decode(object, &env_rows, arena, &spec->env, err) ||
        !desired_rows_decode(object, &port_rows, arena, &spec->ports, err) ||
        (json_member(object, relayed_rows.name) != NULL &&
         !desired_rows_decode(object, &relayed_rows, arena, &spec->relayed, err)) ||
        !desired_volumes_decode(object, arena, spec, err))
        return false;
    spec->relayed_count = member_count(object, relayed_rows.name);
    spec->arg_count = member_count(object, "args");
    spec->ssh_key_count = member_count(object, "ssh_keys");
    spec->env_count = member_count(object, "env");
    spec->port_count = member_count(object, "ports");

    for (int64_t i = 0; i < spec->env_count; i++) {
        if (strchr(spec->env[i].name, '=') != NULL)
            return error_set(err, ERROR_INVALID, "env[%" PRId64 "]: a name with '='", i);
    }
    for (int64_t i = 0; i < spec->port_count; i++) {
        if (spec->ports[i].port > 65535 && spec->ports[i].port < LAUNCH_IDENTITY_PORT)
            return error_set(err, ERROR_OUT_OF_RANGE, "ports[%" PRId64 "]: no such port", i);
    }
    return true;
}

bool instance_spec_decode(const json_t *root, struct arena *arena, struct instance_spec *ret,
                          struct error *err)
{
    struct instance_spec spec = { 0 };

    if (!decode_spec(root, arena, &spec, err))
        return error_context(err, "spec");
    *ret = spec;
    return true;
}

/* Absent where there are none, as in what was written before there were any. */
static bool decode_copies(const json_t *object, struct arena *arena,
                          struct desired_instance *instance, struct error *err)
{
    if (json_member(object, copy_rows.name) == NULL)
        return true;
    if (!desired_rows_decode(object, &copy_rows, arena, &instance->copies, err))
        return false;
    instance->copy_count = member_count(object, copy_rows.name);
    for (int64_t i = 0; i < instance->copy_count; i++)
        if (instance->copies[i].is_target != (instance->copies[i].to != NULL))
            return error_set(err, ERROR_INVALID,
                             "copies[%" PRId64 "] has no target, or one too many", i);
    return true;
}

static bool decode_instance(const json_t *object, struct arena *arena,
                            struct desired_instance *instance, struct error *err)
{
    const json_t *spec, *notice = json_member(object, "notice");

    if (json_member(object, "is_kept_running") != NULL &&
        !json_need_bool(object, "is_kept_running", &instance->is_kept_running, err))
        return false;
    instance->has_notice = notice != NULL;
    if (instance->has_notice && !fields_decode(notice, &notice_list, arena, &instance->notice, err))
        return error_context(err, "notice");
    if (!decode_texts(object, &gpus_texts, arena, &instance->gpus, err) ||
        !decode_copies(object, arena, instance, err) ||
        !fields_decode(object, &grown_list, arena, instance, err) ||
        !fields_decode(object, &request_list, arena, instance, err) ||
        !fields_decode(object, &limit_list, arena, instance, err))
        return false;
    instance->gpu_count = member_count(object, "gpus");
    instance->has_destroy_token = json_member(object, "destroy_token") != NULL;
    if (instance->has_destroy_token && !fields_decode(object, &token_list, NULL, instance, err))
        return false;
    if (instance->state == DESIRED_ABSENT)
        return true;
    if (!json_need_object(object, "spec", &spec, err))
        return false;
    if (!decode_spec(spec, arena, &instance->spec, err))
        return error_context(err, "spec");
    return true;
}

/* Two rows of one instance would be two truths about it. */
static bool is_new_id(const struct desired *desired, int64_t index)
{
    for (int64_t i = 0; i < index; i++) {
        if (desired->instances[i].id == desired->instances[index].id)
            return false;
    }
    return true;
}

static bool decode_instances(const json_t *root, struct arena *arena, struct desired *desired,
                             struct error *err)
{
    if (!desired_rows_decode(root, &instance_rows, arena, &desired->instances, err))
        return false;
    desired->instance_count = member_count(root, "instances");

    for (int64_t i = 0; i < desired->instance_count; i++) {
        const json_t *object = json_array_get(json_member(root, "instances"), (size_t)i);

        if (!decode_instance(object, arena, &desired->instances[i], err))
            return error_context(err, "instances[%" PRId64 "]", i);
        if (!is_new_id(desired, i))
            return error_set(err, ERROR_INVALID, "instances[%" PRId64 "] is there twice", i);
    }
    return true;
}

static bool decode_ops(const json_t *root, struct arena *arena, struct desired *desired,
                       struct error *err)
{
    if (!desired_rows_decode(root, &op_rows, arena, &desired->ops, err))
        return false;
    desired->op_count = member_count(root, "ops");

    for (int64_t i = 0; i < desired->op_count; i++) {
        struct desired_op *op = &desired->ops[i];
        const json_t *object = json_array_get(json_member(root, "ops"), (size_t)i);

        if (!desired_op_kind_decode(object, arena, op, err))
            return error_context(err, "ops[%" PRId64 "]", i);
        if (!op_id_is_valid(op->op_id))
            return error_set(err, ERROR_INVALID,
                             "ops[%" PRId64 "]: op_id is not 32 hexadecimal "
                             "digits",
                             i);
        if (op->since != NULL && !desired_since_is_valid(op->since))
            return error_set(err, ERROR_INVALID, "ops[%" PRId64 "]: since is no time", i);
        if (op->kind == OP_EXEC && op->command == NULL)
            return error_set(err, ERROR_INVALID, "ops[%" PRId64 "] has no command", i);
    }
    return true;
}

/* Absent from what was written before there were any. */
static bool decode_relays(const json_t *root, struct arena *arena, struct desired *desired,
                          struct error *err)
{
    if (json_member(root, "relays") == NULL)
        return true;
    if (!desired_rows_decode(root, &relay_rows, arena, &desired->relays, err))
        return false;
    desired->relay_count = member_count(root, "relays");
    for (int64_t i = 0; i < desired->relay_count; i++) {
        const char *pin = desired->relays[i].pin;
        size_t digits = strspn(pin, "0123456789abcdef");

        if (pin[digits] != '\0' || (digits != 0 && digits != 64))
            return error_set(err, ERROR_INVALID, "relays[%" PRId64 "]: no such pin", i);
    }
    return true;
}

bool desired_decode(const json_t *root, struct arena *arena, struct desired *ret, struct error *err)
{
    struct desired desired = { 0 };

    if (!fields_decode(root, &desired_list, NULL, &desired, err))
        return false;
    if (!decode_instances(root, arena, &desired, err))
        return false;
    if (!decode_ops(root, arena, &desired, err) || !decode_relays(root, arena, &desired, err) ||
        !desired_gone_decode(root, arena, &desired, err))
        return false;
    *ret = desired;
    return true;
}

void destroy_signed(struct buf *out, int64_t machine_id, int64_t instance_id, int64_t gen)
{
    buf_printf(out, "berth-destroy-v1\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n", machine_id,
               instance_id, gen);
}
