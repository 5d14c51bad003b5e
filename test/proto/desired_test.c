/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/desired.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "market/launch.h"
#include "proto/hello.h"
#include "support.h"

enum { TEXT_SIZE = 64 << 20, ARENA_SIZE = 64 << 20 };

static const char **random_texts(struct arena *arena, int64_t count, size_t length_max,
                                 bool is_line)
{
    const char **texts = arena_alloc(arena, (size_t)count, sizeof *texts);

    for (int64_t i = 0; i < count; i++)
        texts[i] = support_text(arena, 1, length_max, is_line);
    return texts;
}

static const char *maybe_text(struct arena *arena, size_t length_max, bool is_line)
{
    return check_random(2) ? support_text(arena, 1, length_max, is_line) : NULL;
}

static struct instance_spec random_spec(struct arena *arena)
{
    struct instance_spec spec = {
        .image = support_text(arena, 1, 512, true),
        .registry_login = maybe_text(arena, 100, true),
        .runtype = maybe_text(arena, 100, true),
        .onstart = maybe_text(arena, 1000, false),
        .user = maybe_text(arena, 60, true),
        .hostname = maybe_text(arena, 63, true),
        .arg_count = (int64_t)check_random(5),
        .env_count = (int64_t)check_random(5),
        .port_count = (int64_t)check_random(5),
        .ssh_key_count = (int64_t)check_random(5),
        .disk_gb = support_int(0, 1 << 20),
        .cpu_millis = support_int(0, 1 << 30),
        .ram_mb = support_int(0, 1 << 30),
        .shm_mb = support_int(0, 1 << 30),
        .remake = check_random(2) ? support_int(0, INT64_MAX) : 0,
        .workspace_gb = check_random(2) ? support_int(0, 1 << 20) : 0,
        .workspace_key = check_random(2)
                             ? "00112233445566778899aabbccddeeff0123456789abcdef0123456789ABCDEF"
                             : NULL,
        .public_host = maybe_text(arena, 255, true),
        .relayed_count = (int64_t)check_random(3),
        .volume_count = (int64_t)check_random(3),
    };

    spec.args = random_texts(arena, spec.arg_count, 200, false);
    spec.ssh_keys = random_texts(arena, spec.ssh_key_count, 200, true);
    spec.env = arena_alloc(arena, (size_t)spec.env_count, sizeof *spec.env);
    for (int64_t i = 0; i < spec.env_count; i++)
        spec.env[i] = (struct spec_variable){ "NAME", support_text(arena, 0, 200, false) };
    spec.ports = arena_alloc(arena, (size_t)spec.port_count, sizeof *spec.ports);
    for (int64_t i = 0; i < spec.port_count; i++)
        spec.ports[i] = (struct spec_port){ check_random(2) ? 65535 : 70000, check_random(2) };
    spec.volumes = arena_alloc(arena, (size_t)spec.volume_count, sizeof *spec.volumes);
    for (int64_t i = 0; i < spec.volume_count; i++)
        spec.volumes[i] =
            (struct spec_volume){ 1 + 2 * i + support_int(0, 1), support_int(1, 1 << 20),
                                  i == 0 ? "/data" : "/mnt/other" };
    spec.relayed = arena_alloc(arena, (size_t)spec.relayed_count, sizeof *spec.relayed);
    for (int64_t i = 0; i < spec.relayed_count; i++)
        spec.relayed[i] = (struct spec_relayed){ support_int(1, LAUNCH_PORT_MAX), check_random(2),
                                                 support_int(1, UINT16_MAX) };
    return spec;
}

static struct desired_instance random_instance(struct arena *arena, int64_t id)
{
    struct desired_instance instance = {
        .id = id,
        .gen = support_int(1, INT64_MAX),
        .state = (enum desired_state)check_random(DESIRED_ABSENT + 1),
        .restart_nonce = support_int(0, INT64_MAX),
        .stop_after_ms = support_int(-1, 1000000000000),
        .lifetime_after_ms = support_int(-1, 1000000000000),
        .gpu_count = (int64_t)check_random(5),
        .is_kept_running = check_random(2),
        .has_notice = check_random(2),
        .has_destroy_token = check_random(2),
    };

