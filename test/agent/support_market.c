/* SPDX-License-Identifier: Apache-2.0 */
#include "support_market.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/parse.h"
#include "check.h"
#include "proto/hello.h"
#include "support_http.h"
#include "sys/clock.h"

enum {
    HOLD_MS = 2000,
    REPORTS_MAX = 64,
    RESULTS_MAX = 64,
    CONNECTIONS_MAX = 16,
    ARENA_MAX = 32 << 20,
};

struct stored_result {
    char op_id[OP_ID_SIZE];
    enum op_status status;
    char *output; /* owned */
};

struct market {
    char url[64];
    int listener;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    bool is_closing, is_away;
    int open_count, connections[CONNECTIONS_MAX];
    int refuse_count, drop_count;
    struct key_pair keys;
    uint8_t machine_key[PUBLIC_KEY_SIZE];
    uint8_t nonce[32];
    int64_t epoch, rev;
    int64_t came[3], answered[3]; /* numbers; who got no answer may repeat his */
    struct buf instances, ops;    /* JSON arrays */
    struct market_counts counts;
    int64_t report_count, ids[REPORTS_MAX];
    struct market_report reports[REPORTS_MAX];
    int64_t result_count;
    struct stored_result results[RESULTS_MAX];
};

/* Under the lock */

static void refuse(struct http_said *answer, int status, const char *msg)
{
    answer->status = status;
    buf_printf(&answer->body, "{\"success\":false,\"error\":\"test\",\"msg\":\"%s\"}", msg);
}

static void enrol(struct market *market, const json_t *root, struct http_said *answer)
{
    static struct enroll_request request; /* large; under the lock */
    struct enroll_reply reply = { .machine_id = MARKET_MACHINE };
    struct error err;

    if (!enroll_request_decode(root, &request, &err)) {
        refuse(answer, 400, err.text);
    } else if (strcmp(request.token, MARKET_TOKEN) != 0) {
        refuse(answer, 401, "no such token");
    } else {
        market->counts.enrolments++;
        memcpy(market->machine_key, request.public_key, sizeof market->machine_key);
        memcpy(reply.server_key, market->keys.public_key, sizeof reply.server_key);
        enroll_reply_encode(&answer->body, &reply);
    }
}

static void give_nonce(struct market *market, struct http_said *answer)
{
    struct nonce_reply reply;

    crypto_random(market->nonce, sizeof market->nonce);
    memcpy(reply.nonce, market->nonce, sizeof reply.nonce);
    nonce_reply_encode(&answer->body, &reply);
}

static void open_session(struct market *market, const json_t *root, struct http_said *answer)
{
    static struct session_request request; /* large; under the lock */
    auto_buf struct buf bytes = buf_of(4096);
    struct signature signature;
    struct error err;

    if (!session_request_decode(root, &request, &err)) {
        refuse(answer, 400, err.text);
        return;
    }
    hello_signed(&bytes, &request);
    memcpy(signature.bytes, request.signature, sizeof signature.bytes);
    if (memcmp(request.nonce, market->nonce, sizeof market->nonce) != 0 ||
        !crypto_verify(market->machine_key, &signature, bytes.bytes, bytes.length)) {
        market->counts.bad_signatures++;
        refuse(answer, 401, "not that machine");
        return;
    }
    memset(market->nonce, 0, sizeof market->nonce);
    memset(market->came, 0, sizeof market->came);
    memset(market->answered, 0, sizeof market->answered);
    market->counts.sessions++;
    market->counts.incarnation = request.agent_incarnation;
    struct session_reply reply = { ++market->epoch, 500, LEASE_MS };
    session_reply_encode(&answer->body, &reply);
}

