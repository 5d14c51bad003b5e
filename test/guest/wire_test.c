/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

static uint8_t bytes[WIRE_SIZE_MAX];

static const char ENV[] = "LANG=C\0_x1=a=b\0EMPTY=";

static const struct wire_message MESSAGES[] = {
    { .type = WIRE_KEY, .text = "ssh-ed25519 AAAA", .number = 1 },
    { .type = WIRE_HELPER, .tag = 3 },
    { .type = WIRE_HELPER, .number = 1 },
    { .type = WIRE_SOCKET, .number = 6, .tag = UINT16_MAX },
    { .type = WIRE_LISTEN, .number = 4, .port = 65535, .text = "localhost" },
    { .type = WIRE_GRANTED, .port = 1 },
    { .type = WIRE_REFUSED, .number = ECONNREFUSED, .text = "no" },
    { .type = WIRE_RUN,
      .kind = WIRE_SHELL,
      .has_terminal = true,
      .term = "xterm",
      .terminal = { 80, 24, 640, 480 },
      .env = ENV,
      .env_length = sizeof(ENV) },
    { .type = WIRE_RUN, .kind = WIRE_COMMAND, .text = "echo hi" },
    { .type = WIRE_RUN, .kind = WIRE_SFTP },
    { .type = WIRE_RUN, .kind = WIRE_RESOLVE, .text = "example.org" },
    { .type = WIRE_STARTED },
    { .type = WIRE_SIGNAL, .number = 64 },
    { .type = WIRE_CLOSE },
    { .type = WIRE_EXITED, .number = 256 + 9 },
};

enum { MESSAGE_COUNT = sizeof(MESSAGES) / sizeof(MESSAGES[0]) };

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void check_same(const struct wire_message *got, const struct wire_message *want)
{
    CHECK_INT(got->type, want->type);
    CHECK_INT(got->tag, want->tag);
    CHECK_INT(got->port, want->port);
    CHECK_INT(got->number, want->number);
    CHECK_INT(got->kind, want->kind);
    CHECK_INT(got->has_terminal, want->has_terminal);
    CHECK(memcmp(&got->terminal, &want->terminal, sizeof(got->terminal)) == 0);
    CHECK_TEXT(got->term, text_or_empty(want->term));
    CHECK_TEXT(got->text, text_or_empty(want->text));
    CHECK_INT((int64_t)got->env_length, (int64_t)want->env_length);
    CHECK(want->env_length == 0 || memcmp(got->env, want->env, want->env_length) == 0);
}

static void test_what_is_written_reads_back(void **state)
{
    struct wire_message got;

    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        check_row("message %zu", i);
        size_t length = wire_encode(&MESSAGES[i], bytes);
        CHECK(length > 0);
        CHECK(wire_decode(bytes, length, &got));
        check_same(&got, &MESSAGES[i]);
    }
}

/* No byte is free: whatever is cut off or put behind makes it another message, which is none. */
static void test_a_message_has_one_length(void **state)
{
    struct wire_message got = { .tag = 77 };

    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        size_t length = wire_encode(&MESSAGES[i], bytes);

        bytes[length] = 0;
        for (size_t other = 0; other <= length + 1; other++) {
            check_row("message %zu, %zu bytes of %zu", i, other, length);
            /* In a block of its own, so that the sanitizer sees a read past it. */
            uint8_t *copy = malloc(other + 1);
            memcpy(copy, bytes, other);
            if (other != length)
                CHECK(!wire_decode(copy, other, &got));
            free(copy);
        }
    }
    CHECK_INT(got.tag, 77);
}

