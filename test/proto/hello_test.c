/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hello.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { TEXT_SIZE = 1 << 20 };

static void random_bytes(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)check_random(256);
}

static struct machine_facts random_facts(int64_t gpu_count)
{
    struct machine_facts facts = {
        .cpu_cores = support_int(1, 65536),
        .cpu_mhz = support_int(0, 1000000),
        .has_avx = check_random(2),
        .ram_mb = support_int(1, 1000000000),
        .disk_gb = support_int(0, 1000000000),
        .disk_mbs = support_int(0, 1000000000),
        .inet_up_kbps = support_int(0, 1000000000),
        .inet_down_kbps = support_int(0, 1000000000),
        .port_first = support_int(0, 40000),
        .port_last = check_random(2) ? -1 : support_int(40000, 65535),
        .cuda_version = support_int(0, 10000),
        .is_simulated = check_random(2),
        .gpu_count = gpu_count,
    };

    support_chars(facts.hostname, sizeof facts.hostname);
    support_chars(facts.os_version, sizeof facts.os_version);
    support_chars(facts.cpu_name, sizeof facts.cpu_name);
    support_chars(facts.cpu_arch, sizeof facts.cpu_arch);
    support_chars(facts.disk_name, sizeof facts.disk_name);
    support_chars(facts.public_ip, sizeof facts.public_ip);
    support_chars(facts.driver_version, sizeof facts.driver_version);
    support_chars(facts.agent_version, sizeof facts.agent_version);
    support_chars(facts.agent_digest, sizeof facts.agent_digest);
    support_chars(facts.engine_version, sizeof facts.engine_version);
    for (int64_t i = 0; i < gpu_count; i++) {
        struct gpu_facts *gpu = &facts.gpus[i];

        (void)snprintf(gpu->uuid, sizeof gpu->uuid, "GPU-%" PRIu64 "-%" PRId64,
                       check_random(1000000), i);
        support_chars(gpu->name, sizeof gpu->name);
        gpu->memory_mb = support_int(1, 1000000000);
        gpu->compute_cap = support_int(0, 100000);
        gpu->power_max_w = support_int(0, 100000);
        gpu->pcie_gen = support_int(0, 64);
        gpu->pcie_lanes = support_int(0, 64);
        support_chars(gpu->pci_bus, sizeof gpu->pci_bus);
        gpu->temp_max_c = support_int(0, 1000);
    }
    return facts;
}

static struct session_request random_session(int64_t gpu_count)
{
    struct session_request request = {
        .machine_id = support_int(1, INT64_MAX),
        .agent_incarnation = support_int(0, INT64_MAX),
        .facts = random_facts(gpu_count),
    };

    random_bytes(request.nonce, sizeof request.nonce);
    random_bytes(request.fingerprint, sizeof request.fingerprint);
    random_bytes(request.signature, sizeof request.signature);
    support_chars(request.boot_id, sizeof request.boot_id);
    return request;
}

static void check_facts(const struct machine_facts *got, const struct machine_facts *want)
{
    auto_buf struct buf got_text = buf_of(TEXT_SIZE), want_text = buf_of(TEXT_SIZE);

    machine_facts_encode(&got_text, got);
    machine_facts_encode(&want_text, want);
    CHECK_TEXT(got_text.bytes, want_text.bytes);
    CHECK_TEXT(got->hostname, want->hostname);
    CHECK_INT(got->ram_mb, want->ram_mb);
    CHECK_INT(got->port_last, want->port_last);
    CHECK_INT(got->gpu_count, want->gpu_count);
    for (int64_t i = 0; i < want->gpu_count; i++)
        CHECK_TEXT(got->gpus[i].uuid, want->gpus[i].uuid);
}

