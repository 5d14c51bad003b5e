/* SPDX-License-Identifier: Apache-2.0 */
/* sim-host: a host that pretends.
 *
 *     sim-host --server http://127.0.0.1:8080 --token T [--gpus 2] [--gpu-name "RTX 4090"]
 *
 * Joins, says "sim-host: connected as machine N" on standard error, and from then on reports every
 * instance as whatever it should be: running, with an SSH port that nobody answers on; stopped;
 * gone; and says on standard error that it starts, stops or goes. Its GPUs are warm while something
 * runs, the first of them too much so. Commands and log requests are answered with a line that
 * names them, once each; others have failed. Runs until it is killed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "fakes/sim_agent.h"

enum {
    INSTANCES_MAX = 64,
    OPS_KNOWN_MAX = 1024, /* the last that were answered: none is twice */
    ARENA_MAX = 64 << 20,
    POLL_TIMEOUT_MS = POLL_HOLD_MS + 10000,
    RETRY_MS = 100
};

struct pretended {
    int64_t id, gen, restart_nonce, starts;
    enum desired_state state;
    bool is_told; /* in the heartbeat that is on its way, or was answered: that it is gone */
    int64_t started_ms;
    char start_token[48];
    int64_t port_count;
    struct port_mapping ports[SPEC_PORTS_MAX];
};

struct host {
    struct sim_agent agent;
    pthread_mutex_t lock; /* guards what follows, and the agent's epoch */
    pthread_cond_t changed;
    bool has_changed;
    struct pretended instances[INSTANCES_MAX];
    size_t count;
    int64_t applied_rev;
    char ops[OPS_KNOWN_MAX][OP_ID_SIZE];
    size_t op_count;
    enum { GAUGED_NOT, GAUGED_IDLE, GAUGED_BUSY } gauged; /* how GPUs were said to be last */
};

