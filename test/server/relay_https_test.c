/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's ports that browsers dial: TLS that ends here, and what hostile handshakes cost. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "market/relaying.h"
#include "server/relay_engine.h"
#include "support_relay.h"
#include "sys/child.h"
#include "sys/tls.h"

/* routes[1] is a notebook's. */
struct web {
    struct scene scene;
    struct tls_context *client;
    uint8_t pin[TLS_PIN_SIZE];
};

/* A certificate that OpenSSL's own program makes; `ret_pin` is what it shows. */
static struct tls_context *make_certificate(const char *host, uint8_t ret_pin[static TLS_PIN_SIZE])
{
    char dir[] = "/tmp/berth-https-XXXXXX", cert[64], key[64], name[64];
    auto_buf struct buf output = buf_of(65536);
    struct tls_context *context = NULL;
    struct error err;
    int status;

    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    (void)snprintf(key, sizeof key, "%s/key.pem", dir);
    (void)snprintf(name, sizeof name, "subjectAltName=%s", host);
    const char *const make[] = {
        "openssl", "req",   "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",  "-subj", "/CN=-", "-addext", name, "-keyout",  key,
        "-out",    cert,    NULL
    };
    const struct child_run run = { .arguments = make, .timeout_ms = 20000 };
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK_INT(status, 0);
    CHECK_OK(tls_web_open(cert, key, &context, &err), &err);
    tls_server_pin(context, ret_pin);
    (void)unlink(cert);
    (void)unlink(key);
    (void)rmdir(dir);
    return context;
}

static void web_open(struct web *web)
{
    struct error err;

    *web = (struct web){ 0 };
    scene_open(&web->scene);
    relay_engine_https(web->scene.engine, make_certificate("DNS:relay.test", web->pin));
    web->scene.routes[1].protocol = RELAYING_HTTPS;
    scene_routes(&web->scene, 2, EPOCH);
    CHECK_OK(tls_client_open(&web->client, &err), &err);
}

static void web_close(struct web *web)
{
    tls_context_close(&web->client);
    scene_close(&web->scene);
}

static uint16_t notebook(const struct web *web)
{
    return (uint16_t)web->scene.routes[1].port;
}

static struct tls *shake(struct web *web, int fd, const uint8_t *pin)
{
    struct tls *tls = tls_open(web->client, fd, pin);

    CHECK_INT(tls_shake(tls), TLS_OPEN);
    return tls;
}

/* Nothing comes within that time. */
static bool is_silent(int fd, int ms)
{
    return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) == 0;
}

struct writing {
    int fd;
    const uint8_t *bytes;
    size_t count;
    bool is_ok;
};

static void *write_all(void *context)
{
    struct writing *writing = context;

    writing->is_ok = scene_write(writing->fd, writing->bytes, writing->count);
    return NULL;
}

static void test_what_browsers_say_in_tls_comes_out_plain(void **state)
{
    enum { SIZE = 1 << 20 };
    static uint8_t sent[SIZE], got[SIZE];
    struct web web;
    struct relay_frame open;
    char text[16] = "";
    size_t taken = 0;

    (void)state;
    web_open(&web);
    int agent = scene_control(&web.scene), caller = scene_dial(notebook(&web));
    struct tls *tls = shake(&web, caller, web.pin);
    CHECK_INT(tls_write(tls, "GET /", 5), 5);
    int end = scene_back(&web.scene, agent, &open);
    CHECK_INT(open.instance_id, INSTANCE + 1);
    CHECK_INT(open.port, 80);
    CHECK(scene_read(end, text, 5));
    CHECK_TEXT(text, "GET /");
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)check_random(256);
    struct writing writing = { end, sent, SIZE, false };
    pthread_t writer;
    CHECK(pthread_create(&writer, NULL, write_all, &writing) == 0);
    while (taken < SIZE) {
        ssize_t count = tls_read(tls, got + taken, SIZE - taken);

        CHECK(count > 0);
        taken += (size_t)count;
    }
    (void)pthread_join(writer, NULL);
    CHECK(writing.is_ok && memcmp(sent, got, SIZE) == 0);
    /* The end of one way is passed on, in the words of TLS, and the other goes on. */
    CHECK(shutdown(end, SHUT_WR) == 0);
    CHECK_INT(tls_read(tls, text, sizeof text), 0);
    CHECK_INT(tls_write(tls, "more", 4), 4);
    CHECK(scene_read(end, text, 4));
    tls_close(&tls);
    (void)close(caller);
    CHECK(scene_is_closed(end));
    (void)close(end);
    (void)close(agent);
    web_close(&web);
}

