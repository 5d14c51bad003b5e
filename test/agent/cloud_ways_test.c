/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_ways.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { REPLY_SIZE = 10 };

static int listener;
static uint16_t port;

static int setup(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    (void)state;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0);
    CHECK_INT(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(listener, 8), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    return 0;
}

/* What comes of what a client says, which then says no more: the reply's code, -1 for none. */
static int ask(const uint8_t *bytes, size_t length, const char *allowed)
{
    uint8_t answer[2 + REPLY_SIZE] = { 0 };
    int ends[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_INT(write(ends[0], bytes, length), (int)length);
    CHECK_INT(shutdown(ends[0], SHUT_WR), 0);
    int fd = cloud_ways_answer(ends[1], allowed);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], answer, sizeof answer);
    (void)close(ends[0]);
    int code = got == (ssize_t)sizeof answer ? answer[3] : -1;
    CHECK_INT(fd >= 0, code == 0);
    if (fd >= 0)
        (void)close(fd);
    return code;
}

/* CONNECT to a name. */
static size_t request(uint8_t *bytes, const char *host, uint16_t to)
{
    size_t length = strlen(host);
    const uint8_t front[] = { 5, 1, 0, 5, 1, 0, 3, (uint8_t)length };

    memcpy(bytes, front, sizeof front);
    memcpy(bytes + sizeof front, host, length);
    bytes[sizeof front + length] = (uint8_t)(to >> 8);
    bytes[sizeof front + length + 1] = (uint8_t)to;
    return sizeof front + length + 2;
}

static void test_private_places_are_reached_only_where_they_are_named(void **state)
{
    char here[64], wrong[64], list[160];
    uint8_t bytes[300];

    (void)state;
    (void)snprintf(here, sizeof here, "localhost:%u", (unsigned)port);
    (void)snprintf(wrong, sizeof wrong, "localhost:%u", (unsigned)port + 1);
    (void)snprintf(list, sizeof list, "%s,%s", wrong, here);
    const struct {
        const char *host, *allowed;
        int code;
    } rows[] = {
        { "localhost", NULL, 2 },
        { "localhost", "", 2 },
        { "localhost", wrong, 2 },
        { "localhost", here, 0 },
        { "LOCALHOST", list, 0 },
        { "localhost", CLOUD_WAYS_ALL, 0 },
        { "127.0.0.1", here, 2 },
        { "127.0.0.1", NULL, 2 },
        { "169.254.169.254", NULL, 2 },
        { "10.0.0.1", NULL, 2 },
        { "::1", NULL, 2 },
        { "::ffff:127.0.0.1", NULL, 2 },
        { "0.0.0.0", NULL, 2 },
        { "nowhere.invalid", CLOUD_WAYS_ALL, 4 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s, allowed %s", rows[i].host,
                  rows[i].allowed != NULL ? rows[i].allowed : "none");
        CHECK_INT(ask(bytes, request(bytes, rows[i].host, port), rows[i].allowed), rows[i].code);
    }
}

static void test_an_address_is_as_good_as_its_text(void **state)
{
    const uint8_t v4[] = { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port };
    const uint8_t v6[] = { 5,
                           1,
                           0,
                           5,
                           1,
                           0,
                           4,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           1,
                           (uint8_t)(port >> 8),
                           (uint8_t)port };
    char here[64];

    (void)state;
    (void)snprintf(here, sizeof here, "127.0.0.1:%u", (unsigned)port);
    CHECK_INT(ask(v4, sizeof v4, here), 0);
    CHECK_INT(ask(v4, sizeof v4, NULL), 2);
    CHECK_INT(ask(v6, sizeof v6, NULL), 2);
}

static void test_what_is_no_socks_gets_nothing(void **state)
{
    uint8_t bytes[300];
    size_t length = request(bytes, "localhost", port);

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        check_row("cut at %zu", cut);
        CHECK_INT(ask(bytes, cut, CLOUD_WAYS_ALL), -1);
    }
    bytes[0] = 4;
    CHECK_INT(ask(bytes, length, CLOUD_WAYS_ALL), -1);
    bytes[0] = 5;
    bytes[2] = 2; /* a password is all that it offers */
    CHECK_INT(ask(bytes, length, CLOUD_WAYS_ALL), -1);
    bytes[2] = 0;
    bytes[4] = 2; /* to listen */
    CHECK_INT(ask(bytes, length, CLOUD_WAYS_ALL), 7);
    bytes[4] = 1;
    bytes[6] = 9; /* no kind of address */
    CHECK_INT(ask(bytes, length, CLOUD_WAYS_ALL), -1);
    bytes[6] = 3;
    bytes[10] = 0; /* another name, for whoever stops there */
    CHECK_INT(ask(bytes, length, CLOUD_WAYS_ALL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_places_are_reached_only_where_they_are_named),
        cmocka_unit_test(test_an_address_is_as_good_as_its_text),
        cmocka_unit_test(test_what_is_no_socks_gets_nothing),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
