/* SPDX-License-Identifier: Apache-2.0 */
#include "market/idle_job.h"

#include "check.h"

static void test_a_shell_and_nothing_else_is_a_dummy(void **state)
{
    static const struct {
        const char *image, *arg;
        bool is_dummy;
    } rows[] = {
        { "ubuntu", "bash", true },
        { "ubuntu", NULL, true },
        { "ubuntu:22.04", "bash", true },
        { "docker.io/library/ubuntu:22.04", "/bin/bash", true },
        { "library/debian", "sh", true },
        { "ubuntu", "miner", false },
        { "ubuntu", "bash -c ./mine", false },
        { "ubuntu-mining", "bash", false },
        { "somebody/ubuntu", "bash", false },
        { "pytorch/pytorch", "bash", false },
        { "ubunt", "bash", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *args[] = { rows[i].arg, "x" };

        check_row("%s %s", rows[i].image, rows[i].arg == NULL ? "" : rows[i].arg);
        CHECK_INT(idle_job_is_dummy(rows[i].image, args, rows[i].arg != NULL), rows[i].is_dummy);
        CHECK(rows[i].arg == NULL || !idle_job_is_dummy(rows[i].image, args, 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shell_and_nothing_else_is_a_dummy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
