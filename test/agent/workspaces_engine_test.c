/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted workspaces of instances on a real engine: open while they run, closed when they do not,
 * however that came; and a key that no file of the host ever has. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/seen.h"
#include "agent/workspace.h"
#include "base/buf.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/child.h"

#define KEY   "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
#define OTHER "ff112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

enum { ID = 1, SIZE_GB = 1, PATIENCE_S = 4 * HOST_SECONDS, CLOSED_S = 10 };

static char dir[200];

static void want(int64_t gen, enum desired_state state, const char *key)
{
    struct desired_instance instance = host_instance(ID, gen, state);

    instance.spec.workspace_gb = SIZE_GB;
    instance.spec.workspace_key = key;
    host_want(&instance);
}

static bool is_open(void)
{
    return workspace_is_open(&(struct workspace){ dir, ID });
}

static void wait_closed(void)
{
    for (int i = 0; i < CLOSED_S * 10 && is_open(); i++)
        (void)usleep(100000);
    CHECK(!is_open());
}

static void says(const char *command, const char *wanted)
{
    char output[256];

    host_run(ID, command, output, sizeof output);
    CHECK_TEXT(output, wanted);
}

/* How many files below the test's folder, the engine's among them, have that text. */
static int64_t files_with(const char *text)
{
    auto_buf struct buf output = buf_of(1 << 20);
    const char *const arguments[] = {
        "grep", "-rlasF", "--exclude=*.img", text, engine_dir(), NULL
    };
    struct child_run run = { .arguments = arguments, .timeout_ms = 60000 };
    int64_t count = 0;
    int status;
    struct error err;

    CHECK_OK(child_run(&run, &output, &status, &err), &err);
    for (size_t i = 0; i < output.length; i++)
        count += output.bytes[i] == '\n' ? 1 : 0;
    return count;
}

static void test_it_is_there_while_the_instance_runs(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/host/workspaces", engine_dir());
    want(1, DESIRED_RUNNING, KEY);
    (void)market_wait(host_market, ID, PHASE_RUNNING, 1, PATIENCE_S);
    CHECK(is_open());
    says("echo a-secret-of-theirs > /workspace/file && cat /workspace/file", "a-secret-of-theirs");
    says("df -m /workspace | awk 'NR==2 && $2 > 800 && $2 < 1024 {print \"its size\"}'",
         "its size");
    says("grep -c ' /workspace ext4 ' /proc/mounts", "1");
    CHECK_INT(files_with(KEY), 0);
}

/* What is in it counts as the instance's disk. */
static void test_what_it_takes_is_told(void **state)
{
    struct market_report report = { 0 };

    (void)state;
    says("dd if=/dev/zero of=/workspace/large bs=1M count=64 2>/dev/null; sync; echo done", "done");
    for (int i = 0; i < 10 * PATIENCE_S && report.disk_used_mb < 64; i++) {
        (void)market_report(host_market, ID, &report);
        (void)usleep(100000);
    }
    CHECK(report.disk_used_mb >= 64 && report.disk_used_mb < 200);
}

static void test_it_is_locked_while_it_is_stopped(void **state)
{
    (void)state;
    want(2, DESIRED_STOPPED, NULL);
    (void)market_wait(host_market, ID, PHASE_STOPPED, 2, PATIENCE_S);
    wait_closed();
    want(3, DESIRED_RUNNING, KEY);
    (void)market_wait(host_market, ID, PHASE_RUNNING, 3, PATIENCE_S);
    says("cat /workspace/file", "a-secret-of-theirs");
}

/* An agent that was killed leaves it open for the instance, which goes on; the next one is told the
 * key again without anything having changed. */