static void test_what_is_sent_arrives(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        int64_t gpu_count = round == 0 ? GPUS_MAX : (int64_t)check_random(9);
        struct session_request want = random_session(gpu_count), got;
        auto_buf struct buf text = buf_of(TEXT_SIZE);
        struct error err;

        check_row("round %d", round);
        session_request_encode(&text, &want);
        auto_json json_t *root = support_parse(&text);
        CHECK_OK(session_request_decode(root, &got, &err), &err);
        CHECK_INT(got.machine_id, want.machine_id);
        CHECK_INT(got.agent_incarnation, want.agent_incarnation);
        CHECK_TEXT(got.boot_id, want.boot_id);
        CHECK_INT(memcmp(got.nonce, want.nonce, sizeof want.nonce), 0);
        CHECK_INT(memcmp(got.fingerprint, want.fingerprint, sizeof want.fingerprint), 0);
        CHECK_INT(memcmp(got.signature, want.signature, sizeof want.signature), 0);
        check_facts(&got.facts, &want.facts);
    }
}

static void test_enrolment_arrives(void **state)
{
    struct enroll_request want = { .token = "0123abc", .facts = random_facts(2) }, got;
    struct enroll_reply want_reply = { .machine_id = 77 }, got_reply;
    auto_buf struct buf text = buf_of(TEXT_SIZE), reply = buf_of(TEXT_SIZE);
    struct error err;

    (void)state;
    random_bytes(want.public_key, sizeof want.public_key);
    random_bytes(want_reply.server_key, sizeof want_reply.server_key);
    enroll_request_encode(&text, &want);
    enroll_reply_encode(&reply, &want_reply);
    auto_json json_t *root = support_parse(&text);
    auto_json json_t *reply_root = support_parse(&reply);

    CHECK_OK(enroll_request_decode(root, &got, &err), &err);
    CHECK_TEXT(got.token, want.token);
    CHECK_INT(memcmp(got.public_key, want.public_key, sizeof want.public_key), 0);
    check_facts(&got.facts, &want.facts);
    CHECK_OK(enroll_reply_decode(reply_root, &got_reply, &err), &err);
    CHECK_INT(got_reply.machine_id, 77);
    CHECK_INT(memcmp(got_reply.server_key, want_reply.server_key, 32), 0);
}

static void test_short_messages_arrive(void **state)
{
    struct nonce_request nonce_request = { 7 };
    struct nonce_reply nonce_reply;
    struct session_reply reply = { 41, HEARTBEAT_MS, LEASE_MS };
    auto_buf struct buf a = buf_of(4096), b = buf_of(4096), c = buf_of(4096);
    struct nonce_request got_request;
    struct nonce_reply got_nonce;
    struct session_reply got_reply;
    struct error err;

    (void)state;
    random_bytes(nonce_reply.nonce, sizeof nonce_reply.nonce);
    nonce_request_encode(&a, &nonce_request);
    nonce_reply_encode(&b, &nonce_reply);
    session_reply_encode(&c, &reply);
    auto_json json_t *a_root = support_parse(&a);
    auto_json json_t *b_root = support_parse(&b);
    auto_json json_t *c_root = support_parse(&c);

    CHECK_TEXT(a.bytes, "{\"machine_id\":7}");
    CHECK_OK(nonce_request_decode(a_root, &got_request, &err), &err);
    CHECK_INT(got_request.machine_id, 7);
    CHECK_OK(nonce_reply_decode(b_root, &got_nonce, &err), &err);
    CHECK_INT(memcmp(&got_nonce, &nonce_reply, sizeof got_nonce), 0);
    CHECK_OK(session_reply_decode(c_root, &got_reply, &err), &err);
    CHECK_INT(got_reply.session_epoch, 41);
    CHECK_INT(got_reply.heartbeat_ms, 5000);
    CHECK_INT(got_reply.lease_ms, 30000);
}

/* One change to a good request, and what becomes of it: ERROR_NONE is fine. */
static void check_change(const char *path, const char *value, enum error_code want)
{
    struct session_request request = random_session(2), got = { .machine_id = -9 };
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    check_row("%s = %.40s", path, value);
    session_request_encode(&text, &request);
    auto_json json_t *root = support_parse(&text);
    support_set(root, path, value);
    if (want == ERROR_NONE) {
        CHECK_OK(session_request_decode(root, &got, &err), &err);
        return;
    }
    CHECK_FAILS(session_request_decode(root, &got, &err), &err, want);
    CHECK_INT(got.machine_id, -9);
}

