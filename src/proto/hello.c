/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hello.h"

#include <assert.h>
#include <inttypes.h>

#include "base/encode.h"
#include "base/hex.h"
#include "proto/fields.h"

enum { TOKEN_TEXT_MAX = 256, MEASURE_MAX = 1000000000 };

#define F struct machine_facts
static const struct field facts_fields[] = {
    FIELD_CHARS(F, hostname),
    FIELD_CHARS(F, os_version),
    FIELD_CHARS(F, cpu_name),
    FIELD_CHARS(F, cpu_arch),
    FIELD_INT(F, cpu_cores, 1, 65536),
    FIELD_INT(F, cpu_mhz, 0, 1000000),
    FIELD_BOOL(F, has_avx),
    FIELD_INT(F, ram_mb, 1, MEASURE_MAX),
    FIELD_CHARS(F, disk_name),
    FIELD_INT(F, disk_gb, 0, MEASURE_MAX),
    FIELD_INT(F, disk_mbs, 0, MEASURE_MAX),
    FIELD_INT(F, inet_up_kbps, 0, MEASURE_MAX),
    FIELD_INT(F, inet_down_kbps, 0, MEASURE_MAX),
    FIELD_CHARS(F, public_ip),
    FIELD_INT(F, port_first, 0, 65535),
    FIELD_INT(F, port_last, -1, 65535),
    FIELD_INT_ADDED(F, is_behind_nat, 0, 1),
    FIELD_INT_ADDED(F, encrypts_workspaces, 0, 1),
    FIELD_INT_ADDED(F, challenge_level, 0, 1000),
    FIELD_CHARS(F, driver_version),
    FIELD_INT(F, cuda_version, 0, 10000),
    FIELD_BOOL(F, is_simulated),
    FIELD_CHARS(F, agent_version),
    { FIELD_ROW(F, agent_digest, FIELD_KIND_CHARS), .is_optional = true },
    FIELD_CHARS(F, engine_version),
};
#undef F
static const struct field_list facts_list = FIELD_LIST(facts_fields);

static const struct field gpu_fields[] = {
    FIELD_CHARS(struct gpu_facts, uuid),
    FIELD_CHARS(struct gpu_facts, name),
    FIELD_INT(struct gpu_facts, memory_mb, 1, MEASURE_MAX),
    FIELD_INT(struct gpu_facts, compute_cap, 0, 100000),
    FIELD_INT(struct gpu_facts, power_max_w, 0, 100000),
    FIELD_INT(struct gpu_facts, pcie_gen, 0, 64),
    FIELD_INT(struct gpu_facts, pcie_lanes, 0, 64),
    FIELD_CHARS(struct gpu_facts, pci_bus),
    FIELD_INT_ADDED(struct gpu_facts, temp_max_c, 0, 1000),
};
static const struct field_list gpu_list = FIELD_LIST(gpu_fields);

static const struct field enroll_request_fields[] = {
    FIELD_LINE(struct enroll_request, token, 1, TOKEN_TEXT_MAX),
    FIELD_BYTES(struct enroll_request, public_key),
    FIELD_INT_ADDED(struct enroll_request, machine_id, 0, INT64_MAX),
};
static const struct field_list enroll_request_list = FIELD_LIST(enroll_request_fields);

static const struct field enroll_reply_fields[] = {
    FIELD_INT(struct enroll_reply, machine_id, 1, INT64_MAX),
    FIELD_BYTES(struct enroll_reply, server_key),
};
static const struct field_list enroll_reply_list = FIELD_LIST(enroll_reply_fields);

static const struct field nonce_request_fields[] = {
    FIELD_INT(struct nonce_request, machine_id, 1, INT64_MAX),
};
static const struct field_list nonce_request_list = FIELD_LIST(nonce_request_fields);

static const struct field nonce_reply_fields[] = {
    FIELD_BYTES(struct nonce_reply, nonce),
};
static const struct field_list nonce_reply_list = FIELD_LIST(nonce_reply_fields);

