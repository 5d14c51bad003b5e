/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hex.h"
#include "base/parse.h"
#include "flow/limits.h"
#include "flow/relay.h"
#include "server/local_ports.h"
#include "sys/thread.h"

enum {
    HOST_SIZE = 256,
    LOOK_MS = 1000,   /* for what another process did on SQLite, which tells nobody */
    SETTLE_MS = 20,   /* changes that come together are read together */
    FAILED_MS = 2000, /* between attempts to read */
};

struct relay {
    const struct flow *flow;
    struct relay_engine *engine;
    struct tls_context *tls;
    const char *https_files[2]; /* certificate and key; NULL: none */
    struct stat https_read[2];  /* as they were when last read */
    struct relay_row row;
    char host[HOST_SIZE], pin[HEX_SIZE(TLS_PIN_SIZE)], text[HOST_SIZE + 120];
    pthread_t thread;
    bool has_thread, has_https_failed;
    int64_t say_ms;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_touched, is_stopping;
};

struct relay_options relay_options_of(const struct options *options)
{
    return (struct relay_options){ .listen = options_get(options, "relay-listen"),
                                   .host = options_get(options, "relay-host"),
                                   .ports = options_get(options, "relay-ports"),
                                   .cert_file = options_get(options, "relay-cert"),
                                   .key_file = options_get(options, "relay-key"),
                                   .https_cert_file = options_get(options, "relay-https-cert"),
                                   .https_key_file = options_get(options, "relay-https-key") };
}