static void test_every_flipped_bit_is_read_safely(void **state)
{
    struct wire_message got;
    uint8_t again[4096];

    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        size_t length = wire_encode(&MESSAGES[i], bytes);

        for (size_t bit = 0; bit < 8 * length; bit++) {
            check_row("message %zu, bit %zu", i, bit);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            /* What still reads is what would have been written for it. */
            if (wire_decode(bytes, length, &got)) {
                static uint8_t written[WIRE_SIZE_MAX];

                CHECK(length <= sizeof(again));
                memcpy(again, bytes, length);
                CHECK_INT((int64_t)wire_encode(&got, written), (int64_t)length);
                CHECK(memcmp(written, again, length) == 0);
            }
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

static void test_what_makes_no_sense_is_not_written(void **state)
{
    static const struct wire_message rows[] = {
        { .type = WIRE_KEY, .number = 2 },
        { .type = WIRE_SOCKET, .number = 5 },
        { .type = WIRE_SIGNAL, .number = 0 },
        { .type = WIRE_SIGNAL, .number = 65 },
        { .type = WIRE_EXITED, .number = 256 + 65 },
        { .type = WIRE_CLOSE, .text = "x" },
        { .type = WIRE_CLOSE, .port = 1 },
        { .type = WIRE_CLOSE, .has_terminal = true },
        { .type = WIRE_STARTED, .kind = WIRE_SFTP },
        { .type = WIRE_RUN, .kind = WIRE_SHELL, .text = "x" },
        { .type = WIRE_RUN, .kind = WIRE_SHELL, .term = "xterm" },
        { .type = WIRE_RUN, .env = "1A=b", .env_length = 5 },
        { .type = WIRE_RUN, .env = "A", .env_length = 2 },
        { .type = WIRE_RUN, .env = "=b", .env_length = 3 },
        { .type = WIRE_RUN, .env = "A=b", .env_length = 3 },
        { .type = WIRE_RUN, .env = "A B=b", .env_length = 6 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("row %zu", i);
        CHECK_INT((int64_t)wire_encode(&rows[i], bytes), 0);
    }
}

static char *text_of(size_t length)
{
    char *text = malloc(length + 1);

    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void test_texts_have_limits(void **state)
{
    auto_free char *command = text_of(WIRE_TEXT_MAX + 1);
    auto_free char *term = text_of(WIRE_TERM_MAX + 1);
    auto_free char *env = text_of(WIRE_ENV_MAX);
    struct wire_message message = {
        .type = WIRE_RUN,
        .kind = WIRE_COMMAND,
        .has_terminal = true,
        .term = term,
        .text = command,
        .env = env,
        .env_length = WIRE_ENV_MAX,
    };

    (void)state;
    env[1] = '=';
    env[WIRE_ENV_MAX - 1] = '\0';
    CHECK_INT((int64_t)wire_encode(&message, bytes), 0);
    term[WIRE_TERM_MAX] = '\0';
    CHECK_INT((int64_t)wire_encode(&message, bytes), 0);
    command[WIRE_TEXT_MAX] = '\0';
    size_t length = wire_encode(&message, bytes);
    CHECK(length > WIRE_TEXT_MAX + WIRE_ENV_MAX);
    CHECK(wire_decode(bytes, length, &message));
    message.env_length++;
    CHECK_INT((int64_t)wire_encode(&message, bytes), 0);
}

static void test_descriptors_ride_along(void **state)
{
    struct wire_message got;
    int pair[2], pipe_ends[2], fds[WIRE_FDS_MAX];
    char letter = 'x';

    (void)state;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(pipe2(pipe_ends, O_CLOEXEC) == 0);
    CHECK(
        wire_send(pair[0], &(struct wire_message){ .type = WIRE_STARTED, .tag = 5 }, pipe_ends, 2));
    CHECK_INT(wire_receive(pair[1], bytes, &got, fds), 1);
    CHECK_INT(got.tag, 5);
    CHECK(fds[0] >= 0 && fds[1] >= 0);
    CHECK_INT(fds[2], -1);
    CHECK_INT(write(fds[1], &letter, 1), 1);
    letter = 'y';
    CHECK_INT(read(fds[0], &letter, 1), 1);
    CHECK_INT(letter, 'x');
    for (size_t i = 0; i < 2; i++) {
        CHECK(close(fds[i]) == 0);
        CHECK(close(pipe_ends[i]) == 0);
    }

    /* What is no message says so, and brings no descriptor. */
    CHECK_INT(send(pair[0], "junk", 4, 0), 4);
    CHECK_INT(wire_receive(pair[1], bytes, &got, fds), -1);
    CHECK_INT(errno, EBADMSG);
    CHECK_INT(fds[0], -1);
    CHECK(close(pair[0]) == 0);
    CHECK_INT(wire_receive(pair[1], bytes, &got, fds), 0);
    CHECK(close(pair[1]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_a_message_has_one_length),
        cmocka_unit_test(test_every_flipped_bit_is_read_safely),
        cmocka_unit_test(test_what_makes_no_sense_is_not_written),
        cmocka_unit_test(test_texts_have_limits),
        cmocka_unit_test(test_descriptors_ride_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
