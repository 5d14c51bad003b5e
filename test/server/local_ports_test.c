/* SPDX-License-Identifier: Apache-2.0 */
#include "server/local_ports.h"

#include <stdlib.h>

#include "check.h"

static void test_ports_overlap_with_those_of_connections_unless_reserved(void **state)
{
    static const struct {
        const char *range, *reserved;
        int64_t first, last;
        bool want;
    } rows[] = {
        { "32768\t60999\n", "\n", 21000, 21099, false },
        { "32768\t60999\n", "", 32667, 32767, false },
        { "32768\t60999\n", NULL, 32667, 32768, true },
        { "32768\t60999\n", NULL, 60999, 61098, true },
        { "32768\t60999\n", NULL, 61000, 61098, false },
        { "32768\t60999\n", NULL, 30000, 65000, true },
        { "1024 65535", NULL, 21000, 21099, true },
        { "1024\t65535", "21000-21099\n", 21000, 21099, false },
        { "1024\t65535", "21000-21098\n", 21000, 21099, true },
        { "1024\t65535", "21001-21099\n", 21000, 21099, true },
        { "1024\t65535", "80,8080,20000-22000,30000", 21000, 21099, false },
        { "1024\t65535", "80;20000-22000", 21000, 21099, true },
        { "1024\t65535", "21000", 21000, 21000, false },
        { "1024\t65535", "-", 21000, 21099, true },
        /* Only what the kernel gives away must be reserved. */
        { "32768\t60999\n", "32768-32800", 32700, 32800, false },
        /* As the kernel begins. */
        { NULL, NULL, 32768, 32768, true },
        { NULL, NULL, 60999, 60999, true },
        { NULL, NULL, 32767, 32767, false },
        { NULL, NULL, 61000, 61000, false },
        { "", NULL, 40000, 40099, true },
        { "60999\t32768", NULL, 40000, 40099, true },
        { "nonsense", NULL, 40000, 40099, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(local_ports_overlap(rows[i].range, rows[i].reserved, rows[i].first, rows[i].last),
                  rows[i].want);
    }
}

static void test_this_machine_has_some(void **state)
{
    (void)state;
    CHECK(local_ports_take(1, 65535));
    CHECK(!local_ports_take(1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_overlap_with_those_of_connections_unless_reserved),
        cmocka_unit_test(test_this_machine_has_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