    if (instance.has_notice)
        instance.notice = (struct desired_notice){ .after_ms = support_int(0, 1000000000000),
                                                   .reason = support_text(arena, 1, 64, true),
                                                   .winner = support_text(arena, 1, 64, true),
                                                   .keep_ticks = support_int(-1, INT64_MAX) };

    instance.gpus = random_texts(arena, instance.gpu_count, GPU_UUID_SIZE - 1, true);
    if (instance.has_destroy_token) {
        for (size_t i = 0; i < DESTROY_TOKEN_SIZE; i++)
            instance.destroy_token[i] = (uint8_t)check_random(256);
    }
    if (instance.state != DESIRED_ABSENT)
        instance.spec = random_spec(arena);
    instance.request_id = check_random(2) ? support_text(arena, 1, REQUEST_ID_LENGTH, true) : NULL;
    instance.grown_gb = check_random(2) ? support_int(0, 1 << 20) : 0;
    instance.up_mbit = check_random(2) ? support_int(0, DESIRED_MBIT_MAX) : 0;
    instance.down_mbit = check_random(2) ? support_int(0, DESIRED_MBIT_MAX) : 0;
    instance.copy_count = (int64_t)check_random(3);
    instance.copies = arena_alloc(arena, (size_t)instance.copy_count, sizeof *instance.copies);
    for (int64_t i = 0; i < instance.copy_count; i++) {
        bool is_target = check_random(2);

        instance.copies[i] =
            (struct desired_copy){ .is_target = is_target,
                                   .expires_ms = support_int(0, 1000000000000),
                                   .from = support_text(arena, 1, 64, true),
                                   .to = is_target ? support_text(arena, 1, 64, true) : NULL };
        instance.copies[i].greeting[i] = (uint8_t)check_random(256);
        instance.copies[i].public_key[i] = (uint8_t)check_random(256);
    }
    return instance;
}

static struct desired_op random_op(struct arena *arena)
{
    bool is_copy = check_random(3) == 0, is_snapshot = !is_copy && check_random(3) == 0;
    bool is_clone = !is_copy && !is_snapshot && check_random(3) == 0;
    bool is_cloud = !is_copy && !is_snapshot && !is_clone && check_random(2) == 0;

    return (struct desired_op){
        .request_id = check_random(2) ? "req-1" : NULL,
        .op_id = "0123456789abcdef0123456789abcdef",
        .kind = is_copy       ? OP_COPY
                : is_snapshot ? OP_SNAPSHOT
                : is_clone    ? OP_CLONE
                : is_cloud    ? OP_CLOUD
                              : (enum op_kind)check_random(OP_EXEC + 1),
        .image = is_snapshot ? support_text(arena, 1, 512, true) : NULL,
        .login = is_snapshot ? maybe_text(arena, 4096, true) : NULL,
        .is_paused = is_snapshot && check_random(2),
        .source_id = is_copy || is_clone ? support_int(1, INT64_MAX) : 0,
        .size_gb = is_clone ? support_int(1, 1 << 20) : 0,
        .source_host = is_copy ? "relay.example" : NULL,
        .source_port = is_copy ? support_int(1, UINT16_MAX) : 0,
        .copy_secret = is_copy || is_cloud
                           ? "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                           : NULL,
        .cloud_kind = is_cloud ? "s3" : NULL,
        .cloud_config = is_cloud && check_random(2) ? "{\"a\":\"b\"}" : NULL,
        .cloud_path = is_cloud ? support_text(arena, 1, 1024, true) : NULL,
        .instance_path = is_cloud ? support_text(arena, 1, 1024, true) : NULL,
        .cloud_flags = is_cloud ? support_text(arena, 0, 256, true) : NULL,
        .is_to_cloud = is_cloud && check_random(2),
        .instance_id = support_int(1, INT64_MAX),
        .min_gen = support_int(0, INT64_MAX),
        .expires_ms = support_int(0, 1000000000000),
        .command = support_text(arena, 0, 200, false),
        .filter = maybe_text(arena, 200, false),
        .tail = support_int(0, DESIRED_TAIL_MAX),
        .is_daemon_log = check_random(2),
        .since = check_random(2) ? "2026-01-02T03:04:05.000000006Z" : NULL,
    };
}

