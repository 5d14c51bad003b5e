/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/relay.h"

#include <string.h>

#include "check.h"

static void fill(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)check_random(256);
}

/* One of that type, with something in every member that it has. */
static struct relay_frame random_frame(enum relay_type type)
{
    struct relay_frame frame = { .type = type };
    int64_t id = 1 + (int64_t)check_random(INT64_MAX);

    if (type == RELAY_CALL) {
        frame.machine_id = id;
        frame.epoch = 1 + (int64_t)check_random(1000);
    } else if (type == RELAY_NONCE) {
        frame.relay_id = id;
        fill(frame.nonce, sizeof frame.nonce);
    } else if (type == RELAY_PROOF) {
        fill(frame.signature, sizeof frame.signature);
    } else if (type == RELAY_OPEN || type == RELAY_OPEN_FLOWS) {
        frame.instance_id = id;
        frame.port = (uint16_t)(1 + check_random(65535));
        frame.from_port = (uint16_t)check_random(65536);
        fill(frame.from, sizeof frame.from);
    } else if (type == RELAY_PING || type == RELAY_PONG) {
        frame.number = check_random(UINT64_MAX);
    }
    if (type == RELAY_OPEN || type == RELAY_OPEN_FLOWS || type == RELAY_REFUSE ||
        type == RELAY_BACK)
        fill(frame.token, sizeof frame.token);
    return frame;
}

static void test_every_frame_arrives_as_it_was_sent(void **state)
{
    (void)state;
    for (int round = 0; round < 1000; round++) {
        struct relay_frame frame =
            random_frame((enum relay_type)(1 + check_random(RELAY_TYPE_LAST)));
        struct relay_frame again;
        uint8_t bytes[RELAY_FRAME_MAX];
        size_t used = 0, length = relay_frame_write(&frame, bytes);

        check_row("type %d", (int)frame.type);
        CHECK_INT((int64_t)relay_frame_size(bytes), (int64_t)length);
        CHECK_INT(relay_frame_read(bytes, length, &again, &used), RELAY_READ_FRAME);
        CHECK_INT((int64_t)used, (int64_t)length);
        CHECK(memcmp(&frame, &again, sizeof frame) == 0);
    }
}

/* However it is cut, nothing is taken for a frame before its last byte is there. */
static void test_a_beginning_is_no_frame(void **state)
{
    (void)state;
    for (int type = 1; type <= RELAY_TYPE_LAST; type++) {
        struct relay_frame frame = random_frame((enum relay_type)type), again;
        uint8_t bytes[RELAY_FRAME_MAX];
        size_t used = 77, length = relay_frame_write(&frame, bytes);

        for (size_t count = 0; count < length; count++) {
            check_row("type %d, %zu bytes", type, count);
            CHECK_INT(relay_frame_read(bytes, count, &again, &used), RELAY_READ_MORE);
        }
        CHECK_INT((int64_t)used, 77);
    }
}

static void test_what_is_no_frame_is_said_to_be_none(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } rows[] = { { 0, 0xBD }, { 0, 'S' }, { 1, 0 },
                 { 1, 2 },    { 2, 0 },   { 2, RELAY_TYPE_LAST + 1 },
                 { 2, 255 },  { 3, 0 },   { 3, 17 },
                 { 3, 255 } };
    struct relay_frame frame = { .type = RELAY_CALL, .machine_id = 7, .epoch = 3 }, again;
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = relay_frame_write(&frame, bytes);

        check_row("byte %zu as %d", rows[i].at, rows[i].byte);
        bytes[rows[i].at] = rows[i].byte;
        CHECK_INT(relay_frame_read(bytes, length, &again, &used), RELAY_READ_BAD);
        CHECK_INT((int64_t)relay_frame_size(bytes), 0);
    }
    /* An SSH client at the wrong port: known from its first byte. */
    CHECK_INT(relay_frame_read((const uint8_t *)"S", 1, &again, &used), RELAY_READ_BAD);
}

/* Ids and epochs are 1 and up, ports too. */
static void test_numbers_out_of_range_are_refused(void **state)
{
    struct relay_frame rows[] = { { .type = RELAY_CALL, .machine_id = 0, .epoch = 1 },
                                  { .type = RELAY_CALL, .machine_id = 1, .epoch = 0 },
                                  { .type = RELAY_CALL, .machine_id = -1, .epoch = 1 },
                                  { .type = RELAY_CALL, .machine_id = 1, .epoch = INT64_MIN },
                                  { .type = RELAY_NONCE, .relay_id = 0 },
                                  { .type = RELAY_OPEN, .instance_id = 0, .port = 22 },
                                  { .type = RELAY_OPEN, .instance_id = 1, .port = 0 } };
    struct relay_frame again;
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = relay_frame_write(&rows[i], bytes);

        check_row("%zu", i);
        CHECK_INT(relay_frame_read(bytes, length, &again, &used), RELAY_READ_BAD);
    }
}

/* No two claims have the same bytes under their signatures. */
static void test_what_is_signed_names_all_of_it(void **state)
{
    const uint8_t nonces[2][RELAY_NONCE_SIZE] = { { 1 }, { 2 } };
    const struct relay_claim claims[] = { { 1, 2, 3, nonces[0] },
                                          { 2, 2, 3, nonces[0] },
                                          { 1, 3, 3, nonces[0] },
                                          { 1, 2, 4, nonces[0] },
                                          { 1, 2, 3, nonces[1] } };
    enum { COUNT = sizeof claims / sizeof claims[0] };
    struct buf texts[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        texts[i] = buf_of(256);
        relay_signed(&texts[i], &claims[i]);
        CHECK(!texts[i].has_overflowed);
        for (size_t k = 0; k < i; k++)
            CHECK(texts[i].length != texts[k].length ||
                  memcmp(texts[i].bytes, texts[k].bytes, texts[i].length) != 0);
    }
    for (size_t i = 0; i < COUNT; i++)
        buf_release(&texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_frame_arrives_as_it_was_sent),
        cmocka_unit_test(test_a_beginning_is_no_frame),
        cmocka_unit_test(test_what_is_no_frame_is_said_to_be_none),
        cmocka_unit_test(test_numbers_out_of_range_are_refused),
        cmocka_unit_test(test_what_is_signed_names_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