static void store_report(struct market *market, const struct instance_report *report)
{
    int64_t index = 0;
    while (index < market->report_count && market->ids[index] != report->id)
        index++;
    if (index == REPORTS_MAX)
        return;
    if (index == market->report_count)
        market->report_count++;
    market->ids[index] = report->id;
    struct market_report *stored = &market->reports[index];
    *stored = (struct market_report){
        .gen = report->gen,
        .phase = report->phase,
        .run_ms = report->run_ms,
        .counter_epoch = report->counter_epoch,
        .bytes_up = report->bytes_up,
        .bytes_down = report->bytes_down,
        .exit_code = report->exit_code,
        .disk_used_mb = report->disk_used_mb,
        .restart_nonce = report->restart_nonce,
        .ssh_port = report->ssh_port,
        .port_count = report->port_count,
    };
    (void)snprintf(stored->start_token, sizeof stored->start_token, "%.127s", report->start_token);
    (void)snprintf(stored->message, sizeof stored->message, "%.511s", report->message);
    memcpy(stored->ports, report->ports, (size_t)report->port_count * sizeof stored->ports[0]);
}

static void take_heartbeat(struct market *market, const json_t *root, struct http_said *answer)
{
    auto_arena struct arena arena = arena_of(ARENA_MAX);
    struct heartbeat_reply reply = { market->rev };
    struct heartbeat heartbeat;
    struct error err;

    if (!heartbeat_decode(root, &arena, &heartbeat, &err)) {
        refuse(answer, 400, err.text);
        return;
    }
    market->counts.heartbeats++;
    market->counts.quarantined = heartbeat.quarantined_count;
    market->counts.applied_rev = heartbeat.applied_rev;
    market->counts.is_engine_ok = heartbeat.is_engine_ok;
    market->report_count = 0;
    for (int64_t i = 0; i < heartbeat.instance_count; i++)
        store_report(market, &heartbeat.instances[i]);
    heartbeat_reply_encode(&answer->body, &reply);
    (void)pthread_cond_broadcast(&market->changed);
}

static void take_result(struct market *market, const json_t *root, struct http_said *answer)
{
    struct op_result result;
    struct error err;

    if (!op_result_decode(root, &result, &err)) {
        refuse(answer, 400, err.text);
        return;
    }
    market->counts.results++;
    if (market->result_count < RESULTS_MAX) {
        struct stored_result *stored = &market->results[market->result_count++];

        memcpy(stored->op_id, result.op_id, sizeof stored->op_id);
        stored->status = result.status;
        stored->output = strdup(result.output);
    }
    buf_printf(&answer->body, "{}");
    (void)pthread_cond_broadcast(&market->changed);
}

static void wait_ms(struct market *market, int64_t timeout_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (timeout_ms * US_PER_MS + until.tv_nsec / 1000) / US_PER_SECOND;
    until.tv_nsec = (timeout_ms * US_PER_MS + until.tv_nsec / 1000) % US_PER_SECOND * 1000;
    (void)pthread_cond_timedwait(&market->changed, &market->lock, &until);
}

static void hold(struct market *market, const char *path, struct http_said *answer)
{
    const char *equals = strchr(path, '=');
    int64_t deadline_us = clock_boot_us(&clock_system) + HOLD_MS * US_PER_MS;
    int64_t epoch = market->epoch;
    uint64_t after = 0;

    market->counts.polls++;
    if (equals == NULL || !parse_u64(equals + 1, &after)) {
        refuse(answer, 400, "no number after =");
        return;
    }
    while (market->rev <= (int64_t)after && !market->is_closing && epoch == market->epoch &&
           clock_boot_us(&clock_system) < deadline_us)
        wait_ms(market, 100);
    if (epoch != market->epoch)
        refuse(answer, 409, "the session is over");
    else if (market->rev <= (int64_t)after)
        answer->status = 204;
    else
        buf_printf(&answer->body,
                   "{\"session_epoch\":%" PRId64 ",\"desired_rev\":%" PRId64
                   ",\"server_time_us\":1,\"instances\":%s,\"ops\":%s,\"gone\":%s}",
                   market->epoch, market->rev, market->instances.bytes, market->ops.bytes, gone());
}