/* What a newer server asks for is known as that, and the rest of its word is understood. */
static void test_an_operation_that_is_not_known_is_no_error(void **state)
{
    static const char text[] =
        "{\"session_epoch\":1,\"desired_rev\":9,\"server_time_us\":1,\"instances\":[],\"ops\":[{"
        "\"op_id\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"fold\",\"instance_id\":7,"
        "\"min_gen\":0,\"expires_ms\":1000,\"tail\":0,\"is_daemon_log\":false,\"angle\":4},{"
        "\"op_id\":\"0123456789abcdef0123456789abcdee\",\"kind\":\"exec\",\"instance_id\":7,"
        "\"min_gen\":0,\"expires_ms\":1000,\"tail\":0,\"is_daemon_log\":false,"
        "\"command\":\"true\"}]}";
    auto_arena struct arena arena = arena_of(1 << 20);
    auto_json json_t *root = NULL;
    struct desired desired;
    struct error err;

    (void)state;
    CHECK_OK(json_parse(text, sizeof text - 1, &root, &err), &err);
    CHECK_OK(desired_decode(root, &arena, &desired, &err), &err);
    CHECK_INT(desired.op_count, 2);
    CHECK_INT(desired.ops[0].kind, OP_OTHER);
    CHECK_INT(desired.ops[0].instance_id, 7);
    CHECK_INT(desired.ops[1].kind, OP_EXEC);
}

static struct desired random_desired(struct arena *arena, int64_t instance_count, int64_t op_count)
{
    struct desired desired = {
        .session_epoch = support_int(1, INT64_MAX),
        .desired_rev = support_int(0, INT64_MAX),
        .server_time_us = support_int(0, INT64_MAX),
        .instance_count = instance_count,
        .instances = arena_alloc(arena, (size_t)instance_count, sizeof *desired.instances),
        .op_count = op_count,
        .ops = arena_alloc(arena, (size_t)op_count, sizeof *desired.ops),
        .gone_count = (int64_t)check_random(3),
        .gone = arena_alloc(arena, 3, sizeof *desired.gone),
    };

    for (int64_t i = 0; i < instance_count; i++)
        desired.instances[i] = random_instance(arena, 1000 + i);
    for (int64_t i = 0; i < op_count; i++)
        desired.ops[i] = random_op(arena);
    for (int64_t i = 0; i < desired.gone_count; i++)
        desired.gone[i] = (struct desired_gone){ 1 + i, support_int(1, INT64_MAX), { 1, 2, 3 } };
    return desired;
}

/* Encoding is a function of the value and loses nothing of it: equal texts, equal values. */
static void test_what_is_sent_arrives(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
        struct desired want =
            random_desired(&arena, (int64_t)check_random(6), (int64_t)check_random(4));
        struct desired got;
        auto_buf struct buf text = buf_of(TEXT_SIZE), again = buf_of(TEXT_SIZE);
        struct error err;

        check_row("round %d", round);
        desired_encode(&text, &want);
        auto_json json_t *root = support_parse(&text);
        CHECK_OK(desired_decode(root, &decoded, &got, &err), &err);
        desired_encode(&again, &got);
        CHECK_TEXT(again.bytes, text.bytes);
        CHECK_INT(got.desired_rev, want.desired_rev);
        CHECK_INT(got.instance_count, want.instance_count);
        CHECK_INT(got.op_count, want.op_count);
        for (int64_t i = 0; i < want.instance_count; i++) {
            CHECK_INT(got.instances[i].state, want.instances[i].state);
            CHECK_INT(got.instances[i].gpu_count, want.instances[i].gpu_count);
            CHECK_INT(got.instances[i].spec.env_count, want.instances[i].spec.env_count);
            CHECK((got.instances[i].spec.onstart == NULL) ==
                  (want.instances[i].spec.onstart == NULL));
        }
    }
}

/* What is decoded lives in the arena, not in the document. */
static void test_the_document_may_go(void **state)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
    struct desired want = random_desired(&arena, 4, 2), got;
    auto_buf struct buf text = buf_of(TEXT_SIZE), again = buf_of(TEXT_SIZE);
    struct error err;

    (void)state;
    desired_encode(&text, &want);
    json_t *root = support_parse(&text);
    CHECK_OK(desired_decode(root, &decoded, &got, &err), &err);
    json_decref(root);
    desired_encode(&again, &got);
    CHECK_TEXT(again.bytes, text.bytes);
}

