/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/heartbeat.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { TEXT_SIZE = 8 << 20, ARENA_SIZE = 8 << 20 };

static struct instance_report random_report(struct arena *arena, int64_t id)
{
    struct instance_report report = {
        .id = id,
        .gen = support_int(0, INT64_MAX),
        .phase = (enum instance_phase)check_random(PHASE_FAILED + 1),
        .start_token = support_text(arena, 0, 255, true),
        .run_ms = support_int(0, INT64_MAX),
        .counter_epoch = support_int(0, INT64_MAX),
        .bytes_up = support_int(0, INT64_MAX),
        .bytes_down = support_int(0, INT64_MAX),
        .exit_code = support_int(-1, INT32_MAX),
        .restart_nonce = support_int(0, INT64_MAX),
        .disk_used_mb = support_int(-1, INT64_MAX),
        .cpu_permille = support_int(-1, 1000000000),
        .ram_used_mb = support_int(-1, INT64_MAX),
        .gpu_permille = support_int(-1, 1000000000),
        .message = support_text(arena, 0, REPORT_MESSAGE_MAX, false),
        .ssh_port = support_int(0, 65535),
        .port_count = support_int(0, SPEC_PORTS_MAX),
    };

    report.ports = arena_alloc(arena, (size_t)report.port_count, sizeof *report.ports);
    for (int64_t i = 0; i < report.port_count; i++) {
        report.ports[i] = (struct port_mapping){
            .port = support_int(1, 65535),
            .is_udp = check_random(2),
            .host_port = support_int(1, 65535),
        };
    }
    return report;
}

static struct heartbeat random_heartbeat(struct arena *arena, int64_t instance_count)
{
    struct heartbeat heartbeat = {
        .session_epoch = support_int(1, INT64_MAX),
        .seq = support_int(1, INT64_MAX),
        .boot_id = support_text(arena, 1, 63, true),
        .agent_incarnation = support_int(0, INT64_MAX),
        .mono_ms = support_int(0, INT64_MAX),
        .applied_rev = support_int(0, INT64_MAX),
        .is_engine_ok = check_random(2),
        .engine_message = support_text(arena, 0, REPORT_MESSAGE_MAX, false),
        .instance_count = instance_count,
        .quarantined_count = support_int(0, INT32_MAX),
        .disk_free_gb = support_int(-1, 1000000000),
    };

    if (check_random(2) == 1) {
        heartbeat.has_images = true;
        heartbeat.pull_rate = support_int(-1, INT64_MAX);
        heartbeat.start_ms = support_int(-1, INT64_MAX);
        heartbeat.image_count = support_int(0, HEARTBEAT_IMAGES_MAX);
        heartbeat.images =
            arena_alloc(arena, (size_t)heartbeat.image_count, sizeof *heartbeat.images);
        for (int64_t i = 0; i < heartbeat.image_count; i++)
            heartbeat.images[i] =
                (struct host_image){ support_text(arena, 1, HOST_IMAGE_NAME_MAX, true),
                                     support_int(-1, INT64_MAX) };
    }
    if (check_random(2) == 1) {
        heartbeat.has_gauges = true;
        heartbeat.gauge_count = support_int(0, GPUS_MAX);
        heartbeat.gauges =
            arena_alloc(arena, (size_t)heartbeat.gauge_count, sizeof *heartbeat.gauges);
        for (int64_t i = 0; i < heartbeat.gauge_count; i++) {
            heartbeat.gauges[i] =
                (struct gpu_gauge){ .permille = support_int(-1, 1000),
                                    .memory_used_mb = support_int(-1, INT32_MAX),
                                    .temperature_c = support_int(-1, 1000),
                                    .power_w = support_int(-1, GPU_POWER_MAX_W),
                                    .core_mhz = support_int(-1, GPU_CLOCK_MAX_MHZ),
                                    .memory_mhz = support_int(-1, GPU_CLOCK_MAX_MHZ),
                                    .brakes = support_int(-1, GPU_BRAKES_ALL) };
            (void)snprintf(heartbeat.gauges[i].uuid, sizeof heartbeat.gauges[i].uuid, "GPU-%d",
                           (int)i);
        }
    }
    heartbeat.instances = arena_alloc(arena, (size_t)instance_count, sizeof *heartbeat.instances);
    for (int64_t i = 0; i < instance_count; i++)
        heartbeat.instances[i] = random_report(arena, 1000 + i);
    return heartbeat;
}