static int64_t now_ms(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void die(const struct error *err)
{
    (void)fprintf(stderr, "sim-host: %s\n", err->text);
    exit(1);
}

/* The entry of that instance, made if it is new; NULL where there are too many. */
static struct pretended *entry_of(struct host *host, int64_t id)
{
    for (size_t i = 0; i < host->count; i++) {
        if (host->instances[i].id == id)
            return &host->instances[i];
    }
    if (host->count == INSTANCES_MAX)
        return NULL;
    host->instances[host->count] = (struct pretended){ .id = id, .state = DESIRED_STOPPED };
    return &host->instances[host->count++];
}

static void begin_run(struct pretended *entry)
{
    entry->starts++;
    entry->started_ms = now_ms(CLOCK_BOOTTIME);
    (void)snprintf(entry->start_token, sizeof entry->start_token, "sim-%lld-%lld",
                   (long long)entry->id, (long long)entry->starts);
}

static void say(const struct pretended *entry, const char *what)
{
    (void)fprintf(stderr, "sim-host: instance %lld %s\n", (long long)entry->id, what);
}

static bool is_listed(const struct desired *desired, int64_t id)
{
    for (int64_t i = 0; i < desired->instance_count; i++)
        if (desired->instances[i].id == id)
            return true;
    return false;
}

/* Stopped and kept. */
static void stop_unlisted(struct host *host, const struct desired *desired)
{
    for (size_t i = 0; i < host->count; i++) {
        struct pretended *entry = &host->instances[i];

        if (entry->state != DESIRED_RUNNING || is_listed(desired, entry->id))
            continue;
        say(entry, "stops");
        entry->state = DESIRED_STOPPED;
    }
}

/* It goes by the server's signature alone. */
static enum desired_state state_of(const struct host *host, const struct desired_instance *wanted)
{
    auto_buf struct buf text = buf_of(256);
    struct signature token;

    if (wanted->state != DESIRED_ABSENT)
        return wanted->state;
    destroy_signed(&text, host->agent.machine_id, wanted->id, wanted->gen);
    memcpy(token.bytes, wanted->destroy_token, sizeof token.bytes);
    return wanted->has_destroy_token &&
                   crypto_verify(host->agent.server_key, &token, text.bytes, text.length)
               ? DESIRED_ABSENT
               : DESIRED_STOPPED;
}

static void apply(struct host *host, const struct desired *desired)
{
    stop_unlisted(host, desired);
    for (int64_t i = 0; i < desired->instance_count; i++) {
        const struct desired_instance *wanted = &desired->instances[i];
        struct pretended *entry = entry_of(host, wanted->id);
        if (entry == NULL)
            continue;
        enum desired_state state = state_of(host, wanted);
        bool starts = state == DESIRED_RUNNING && (entry->state != DESIRED_RUNNING ||
                                                   entry->restart_nonce < wanted->restart_nonce);
        if (starts || entry->state != state)
            say(entry, starts ? "starts" : state == DESIRED_STOPPED ? "stops" : "goes");
        entry->is_told = false;
        entry->state = state;
        entry->gen = wanted->gen;
        entry->restart_nonce = wanted->restart_nonce;
        if (starts)
            begin_run(entry);
        entry->port_count = 0;
        for (int64_t k = 0; k < wanted->spec.port_count && k < SPEC_PORTS_MAX; k++)
            entry->ports[entry->port_count++] =
                (struct port_mapping){ wanted->spec.ports[k].port, wanted->spec.ports[k].is_udp,
                                       host->agent.facts.port_first + 1 + k };
    }
    host->applied_rev = desired->desired_rev;
    host->has_changed = true;
    (void)pthread_cond_signal(&host->changed);
}

static struct instance_report report_of(const struct host *host, struct pretended *entry)
{
    bool runs = entry->state == DESIRED_RUNNING;
    int64_t run_ms = runs ? now_ms(CLOCK_BOOTTIME) - entry->started_ms : 0;

    return (struct instance_report){
        .id = entry->id,
        .gen = entry->gen,
        .phase = runs                              ? PHASE_RUNNING
                 : entry->state == DESIRED_STOPPED ? PHASE_STOPPED
                                                   : PHASE_ABSENT,
        .start_token = runs ? entry->start_token : "",
        .run_ms = run_ms,
        .counter_epoch = entry->starts,
        .bytes_up = run_ms,
        .bytes_down = 2 * run_ms,
        .exit_code = -1,
        .restart_nonce = entry->restart_nonce,
        .disk_used_mb = 100,
        .cpu_permille = runs ? 10 : -1,
        .ram_used_mb = runs ? 50 : -1,
        .gpu_permille = -1,
        .message = "",
        .ssh_port = runs ? host->agent.facts.port_first : 0,
        .port_count = runs ? entry->port_count : 0,
        .ports = entry->ports,
    };
}

/* How its GPUs are, where that is another than was said last. */
static void add_gauges(struct host *host, struct gpu_gauge gauges[static GPUS_MAX],
                       struct heartbeat *heartbeat)
{
    bool is_busy = false;

    for (size_t i = 0; i < host->count; i++)
        is_busy = is_busy || host->instances[i].state == DESIRED_RUNNING;
    if (host->gauged == (is_busy ? GAUGED_BUSY : GAUGED_IDLE))
        return;
    host->gauged = is_busy ? GAUGED_BUSY : GAUGED_IDLE;
    for (int64_t i = 0; i < host->agent.facts.gpu_count; i++) {
        gauges[i] = gpu_gauge_unknown(host->agent.facts.gpus[i].uuid);
        gauges[i].permille = is_busy ? 640 : 0;
        gauges[i].temperature_c = is_busy && i == 0 ? 84 : is_busy ? 67 : 34;
        gauges[i].power_w = is_busy ? 287 : 31;
        gauges[i].core_mhz = is_busy && i == 0 ? 1515 : is_busy ? 2490 : 210;
        gauges[i].memory_mhz = is_busy ? 9001 : 405;
        gauges[i].brakes = is_busy && i == 0 ? 1 << GPU_BRAKE_HEAT : 0;
    }
    heartbeat->has_gauges = true;
    heartbeat->gauge_count = host->agent.facts.gpu_count;
    heartbeat->gauges = gauges;
}

/* What is gone has been reported: it need not be again. What went while the heartbeat was on its
 * way was not in it. */
static void forget_absent(struct host *host)
{
    for (size_t i = host->count; i > 0; i--) {
        if (host->instances[i - 1].is_told)
            host->instances[i - 1] = host->instances[--host->count];
    }
}

/* False where nobody answered. */
static bool beat(struct host *host, struct http_client *client)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);
    struct instance_report reports[INSTANCES_MAX];
    struct gpu_gauge gauges[GPUS_MAX];
    struct sim_exchange exchange = {
        .stream = SIM_HEARTBEAT, .path = "/agent/v1/heartbeat", .body = &body, .timeout_ms = 10000
    };
    struct error err;

    (void)pthread_mutex_lock(&host->lock);
    host->agent.seq[SIM_HEARTBEAT]++;
    struct heartbeat heartbeat = sim_agent_heartbeat(&host->agent);
    heartbeat.applied_rev = host->applied_rev;
    heartbeat.instance_count = (int64_t)host->count;
    heartbeat.instances = reports;
    for (size_t i = 0; i < host->count; i++) {
        reports[i] = report_of(host, &host->instances[i]);
        host->instances[i].is_told = host->instances[i].state == DESIRED_ABSENT;
    }
    add_gauges(host, gauges, &heartbeat);
    heartbeat_encode(&body, &heartbeat);
    struct sim_agent agent = host->agent;
    (void)pthread_mutex_unlock(&host->lock);

    bool is_answered = sim_agent_exchange(&agent, client, &exchange, &err);
    (void)pthread_mutex_lock(&host->lock);
    if (is_answered && exchange.status == 200)
        forget_absent(host);
    else if (is_answered && exchange.status == 409 &&
             !sim_agent_connect(&host->agent, client, &err))
        (void)fprintf(stderr, "sim-host: %s\n", err.text);
    (void)pthread_mutex_unlock(&host->lock);
    buf_release(&exchange.reply);
    return is_answered;
}