static struct desired_instance full_instance(struct arena *arena)
{
    struct desired_instance instance = random_instance(arena, 1000);

    instance.state = DESIRED_RUNNING;
    instance.spec = random_spec(arena);
    instance.gpu_count = 1;
    instance.gpus = random_texts(arena, 1, 8, true);
    instance.has_notice = true;
    instance.notice = (struct desired_notice){ 10000, "outbid", "bid", 232 };
    instance.has_destroy_token = true;
    instance.spec.env_count = instance.spec.port_count = 1;
    instance.spec.arg_count = instance.spec.ssh_key_count = 1;
    instance.spec.env = arena_alloc(arena, 1, sizeof *instance.spec.env);
    instance.spec.env[0] = (struct spec_variable){ "A", "b=c" };
    instance.spec.ports = arena_alloc(arena, 1, sizeof *instance.spec.ports);
    instance.spec.ports[0] = (struct spec_port){ 8081, false };
    instance.spec.args = random_texts(arena, 1, 8, false);
    instance.spec.ssh_keys = random_texts(arena, 1, 8, true);
    return instance;
}

/* One change to a good message, and what becomes of it: ERROR_NONE is fine. */
static void check_change(const char *path, const char *value, enum error_code want)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
    struct desired desired = random_desired(&arena, 2, 1), got = { .desired_rev = -9 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    check_row("%s = %.40s", path, value);
    desired.instances[0] = full_instance(&arena);
    desired.ops[0].kind = OP_EXEC;
    desired_encode(&text, &desired);
    auto_json json_t *root = support_parse(&text);
    support_set(root, path, value);
    if (want == ERROR_NONE) {
        CHECK_OK(desired_decode(root, &decoded, &got, &err), &err);
        return;
    }
    CHECK_FAILS(desired_decode(root, &decoded, &got, &err), &err, want);
    CHECK_INT(got.desired_rev, -9);
}

