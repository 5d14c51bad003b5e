/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/group.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void test_the_session_is_the_sixth_field_whatever_the_name(void **state)
{
    static const struct {
        const char *stat;
        pid_t want;
    } rows[] = {
        { "12 (sh) S 1 12 34 0 -1", 34 },
        { "12 (a b) S 1 12 35 0 -1", 35 },
        { "12 (a) S 1 2 3 4 5) S 1 12 36 0 -1", 36 },
        { "12 (sh) S 1 12", -1 },
        { "12 (sh) S 1 12 x 0", -1 },
        { "12 (sh) S 1 12 1234567890 0", -1 },
        { "", -1 },
        { ")", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i].stat);
        CHECK_INT(group_session(rows[i].stat), rows[i].want);
    }
}

static void test_ignoring_hangup_is_the_lowest_bit(void **state)
{
    static const struct {
        const char *status;
        bool want;
    } rows[] = {
        { "Name:\tx\nSigIgn:\t0000000000000001\n", true },
        { "Name:\tx\nSigIgn:\t0000000000001000\n", false },
        { "Name:\tx\nSigIgn:\t000000000000100f\n", true },
        { "Name:\tx\nSigIgn:\t0000000000000006\n", false },
        { "Name:\tx\nSigBlk:\t0000000000000001\n", false },
        { "Name:\tx\nSigIgn:\t\n", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i].status);
        CHECK_INT(group_ignores_hangup(rows[i].status), rows[i].want);
    }
}

/* A leader and a child of its session; the child ignores SIGHUP if asked to. */
static pid_t start_session(bool ignores, int ready[2])
{
    char byte = 'r';

    pid_t leader = fork();
    if (leader == 0) {
        (void)setsid();
        if (fork() == 0) {
            if (ignores)
                (void)signal(SIGHUP, SIG_IGN);
            (void)!write(ready[1], &byte, 1);
            for (;;)
                pause();
        }
        for (;;)
            pause();
    }
    CHECK_INT(read(ready[0], &byte, 1), 1);
    return leader;
}

/* Only our own copies of the writing end are left when everybody else is gone. */
static bool is_alone(int end)
{
    char byte;

    return read(end, &byte, 1) == 0;
}

static void test_a_whole_session_is_reached(void **state)
{
    int ready[2];

    (void)state;
    CHECK_INT(pipe(ready), 0);
    pid_t leader = start_session(false, ready);
    group_signal(leader, SIGHUP);
    CHECK_INT(waitpid(leader, NULL, 0), leader);
    CHECK_INT(close(ready[1]), 0);
    CHECK(is_alone(ready[0]));
    CHECK_INT(close(ready[0]), 0);
}

static void test_killing_spares_those_who_ignore_hangup(void **state)
{
    int ready[2];
    char byte = 0;

    (void)state;
    CHECK_INT(pipe(ready), 0);
    pid_t leader = start_session(true, ready);
    group_signal(leader, SIGKILL);
    CHECK_INT(waitpid(leader, NULL, 0), leader);
    /* The child lives, and holds its end; a signal that it does not ignore reaches it. */
    group_signal(leader, SIGTERM);
    CHECK_INT(close(ready[1]), 0);
    CHECK(is_alone(ready[0]));
    CHECK_INT(byte, 0);
    CHECK_INT(close(ready[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_session_is_the_sixth_field_whatever_the_name),
        cmocka_unit_test(test_ignoring_hangup_is_the_lowest_bit),
        cmocka_unit_test(test_a_whole_session_is_reached),
        cmocka_unit_test(test_killing_spares_those_who_ignore_hangup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
