/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/sim_agent.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

enum { REPLY_MAX = 32 << 20, TIMEOUT_MS = 20000 };

static const char *const stream_names[] = { "hb", "poll", "op" };
static const char BOOT_ID[] = "5aa5c0de-0000-4000-8000-000000000000";

static void init_gpus(struct machine_facts *facts, int64_t number, int64_t count, const char *name)
{
    facts->gpu_count = count;
    facts->is_simulated = count > 0;
    for (int64_t i = 0; i < count && i < GPUS_MAX; i++) {
        struct gpu_facts *gpu = &facts->gpus[i];
        (void)snprintf(gpu->uuid, sizeof gpu->uuid, "GPU-51%010lld-%02lld", (long long)number,
                       (long long)i);
        (void)snprintf(gpu->name, sizeof gpu->name, "%s", name);
        (void)snprintf(gpu->pci_bus, sizeof gpu->pci_bus, "0000:%02llx:00.0", (long long)i + 1);
        gpu->memory_mb = 24564;
        gpu->compute_cap = 890;
        gpu->power_max_w = 450;
        gpu->pcie_gen = 4;
        gpu->pcie_lanes = 16;
    }
    if (count > 0) {
        (void)snprintf(facts->driver_version, sizeof facts->driver_version, "570.86.15");
        facts->cuda_version = 128;
    }
}

void sim_agent_init(struct sim_agent *agent, const char *server, int64_t number, int64_t gpu_count,
                    const char *gpu_name)
{
    *agent = (struct sim_agent){ .server = server, .keys = crypto_key_pair(), .incarnation = 1 };
    struct machine_facts *facts = &agent->facts;
    (void)snprintf(facts->hostname, sizeof facts->hostname, "sim-%lld", (long long)number);
    (void)snprintf(facts->os_version, sizeof facts->os_version, "12");
    (void)snprintf(facts->cpu_name, sizeof facts->cpu_name, "Simulated CPU");
    (void)snprintf(facts->cpu_arch, sizeof facts->cpu_arch, "amd64");
    (void)snprintf(facts->disk_name, sizeof facts->disk_name, "Simulated disk");
    (void)snprintf(facts->public_ip, sizeof facts->public_ip, "127.0.0.1");
    (void)snprintf(facts->agent_version, sizeof facts->agent_version, "0.1.0");
    (void)snprintf(facts->engine_version, sizeof facts->engine_version, "20.10.24");
    facts->cpu_cores = 32;
    facts->cpu_mhz = 3500;
    facts->has_avx = true;
    facts->ram_mb = 128000;
    facts->disk_gb = 1000;
    facts->disk_mbs = 2000;
    facts->inet_up_kbps = 800000;
    facts->inet_down_kbps = 900000;
    facts->port_first = 40000;
    facts->port_last = 40099;
    init_gpus(facts, number, gpu_count, gpu_name);
}

void sim_agent_ask_enroll(const struct sim_agent *agent, const char *token, struct buf *body)
{
    auto_free struct enroll_request *request = calloc(1, sizeof *request);

    if (request == NULL)
        abort();
    request->token = token;
    request->facts = agent->facts;
    memcpy(request->public_key, agent->keys.public_key, sizeof request->public_key);
    enroll_request_encode(body, request);
}

bool sim_agent_take_enroll(struct sim_agent *agent, const struct buf *reply, struct error *err)
{
    auto_json json_t *root = NULL;
    struct enroll_reply done;

    if (!json_parse(reply->bytes, reply->length, &root, err) ||
        !enroll_reply_decode(root, &done, err))
        return false;
    agent->machine_id = done.machine_id;
    memcpy(agent->server_key, done.server_key, sizeof agent->server_key);
    return true;
}

void sim_agent_ask_nonce(const struct sim_agent *agent, struct buf *body)
{
    nonce_request_encode(body, &(struct nonce_request){ .machine_id = agent->machine_id });
}

bool sim_agent_ask_session(const struct sim_agent *agent, const struct buf *nonce_reply,
                           struct buf *body, struct error *err)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    auto_json json_t *root = NULL;
    auto_free struct session_request *request = calloc(1, sizeof *request);
    struct nonce_reply nonce;

    if (request == NULL)
        abort();
    if (!json_parse(nonce_reply->bytes, nonce_reply->length, &root, err) ||
        !nonce_reply_decode(root, &nonce, err))
        return false;
    request->machine_id = agent->machine_id;
    request->agent_incarnation = agent->incarnation;
    request->facts = agent->facts;
    memcpy(request->nonce, nonce.nonce, sizeof request->nonce);
    (void)snprintf(request->boot_id, sizeof request->boot_id, "%s", BOOT_ID);
    memcpy(request->fingerprint, agent->keys.public_key, sizeof request->fingerprint);
    hello_signed(&text, request);
    struct signature signature = crypto_sign_with(&agent->keys, text.bytes, text.length);
    memcpy(request->signature, signature.bytes, sizeof request->signature);
    session_request_encode(body, request);
    return true;
}