static void test_numbers_have_two_edges(void **state)
{
    static const struct support_edge rows[] = {
        { "session_epoch", 1, INT64_MAX },
        { "desired_rev", 0, INT64_MAX },
        { "server_time_us", 0, INT64_MAX },
        { "instances.0.id", 1, INT64_MAX },
        { "instances.0.gen", 1, INT64_MAX },
        { "instances.0.restart_nonce", 0, INT64_MAX },
        { "instances.0.stop_after_ms", -1, 1000000000000 },
        { "instances.0.lifetime_after_ms", -1, 1000000000000 },
        { "instances.0.notice.after_ms", 0, 1000000000000 },
        { "instances.0.notice.keep_ticks", -1, INT64_MAX },
        { "instances.0.spec.disk_gb", 0, 1 << 20 },
        { "instances.0.spec.cpu_millis", 0, 1 << 30 },
        { "instances.0.spec.ram_mb", 0, 1 << 30 },
        { "instances.0.spec.shm_mb", 0, 1 << 30 },
        { "instances.0.spec.ports.0.port", 1, 65535 },
        { "instances.0.spec.ports.0.port", LAUNCH_IDENTITY_PORT, LAUNCH_PORT_MAX },
        { "ops.0.instance_id", 1, INT64_MAX },
        { "ops.0.min_gen", 0, INT64_MAX },
        { "ops.0.expires_ms", 0, 1000000000000 },
        { "ops.0.tail", 0, DESIRED_TAIL_MAX },
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
        { "instances.0.gpus.0", 1, GPU_UUID_SIZE - 1 },
        { "instances.0.notice.reason", 1, 64 },
        { "instances.0.notice.winner", 1, 64 },
        { "instances.0.spec.image", 1, 512 },
        { "instances.0.spec.registry_login", 0, 4096 },
        { "instances.0.spec.runtype", 0, 256 },
        { "instances.0.spec.onstart", 0, SPEC_TEXT_MAX },
        { "instances.0.spec.user", 1, 128 },
        { "instances.0.spec.hostname", 1, 63 },
        { "instances.0.spec.args.0", 0, SPEC_TEXT_MAX },
        { "instances.0.spec.ssh_keys.0", 1, SPEC_KEY_MAX },
        { "instances.0.spec.env.0.name", 1, 1024 },
        { "instances.0.spec.env.0.value", 0, SPEC_TEXT_MAX },
        { "ops.0.command", 0, OP_COMMAND_MAX },
        { "ops.0.filter", 0, 1024 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(2 << 20);

        check_change(rows[i].path, support_long(&arena, rows[i].low), ERROR_NONE);
        check_change(rows[i].path, support_long(&arena, rows[i].high), ERROR_NONE);
        check_change(rows[i].path, support_long(&arena, rows[i].high + 1), ERROR_OUT_OF_RANGE);
        if (rows[i].low > 0)
            check_change(rows[i].path, "\"\"", ERROR_OUT_OF_RANGE);
    }
}

static void test_lists_have_a_longest(void **state)
{
    static const struct {
        const char *path;
        int max;
        const char *item;
    } rows[] = {
        { "instances.0.gpus", GPUS_MAX, "\"GPU-1\"" },
        { "instances.0.spec.args", SPEC_ARGS_MAX, "\"a\"" },
        { "instances.0.spec.ssh_keys", SPEC_KEYS_MAX, "\"ssh-ed25519 AAAA\"" },
        { "instances.0.spec.env", SPEC_ENV_MAX, "{\"name\":\"A\",\"value\":\"\"}" },
        { "instances.0.spec.ports", SPEC_PORTS_MAX, "{\"port\":1,\"is_udp\":true}" },
        { "ops", DESIRED_OPS_MAX,
          "{\"op_id\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"logs\",\"instance_id\":1,"
          "\"min_gen\":1,\"expires_ms\":1,\"tail\":0,\"is_daemon_log\":false}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int count = rows[i].max; count <= rows[i].max + 1; count++) {
            auto_buf struct buf list = buf_of(1 << 20);

            buf_printf(&list, "[");
            for (int item = 0; item < count; item++)
                buf_printf(&list, "%s%s", item > 0 ? "," : "", rows[i].item);
            buf_printf(&list, "]");
            check_change(rows[i].path, list.bytes,
                         count == rows[i].max ? ERROR_NONE : ERROR_OUT_OF_RANGE);
        }
    }
}

static void test_there_are_at_most_instances_max(void **state)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE), decoded = arena_of(ARENA_SIZE);
    struct desired desired = random_desired(&arena, DESIRED_INSTANCES_MAX, 0), got;
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    (void)state;
    desired_encode(&text, &desired);
    auto_json json_t *root = support_parse(&text);
    json_t *instances = json_object_get(root, "instances");
    CHECK_OK(desired_decode(root, &decoded, &got, &err), &err);
    CHECK_INT(got.instance_count, DESIRED_INSTANCES_MAX);
    CHECK_INT(json_array_append_new(instances, json_deep_copy(json_array_get(instances, 0))), 0);
    CHECK_FAILS(desired_decode(root, &decoded, &got, &err), &err, ERROR_OUT_OF_RANGE);
}

