/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/heartbeat.h"

#include <assert.h>
#include <inttypes.h>

#include "base/encode.h"
#include "proto/fields.h"
#include "proto/gpu_gauge.h"

enum { GAUGE_MAX = 1000000000 };

static const char *const phase_names[] = {
    [PHASE_ABSENT] = "absent",   [PHASE_CREATING] = "creating", [PHASE_RUNNING] = "running",
    [PHASE_STOPPED] = "stopped", [PHASE_EXITED] = "exited",     [PHASE_FAILED] = "failed",
};

static const char *const op_status_names[] = {
    [OP_DONE] = "done",
    [OP_FAILED] = "failed",
    [OP_UNKNOWN] = "unknown",
};

static const struct field heartbeat_fields[] = {
    FIELD_INT(struct heartbeat, session_epoch, 1, INT64_MAX),
    FIELD_INT(struct heartbeat, seq, 1, INT64_MAX),
    FIELD_LINE(struct heartbeat, boot_id, 1, 63),
    FIELD_INT(struct heartbeat, agent_incarnation, 0, INT64_MAX),
    FIELD_INT(struct heartbeat, mono_ms, 0, INT64_MAX),
    FIELD_INT(struct heartbeat, applied_rev, 0, INT64_MAX),
    FIELD_BOOL(struct heartbeat, is_engine_ok),
    FIELD_TEXT(struct heartbeat, engine_message, 0, REPORT_MESSAGE_MAX),
    FIELD_INT(struct heartbeat, quarantined_count, 0, INT32_MAX),
    FIELD_INT(struct heartbeat, disk_free_gb, -1, GAUGE_MAX),
};
static const struct field_list heartbeat_list = FIELD_LIST(heartbeat_fields);

static const struct field stock_fields[] = {
    FIELD_INT(struct heartbeat, pull_rate, -1, INT64_MAX),
    FIELD_INT(struct heartbeat, start_ms, -1, INT64_MAX),
};
static const struct field_list stock_list = FIELD_LIST(stock_fields);

static const struct field image_fields[] = {
    FIELD_LINE(struct host_image, name, 1, HOST_IMAGE_NAME_MAX),
    FIELD_INT(struct host_image, pull_bytes, -1, INT64_MAX),
};
static const struct field_list image_list = FIELD_LIST(image_fields);

#define R struct instance_report
static const struct field report_fields[] = {
    FIELD_INT(R, id, 1, INT64_MAX),
    FIELD_INT(R, gen, 0, INT64_MAX),
    FIELD_NAMES(R, phase, phase_names),
    FIELD_LINE(R, start_token, 0, 255),
    FIELD_INT(R, run_ms, 0, INT64_MAX),
    FIELD_INT(R, counter_epoch, 0, INT64_MAX),
    FIELD_INT(R, bytes_up, 0, INT64_MAX),
    FIELD_INT(R, bytes_down, 0, INT64_MAX),
    FIELD_INT(R, exit_code, -1, INT32_MAX),
    FIELD_INT(R, restart_nonce, 0, INT64_MAX),
    FIELD_INT(R, disk_used_mb, -1, INT64_MAX),
    FIELD_INT(R, cpu_permille, -1, GAUGE_MAX),
    FIELD_INT(R, ram_used_mb, -1, INT64_MAX),
    FIELD_INT(R, gpu_permille, -1, GAUGE_MAX),
    FIELD_TEXT(R, message, 0, REPORT_MESSAGE_MAX),
    FIELD_INT(R, ssh_port, 0, 65535),
};
#undef R
static const struct field_list report_list = FIELD_LIST(report_fields);

static const struct field port_fields[] = {
    FIELD_INT(struct port_mapping, port, 1, 65535),
    FIELD_BOOL(struct port_mapping, is_udp),
    FIELD_INT(struct port_mapping, host_port, 1, 65535),
};
static const struct field_list port_list = FIELD_LIST(port_fields);