static bool check_stamp(struct market *market, const struct http_got *request, int stream,
                        struct http_said *answer)
{
    struct request_stamp stamp;

    if (!http_stamp(request, stream, market->machine_key, &stamp)) {
        market->counts.bad_signatures++;
        refuse(answer, 401, "bad signature");
    } else if (stamp.session_epoch != market->epoch) {
        refuse(answer, 409, "the session is over");
    } else if (stamp.seq <= market->came[stream]) {
        market->counts.replays += stamp.seq <= market->answered[stream] ? 1 : 0;
        refuse(answer, 409, "used before");
    } else {
        market->came[stream] = answer->seq = stamp.seq;
        answer->stream = stream;
        answer->epoch = stamp.session_epoch;
        return true;
    }
    return false;
}

static void respond(struct market *market, const struct http_got *request, struct http_said *answer)
{
    auto_json json_t *root = NULL;
    struct error err;

    if (request->body_length > 0 && !json_parse(request->body, request->body_length, &root, &err)) {
        refuse(answer, 400, "not JSON");
        return;
    }
    if (strcmp(request->path, "/agent/v1/enroll") == 0)
        enrol(market, root, answer);
    else if (strcmp(request->path, "/agent/v1/nonce") == 0)
        give_nonce(market, answer);
    else if (strcmp(request->path, "/agent/v1/session") == 0)
        open_session(market, root, answer);
    else if (strcmp(request->path, "/agent/v1/heartbeat") == 0 &&
             check_stamp(market, request, 0, answer))
        take_heartbeat(market, root, answer);
    else if (strncmp(request->path, "/agent/v1/desired", 17) == 0 &&
             check_stamp(market, request, 1, answer))
        hold(market, request->path, answer);
    else if (strcmp(request->path, "/agent/v1/op") == 0 && check_stamp(market, request, 2, answer))
        take_result(market, root, answer);
    else if (answer->status == 200)
        refuse(answer, 404, "no such route");
}

/* False: hang up. */
static bool handle(struct market *market, int fd, const struct http_got *request)
{
    struct http_said answer = { .status = 200, .body = buf_of(HTTP_MAX) };
    bool goes_on = true;

    (void)pthread_mutex_lock(&market->lock);
    if (market->is_closing || market->is_away || market->drop_count > 0) {
        market->drop_count -= market->drop_count > 0 ? 1 : 0;
        goes_on = false;
    } else if (market->refuse_count > 0) {
        market->refuse_count--;
        refuse(&answer, 503, "try later");
    } else {
        respond(market, request, &answer);
    }
    (void)pthread_mutex_unlock(&market->lock);
    goes_on = goes_on && http_answer(fd, &answer);
    (void)pthread_mutex_lock(&market->lock);
    if (goes_on && answer.seq > 0 && answer.epoch == market->epoch)
        market->answered[answer.stream] = answer.seq;
    (void)pthread_mutex_unlock(&market->lock);
    buf_release(&answer.body);
    return goes_on;
}

struct connection {
    struct market *market;
    int fd;
};

static void forget_connection(struct market *market, int fd)
{
    (void)pthread_mutex_lock(&market->lock);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (market->connections[i] == fd)
            market->connections[i] = -1;
    }
    (void)close(fd);
    market->open_count--;
    (void)pthread_cond_broadcast(&market->changed);
    (void)pthread_mutex_unlock(&market->lock);
}

static void *serve(void *context)
{
    struct connection *connection = context;
    bool goes_on = true;

    while (goes_on) {
        auto_buf struct buf text = buf_of(HTTP_MAX);
        struct http_got request;

        goes_on = http_read(connection->fd, &text, &request) &&
                  handle(connection->market, connection->fd, &request);
    }
    forget_connection(connection->market, connection->fd);
    free(connection);
    return NULL;
}

