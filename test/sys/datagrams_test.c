/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/datagrams.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* Both ends of a stream, as two programs have them. */
static void open_both(struct datagrams *one, struct datagrams *other)
{
    int fd;

    CHECK(datagrams_pair(one, &fd));
    *other = (struct datagrams){ .fd = fd };
}

static void fill(uint8_t *bytes, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)((i * 2654435761U + seed) >> 5);
}

/* Whatever is written arrives whole and in order, or is counted as lost. */
static void test_each_arrives_whole_or_is_lost(void **state)
{
    enum { COUNT = 4000 };
    static uint8_t sent[DATAGRAMS_SIZE_MAX], wanted[DATAGRAMS_SIZE_MAX];
    static const size_t sizes[] = { 0, 1, 1400, 9000, DATAGRAMS_SIZE_MAX };
    struct datagrams one, other;
    const uint8_t *bytes;
    size_t size, arrived = 0;
    uint32_t flow, last = 0;

    (void)state;
    open_both(&one, &other);
    for (uint32_t i = 1; i <= COUNT; i++) {
        size = sizes[i * 7 % 5] == 1400 ? check_random(1400) : sizes[i * 7 % 5];
        fill(sent, size, i);
        CHECK(datagrams_write(&one, i << 8 | (uint32_t)(size & 0xff), sent, size));
        for (uint64_t reads = check_random(2); reads > 0; reads--) {
            if (datagrams_read(&other, &flow, &bytes, &size) != DATAGRAMS_ONE)
                break;
            CHECK((flow >> 8) > last);
            last = flow >> 8;
            CHECK_INT((int64_t)(size & 0xff), flow & 0xff);
            fill(wanted, size, last);
            CHECK(memcmp(bytes, wanted, size) == 0);
            arrived++;
        }
    }
    /* What is left comes when it is read; the one that was written in part with the next write. */
    CHECK(datagrams_write(&one, 7, sent, 0));
    while (datagrams_read(&other, &flow, &bytes, &size) == DATAGRAMS_ONE || one.out_count > 0) {
        arrived++;
        CHECK(one.out_count == 0 || datagrams_write(&one, 7, sent, DATAGRAMS_SIZE_MAX + 1));
    }
    CHECK(one.lost > 0);
    CHECK(arrived > COUNT / 8);
    datagrams_close(&one);
    CHECK_INT(datagrams_read(&other, &flow, &bytes, &size), DATAGRAMS_ENDED);
    datagrams_close(&other);
}

static void test_a_full_stream_loses_and_holds_little(void **state)
{
    static const uint8_t bytes[1000];
    struct datagrams one, other;
    uint32_t flow;
    const uint8_t *got;
    size_t size, queued = 0;

    (void)state;
    open_both(&one, &other);
    for (int i = 0; i < 10000; i++)
        CHECK(datagrams_write(&one, 1, bytes, sizeof bytes));
    CHECK(one.lost > 5000);
    while (datagrams_read(&other, &flow, &got, &size) == DATAGRAMS_ONE)
        queued += size;
    CHECK(queued > 0 && queued <= 2 * DATAGRAMS_QUEUE);
    /* There is room again. */
    uint64_t lost = one.lost;
    CHECK(datagrams_write(&one, 9, bytes, 10));
    CHECK_INT((int64_t)one.lost, (int64_t)lost);
    do {
        CHECK_INT(datagrams_read(&other, &flow, &got, &size), DATAGRAMS_ONE);
    } while (flow != 9);
    CHECK_INT((int64_t)size, 10);
    datagrams_close(&other);
    CHECK(!datagrams_write(&one, 1, bytes, 10));
    datagrams_close(&one);
    CHECK(!datagrams_write(&one, 1, bytes, 10));
}

static void test_a_length_that_no_datagram_has_ends_it(void **state)
{
    static const struct {
        uint8_t head[DATAGRAMS_HEAD];
        enum datagrams_read read;
    } rows[] = {
        { { 0, 0, 1, 0, 0, 0 }, DATAGRAMS_ONE },
        { { 0, 0, 1, 0, 0xff, 0xe3 }, DATAGRAMS_NONE }, /* 65507: more is to come */
        { { 0, 0, 1, 0, 0xff, 0xe4 }, DATAGRAMS_ENDED },
        { { 0, 0, 1, 0, 0xff, 0xff }, DATAGRAMS_ENDED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct datagrams one, other;
        const uint8_t *bytes;
        uint32_t flow = 0;
        size_t size;

        check_row("%zu", i);
        open_both(&one, &other);
        CHECK_INT(send(one.fd, rows[i].head, DATAGRAMS_HEAD, 0), DATAGRAMS_HEAD);
        CHECK_INT(datagrams_read(&other, &flow, &bytes, &size), rows[i].read);
        CHECK_INT(flow, rows[i].read == DATAGRAMS_ONE ? 256 : 0);
        datagrams_close(&one);
        datagrams_close(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_arrives_whole_or_is_lost),
        cmocka_unit_test(test_a_full_stream_loses_and_holds_little),
        cmocka_unit_test(test_a_length_that_no_datagram_has_ends_it),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