bool sim_agent_take_session(struct sim_agent *agent, const struct buf *reply, struct error *err)
{
    auto_json json_t *root = NULL;
    struct session_reply done;

    if (!json_parse(reply->bytes, reply->length, &root, err) ||
        !session_reply_decode(root, &done, err))
        return false;
    agent->epoch = done.session_epoch;
    memset(agent->seq, 0, sizeof agent->seq);
    return true;
}

/* POST without a signature; the answer must be 200. */
static bool post(const struct sim_agent *agent, struct http_client *client, const char *path,
                 const struct buf *body, struct buf *reply, struct error *err)
{
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    char url[256];
    int status;

    (void)snprintf(url, sizeof url, "%s%s", agent->server, path);
    const struct http_request request = { .method = "POST",
                                          .url = url,
                                          .headers = headers,
                                          .body = body->bytes,
                                          .body_length = body->length,
                                          .timeout_ms = TIMEOUT_MS };
    if (!http_client_send(client, &request, &status, reply, err))
        return false;
    if (status != 200)
        return error_set(err, ERROR_FORBIDDEN, "%s answered %d: %.120s", path, status,
                         reply->length > 0 ? reply->bytes : "");
    return true;
}

bool sim_agent_enroll(struct sim_agent *agent, struct http_client *client, const char *token,
                      struct error *err)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), reply = buf_of(REPLY_MAX);

    sim_agent_ask_enroll(agent, token, &body);
    return post(agent, client, "/agent/v1/enroll", &body, &reply, err) &&
           sim_agent_take_enroll(agent, &reply, err);
}

bool sim_agent_connect(struct sim_agent *agent, struct http_client *client, struct error *err)
{
    auto_buf struct buf ask = buf_of(PROTO_BODY_MAX), nonce = buf_of(REPLY_MAX);
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), reply = buf_of(REPLY_MAX);

    sim_agent_ask_nonce(agent, &ask);
    return post(agent, client, "/agent/v1/nonce", &ask, &nonce, err) &&
           sim_agent_ask_session(agent, &nonce, &body, err) &&
           post(agent, client, "/agent/v1/session", &body, &reply, err) &&
           sim_agent_take_session(agent, &reply, err);
}

void sim_agent_sign(struct sim_agent *agent, enum sim_stream stream,
                    const struct http_request *request, const char *path, struct sim_headers *ret)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX + 4096);
    char encoded[BASE64_SIZE(SIGNATURE_SIZE)];
    const struct request_stamp stamp = { .method = request->method,
                                         .path = path,
                                         .machine_id = agent->machine_id,
                                         .session_epoch = agent->epoch,
                                         .seq = agent->seq[stream],
                                         .stream = stream_names[stream] };

    request_signed(&text, &stamp, request->body != NULL ? request->body : "", request->body_length);
    struct signature signature = crypto_sign_with(&agent->keys, text.bytes, text.length);
    base64_format(signature.bytes, SIGNATURE_SIZE, encoded);
    (void)snprintf(ret->text[0], SIM_HEADER_SIZE, "Berth-Machine: %lld",
                   (long long)stamp.machine_id);
    (void)snprintf(ret->text[1], SIM_HEADER_SIZE, "Berth-Epoch: %lld",
                   (long long)stamp.session_epoch);
    (void)snprintf(ret->text[2], SIM_HEADER_SIZE, "Berth-Seq: %lld", (long long)stamp.seq);
    (void)snprintf(ret->text[3], SIM_HEADER_SIZE, "Berth-Signature: %s", encoded);
    (void)snprintf(ret->text[4], SIM_HEADER_SIZE, "Content-Type: application/json");
    for (int i = 0; i < SIM_HEADER_COUNT; i++)
        ret->lines[i] = ret->text[i];
    ret->lines[SIM_HEADER_COUNT] = NULL;
}

struct heartbeat sim_agent_heartbeat(const struct sim_agent *agent)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (struct heartbeat){ .session_epoch = agent->epoch,
                               .seq = agent->seq[SIM_HEARTBEAT],
                               .boot_id = BOOT_ID,
                               .agent_incarnation = agent->incarnation,
                               .mono_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000,
                               .is_engine_ok = true,
                               .engine_message = "",
                               .disk_free_gb = agent->facts.disk_gb };
}

bool sim_agent_exchange(struct sim_agent *agent, struct http_client *client,
                        struct sim_exchange *exchange, struct error *err)
{
    struct sim_headers headers;
    char url[512];

    (void)snprintf(url, sizeof url, "%s%s", agent->server, exchange->path);
    struct http_request request = { .method = exchange->body != NULL ? "POST" : "GET",
                                    .url = url,
                                    .timeout_ms = exchange->timeout_ms };
    if (exchange->body != NULL) {
        request.body = exchange->body->bytes;
        request.body_length = exchange->body->length;
    }
    sim_agent_sign(agent, exchange->stream, &request, exchange->path, &headers);
    request.headers = headers.lines;
    exchange->reply = buf_of(REPLY_MAX);
    return http_client_send(client, &request, &exchange->status, &exchange->reply, err);
}