/* Soon: a server that has just been killed should have its hosts back at once. */
static void wait_to_retry(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
}

static bool is_answered_op(const struct host *host, const char *op_id)
{
    for (size_t i = 0; i < host->op_count && i < OPS_KNOWN_MAX; i++)
        if (strcmp(host->ops[i], op_id) == 0)
            return true;
    return false;
}

/* Said until it is taken, by one session or the next. */
static void answer_op(struct host *host, struct http_client *client, const struct desired_op *op)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), output = buf_of(OP_OUTPUT_MAX);
    bool is_known = op->kind != OP_OTHER, is_taken = false;
    struct error err;

    buf_printf(&output, "sim-host: %s %s\n",
               op->kind == OP_EXEC ? "ran"
               : is_known          ? "log of"
                                   : "does not know",
               op->kind == OP_EXEC ? op->command : op->op_id);
    op_result_encode(&body, &(struct op_result){ .op_id = op->op_id,
                                                 .status = is_known ? OP_DONE : OP_FAILED,
                                                 .output = output.bytes });
    while (!is_taken) {
        struct sim_exchange exchange = {
            .stream = SIM_OP, .path = "/agent/v1/op", .body = &body, .timeout_ms = 10000
        };

        (void)pthread_mutex_lock(&host->lock);
        host->agent.seq[SIM_OP]++;
        struct sim_agent agent = host->agent;
        (void)pthread_mutex_unlock(&host->lock);
        bool is_answered = sim_agent_exchange(&agent, client, &exchange, &err);
        is_taken = is_answered && exchange.status < 500 && exchange.status != 409 &&
                   exchange.status != 429;
        buf_release(&exchange.reply);
        if (!is_taken)
            wait_to_retry();
    }
    (void)snprintf(host->ops[host->op_count++ % OPS_KNOWN_MAX], OP_ID_SIZE, "%s", op->op_id);
}