static void test_an_agent_that_starts_anew_asks_for_the_key(void **state)
{
    struct market_counts counts;

    (void)state;
    host_end(SIGKILL);
    CHECK_INT(files_with(KEY), 0);
    host_start();
    (void)market_wait(host_market, ID, PHASE_RUNNING, 3, PATIENCE_S);
    says("cat /workspace/file", "a-secret-of-theirs");
    counts = market_counts(host_market);
    CHECK(counts.bad_signatures == 0);

    struct desired_instance instance = host_instance(ID, 3, DESIRED_RUNNING);
    instance.spec.workspace_gb = SIZE_GB;
    instance.spec.workspace_key = KEY;
    instance.restart_nonce = 1;
    host_want(&instance);
    for (int i = 0; i < PATIENCE_S * 10; i++) {
        struct market_report report;

        if (market_report(host_market, ID, &report) && report.restart_nonce == 1 &&
            report.phase == PHASE_RUNNING)
            break;
        (void)usleep(100000);
    }
    says("cat /workspace/file", "a-secret-of-theirs");
}

static void test_one_that_ends_by_itself_is_locked(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char name[64];
    struct error err;

    (void)state;
    CHECK_OK(docker_stop(&docker, seen_name(ID, name), 0, &err), &err);
    wait_closed();
}

/* Without its key nothing is started, and nothing is written where it would have been. */
static void test_without_the_key_it_waits(void **state)
{
    struct market_report report = { 0 };

    (void)state;
    want(5, DESIRED_RUNNING, NULL);
    for (int i = 0; i < 100 && strstr(report.message, "key") == NULL; i++) {
        (void)market_report(host_market, ID, &report);
        (void)usleep(100000);
    }
    CHECK(strstr(report.message, "key") != NULL);
    (void)sleep(5);
    (void)market_report(host_market, ID, &report);
    CHECK_INT(report.phase, PHASE_CREATING);
    CHECK(!is_open());
    want(5, DESIRED_RUNNING, KEY);
    (void)market_wait(host_market, ID, PHASE_RUNNING, 5, PATIENCE_S);
    says("cat /workspace/file", "a-secret-of-theirs");
    want(6, DESIRED_STOPPED, NULL);
    (void)market_wait(host_market, ID, PHASE_STOPPED, 6, PATIENCE_S);
    wait_closed();
}

static void test_another_key_is_an_end_with_a_reason(void **state)
{
    struct market_report report;

    (void)state;
    want(7, DESIRED_RUNNING, OTHER);
    report = market_wait(host_market, ID, PHASE_FAILED, 7, PATIENCE_S);
    CHECK(strstr(report.message, "another key") != NULL);
    wait_closed();
}

static void test_it_goes_with_its_instance(void **state)
{
    struct workspace workspace = { dir, ID };

    (void)state;
    CHECK(workspace_used_mb(&workspace) > 0);
    host_destroy(ID, 8);
    CHECK(!is_open());
    CHECK_INT(workspace_used_mb(&workspace), 0);
}

/* A failed run leaves no mount behind. */
static int teardown(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct workspace workspace = { dir, ID };
    char name[64];
    struct error ignored;

    (void)!docker_remove(&docker, seen_name(ID, name), &ignored);
    (void)!workspace_remove(&workspace, &ignored);
    return host_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_there_while_the_instance_runs),
        cmocka_unit_test(test_what_it_takes_is_told),
        cmocka_unit_test(test_it_is_locked_while_it_is_stopped),
        cmocka_unit_test(test_an_agent_that_starts_anew_asks_for_the_key),
        cmocka_unit_test(test_one_that_ends_by_itself_is_locked),
        cmocka_unit_test(test_without_the_key_it_waits),
        cmocka_unit_test(test_another_key_is_an_end_with_a_reason),
        cmocka_unit_test(test_it_goes_with_its_instance),
    };
    struct error err;

    if (geteuid() == 0 && !workspace_try("/var/tmp/berth-workspace-try", &err)) {
        (void)printf("WORKSPACE TESTS NOT RUN: %s\n", err.text);
        return CHECK_SKIP;
    }
    (void)rmdir("/var/tmp/berth-workspace-try");
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, teardown);
}