static void take_connection(struct market *market, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    pthread_t thread;
    int slot = 0;

    assert(connection != NULL);
    *connection = (struct connection){ market, fd };
    (void)pthread_mutex_lock(&market->lock);
    while (slot < CONNECTIONS_MAX && market->connections[slot] >= 0)
        slot++;
    bool is_taken = slot < CONNECTIONS_MAX && !market->is_away && !market->is_closing;
    if (is_taken) {
        market->connections[slot] = fd;
        market->open_count++;
    }
    (void)pthread_mutex_unlock(&market->lock);
    if (is_taken && pthread_create(&thread, NULL, serve, connection) == 0) {
        (void)pthread_detach(thread);
        return;
    }
    (void)close(fd);
    free(connection);
}

static void *accept_all(void *context)
{
    struct market *market = context;

    for (;;) {
        int fd = accept4(market->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            take_connection(market, fd);
        else if (errno != EINTR)
            return NULL;
    }
}

struct market *market_open(void)
{
    struct market *market = calloc(1, sizeof *market);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    assert(market != NULL);
    (void)pthread_mutex_init(&market->lock, NULL);
    (void)pthread_cond_init(&market->changed, NULL);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        market->connections[i] = -1;
    market->keys = crypto_key_pair();
    market->instances = buf_of(HTTP_MAX);
    market->ops = buf_of(HTTP_MAX);
    buf_printf(&market->instances, "[]");
    buf_printf(&market->ops, "[]");
    market->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(market->listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(market->listener, 16), 0);
    CHECK_INT(getsockname(market->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(market->url, sizeof market->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    CHECK_INT(pthread_create(&market->acceptor, NULL, accept_all, market), 0);
    return market;
}

static void hang_up_all(struct market *market)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (market->connections[i] >= 0)
            (void)shutdown(market->connections[i], SHUT_RDWR);
    }
}

void market_close(struct market **market)
{
    struct market *closing = *market;

    (void)pthread_mutex_lock(&closing->lock);
    closing->is_closing = true;
    (void)pthread_cond_broadcast(&closing->changed);
    (void)shutdown(closing->listener, SHUT_RDWR);
    hang_up_all(closing);
    while (closing->open_count > 0)
        wait_ms(closing, 100);
    (void)pthread_mutex_unlock(&closing->lock);
    (void)pthread_join(closing->acceptor, NULL);
    (void)close(closing->listener);
    for (int64_t i = 0; i < closing->result_count; i++)
        free(closing->results[i].output);
    buf_release(&closing->instances);
    buf_release(&closing->ops);
    free(closing);
    *market = NULL;
}

const char *market_url(const struct market *market)
{
    return market->url;
}

/* The list `name` of an encoded desired state, as JSON. */
static void take_list(struct buf *list, const struct desired *desired, const char *name)
{
    auto_buf struct buf text = buf_of(HTTP_MAX);
    auto_json json_t *root = NULL;
    struct error err;

    desired_encode(&text, desired);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    char *dumped = json_dumps(json_object_get(root, name), JSON_COMPACT);
    buf_release(list);
    buf_append(list, dumped, strlen(dumped));
    free(dumped);
}

void market_want(struct market *market, const struct desired_instance *instances, int64_t count)
{
    struct desired desired = { .session_epoch = 1,
                               .instance_count = count,
                               .instances = (struct desired_instance *)(uintptr_t)instances };

    (void)pthread_mutex_lock(&market->lock);
    take_list(&market->instances, &desired, "instances");
    market->rev++;
    (void)pthread_cond_broadcast(&market->changed);
    (void)pthread_mutex_unlock(&market->lock);
}

void market_want_ops(struct market *market, const struct desired_op *ops, int64_t count)
{
    struct desired desired = { .session_epoch = 1,
                               .op_count = count,
                               .ops = (struct desired_op *)(uintptr_t)ops };

    (void)pthread_mutex_lock(&market->lock);
    take_list(&market->ops, &desired, "ops");
    market->rev++;
    (void)pthread_cond_broadcast(&market->changed);
    (void)pthread_mutex_unlock(&market->lock);
}

void market_sign_destroy(const struct market *market, struct desired_instance *instance)
{
    auto_buf struct buf bytes = buf_of(256);

    destroy_signed(&bytes, MARKET_MACHINE, instance->id, instance->gen);
    struct signature signature = crypto_sign_with(&market->keys, bytes.bytes, bytes.length);
    instance->has_destroy_token = true;
    memcpy(instance->destroy_token, signature.bytes, sizeof instance->destroy_token);
}

static bool find_report(const struct market *market, int64_t id, struct market_report *ret)
{
    for (int64_t i = 0; i < market->report_count; i++) {
        if (market->ids[i] == id) {
            *ret = market->reports[i];
            return true;
        }
    }
    return false;
}

bool market_report(struct market *market, int64_t id, struct market_report *ret)
{
    (void)pthread_mutex_lock(&market->lock);
    bool has = find_report(market, id, ret);
    (void)pthread_mutex_unlock(&market->lock);
    return has;
}

struct market_report market_wait(struct market *market, int64_t id, enum instance_phase phase,
                                 int64_t gen, int seconds)
{
    int64_t deadline_us = clock_boot_us(&clock_system) + seconds * US_PER_SECOND;
    struct market_report report = { .phase = PHASE_ABSENT, .gen = -1 };
    bool has = false;

    (void)pthread_mutex_lock(&market->lock);
    for (;;) {
        has = find_report(market, id, &report);
        if (has && report.phase == phase && report.gen == gen)
            break;
        if (clock_boot_us(&clock_system) > deadline_us) {
            has = false;
            break;
        }
        wait_ms(market, 100);
    }
    (void)pthread_mutex_unlock(&market->lock);
    if (!has)
        print_error("instance %" PRId64 ": wanted %s under %" PRId64 ", is %s under %" PRId64
                    ": %s\n",
                    id, instance_phase_name(phase), gen, instance_phase_name(report.phase),
                    report.gen, report.message);
    CHECK(has);
    return report;
}

enum op_status market_wait_op(struct market *market, const char *op_id, char *output, size_t size,
                              int seconds)
{
    int64_t deadline_us = clock_boot_us(&clock_system) + seconds * US_PER_SECOND;
    enum op_status status = OP_UNKNOWN;
    bool has = false;

    (void)pthread_mutex_lock(&market->lock);
    while (!has && clock_boot_us(&clock_system) < deadline_us) {
        for (int64_t i = 0; i < market->result_count && !has; i++) {
            has = strcmp(market->results[i].op_id, op_id) == 0;
            if (has) {
                status = market->results[i].status;
                (void)snprintf(output, size, "%s", market->results[i].output);
            }
        }
        if (!has)
            wait_ms(market, 100);
    }
    (void)pthread_mutex_unlock(&market->lock);
    CHECK(has);
    return status;
}

struct market_counts market_counts(struct market *market)
{
    (void)pthread_mutex_lock(&market->lock);
    struct market_counts counts = market->counts;
    (void)pthread_mutex_unlock(&market->lock);
    return counts;
}

void market_refuse(struct market *market, int count)
{
    (void)pthread_mutex_lock(&market->lock);
    market->refuse_count = count;
    (void)pthread_mutex_unlock(&market->lock);
}

void market_drop(struct market *market, int count)
{
    (void)pthread_mutex_lock(&market->lock);
    market->drop_count = count;
    (void)pthread_mutex_unlock(&market->lock);
}

void market_take_over(struct market *market)
{
    (void)pthread_mutex_lock(&market->lock);
    market->epoch++;
    (void)pthread_cond_broadcast(&market->changed);
    (void)pthread_mutex_unlock(&market->lock);
}

void market_hang_up(struct market *market, bool is_away)
{
    (void)pthread_mutex_lock(&market->lock);
    market->is_away = is_away;
    hang_up_all(market);
    (void)pthread_cond_broadcast(&market->changed);
    (void)pthread_mutex_unlock(&market->lock);
}
