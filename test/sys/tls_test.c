/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/pump.h"

struct scene {
    char dir[32], cert[64], key[64];
    struct tls_context *server, *client;
    uint8_t pin[TLS_PIN_SIZE];
};

/* With a key that OpenSSL's own program makes. */
static void scene_open(struct scene *scene)
{
    auto_buf struct buf output = buf_of(65536);
    struct error err;
    int status;

    *scene = (struct scene){ .dir = "/tmp/berth-tls-XXXXXX" };
    CHECK(mkdtemp(scene->dir) != NULL);
    (void)snprintf(scene->cert, sizeof scene->cert, "%s/cert.pem", scene->dir);
    (void)snprintf(scene->key, sizeof scene->key, "%s/key.pem", scene->dir);
    const char *const make[] = { "openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:P-256",
                                 "-nodes",
                                 "-subj",
                                 "/CN=relay",
                                 "-keyout",
                                 scene->key,
                                 "-out",
                                 scene->cert,
                                 NULL };
    const struct child_run run = { .arguments = make, .timeout_ms = 20000 };
    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    CHECK_INT(status, 0);
    CHECK_OK(tls_server_open(scene->cert, scene->key, &scene->server, &err), &err);
    CHECK_OK(tls_client_open(&scene->client, &err), &err);
    tls_server_pin(scene->server, scene->pin);
}

static void scene_close(struct scene *scene)
{
    tls_context_close(&scene->server);
    tls_context_close(&scene->client);
    (void)unlink(scene->cert);
    (void)unlink(scene->key);
    (void)rmdir(scene->dir);
}

/* Both ends, as far as the handshake goes. */
static enum tls_state shake(struct scene *scene, const uint8_t *pin, int fds[2],
                            struct tls *ends[2])
{
    enum tls_state states[2] = { TLS_WAITS, TLS_WAITS };

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    ends[0] = tls_open(scene->server, fds[0], NULL);
    ends[1] = tls_open(scene->client, fds[1], pin);
    for (int i = 0; i < 20 && (states[0] == TLS_WAITS || states[1] == TLS_WAITS); i++)
        for (int k = 0; k < 2; k++)
            states[k] = states[k] == TLS_WAITS ? tls_shake(ends[k]) : states[k];
    return states[1];
}

static void hang_up(int fds[2], struct tls *ends[2])
{
    for (int i = 0; i < 2; i++) {
        tls_close(&ends[i]);
        (void)close(fds[i]);
    }
}

static void test_only_the_key_with_the_pin_is_spoken_to(void **state)
{
    struct scene scene;
    struct tls *ends[2];
    int fds[2];

    (void)state;
    scene_open(&scene);
    CHECK_INT(shake(&scene, scene.pin, fds, ends), TLS_OPEN);
    hang_up(fds, ends);
    for (size_t i = 0; i < TLS_PIN_SIZE; i += TLS_PIN_SIZE - 1) {
        uint8_t wrong[TLS_PIN_SIZE];

        memcpy(wrong, scene.pin, sizeof wrong);
        wrong[i] ^= 1;
        CHECK_INT(shake(&scene, wrong, fds, ends), TLS_FAILED);
        hang_up(fds, ends);
    }
    scene_close(&scene);
}

static void test_bytes_and_their_end_arrive(void **state)
{
    struct scene scene;
    struct tls *ends[2];
    char text[16] = "";
    int fds[2];

    (void)state;
    scene_open(&scene);
    CHECK_INT(shake(&scene, scene.pin, fds, ends), TLS_OPEN);
    CHECK_INT(tls_read(ends[0], text, sizeof text), -1);
    CHECK_INT(errno, EAGAIN);
    CHECK_INT(tls_write(ends[1], "hello", 5), 5);
    CHECK_INT(tls_read(ends[0], text, sizeof text), 5);
    CHECK_TEXT(text, "hello");
    /* One way ends, the other goes on. */
    CHECK(tls_end(ends[1]));
    CHECK_INT(tls_read(ends[0], text, sizeof text), 0);
    CHECK_INT(tls_write(ends[0], "back", 4), 4);
    CHECK_INT(tls_read(ends[1], text, sizeof text), 4);
    hang_up(fds, ends);

    /* An end without a word is none: nobody takes a part for the whole. */
    CHECK_INT(shake(&scene, scene.pin, fds, ends), TLS_OPEN);
    CHECK_INT(tls_write(ends[1], "part", 4), 4);
    CHECK(shutdown(fds[1], SHUT_RDWR) == 0);
    CHECK_INT(tls_read(ends[0], text, sizeof text), 4);
    CHECK_INT(tls_read(ends[0], text, sizeof text), -1);
    CHECK_INT(errno, EIO);
    hang_up(fds, ends);
    scene_close(&scene);
}

static void test_a_pump_carries_from_tls_to_plain_and_back(void **state)
{
    enum { SIZE = 300000 };
    struct scene scene;
    struct tls *ends[2];
    struct pump_bed bed;
    struct pump pump;
    int fds[2], plain[2];
    static uint8_t sent[SIZE], got[SIZE];
    size_t put = 0, taken = 0;

    (void)state;
    scene_open(&scene);
    CHECK_INT(shake(&scene, scene.pin, fds, ends), TLS_OPEN);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, plain) == 0);
    pump_bed_open(&bed);
    pump_open(&pump, (struct pump_end){ .fd = plain[0] },
              (struct pump_end){ .fd = fds[0], .tls = ends[0] });
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)check_random(256);
    for (int tries = 0; tries < 100000 && taken < SIZE; tries++) {
        ssize_t count = put < SIZE ? tls_write(ends[1], sent + put, SIZE - put) : 0;
        put += count > 0 ? (size_t)count : 0;
        for (int end = 0; end < 2; end++)
            pump_ready(&pump, end, EPOLLIN | EPOLLOUT);
        CHECK(pump_run(&pump, &bed) != PUMP_FAILED);
        count = recv(plain[1], got + taken, SIZE - taken, 0);
        taken += count > 0 ? (size_t)count : 0;
    }
    CHECK_INT((int64_t)taken, SIZE);
    CHECK(memcmp(sent, got, SIZE) == 0);
    pump_close(&pump, &bed, false);
    pump_bed_close(&bed);
    tls_close(&ends[1]);
    (void)close(fds[1]);
    (void)close(plain[1]);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_key_with_the_pin_is_spoken_to),
        cmocka_unit_test(test_bytes_and_their_end_arrive),
        cmocka_unit_test(test_a_pump_carries_from_tls_to_plain_and_back),
    };

    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