static const struct field reply_fields[] = {
    FIELD_INT(struct heartbeat_reply, desired_rev, 0, INT64_MAX),
};
static const struct field_list reply_list = FIELD_LIST(reply_fields);

static const struct field op_result_fields[] = {
    FIELD_LINE(struct op_result, op_id, OP_ID_SIZE - 1, OP_ID_SIZE - 1),
    FIELD_NAMES(struct op_result, status, op_status_names),
    FIELD_TEXT(struct op_result, output, 0, OP_OUTPUT_MAX),
    FIELD_INT_ADDED(struct op_result, exit_code, -1, 255),
};
static const struct field_list op_result_list = FIELD_LIST(op_result_fields);

const char *instance_phase_name(enum instance_phase phase)
{
    assert((size_t)phase < sizeof phase_names / sizeof phase_names[0]);
    return phase_names[phase];
}

static void encode_report(struct encoder *json, const struct instance_report *report)
{
    assert(report->port_count >= 0 && report->port_count <= SPEC_PORTS_MAX);

    encode_object(json);
    fields_encode(json, &report_list, report);
    encode_key(json, "ports");
    encode_array(json);
    for (int64_t i = 0; i < report->port_count; i++) {
        encode_object(json);
        fields_encode(json, &port_list, &report->ports[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_end(json);
}

static void encode_images(struct encoder *json, const struct heartbeat *heartbeat)
{
    assert(heartbeat->image_count >= 0 && heartbeat->image_count <= HEARTBEAT_IMAGES_MAX);

    encode_key(json, "stock");
    encode_object(json);
    fields_encode(json, &stock_list, heartbeat);
    encode_key(json, "images");
    encode_array(json);
    for (int64_t i = 0; i < heartbeat->image_count; i++) {
        encode_object(json);
        fields_encode(json, &image_list, &heartbeat->images[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_end(json);
}

void heartbeat_encode(struct buf *out, const struct heartbeat *heartbeat)
{
    struct encoder json = encoder_of(out);

    assert(heartbeat->instance_count >= 0);
    assert(heartbeat->instance_count <= HEARTBEAT_INSTANCES_MAX);

    encode_object(&json);
    fields_encode(&json, &heartbeat_list, heartbeat);
    encode_key(&json, "instances");
    encode_array(&json);
    for (int64_t i = 0; i < heartbeat->instance_count; i++)
        encode_report(&json, &heartbeat->instances[i]);
    encode_end(&json);
    if (heartbeat->has_images)
        encode_images(&json, heartbeat);
    if (heartbeat->has_gauges) {
        encode_key(&json, "gpu_gauges");
        gpu_gauges_encode(&json, heartbeat->gauges, (size_t)heartbeat->gauge_count);
    }
    encode_end(&json);
}

static bool decode_ports(const json_t *object, struct arena *arena, struct instance_report *report,
                         struct error *err)
{
    const json_t *ports;

    if (!json_need_array(object, "ports", SPEC_PORTS_MAX, &ports, err))
        return false;

    report->port_count = (int64_t)json_array_size(ports);
    report->ports = arena_alloc(arena, (size_t)report->port_count, sizeof *report->ports);
    if (report->ports == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at ports");
    for (int64_t i = 0; i < report->port_count; i++) {
        if (!fields_decode(json_array_get(ports, (size_t)i), &port_list, NULL, &report->ports[i],
                           err))
            return error_context(err, "ports[%" PRId64 "]", i);
    }
    return true;
}

/* Each instance once: money follows reports, and two of one would be counted twice. */
static bool is_new_id(const struct heartbeat *heartbeat, int64_t index)
{
    for (int64_t i = 0; i < index; i++) {
        if (heartbeat->instances[i].id == heartbeat->instances[index].id)
            return false;
    }
    return true;
}

static bool decode_reports(const json_t *root, struct arena *arena, struct heartbeat *heartbeat,
                           struct error *err)
{
    const json_t *reports;

    if (!json_need_array(root, "instances", HEARTBEAT_INSTANCES_MAX, &reports, err))
        return false;

    heartbeat->instance_count = (int64_t)json_array_size(reports);
    heartbeat->instances =
        arena_alloc(arena, (size_t)heartbeat->instance_count, sizeof *heartbeat->instances);
    if (heartbeat->instances == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at instances");
    for (int64_t i = 0; i < heartbeat->instance_count; i++) {
        const json_t *object = json_array_get(reports, (size_t)i);

        if (!fields_decode(object, &report_list, arena, &heartbeat->instances[i], err) ||
            !decode_ports(object, arena, &heartbeat->instances[i], err))
            return error_context(err, "instances[%" PRId64 "]", i);
        if (!is_new_id(heartbeat, i))
            return error_set(err, ERROR_INVALID, "instances[%" PRId64 "] is there twice", i);
    }
    return true;
}

static bool decode_images(const json_t *root, struct arena *arena, struct heartbeat *heartbeat,
                          struct error *err)
{
    const json_t *stock = json_member(root, "stock"), *images;

    if (stock == NULL)
        return true;
    if (!fields_decode(stock, &stock_list, NULL, heartbeat, err) ||
        !json_need_array(stock, "images", HEARTBEAT_IMAGES_MAX, &images, err))
        return error_context(err, "stock");
    heartbeat->has_images = true;
    heartbeat->image_count = (int64_t)json_array_size(images);
    heartbeat->images =
        arena_alloc(arena, (size_t)heartbeat->image_count, sizeof *heartbeat->images);
    if (heartbeat->images == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at images");
    for (int64_t i = 0; i < heartbeat->image_count; i++) {
        if (!fields_decode(json_array_get(images, (size_t)i), &image_list, arena,
                           &heartbeat->images[i], err))
            return error_context(err, "images[%" PRId64 "]", i);
    }
    return true;
}

static bool decode_gauges(const json_t *root, struct arena *arena, struct heartbeat *heartbeat,
                          struct error *err)
{
    const json_t *gauges = json_member(root, "gpu_gauges");
    size_t count;

    if (gauges == NULL)
        return true;
    heartbeat->gauges = arena_alloc(arena, GPUS_MAX, sizeof *heartbeat->gauges);
    if (heartbeat->gauges == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at gpu_gauges");
    if (!gpu_gauges_decode(gauges, heartbeat->gauges, &count, err))
        return error_context(err, "gpu_gauges");
    heartbeat->has_gauges = true;
    heartbeat->gauge_count = (int64_t)count;
    return true;
}

bool heartbeat_decode(const json_t *root, struct arena *arena, struct heartbeat *ret,
                      struct error *err)
{
    struct heartbeat heartbeat = { 0 };

    if (!fields_decode(root, &heartbeat_list, arena, &heartbeat, err))
        return false;
    if (!decode_reports(root, arena, &heartbeat, err) ||
        !decode_images(root, arena, &heartbeat, err) ||
        !decode_gauges(root, arena, &heartbeat, err))
        return false;
    *ret = heartbeat;
    return true;
}

void heartbeat_reply_encode(struct buf *out, const struct heartbeat_reply *reply)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &reply_list, reply);
    encode_end(&json);
}

bool heartbeat_reply_decode(const json_t *root, struct heartbeat_reply *ret, struct error *err)
{
    struct heartbeat_reply reply = { 0 };

    if (!fields_decode(root, &reply_list, NULL, &reply, err))
        return false;
    *ret = reply;
    return true;
}

void op_result_encode(struct buf *out, const struct op_result *result)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &op_result_list, result);
    encode_end(&json);
}

bool op_result_decode(const json_t *root, struct op_result *ret, struct error *err)
{
    struct op_result result = { .exit_code = -1 };

    if (!fields_decode(root, &op_result_list, NULL, &result, err))
        return false;
    if (!op_id_is_valid(result.op_id))
        return error_set(err, ERROR_INVALID, "op_id is not 32 hexadecimal digits");
    *ret = result;
    return true;
}