static bool read_ports(const char *text, struct relay_row *row, struct error *err)
{
    const char *dash = text != NULL ? strchr(text, '-') : NULL;
    char first_text[8] = "";
    uint64_t first, last;

    if (dash != NULL && (size_t)(dash - text) < sizeof first_text) {
        memcpy(first_text, text, (size_t)(dash - text));
        if (parse_u64(first_text, &first) && parse_u64(dash + 1, &last) && first >= 1 &&
            first <= last && last <= UINT16_MAX) {
            row->port_first = (int64_t)first;
            row->port_last = (int64_t)last;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "--relay-ports takes A-B with 1 <= A <= B <= 65535");
}

/* "https://berth.example:8443/" is at berth.example, "[::1]:80" at ::1. */
static bool host_of(const char *text, char host[static HOST_SIZE])
{
    const char *slashes = text != NULL ? strstr(text, "://") : NULL;
    const char *at = slashes != NULL ? slashes + 3 : text;

    if (at == NULL)
        return false;
    bool has_brackets = *at == '[';
    at += has_brackets;
    size_t length = strcspn(at, has_brackets ? "]" : ":/");
    if (length == 0 || length >= HOST_SIZE)
        return false;
    memcpy(host, at, length);
    host[length] = '\0';
    return true;
}

/* How it is reached from outside: as said, as the whole server is, or where it listens, if that is
 * one address. */
static bool find_host(const struct relay_options *options, char host[static HOST_SIZE],
                      struct error *err)
{
    if (options->host != NULL) {
        size_t length = strlen(options->host);

        if (length == 0 || length >= HOST_SIZE || strpbrk(options->host, " /@") != NULL)
            return error_set(err, ERROR_INVALID, "--relay-host is a name or an address");
        memcpy(host, options->host, length + 1);
        return true;
    }
    if (host_of(options->public_url, host))
        return true;
    return (host_of(options->listen, host) && strcmp(host, "0.0.0.0") != 0 &&
            strcmp(host, "::") != 0) ||
           error_set(err, ERROR_INVALID, "--relay-host is needed: how hosts and renters reach it");
}

static void on_stale(void *context)
{
    relay_touch(context);
}

void relay_touch(struct relay *relay)
{
    if (relay == NULL)
        return;
    (void)pthread_mutex_lock(&relay->lock);
    relay->is_touched = true;
    (void)pthread_cond_signal(&relay->changed);
    (void)pthread_mutex_unlock(&relay->lock);
}

static bool read_routes(struct relay *relay, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct relay_route *routes;
    size_t count;

    if (!flow_relay_routes(relay->flow, relay->row.id, &arena, &routes, &count, err))
        return false;
    relay_engine_routes(relay->engine, routes, count);
    return true;
}

static bool say(struct relay *relay, struct error *err)
{
    int64_t now_ms = clock_boot_us(relay->flow->clock) / US_PER_MS;

    if (now_ms < relay->say_ms)
        return true;
    relay->say_ms = now_ms + RELAY_SAY_SECONDS * 1000;
    return flow_relay_say(relay->flow, &relay->row, &relay->row.id, err);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Read what browsers are shown, where it is not what was read last. */
static bool read_https(struct relay *relay, struct error *err)
{
    struct tls_context *https;
    struct stat found[2];

    if (relay->https_files[0] == NULL)
        return true;
    for (int i = 0; i < 2; i++)
        if (stat(relay->https_files[i], &found[i]) != 0)
            return error_system(err, errno, "%s", relay->https_files[i]);
    if (is_same_file(&found[0], &relay->https_read[0]) &&
        is_same_file(&found[1], &relay->https_read[1]))
        return true;
    memcpy(relay->https_read, found, sizeof found);
    if (!tls_web_open(relay->https_files[0], relay->https_files[1], &https, err))
        return error_context(err, "--relay-https-cert");
    if (!tls_web_covers(https, relay->host))
        log_write(relay->flow->log, LOG_WARNING, "relay certificate",
                  "%s is not for %s, or has ended: browsers will warn", relay->https_files[0],
                  relay->host);
    relay_engine_https(relay->engine, https);
    return true;
}

/* One that is being replaced may be half there: the old one stays until the new one is whole. */
static void reread_https(struct relay *relay)
{
    struct stat before[2];
    struct error err;

    memcpy(before, relay->https_read, sizeof before);
    if (read_https(relay, &err)) {
        relay->has_https_failed = false;
        if (memcmp(before, relay->https_read, sizeof before) != 0)
            log_write(relay->flow->log, LOG_INFO, "relay certificate", "read anew");
        return;
    }
    if (!relay->has_https_failed)
        log_failure(relay->flow->log, "relay certificate", &err);
    relay->has_https_failed = true;
}

/* Until there is something to do, or so long. */
static bool wait_ms(struct relay *relay, int64_t ms, bool until_touched)
{
    struct timespec until = thread_after(ms * US_PER_MS);

    (void)pthread_mutex_lock(&relay->lock);
    while (!relay->is_stopping && !(until_touched && relay->is_touched) &&
           pthread_cond_timedwait(&relay->changed, &relay->lock, &until) == 0)
        continue;
    if (!until_touched)
        relay->is_touched = false; /* what came meanwhile is about to be read */
    bool goes_on = !relay->is_stopping;
    (void)pthread_mutex_unlock(&relay->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct relay *relay = context;
    struct error err;

    while (wait_ms(relay, LOOK_MS, true) && wait_ms(relay, SETTLE_MS, false)) {
        reread_https(relay);
        if (say(relay, &err) && read_routes(relay, &err))
            continue;
        log_failure(relay->flow->log, "relay", &err);
        if (!wait_ms(relay, FAILED_MS, false))
            break;
    }
    return NULL;
}

/* Connections that this machine makes itself take ports of their own from a range; one that they
 * have cannot be lent meanwhile. */
static void warn_of_overlap(const struct relay *relay)
{
    int64_t first = relay->row.port_first, last = relay->row.port_last;

    if (local_ports_take(first, last))
        log_write(relay->flow->log, LOG_WARNING, "relay ports",
                  "%lld-%lld are among those that this machine's own connections take: choose "
                  "others, or sysctl net.ipv4.ip_local_reserved_ports=%lld-%lld",
                  (long long)first, (long long)last, (long long)first, (long long)last);
}

static bool open_tls(struct relay *relay, const struct relay_options *options, struct error *err)
{
    uint8_t pin[TLS_PIN_SIZE];

    if ((options->cert_file == NULL) != (options->key_file == NULL))
        return error_set(err, ERROR_INVALID, "--relay-cert and --relay-key go together");
    if ((options->https_cert_file == NULL) != (options->https_key_file == NULL))
        return error_set(err, ERROR_INVALID,
                         "--relay-https-cert and --relay-https-key go together");
    relay->https_files[0] = options->https_cert_file;
    relay->https_files[1] = options->https_key_file;
    relay->row.has_https = options->https_cert_file != NULL;
    if (options->cert_file == NULL)
        return true;
    if (!tls_server_open(options->cert_file, options->key_file, &relay->tls, err))
        return error_context(err, "--relay-cert");
    tls_server_pin(relay->tls, pin);
    (void)hex_format(pin, sizeof pin, relay->pin);
    return true;
}

static bool open_relay(struct relay *relay, const struct relay_options *options, struct error *err)
{
    struct relay_engine_options engine = { .listen = options->listen,
                                           .bind = "0.0.0.0",
                                           .log = *options->flow->log,
                                           .on_stale = on_stale,
                                           .context = relay };
    struct relay_options with_listen = *options;

    if (engine.listen == NULL)
        engine.listen = with_listen.listen = "0.0.0.0:7700";
    if (!read_ports(options->ports, &relay->row, err) ||
        !find_host(&with_listen, relay->host, err) || !open_tls(relay, options, err))
        return false;
    engine.tls = relay->tls;
    if (!relay_engine_open(&engine, &relay->engine, err))
        return false;
    relay->row.agent_host = relay->row.public_host = relay->host;
    relay->row.agent_port = relay_engine_port(relay->engine);
    relay->row.pin = relay->pin;
    (void)snprintf(relay->text, sizeof relay->text, "%s ports %lld-%lld, hosts dial port %lld%s%s",
                   relay->host, (long long)relay->row.port_first, (long long)relay->row.port_last,
                   (long long)relay->row.agent_port, relay->tls != NULL ? " (TLS)" : "",
                   relay->row.has_https ? ", notebooks at https://" : "");
    if (!read_https(relay, err) || !say(relay, err) ||
        !relay_engine_start(relay->engine, relay->row.id, err) || !read_routes(relay, err))
        return false;
    warn_of_overlap(relay);
    relay->has_thread = thread_start(&relay->thread, run, relay, err);
    return relay->has_thread;
}

bool relay_open(const struct relay_options *options, struct relay **ret, struct error *err)
{
    struct relay *relay = calloc(1, sizeof *relay);

    if (relay == NULL)
        abort();
    relay->flow = options->flow;
    (void)pthread_mutex_init(&relay->lock, NULL);
    thread_cond(&relay->changed);
    if (!open_relay(relay, options, err)) {
        relay_close(&relay);
        return error_context(err, "relay");
    }
    *ret = relay;
    return true;
}

void relay_stop(struct relay *relay)
{
    struct error err;

    if (relay == NULL || !relay->has_thread)
        return;
    (void)pthread_mutex_lock(&relay->lock);
    relay->is_stopping = true;
    (void)pthread_cond_signal(&relay->changed);
    (void)pthread_mutex_unlock(&relay->lock);
    (void)pthread_join(relay->thread, NULL);
    relay->has_thread = false;
    if (!flow_relay_leave(relay->flow, &relay->row, &err))
        log_failure(relay->flow->log, "relay", &err);
    relay_engine_close(&relay->engine);
}

void relay_close(struct relay **owner)
{
    struct relay *relay = *owner;

    if (relay == NULL)
        return;
    relay_stop(relay);
    relay_engine_close(&relay->engine);
    tls_context_close(&relay->tls);
    (void)pthread_cond_destroy(&relay->changed);
    (void)pthread_mutex_destroy(&relay->lock);
    free(relay);
    *owner = NULL;
}

const char *relay_text(const struct relay *relay)
{
    return relay->text;
}

struct relay_counts relay_counts(const struct relay *relay)
{
    return relay_engine_counts(relay->engine);
}