/* Whoever has not finished a handshake is the relay's trouble alone. */
static void test_the_host_is_asked_behind_the_handshake(void **state)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct timespec began, ended;
    struct web web;

    (void)state;
    web_open(&web);
    int agent = scene_control(&web.scene), slow = scene_dial(notebook(&web));
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    CHECK(scene_write(slow, hello, sizeof hello - 1));
    int plain = scene_dial(notebook(&web));
    CHECK(scene_write(plain, "GET / HTTP/1.1\r\n\r\n", 18));
    char bytes[64];
    while (recv(plain, bytes, sizeof bytes, 0) > 0)
        continue; /* an alert, and the end */
    (void)close(plain);
    CHECK(is_silent(agent, 300));
    /* One byte now and then keeps nobody in. */
    for (int i = 0; is_silent(slow, 500) && i < 30; i++)
        (void)send(slow, "\0", 1, MSG_NOSIGNAL);
    CHECK(scene_is_closed(slow));
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    int64_t took_ms =
        (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
    CHECK(took_ms >= RELAY_SHAKE_MS - 500 && took_ms < RELAY_SHAKE_MS + 3000);
    (void)close(slow);
    (void)close(agent);
    web_close(&web);
}

/* One address has so many handshakes under way, and they take no place of other ports' callers. */
static void test_handshakes_are_bounded_by_themselves(void **state)
{
    enum { MORE = 8 };
    struct web web;
    struct relay_frame open;
    int callers[RELAY_SHAKING_PER_ADDRESS + MORE], closed = 0;
    char text[4];

    (void)state;
    web_open(&web);
    int agent = scene_control(&web.scene);
    for (int i = 0; i < RELAY_SHAKING_PER_ADDRESS + MORE; i++)
        callers[i] = scene_dial(notebook(&web));
    for (int tries = 0; tries < 100 && closed < MORE; tries++) {
        closed = 0;
        for (int i = 0; i < RELAY_SHAKING_PER_ADDRESS + MORE; i++)
            closed += !is_silent(callers[i], 0);
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    CHECK_INT(closed, MORE);
    CHECK_INT((int64_t)relay_engine_counts(web.scene.engine).refused, MORE);
    int other = scene_dial((uint16_t)web.scene.routes[0].port);
    int end = scene_back(&web.scene, agent, &open);
    CHECK(scene_write(other, "ping", 4) && scene_read(end, text, 4));
    /* A place that is left is another's. */
    (void)close(callers[0]);
    for (int tries = 0, is_in = 0; !is_in; tries++) {
        CHECK(tries < 100);
        int next = scene_dial(notebook(&web));
        is_in = is_silent(next, 50);
        (void)close(next);
    }
    for (int i = 1; i < RELAY_SHAKING_PER_ADDRESS + MORE; i++)
        (void)close(callers[i]);
    (void)close(other);
    (void)close(end);
    (void)close(agent);
    web_close(&web);
}

static void test_a_new_certificate_ends_nobody_s_connection(void **state)
{
    struct web web;
    struct relay_frame open;
    uint8_t next_pin[TLS_PIN_SIZE];
    char text[8] = "";
    bool is_new = false;

    (void)state;
    web_open(&web);
    int agent = scene_control(&web.scene), caller = scene_dial(notebook(&web));
    struct tls *old = shake(&web, caller, web.pin);
    int end = scene_back(&web.scene, agent, &open);
    relay_engine_https(web.scene.engine, make_certificate("DNS:relay.test", next_pin));
    for (int tries = 0; !is_new; tries++) {
        int fd = scene_dial(notebook(&web));
        struct tls *tls = tls_open(web.client, fd, next_pin);

        CHECK(tries < 100); /* it is taken over on the engine's own thread */
        is_new = tls_shake(tls) == TLS_OPEN;
        tls_close(&tls);
        (void)close(fd);
    }
    CHECK_INT(tls_write(old, "still", 5), 5);
    CHECK(scene_read(end, text, 5));
    CHECK_TEXT(text, "still");
    tls_close(&old);
    (void)close(caller);
    (void)close(end);
    (void)close(agent);
    web_close(&web);
}

static bool can_dial(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_through = connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;

    (void)close(fd);
    return is_through;
}

static void test_without_a_certificate_nobody_listens_there(void **state)
{
    struct scene scene;

    (void)state;
    scene_open(&scene);
    scene.routes[1].protocol = RELAYING_HTTPS;
    scene_routes(&scene, 2, EPOCH);
    (void)close(scene_dial((uint16_t)scene.routes[0].port));
    /* What it was before is closed in the relay's own time. */
    for (int i = 0; i < 200 && can_dial((uint16_t)scene.routes[1].port); i++)
        (void)usleep(10000);
    CHECK(!can_dial((uint16_t)scene.routes[1].port));
    uint8_t pin[TLS_PIN_SIZE];
    relay_engine_https(scene.engine, make_certificate("DNS:relay.test", pin));
    (void)close(scene_dial((uint16_t)scene.routes[1].port)); /* within two seconds */
    scene_close(&scene);
}

/* OpenSSL's own client, as browsers of several ages. */
static void test_old_protocols_and_other_applications_are_refused(void **state)
{
    enum { WORDS = 5 };
    static const struct {
        const char *words[WORDS];
        int status;
        const char *says;
    } rows[] = {
        { { "-tls1_3" }, 0, "TLSv1.3" },
        { { "-tls1_2" }, 0, "TLSv1.2" },
        { { "-tls1_2", "-cipher", "AES128-GCM-SHA256" }, 1, "alert" },
        { { "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA" }, 1, "alert" },
        { { "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0" }, 1, "alert" },
        { { "-alpn", "h2,http/1.1" }, 0, "ALPN protocol: http/1.1" },
        { { "-alpn", "h2" }, 1, "alert no application protocol" },
        { { "-servername", "somebody.else" }, 0, "TLSv1.3" },
    };
    struct web web;

    (void)state;
    web_open(&web);
    int agent = scene_control(&web.scene);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", notebook(&web));
    (void)close(scene_dial(notebook(&web)));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words[4 + WORDS] = { "openssl", "s_client", "-connect", address };
        auto_buf struct buf output = buf_of(65536);
        const struct child_run run = { .arguments = words, .timeout_ms = 20000 };
        struct error err;
        int status;

        check_row("%zu", i);
        for (size_t k = 0; k + 1 < WORDS; k++)
            words[4 + k] = rows[i].words[k];
        CHECK_OK(child_run(&run, &output, &status, &err), &err);
        CHECK_INT(status, rows[i].status);
        CHECK(strstr(output.bytes, rows[i].says) != NULL);
    }
    (void)close(agent);
    web_close(&web);
}

