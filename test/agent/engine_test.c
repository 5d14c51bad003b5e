/* SPDX-License-Identifier: Apache-2.0 */
/* The private engine's keeper, with a program in its place that ends as a case wants. A real one
 * is in test/e2e. */
#include "agent/engine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"
#include "sys/child.h"
#include "sys/file.h"

enum { STEP_MS = 20, PATIENCE_MS = 15000 };

static struct loop *loop;
static char pidfile[1200];

static int setup(void **state)
{
    char dir[1200];
    struct error err;

    if (home_setup(state) != 0)
        return -1;
    loop = loop_open(&clock_system);
    (void)snprintf(dir, sizeof dir, "%s/engine", home_path());
    (void)snprintf(pidfile, sizeof pidfile, "%s/engine/docker.pid", home_path());
    return file_make_dir(dir, 0700, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    loop_close(&loop);
    return home_teardown(state);
}

/* A program named dockerd, first in the PATH. */
static void install(const char *script)
{
    static char before[4096];
    char path[1200], wider[8192];

    if (*before == '\0')
        (void)snprintf(before, sizeof before, "%s", getenv("PATH"));
    home_write("dockerd", script);
    (void)snprintf(path, sizeof path, "%s/dockerd", home_path());
    CHECK(chmod(path, 0755) == 0);
    (void)snprintf(wider, sizeof wider, "%s:%s", home_path(), before);
    (void)setenv("PATH", wider, 1);
}

static void test_a_pidfile_may_lie(void **state)
{
    char text[64];

    (void)state;
    const char *const rows[] = { "",
                                 "\n",
                                 "x\n",
                                 "-1\n",
                                 "0\n",
                                 "1\n",
                                 "99999999999999999999\n",
                                 "2147483648\n",
                                 "4194304\n",
                                 "12 34\n" };
    CHECK_INT(engine_find(home_path()), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i]);
        home_write("engine/docker.pid", rows[i]);
        CHECK_INT(engine_find(home_path()), 0);
    }
    /* A process that is somebody else, as after a boot. */
    (void)snprintf(text, sizeof text, "%d\n", (int)getpid());
    home_write("engine/docker.pid", text);
    CHECK_INT(engine_find(home_path()), 0);
}

static void test_the_engine_is_known_by_its_arguments(void **state)
{
    const char *const arguments[] = { "sh", "-c", "sleep 20", pidfile, NULL };
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    char text[64];
    struct error err;
    pid_t pid;

    (void)state;
    CHECK_OK(child_start(arguments, nothing, &pid, &err), &err);
    (void)snprintf(text, sizeof text, "%d\n", (int)pid);
    home_write("engine/docker.pid", text);
    for (int i = 0; i < 200 && engine_find(home_path()) == 0; i++)
        usleep(10000); /* until it has become that program */
    CHECK_INT(engine_find(home_path()), pid);
    (void)kill(pid, SIGKILL);
    for (int i = 0; i < 200 && engine_find(home_path()) != 0; i++)
        usleep(10000);
    CHECK_INT(engine_find(home_path()), 0); /* dead, and not reaped yet */
    CHECK(waitpid(pid, NULL, 0) == pid);
    (void)close(nothing);
}

static void test_a_folder_with_a_long_name_is_refused(void **state)
{
    char data[ENGINE_PATH_MAX + 2];
    struct log log = log_silent();
    struct engine *engine = NULL;
    struct error err;

    (void)state;
    memset(data, 'x', sizeof data);
    data[0] = '/';
    data[sizeof data - 1] = '\0';
    CHECK_FAILS(engine_open(loop, data, &log, &engine, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK(engine == NULL);
}

/* It is started again, a few times, and then given up with a reason. */
static void test_one_that_keeps_ending_is_given_up(void **state)
{
    struct log log = log_silent();
    struct engine *engine;
    struct error err;
    char count[1200];

    (void)state;
    (void)snprintf(count, sizeof count, "#!/bin/sh\necho x >>%s/starts\nexit 1\n", home_path());
    install(count);
    CHECK_OK(engine_open(loop, home_path(), &log, &engine, &err), &err);
    CHECK(engine_failure(engine) == NULL);
    CHECK(strstr(engine_socket(engine), "/engine/docker.sock") != NULL);
    for (int waited = 0; waited < PATIENCE_MS && engine_failure(engine) == NULL; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK(engine_failure(engine) != NULL && strstr(engine_failure(engine), "4 times") != NULL);
    auto_buf struct buf starts = buf_of(256);
    CHECK_OK(file_read(home_identity()->dir, "starts", &starts, &err), &err);
    CHECK_INT((int64_t)starts.length, 2 * ENGINE_STARTS_MAX);
    engine_close(&engine);
    engine_close(&engine); /* none is fine */
}

static void test_to_stop_none_is_fine(void **state)
{
    struct error err;

    (void)state;
    CHECK_OK(engine_stop(home_path(), &err), &err);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_pidfile_may_lie),
        CASE(test_the_engine_is_known_by_its_arguments),
        CASE(test_a_folder_with_a_long_name_is_refused),
        CASE(test_one_that_keeps_ending_is_given_up),
        CASE(test_to_stop_none_is_fine),
    };
    /* The keeper notes the rules of the network it is in: let that be nobody's. */
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        print_message("not root: the private engine's keeper is not tested\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