static const struct field session_request_fields[] = {
    FIELD_INT(struct session_request, machine_id, 1, INT64_MAX),
    FIELD_BYTES(struct session_request, nonce),
    FIELD_CHARS(struct session_request, boot_id),
    FIELD_INT(struct session_request, agent_incarnation, 0, INT64_MAX),
    FIELD_BYTES(struct session_request, fingerprint),
    FIELD_BYTES(struct session_request, signature),
};
static const struct field_list session_request_list = FIELD_LIST(session_request_fields);

static const struct field session_reply_fields[] = {
    FIELD_INT(struct session_reply, session_epoch, 1, INT64_MAX),
    FIELD_INT(struct session_reply, heartbeat_ms, 100, 3600000),
    FIELD_INT(struct session_reply, lease_ms, 100, 3600000),
};
static const struct field_list session_reply_list = FIELD_LIST(session_reply_fields);

static const struct field key_request_fields[] = {
    FIELD_BYTES(struct key_request, public_key),
    FIELD_BYTES(struct key_request, proof),
    FIELD_BYTES(struct key_request, signature),
};
static const struct field_list key_request_list = FIELD_LIST(key_request_fields);

static void encode_message(struct buf *out, const struct field_list *list, const void *from)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, list, from);
    encode_end(&json);
}

static void encode_facts(struct encoder *json, const struct machine_facts *facts)
{
    assert(facts->gpu_count >= 0 && facts->gpu_count <= GPUS_MAX);

    encode_object(json);
    fields_encode(json, &facts_list, facts);
    encode_key(json, "gpus");
    encode_array(json);
    for (int64_t i = 0; i < facts->gpu_count; i++) {
        encode_object(json);
        fields_encode(json, &gpu_list, &facts->gpus[i]);
        encode_end(json);
    }
    encode_end(json);
    encode_end(json);
}

void machine_facts_encode(struct buf *out, const struct machine_facts *facts)
{
    struct encoder json = encoder_of(out);

    encode_facts(&json, facts);
}

bool machine_facts_decode(const json_t *root, struct machine_facts *ret, struct error *err)
{
    struct machine_facts facts = { 0 };
    const json_t *gpus;

    if (!fields_decode(root, &facts_list, NULL, &facts, err))
        return false;
    if (!json_need_array(root, "gpus", GPUS_MAX, &gpus, err))
        return false;

    facts.gpu_count = (int64_t)json_array_size(gpus);
    for (int64_t i = 0; i < facts.gpu_count; i++) {
        if (!fields_decode(json_array_get(gpus, (size_t)i), &gpu_list, NULL, &facts.gpus[i], err))
            return error_context(err, "gpus[%" PRId64 "]", i);
        if (*facts.gpus[i].uuid == '\0')
            return error_set(err, ERROR_INVALID, "gpus[%" PRId64 "] has no uuid", i);
    }

    *ret = facts;
    return true;
}

static bool decode_facts_member(const json_t *root, struct machine_facts *ret, struct error *err)
{
    const json_t *object;

    if (!json_need_object(root, "facts", &object, err))
        return false;
    if (!machine_facts_decode(object, ret, err))
        return error_context(err, "facts");
    return true;
}

void enroll_request_encode(struct buf *out, const struct enroll_request *request)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &enroll_request_list, request);
    encode_key(&json, "facts");
    encode_facts(&json, &request->facts);
    encode_end(&json);
}

bool enroll_request_decode(const json_t *root, struct enroll_request *ret, struct error *err)
{
    struct enroll_request request = { 0 };

    if (!fields_decode(root, &enroll_request_list, NULL, &request, err))
        return false;
    if (!decode_facts_member(root, &request.facts, err))
        return false;
    *ret = request;
    return true;
}

void enroll_reply_encode(struct buf *out, const struct enroll_reply *reply)
{
    encode_message(out, &enroll_reply_list, reply);
}

bool enroll_reply_decode(const json_t *root, struct enroll_reply *ret, struct error *err)
{
    struct enroll_reply reply = { 0 };

    if (!fields_decode(root, &enroll_reply_list, NULL, &reply, err))
        return false;
    *ret = reply;
    return true;
}