static void test_a_certificate_covers_the_names_that_are_in_it(void **state)
{
    static const struct {
        const char *names, *host;
        bool covers;
    } rows[] = {
        { "DNS:relay.test", "relay.test", true },
        { "DNS:relay.test", "other.test", false },
        { "DNS:relay.test", "203.0.113.20", false },
        { "DNS:*.berth.test", "relay.berth.test", true },
        { "DNS:*.berth.test", "berth.test", false },
        { "IP:203.0.113.20", "203.0.113.20", true },
        { "IP:203.0.113.20", "203.0.113.21", false },
        { "IP:2001:db8::1", "2001:db8::1", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t pin[TLS_PIN_SIZE];
        struct tls_context *context = make_certificate(rows[i].names, pin);

        check_row("%zu", i);
        CHECK(tls_web_covers(context, rows[i].host) == rows[i].covers);
        tls_context_close(&context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_browsers_say_in_tls_comes_out_plain),
        cmocka_unit_test(test_the_host_is_asked_behind_the_handshake),
        cmocka_unit_test(test_handshakes_are_bounded_by_themselves),
        cmocka_unit_test(test_a_new_certificate_ends_nobody_s_connection),
        cmocka_unit_test(test_without_a_certificate_nobody_listens_there),
        cmocka_unit_test(test_old_protocols_and_other_applications_are_refused),
        cmocka_unit_test(test_a_certificate_covers_the_names_that_are_in_it),
    };

    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