static void test_numbers_have_two_edges(void **state)
{
    static const struct support_edge rows[] = {
        { "machine_id", 1, INT64_MAX },
        { "agent_incarnation", 0, INT64_MAX },
        { "facts.cpu_cores", 1, 65536 },
        { "facts.cpu_mhz", 0, 1000000 },
        { "facts.ram_mb", 1, 1000000000 },
        { "facts.disk_gb", 0, 1000000000 },
        { "facts.disk_mbs", 0, 1000000000 },
        { "facts.inet_up_kbps", 0, 1000000000 },
        { "facts.inet_down_kbps", 0, 1000000000 },
        { "facts.cuda_version", 0, 10000 },
        { "facts.gpus.0.memory_mb", 1, 1000000000 },
        { "facts.gpus.1.compute_cap", 0, 100000 },
        { "facts.gpus.1.power_max_w", 0, 100000 },
        { "facts.gpus.1.pcie_gen", 0, 64 },
        { "facts.gpus.1.pcie_lanes", 0, 64 },
        { "facts.gpus.1.temp_max_c", 0, 1000 },
    };

    (void)state;
    support_edges(rows, sizeof rows / sizeof rows[0], check_change);
}

static void test_texts_have_a_longest(void **state)
{
    static const struct {
        const char *path;
        size_t size;
    } rows[] = {
        { "boot_id", 64 },
        { "facts.hostname", NAME_SIZE },
        { "facts.os_version", NAME_SIZE },
        { "facts.cpu_name", NAME_SIZE },
        { "facts.cpu_arch", 16 },
        { "facts.disk_name", NAME_SIZE },
        { "facts.public_ip", 64 },
        { "facts.driver_version", 32 },
        { "facts.agent_version", 32 },
        { "facts.engine_version", 32 },
        { "facts.gpus.0.uuid", GPU_UUID_SIZE },
        { "facts.gpus.0.name", NAME_SIZE },
        { "facts.gpus.0.pci_bus", 32 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(4096);

        check_change(rows[i].path, support_long(&arena, rows[i].size - 1), ERROR_NONE);
        check_change(rows[i].path, support_long(&arena, rows[i].size), ERROR_OUT_OF_RANGE);
    }
}

static void test_hostile_requests_are_refused(void **state)
{
    static const struct {
        const char *path, *value;
    } rows[] = {
        { "machine_id", "" },
        { "machine_id", "\"7\"" },
        { "machine_id", "7.5" },
        { "nonce", "" },
        { "nonce", "\"\"" },
        { "nonce", "\"AAAA\"" },
        { "nonce", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"" },
        { "nonce", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"" },
        { "nonce", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+\"" },
        { "nonce", "[]" },
        { "signature", "\"AAAA\"" },
        { "fingerprint", "7" },
        { "boot_id", "\"a\\nb\"" },
        { "boot_id", "\"\\u007f\"" },
        { "facts", "" },
        { "facts", "[]" },
        { "facts", "7" },
        { "facts.hostname", "\"\\u001b[31m\"" },
        { "facts.hostname", "" },
        { "facts.has_avx", "2" },
        { "facts.has_avx", "\"true\"" },
        { "facts.gpus", "" },
        { "facts.gpus", "{}" },
        { "facts.gpus.0", "7" },
        { "facts.gpus.0.uuid", "\"\"" },
        { "facts.gpus.1.memory_mb", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_change(rows[i].path, rows[i].value, ERROR_INVALID);
    check_change("a_member_of_tomorrow", "{\"x\":[]}", ERROR_NONE);
}

static void test_there_are_at_most_gpus_max(void **state)
{
    struct machine_facts facts = random_facts(GPUS_MAX), got;
    auto_buf struct buf text = buf_of(TEXT_SIZE);
    struct error err;

    (void)state;
    machine_facts_encode(&text, &facts);
    auto_json json_t *root = support_parse(&text);
    json_t *gpus = json_object_get(root, "gpus");
    CHECK_OK(machine_facts_decode(root, &got, &err), &err);
    CHECK_INT(json_array_append_new(gpus, json_deep_copy(json_array_get(gpus, 0))), 0);
    CHECK_FAILS(machine_facts_decode(root, &got, &err), &err, ERROR_OUT_OF_RANGE);
}

static void test_ports_have_two_edges(void **state)
{
    static const struct {
        int64_t first, last;
        enum error_code want;
    } rows[] = {
        { 0, -1, ERROR_NONE },         { 40000, 40000, ERROR_NONE },
        { 40000, 65535, ERROR_NONE },  { 0, -2, ERROR_OUT_OF_RANGE },
        { -1, 5, ERROR_OUT_OF_RANGE }, { 1, 65536, ERROR_OUT_OF_RANGE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct machine_facts facts = random_facts(0), got;
        auto_buf struct buf text = buf_of(TEXT_SIZE);
        struct error err;

        check_row("row %zu", i);
        facts.port_first = rows[i].first;
        facts.port_last = rows[i].last;
        machine_facts_encode(&text, &facts);
        auto_json json_t *root = support_parse(&text);
        if (rows[i].want == ERROR_NONE)
            CHECK_OK(machine_facts_decode(root, &got, &err), &err);
        else
            CHECK_FAILS(machine_facts_decode(root, &got, &err), &err, rows[i].want);
    }
}

static void test_signed_bytes_are_fixed(void **state)
{
    struct session_request request = random_session(0);
    struct request_stamp stamp = { "POST", "/agent/v1/heartbeat", 7, 41, 12, "hb" };
    auto_buf struct buf text = buf_of(4096);

    (void)state;
    request_signed(&text, &stamp, "{}", 2);
    CHECK_TEXT(text.bytes, "berth-request-v1\nPOST\n/agent/v1/heartbeat\n7\n41\nhb\n12\n{}");

    buf_release(&text);
    hello_whole_signed(&text, 7, "{\"a\":1}", 7);
    CHECK_TEXT(text.bytes, "berth-hello-v1\n7\n{\"a\":1}");

    memset(request.nonce, 0, sizeof request.nonce);
    memset(request.fingerprint, 0xff, sizeof request.fingerprint);
    (void)snprintf(request.boot_id, sizeof request.boot_id, "b-1");
    request.machine_id = 7;
    request.agent_incarnation = 3;
    buf_release(&text);
    hello_signed(&text, &request);
    CHECK_TEXT(text.bytes,
               "berth-session-v1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n7\nb-1\n3\n"
               "__________________________________________8\n");

    buf_release(&text);
    key_signed(&text, 7, 41, request.fingerprint);
    CHECK_TEXT(text.bytes, "berth-key-v1\n7\n41\n__________________________________________8\n");
}

static void test_another_key_arrives(void **state)
{
    static const char *const names[] = { "public_key", "proof", "signature" };
    auto_buf struct buf text = buf_of(4096);
    auto_json json_t *root = NULL;
    struct key_request request, got;
    struct error err;

    (void)state;
    random_bytes((uint8_t *)&request, sizeof request);
    key_request_encode(&text, &request);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    CHECK_OK(key_request_decode(root, &got, &err), &err);
    CHECK(memcmp(&request, &got, sizeof got) == 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_incref(json_object_get(root, names[i]));

        check_row("%s", names[i]);
        (void)json_object_set_new(root, names[i], json_string("AAAA"));
        CHECK_FAILS(key_request_decode(root, &got, &err), &err, ERROR_INVALID);
        (void)json_object_del(root, names[i]);
        CHECK_FAILS(key_request_decode(root, &got, &err), &err, ERROR_INVALID);
        (void)json_object_set_new(root, names[i], value);
    }
    CHECK(memcmp(&request, &got, sizeof got) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_arrives),
        cmocka_unit_test(test_enrolment_arrives),
        cmocka_unit_test(test_short_messages_arrive),
        cmocka_unit_test(test_numbers_have_two_edges),
        cmocka_unit_test(test_texts_have_a_longest),
        cmocka_unit_test(test_hostile_requests_are_refused),
        cmocka_unit_test(test_there_are_at_most_gpus_max),
        cmocka_unit_test(test_ports_have_two_edges),
        cmocka_unit_test(test_signed_bytes_are_fixed),
        cmocka_unit_test(test_another_key_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