/* Encoding is a function of the value and loses nothing of it: equal texts, equal values. */
static void test_what_is_sent_arrives(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
        struct heartbeat want = random_heartbeat(&arena, (int64_t)check_random(9)), got;
        auto_buf struct buf text = buf_of(TEXT_SIZE), again = buf_of(TEXT_SIZE);
        struct error err;

        check_row("round %d", round);
        heartbeat_encode(&text, &want);
        auto_json json_t *root = support_parse(&text);
        CHECK_OK(heartbeat_decode(root, &decoded, &got, &err), &err);
        heartbeat_encode(&again, &got);
        CHECK_TEXT(again.bytes, text.bytes);
        CHECK_INT(got.seq, want.seq);
        CHECK_TEXT(got.engine_message, want.engine_message);
        CHECK_INT(got.instance_count, want.instance_count);
        for (int64_t i = 0; i < want.instance_count; i++) {
            CHECK_INT(got.instances[i].phase, want.instances[i].phase);
            CHECK_TEXT(got.instances[i].message, want.instances[i].message);
            CHECK_INT(got.instances[i].bytes_down, want.instances[i].bytes_down);
            CHECK_INT(got.instances[i].port_count, want.instances[i].port_count);
        }
    }
}

static void test_the_wire_is_fixed(void **state)
{
    struct port_mapping port = { 8081, true, 40001 };
    struct instance_report report = { .id = 7001,
                                      .gen = 3,
                                      .phase = PHASE_RUNNING,
                                      .start_token = "c1",
                                      .exit_code = -1,
                                      .message = "",
                                      .ports = &port,
                                      .port_count = 1 };
    struct heartbeat heartbeat = { .session_epoch = 41,
                                   .seq = 2,
                                   .boot_id = "b",
                                   .is_engine_ok = true,
                                   .engine_message = "",
                                   .instances = &report,
                                   .instance_count = 1 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);

    (void)state;
    heartbeat_encode(&text, &heartbeat);
    CHECK_TEXT(text.bytes,
               "{\"session_epoch\":41,\"seq\":2,\"boot_id\":\"b\",\"agent_incarnation\":0,"
               "\"mono_ms\":0,\"applied_rev\":0,\"is_engine_ok\":true,\"engine_message\":\"\","
               "\"quarantined_count\":0,\"disk_free_gb\":0,\"instances\":[{\"id\":7001,\"gen\":3,"
               "\"phase\":\"running\",\"start_token\":\"c1\",\"run_ms\":0,\"counter_epoch\":0,"
               "\"bytes_up\":0,\"bytes_down\":0,\"exit_code\":-1,\"restart_nonce\":0,"
               "\"disk_used_mb\":0,\"cpu_permille\":0,\"ram_used_mb\":0,\"gpu_permille\":0,"
               "\"message\":\"\",\"ssh_port\":0,\"ports\":[{\"port\":8081,\"is_udp\":true,"
               "\"host_port\":40001}]}]}");
    CHECK_TEXT(instance_phase_name(PHASE_ABSENT), "absent");
    CHECK_TEXT(instance_phase_name(PHASE_FAILED), "failed");
}

/* One change to a good heartbeat, and what becomes of it: ERROR_NONE is fine. */
static void check_change(const char *path, const char *value, enum error_code want)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
    struct heartbeat heartbeat = random_heartbeat(&arena, 2), got = { .seq = -9 };
    struct port_mapping port = { 22, false, 40000 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    check_row("%s = %.40s", path, value);
    heartbeat.instances[0].ports = &port;
    heartbeat.instances[0].port_count = 1;
    heartbeat_encode(&text, &heartbeat);
    auto_json json_t *root = support_parse(&text);
    support_set(root, path, value);
    if (want == ERROR_NONE) {
        CHECK_OK(heartbeat_decode(root, &decoded, &got, &err), &err);
        return;
    }
    CHECK_FAILS(heartbeat_decode(root, &decoded, &got, &err), &err, want);
    CHECK_INT(got.seq, -9);
}

static void test_numbers_have_two_edges(void **state)
{
    static const struct support_edge rows[] = {
        { "session_epoch", 1, INT64_MAX },
        { "seq", 1, INT64_MAX },
        { "agent_incarnation", 0, INT64_MAX },
        { "mono_ms", 0, INT64_MAX },
        { "applied_rev", 0, INT64_MAX },
        { "quarantined_count", 0, INT32_MAX },
        { "disk_free_gb", -1, 1000000000 },
        { "instances.0.id", 1, INT64_MAX },
        { "instances.0.gen", 0, INT64_MAX },
        { "instances.1.run_ms", 0, INT64_MAX },
        { "instances.0.counter_epoch", 0, INT64_MAX },
        { "instances.0.bytes_up", 0, INT64_MAX },
        { "instances.0.bytes_down", 0, INT64_MAX },
        { "instances.0.exit_code", -1, INT32_MAX },
        { "instances.0.restart_nonce", 0, INT64_MAX },
        { "instances.0.disk_used_mb", -1, INT64_MAX },
        { "instances.0.cpu_permille", -1, 1000000000 },
        { "instances.0.ram_used_mb", -1, INT64_MAX },
        { "instances.0.gpu_permille", -1, 1000000000 },
        { "instances.0.ssh_port", 0, 65535 },
        { "instances.0.ports.0.port", 1, 65535 },
        { "instances.0.ports.0.host_port", 1, 65535 },
    };

    (void)state;
    support_edges(rows, sizeof rows / sizeof rows[0], check_change);
}