void nonce_request_encode(struct buf *out, const struct nonce_request *request)
{
    encode_message(out, &nonce_request_list, request);
}

bool nonce_request_decode(const json_t *root, struct nonce_request *ret, struct error *err)
{
    struct nonce_request request = { 0 };

    if (!fields_decode(root, &nonce_request_list, NULL, &request, err))
        return false;
    *ret = request;
    return true;
}

void nonce_reply_encode(struct buf *out, const struct nonce_reply *reply)
{
    encode_message(out, &nonce_reply_list, reply);
}

bool nonce_reply_decode(const json_t *root, struct nonce_reply *ret, struct error *err)
{
    struct nonce_reply reply = { 0 };

    if (!fields_decode(root, &nonce_reply_list, NULL, &reply, err))
        return false;
    *ret = reply;
    return true;
}

void session_request_encode(struct buf *out, const struct session_request *request)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &session_request_list, request);
    encode_key(&json, "facts");
    encode_facts(&json, &request->facts);
    encode_end(&json);
}

bool session_request_decode(const json_t *root, struct session_request *ret, struct error *err)
{
    struct session_request request = { 0 };

    if (!fields_decode(root, &session_request_list, NULL, &request, err))
        return false;
    if (!decode_facts_member(root, &request.facts, err))
        return false;
    *ret = request;
    return true;
}

void session_reply_encode(struct buf *out, const struct session_reply *reply)
{
    encode_message(out, &session_reply_list, reply);
}

bool session_reply_decode(const json_t *root, struct session_reply *ret, struct error *err)
{
    struct session_reply reply = { 0 };

    if (!fields_decode(root, &session_reply_list, NULL, &reply, err))
        return false;
    *ret = reply;
    return true;
}

void key_request_encode(struct buf *out, const struct key_request *request)
{
    encode_message(out, &key_request_list, request);
}

bool key_request_decode(const json_t *root, struct key_request *ret, struct error *err)
{
    struct key_request request = { 0 };

    if (!fields_decode(root, &key_request_list, NULL, &request, err))
        return false;
    *ret = request;
    return true;
}

void key_signed(struct buf *out, int64_t machine_id, int64_t session_epoch,
                const uint8_t public_key[static 32])
{
    char key[BASE64_SIZE(32)];

    buf_printf(out, "berth-key-v1\n%" PRId64 "\n%" PRId64 "\n%s\n", machine_id, session_epoch,
               base64_format(public_key, 32, key));
}

/* One value a line: no line below may hold a newline, so that no two requests sign alike. */
void hello_signed(struct buf *out, const struct session_request *request)
{
    char nonce[BASE64_SIZE(sizeof request->nonce)];
    char fingerprint[BASE64_SIZE(sizeof request->fingerprint)];

    assert(fields_is_line(request->boot_id));
    buf_printf(out, "berth-session-v1\n%s\n%" PRId64 "\n%s\n%" PRId64 "\n%s\n",
               base64_format(request->nonce, sizeof request->nonce, nonce), request->machine_id,
               request->boot_id, request->agent_incarnation,
               base64_format(request->fingerprint, sizeof request->fingerprint, fingerprint));
}

void hello_whole_signed(struct buf *out, int64_t machine_id, const char *body, size_t body_length)
{
    buf_printf(out, "berth-hello-v1\n%" PRId64 "\n", machine_id);
    buf_append(out, body, body_length);
}

void request_signed(struct buf *out, const struct request_stamp *stamp, const char *body,
                    size_t body_length)
{
    assert(fields_is_line(stamp->method) && fields_is_line(stamp->path));
    assert(fields_is_line(stamp->stream));
    buf_printf(out, "berth-request-v1\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n%" PRId64 "\n",
               stamp->method, stamp->path, stamp->machine_id, stamp->session_epoch, stamp->stream,
               stamp->seq);
    buf_append(out, body, body_length);
}
