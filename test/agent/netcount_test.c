/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/netcount.h"

#include "check.h"

static const char table[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop\n"
    "    lo:  123456     789    0    0    0     0          0         0   654321     789    0    0\n"
    "  bt10:18446744073709551615 1    0    0    0     0          0         0        7       1    "
    "0\n"
    "   bt1:      42       1    0    0    0     0          0         0       43       1    0    0\n"
    "  bad1: many       1    0    0    0     0          0         0       43       1    0    0\n"
    "  bad2: 18446744073709551616 1    0    0    0     0          0         0       43       1  0\n"
    "  bad3: 1 2 3\n";

static void test_counters_are_read(void **state)
{
    static const struct {
        const char *interface;
        uint64_t received, sent;
    } rows[] = {
        { "lo", 123456, 654321 },
        { "bt1", 42, 43 },
        { "bt10", UINT64_MAX, 7 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct netcount count;
        struct error err;

        check_row("%s", rows[i].interface);
        CHECK_OK(netcount_find(table, rows[i].interface, &count, &err), &err);
        CHECK(count.bytes_received == rows[i].received);
        CHECK(count.bytes_sent == rows[i].sent);
    }
}

static void test_what_is_not_there_leaves_the_output_alone(void **state)
{
    static const struct {
        const char *interface;
        enum error_code want;
    } rows[] = {
        { "bt2", ERROR_NOT_FOUND },
        { "bt", ERROR_NOT_FOUND },
        { "t1", ERROR_NOT_FOUND },
        { "face ", ERROR_INVALID },
        { "", ERROR_INVALID },
        { "../lo", ERROR_INVALID },
        { "lo:", ERROR_INVALID },
        { "a23456789012345", ERROR_NOT_FOUND }, /* 15 characters are the longest */
        { "a234567890123456", ERROR_INVALID },
        { "bad1", ERROR_CORRUPT },
        { "bad2", ERROR_CORRUPT },
        { "bad3", ERROR_CORRUPT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct netcount count = { 1, 2 };
        struct error err;

        check_row("'%s'", rows[i].interface);
        CHECK_FAILS(netcount_find(table, rows[i].interface, &count, &err), &err, rows[i].want);
        CHECK(count.bytes_received == 1 && count.bytes_sent == 2);
    }
    struct netcount count;
    struct error err;
    CHECK_FAILS(netcount_find("", "lo", &count, &err), &err, ERROR_NOT_FOUND);
}

static void test_this_machine_has_a_loopback(void **state)
{
    auto_buf struct buf text = buf_of(NETCOUNT_TABLE_MAX);
    struct netcount count;
    struct error err;

    (void)state;
    CHECK_OK(netcount_table(&text, &err), &err);
    CHECK_OK(netcount_find(text.bytes, "lo", &count, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_are_read),
        cmocka_unit_test(test_what_is_not_there_leaves_the_output_alone),
        cmocka_unit_test(test_this_machine_has_a_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
