/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine_rules.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/engine_neighbour.h"
#include "check.h"
#include "support_home.h"
#include "sys/child.h"
#include "sys/file.h"

static void test_rules_of_ours_are_told_from_others(void **state)
{
    static const struct {
        const char *line;
        bool is_ours;
    } rows[] = {
        { "-A FORWARD -j DOCKER-USER", true },
        { "-A FORWARD -j DOCKER-ISOLATION-STAGE-1", true },
        { "-A FORWARD -o bt1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", true },
        { "-A FORWARD -i bt12 ! -o bt12 -j ACCEPT", true },
        { "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", true },
        { "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER", true },
        { "-A POSTROUTING -s 10.200.0.8/29 ! -o bt1 -j MASQUERADE", true },
        /* Inside a chain of Docker's: it goes with the chain. */
        { "-A DOCKER-USER -j RETURN", false },
        { "-A DOCKER-ISOLATION-STAGE-1 -i bt1 ! -o bt1 -j DOCKER-ISOLATION-STAGE-2", false },
        /* Somebody else's. */
        { "-P FORWARD DROP", false },
        { "-N DOCKER", false },
        { "-A FORWARD -i eth0 -j ACCEPT", false },
        { "-A FORWARD -i btrfs0 -j ACCEPT", false },
        { "-A FORWARD -i bt -j ACCEPT", false },
        { "-A FORWARD -i bt1x -j ACCEPT", false },
        { "-A FORWARD -m comment --comment bt1 -j ACCEPT", false },
        { "-A INPUT -j UFW-DOCKER", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].line);
        CHECK(engine_rules_is_ours(rows[i].line) == rows[i].is_ours);
    }
}

static void test_without_a_note_nothing_is_touched(void **state)
{
    struct error err;

    (void)state;
    CHECK_OK(engine_rules_undo("/nonexistent/engine", &err), &err);
}

static char *in_home(const char *name, char path[static 1200])
{
    (void)snprintf(path, 1200, "%s/%s", home_path(), name);
    return path;
}

/* A program of the engine's name, as a private engine in `folder` is started. */
static pid_t start_neighbour(const char *folder)
{
    char program[1200], pidfile[1200], there[NEIGHBOUR_DIR_SIZE];
    struct error err;
    pid_t pid;

    home_write("dockerd", "#!/bin/sh\nsleep 60 &\nwait\n");
    CHECK(chmod(in_home("dockerd", program), 0755) == 0);
    const char *const arguments[] = { program, "--pidfile", in_home(folder, pidfile), NULL };
    CHECK_OK(child_start(arguments, STDERR_FILENO, &pid, &err), &err);
    /* What it starts in turn looks like it until it is another program. */
    for (int i = 0; i < 500 && (engine_neighbour_find(0, there) != pid ||
                                engine_neighbour_find(pid, there) != 0);
         i++)
        usleep(10000);
    return pid;
}

/* The rules are left to who needs them still, and so is the note of what to restore. */
static void test_what_is_shared_goes_with_the_last_engine(void **state)
{
    auto_buf struct buf note = buf_of(128);
    char first[1200], second[1200], path[1200], there[NEIGHBOUR_DIR_SIZE];
    struct error err;

    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        skip();
    CHECK_OK(file_make_dir(in_home("a", path), 0700, &err), &err);
    CHECK_OK(file_make_dir(in_home("a/engine", first), 0700, &err), &err);
    CHECK_OK(file_make_dir(in_home("b", path), 0700, &err), &err);
    CHECK_OK(file_make_dir(in_home("b/engine", second), 0700, &err), &err);
    CHECK_INT(engine_neighbour_find(0, there), 0);
    CHECK_INT(system("ip link add bt7 type bridge"), 0);
    home_write("a/engine/network-before", "ACCEPT\n1\n");

    pid_t neighbour = start_neighbour("b/engine/docker.pid");
    CHECK_INT(engine_neighbour_find(0, there), neighbour);
    CHECK_TEXT(there, second);
    CHECK_INT(engine_neighbour_find(neighbour, there), 0);
    CHECK_OK(engine_rules_undo(first, &err), &err);
    CHECK(access(in_home("a/engine/network-before", path), F_OK) != 0);
    CHECK_OK(file_read(AT_FDCWD, in_home("b/engine/network-before", path), &note, &err), &err);
    CHECK_TEXT(note.bytes, "ACCEPT\n1\n");
    CHECK(if_nametoindex("bt7") != 0);

    siginfo_t dead;
    CHECK(kill(-neighbour, SIGKILL) == 0);
    CHECK(waitid(P_PID, (id_t)neighbour, &dead, WEXITED | WNOWAIT) == 0);
    CHECK_INT(engine_neighbour_find(0, there), 0); /* dead, and not reaped yet */
    CHECK(waitpid(neighbour, NULL, 0) == neighbour);
    CHECK_OK(engine_rules_undo(second, &err), &err);
    CHECK(access(path, F_OK) != 0);
    CHECK(if_nametoindex("bt7") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_of_ours_are_told_from_others),
        cmocka_unit_test(test_without_a_note_nothing_is_touched),
        cmocka_unit_test_setup_teardown(test_what_is_shared_goes_with_the_last_engine, home_setup,
                                        home_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