static void test_texts_have_two_edges(void **state)
{
    static const struct {
        const char *path;
        size_t low, high;
    } rows[] = {
        { "boot_id", 1, 63 },
        { "engine_message", 0, REPORT_MESSAGE_MAX },
        { "instances.0.start_token", 0, 255 },
        { "instances.0.message", 0, REPORT_MESSAGE_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(16384);

        check_change(rows[i].path, support_long(&arena, rows[i].low), ERROR_NONE);
        check_change(rows[i].path, support_long(&arena, rows[i].high), ERROR_NONE);
        check_change(rows[i].path, support_long(&arena, rows[i].high + 1), ERROR_OUT_OF_RANGE);
        if (rows[i].low > 0)
            check_change(rows[i].path, "\"\"", ERROR_OUT_OF_RANGE);
    }
}

static void test_hostile_heartbeats_are_refused(void **state)
{
    static const struct {
        const char *path, *value;
    } rows[] = {
        { "seq", "" },
        { "seq", "\"1\"" },
        { "seq", "1.5" },
        { "seq", "[1]" },
        { "boot_id", "" },
        { "boot_id", "\"a\\nb\"" },
        { "is_engine_ok", "2" },
        { "engine_message", "{}" },
        { "instances", "" },
        { "instances", "{}" },
        { "instances.0", "7" },
        { "instances.0.phase", "\"flying\"" },
        { "instances.0.phase", "\"\"" },
        { "instances.0.phase", "1" },
        { "instances.0.start_token", "\"a\\rb\"" },
        { "instances.0.message", "" },
        { "instances.0.ports", "" },
        { "instances.0.ports.0", "[]" },
        { "instances.0.ports.0.is_udp", "" },
        { "instances.0.id", "1001" }, /* the other one's */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_change(rows[i].path, rows[i].value, ERROR_INVALID);
    check_change("a_member_of_tomorrow", "{\"x\":[]}", ERROR_NONE);
}

static void test_lists_have_a_longest(void **state)
{
    auto_arena struct arena arena = arena_of(32 << 20), decoded = arena_of(32 << 20);
    auto_buf struct buf text = buf_of(32 << 20);
    struct heartbeat heartbeat, got;
    struct error err;

    (void)state;
    heartbeat = random_heartbeat(&arena, HEARTBEAT_INSTANCES_MAX);
    for (int64_t i = 0; i < heartbeat.instance_count; i++)
        heartbeat.instances[i].port_count = 0;
    heartbeat_encode(&text, &heartbeat);
    auto_json json_t *root = support_parse(&text);
    json_t *instances = json_object_get(root, "instances");
    CHECK_OK(heartbeat_decode(root, &decoded, &got, &err), &err);
    CHECK_INT(got.instance_count, HEARTBEAT_INSTANCES_MAX);

    json_t *more = json_deep_copy(json_array_get(instances, 0));
    CHECK_INT(json_object_set_new(more, "id", json_integer(5)), 0);
    CHECK_INT(json_array_append_new(instances, more), 0);
    CHECK_FAILS(heartbeat_decode(root, &decoded, &got, &err), &err, ERROR_OUT_OF_RANGE);
}

static void test_ports_have_a_longest(void **state)
{
    (void)state;
    for (int count = SPEC_PORTS_MAX; count <= SPEC_PORTS_MAX + 1; count++) {
        auto_buf struct buf ports = buf_of(65536);

        buf_printf(&ports, "[");
        for (int i = 0; i < count; i++)
            buf_printf(&ports, "%s{\"port\":%d,\"is_udp\":false,\"host_port\":%d}",
                       i > 0 ? "," : "", i + 1, i + 1);
        buf_printf(&ports, "]");
        check_change("instances.0.ports", ports.bytes,
                     count == SPEC_PORTS_MAX ? ERROR_NONE : ERROR_OUT_OF_RANGE);
    }
}

static void test_a_full_arena_is_an_error(void **state)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE);
    struct heartbeat heartbeat = random_heartbeat(&arena, 3), got = { .seq = -9 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;
    size_t limit = 0;

    (void)state;
    heartbeat_encode(&text, &heartbeat);
    auto_json json_t *root = support_parse(&text);
    for (;; limit += 64) {
        auto_arena struct arena small = arena_of(limit);

        if (heartbeat_decode(root, &small, &got, &err))
            break;
        CHECK_INT(err.code, ERROR_OUT_OF_RANGE);
        CHECK_INT(got.seq, -9);
    }
    CHECK(limit > 0);
}

static void test_a_reply_arrives(void **state)
{
    struct heartbeat_reply want = { 907 }, got = { -9 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    (void)state;
    heartbeat_reply_encode(&text, &want);
    CHECK_TEXT(text.bytes, "{\"desired_rev\":907}");
    auto_json json_t *root = support_parse(&text);
    CHECK_OK(heartbeat_reply_decode(root, &got, &err), &err);
    CHECK_INT(got.desired_rev, 907);
    support_set(root, "desired_rev", "-1");
    CHECK_FAILS(heartbeat_reply_decode(root, &got, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_INT(got.desired_rev, 907);
}

static void test_a_result_arrives(void **state)
{
    static const struct {
        const char *path, *value;
        enum error_code want;
    } rows[] = {
        { "op_id", "\"0123456789abcdef0123456789abcde\"", ERROR_OUT_OF_RANGE },
        { "op_id", "\"0123456789abcdef0123456789abcdef0\"", ERROR_OUT_OF_RANGE },
        { "op_id", "\"0123456789abcdef0123456789abcdeg\"", ERROR_INVALID },
        { "op_id", "\"0123456789ABCDEF0123456789ABCDEF\"", ERROR_INVALID },
        { "op_id", "\"../../../../../../../../../../..\"", ERROR_INVALID },
        { "status", "\"maybe\"", ERROR_INVALID },
        { "output", "7", ERROR_INVALID },
        { "status", "\"unknown\"", ERROR_NONE },
        { "exit_code", "256", ERROR_OUT_OF_RANGE },
        { "exit_code", "255", ERROR_NONE },
        { "exit_code", "-1", ERROR_NONE },
        { "exit_code", "-2", ERROR_OUT_OF_RANGE },
        { "exit_code", "\"0\"", ERROR_INVALID },
    };
    struct op_result want = { "0123456789abcdef0123456789abcdef", OP_FAILED, "line\nline\t\x01",
                              7 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(TEXT_SIZE);
        struct op_result got;
        struct error err;

        check_row("row %zu", i);
        op_result_encode(&text, &want);
        auto_json json_t *root = support_parse(&text);
        CHECK_OK(op_result_decode(root, &got, &err), &err);
        CHECK_TEXT(got.op_id, want.op_id);
        CHECK_INT(got.status, OP_FAILED);
        CHECK_TEXT(got.output, want.output);
        CHECK_INT(got.exit_code, 7);
        support_set(root, rows[i].path, rows[i].value);
        if (rows[i].want == ERROR_NONE)
            CHECK_OK(op_result_decode(root, &got, &err), &err);
        else
            CHECK_FAILS(op_result_decode(root, &got, &err), &err, rows[i].want);
    }
}

static void test_output_has_a_longest(void **state)
{
    auto_arena struct arena arena = arena_of(4 * OP_OUTPUT_MAX);
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct op_result want = { "0123456789abcdef0123456789abcdef", OP_DONE, "", -1 }, got;
    struct error err;

    (void)state;
    op_result_encode(&text, &want);
    auto_json json_t *root = support_parse(&text);
    support_set(root, "output", support_long(&arena, OP_OUTPUT_MAX));
    CHECK_OK(op_result_decode(root, &got, &err), &err);
    CHECK_INT((int64_t)strlen(got.output), OP_OUTPUT_MAX);
    support_set(root, "output", support_long(&arena, OP_OUTPUT_MAX + 1));
    CHECK_FAILS(op_result_decode(root, &got, &err), &err, ERROR_OUT_OF_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_arrives),
        cmocka_unit_test(test_the_wire_is_fixed),
        cmocka_unit_test(test_numbers_have_two_edges),
        cmocka_unit_test(test_texts_have_two_edges),
        cmocka_unit_test(test_hostile_heartbeats_are_refused),
        cmocka_unit_test(test_lists_have_a_longest),
        cmocka_unit_test(test_ports_have_a_longest),
        cmocka_unit_test(test_a_full_arena_is_an_error),
        cmocka_unit_test(test_a_reply_arrives),
        cmocka_unit_test(test_a_result_arrives),
        cmocka_unit_test(test_output_has_a_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