static void test_hostile_messages_are_refused(void **state)
{
    static const struct {
        const char *path, *value;
    } rows[] = {
        { "desired_rev", "" },
        { "desired_rev", "\"7\"" },
        { "instances", "" },
        { "instances", "{}" },
        { "instances.0", "[]" },
        { "instances.0.id", "1001" }, /* the other one's */
        { "instances.0.state", "\"gone\"" },
        { "instances.0.state", "\"\"" },
        { "instances.0.state", "2" },
        { "instances.0.gpus", "" },
        { "instances.0.gpus.0", "7" },
        { "instances.0.gpus.0", "\"a\\nb\"" },
        { "instances.0.destroy_token", "\"AAAA\"" },
        { "instances.0.destroy_token", "7" },
        { "instances.0.spec", "" },
        { "instances.0.spec", "[]" },
        { "instances.0.spec.image", "" },
        { "instances.0.spec.image", "\"a\\nb\"" },
        { "instances.0.spec.hostname", "\"a\\nb\"" },
        { "instances.0.spec.ssh_keys.0", "\"ssh-rsa A\\ncommand=x\"" },
        { "instances.0.spec.args.0", "{}" },
        { "instances.0.spec.env", "{\"A\":\"b\"}" },
        { "instances.0.spec.env.0.name", "\"A=B\"" },
        { "instances.0.spec.env.0.name", "\"A\\nB\"" },
        { "instances.0.spec.env.0.value", "" },
        { "instances.0.spec.env.0.value", "1" },
        { "ops", "" },
        { "ops.0.kind", "7" },
        { "ops.0.op_id", "\"0123456789abcdef/../../../../../\"" },
        { "ops.0.op_id", "\"0123456789ABCDEF0123456789ABCDEF\"" },
        { "ops.0.command", "" },
        { "ops.0.since", "\"1\"" },
        { "ops.0.since", "\"2026-01-02T03:04:05.00000000Z\"" },
        { "ops.0.since", "\"2026-01-02 03:04:05.000000006Z\"" },
        { "ops.0.since", "\"2026-01-02T03:04:05.000000006+\"" },
        { "ops.0.since", "\"2026-01-02T03:04:05.00000000aZ\"" },
        { "ops.0.since", "0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_change(rows[i].path, rows[i].value, ERROR_INVALID);
    check_change("ops.0.since", "\"0\"", ERROR_NONE);
    check_change("ops.0.since", "\"2026-01-02T03:04:05.000000006Z\"", ERROR_NONE);
    check_change("instances.0.a_member_of_tomorrow", "{\"x\":[]}", ERROR_NONE);
    check_change("instances.0.destroy_token", "", ERROR_NONE);
    check_change("instances.0.spec.onstart", "null", ERROR_NONE);
}

static void test_an_absent_instance_needs_no_spec(void **state)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE);
    struct desired_instance instance = {
        .id = 7, .gen = 2, .state = DESIRED_ABSENT, .stop_after_ms = -1, .lifetime_after_ms = -1
    };
    struct desired desired = { .session_epoch = 1, .instances = &instance, .instance_count = 1 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct desired got;
    struct error err;

    (void)state;
    desired_encode(&text, &desired);
    CHECK_TEXT(text.bytes,
               "{\"session_epoch\":1,\"desired_rev\":0,\"audit_id\":0,\"server_time_us\":0,"
               "\"instances\":[{\"id\":7,\"gen\":2,\"state\":\"absent\","
               "\"restart_nonce\":0,\"stop_after_ms\":-1,\"lifetime_after_ms\":-1,"
               "\"gpus\":[]}],\"ops\":[]}");
    auto_json json_t *root = support_parse(&text);
    CHECK_OK(desired_decode(root, &arena, &got, &err), &err);
    CHECK(!got.instances[0].has_destroy_token);
    CHECK(got.instances[0].spec.image == NULL);
}

static void test_a_full_arena_is_an_error(void **state)
{
    auto_arena struct arena arena = arena_of(ARENA_SIZE);
    struct desired desired = random_desired(&arena, 2, 1), got = { .desired_rev = -9 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;
    size_t limit = 0;

    (void)state;
    desired.instances[0] = full_instance(&arena);
    desired_encode(&text, &desired);
    auto_json json_t *root = support_parse(&text);
    for (;; limit += 16) {
        auto_arena struct arena small = arena_of(limit);

        if (desired_decode(root, &small, &got, &err))
            break;
        CHECK_INT(err.code, ERROR_OUT_OF_RANGE);
        CHECK_INT(got.desired_rev, -9);
    }
    CHECK(limit > 0);
}

static void test_signed_bytes_are_fixed(void **state)
{
    auto_buf struct buf text = buf_of(4096);

    (void)state;
    destroy_signed(&text, 7, 38250, 12);
    CHECK_TEXT(text.bytes, "berth-destroy-v1\n7\n38250\n12\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_operation_that_is_not_known_is_no_error),
        cmocka_unit_test(test_what_is_sent_arrives),
        cmocka_unit_test(test_the_document_may_go),
        cmocka_unit_test(test_numbers_have_two_edges),
        cmocka_unit_test(test_texts_have_two_edges),
        cmocka_unit_test(test_lists_have_a_longest),
        cmocka_unit_test(test_there_are_at_most_instances_max),
        cmocka_unit_test(test_hostile_messages_are_refused),
        cmocka_unit_test(test_an_absent_instance_needs_no_spec),
        cmocka_unit_test(test_a_full_arena_is_an_error),
        cmocka_unit_test(test_signed_bytes_are_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