static void take_desired(struct host *host, struct http_client *client, const struct buf *text)
{
    auto_arena struct arena arena = arena_of(ARENA_MAX);
    auto_json json_t *root = NULL;
    struct desired desired;
    struct error err;

    if (!json_parse(text->bytes, text->length, &root, &err) ||
        !desired_decode(root, &arena, &desired, &err))
        die(&err);
    (void)pthread_mutex_lock(&host->lock);
    apply(host, &desired);
    (void)pthread_mutex_unlock(&host->lock);
    for (int64_t i = 0; i < desired.op_count; i++)
        if (!is_answered_op(host, desired.ops[i].op_id))
            answer_op(host, client, &desired.ops[i]);
}

static void *poll_forever(void *context)
{
    struct host *host = context;
    struct http_client *client = http_client_open(NULL, NULL);
    char path[64];
    struct error err;

    for (;;) {
        (void)pthread_mutex_lock(&host->lock);
        host->agent.seq[SIM_POLL]++;
        struct sim_agent agent = host->agent;
        (void)snprintf(path, sizeof path, "/agent/v1/desired?after=%lld",
                       (long long)host->applied_rev);
        (void)pthread_mutex_unlock(&host->lock);
        struct sim_exchange exchange = { .stream = SIM_POLL,
                                         .path = path,
                                         .timeout_ms = POLL_TIMEOUT_MS };
        bool is_answered = sim_agent_exchange(&agent, client, &exchange, &err);
        if (is_answered && exchange.status == 200)
            take_desired(host, client, &exchange.reply);
        else if (!is_answered || exchange.status != 204)
            wait_to_retry();
        buf_release(&exchange.reply);
    }
    return NULL;
}

/* Until the next heartbeat is due, or there is something to report. */
static void wait_for_change(struct host *host)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HEARTBEAT_MS / 1000;
    (void)pthread_mutex_lock(&host->lock);
    while (!host->has_changed && pthread_cond_timedwait(&host->changed, &host->lock, &until) == 0)
        continue;
    host->has_changed = false;
    (void)pthread_mutex_unlock(&host->lock);
}

/* The value behind `--name`, or NULL. */
static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

/* Of hosts that begin in the same millisecond each has its own. */
static int64_t some_number(void)
{
    return now_ms(CLOCK_REALTIME) % 1000 * 10000000 + (int64_t)getpid();
}

int main(int argc, char **argv)
{
    static struct host host = { .lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER };
    const char *server = option(argc, argv, "--server"), *token = option(argc, argv, "--token");
    const char *gpus = option(argc, argv, "--gpus"), *name = option(argc, argv, "--gpu-name");
    uint64_t gpu_count = 0;
    pthread_t poller;
    struct error err;

    if (server == NULL || token == NULL || (gpus != NULL && !parse_u64(gpus, &gpu_count))) {
        (void)fprintf(stderr, "sim-host --server URL --token T [--gpus N] [--gpu-name NAME]\n");
        return 2;
    }
    crypto_start();
    struct http_client *client = http_client_open(NULL, NULL);
    sim_agent_init(&host.agent, server, some_number(), (int64_t)gpu_count,
                   name != NULL ? name : "RTX 4090");
    if (!sim_agent_enroll(&host.agent, client, token, &err) ||
        !sim_agent_connect(&host.agent, client, &err))
        die(&err);
    (void)fprintf(stderr, "sim-host: connected as machine %lld\n",
                  (long long)host.agent.machine_id);
    if (pthread_create(&poller, NULL, poll_forever, &host) != 0)
        return 1;
    for (;;) {
        if (beat(&host, client))
            wait_for_change(&host);
        else
            wait_to_retry();
    }
}
