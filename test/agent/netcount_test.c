/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/netcount.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"

/* A directory that looks like /sys/class/net, with one interface, veth7. */
static char fake_dir[] = "/tmp/berth-netcount-XXXXXX";

static int open_fake_dir(void)
{
    return open(fake_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_counter(const char *counter, const char *content)
{
    char path[128];
    size_t length = strlen(content);

    (void)snprintf(path, sizeof path, "%s/veth7/statistics/%s", fake_dir, counter);
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, content, length) == (ssize_t)length);
}

static void test_reads_both_counters(void **state)
{
    (void)state;
    auto_close int net_dir = open_fake_dir();
    struct netcount count;
    struct error err;

    write_counter("rx_bytes", "18446744073709551615\n");
    write_counter("tx_bytes", "0\n");
    CHECK(netcount_read(net_dir, "veth7", &count, &err));
    CHECK(count.bytes_received == UINT64_MAX);
    CHECK(count.bytes_sent == 0);
}

static void test_names_that_are_no_interface(void **state)
{
    (void)state;
    static const struct {
        const char *interface;
        enum error_code code;
    } rows[] = {
        { "", ERROR_INVALID },
        { ".", ERROR_INVALID },
        { "..", ERROR_INVALID },
        { "../net/veth7", ERROR_INVALID },
        { "veth7/../veth7", ERROR_INVALID },
        { "sixteen-letters-", ERROR_INVALID },
        { "fifteen-letters", ERROR_NOT_FOUND },
        { "veth8", ERROR_NOT_FOUND },
    };
    auto_close int net_dir = open_fake_dir();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct netcount count = { 42, 42 };
        struct error err = { .code = ERROR_NONE };

        check_row("'%s'", rows[i].interface);
        CHECK(!netcount_read(net_dir, rows[i].interface, &count, &err));
        CHECK_INT(err.code, rows[i].code);
        CHECK(count.bytes_received == 42 && count.bytes_sent == 42);
    }
}

static void test_a_counter_that_is_not_a_count(void **state)
{
    (void)state;
    static const char *const contents[] = { "", "\n", "many\n", "-1\n", "18446744073709551616\n" };
    auto_close int net_dir = open_fake_dir();

    write_counter("rx_bytes", "1\n");
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct netcount count;
        struct error err = { .code = ERROR_NONE };

        check_row("row %zu", i);
        write_counter("tx_bytes", contents[i]);
        CHECK(!netcount_read(net_dir, "veth7", &count, &err));
        CHECK_INT(err.code, ERROR_CORRUPT);
    }
}

static void test_the_error_says_what_was_wrong(void **state)
{
    (void)state;
    auto_close int net_dir = open_fake_dir();
    struct netcount count;
    struct error err;

    write_counter("rx_bytes", "many\n");
    CHECK(!netcount_read(net_dir, "veth7", &count, &err));
    CHECK_TEXT(err.text, "veth7/statistics/rx_bytes holds 'many', not a count");
}

static bool make_fake_dir(void)
{
    auto_close int net_dir = mkdtemp(fake_dir) == NULL ? -1 : open_fake_dir();

    return net_dir >= 0 && mkdirat(net_dir, "veth7", 0700) == 0 &&
           mkdirat(net_dir, "veth7/statistics", 0700) == 0;
}

static void remove_fake_dir(void)
{
    static const char *const paths[] = { "veth7/statistics/rx_bytes", "veth7/statistics/tx_bytes" };
    auto_close int net_dir = open_fake_dir();

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        (void)unlinkat(net_dir, paths[i], 0);
    (void)unlinkat(net_dir, "veth7/statistics", AT_REMOVEDIR);
    (void)unlinkat(net_dir, "veth7", AT_REMOVEDIR);
    (void)rmdir(fake_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_both_counters),
        cmocka_unit_test(test_names_that_are_no_interface),
        cmocka_unit_test(test_a_counter_that_is_not_a_count),
        cmocka_unit_test(test_the_error_says_what_was_wrong),
    };

    if (!make_fake_dir()) {
        perror(fake_dir);
        return EXIT_FAILURE;
    }

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_fake_dir();
    return failed;
}
