/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes on a real engine: made with the first container that mounts them, there for the next, and
 * gone by the server's signed word alone. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/volumes.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"

enum { VOLUME = 8101, PATIENCE_S = 4 * HOST_SECONDS };

static struct spec_volume mounts[] = { { VOLUME, 2, "/data" } };

static struct desired_instance mounting(int64_t id, int64_t gen, enum desired_state state)
{
    struct desired_instance instance = host_instance(id, gen, state);

    instance.spec.volumes = mounts;
    instance.spec.volume_count = 1;
    return instance;
}

/* How many volumes the engine has. */
static size_t volume_count(void)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct docker_call call = { .method = "GET", .path = "/volumes" };
    auto_json json_t *root = NULL;
    struct error err;

    CHECK_OK(docker_call(&docker, &call, &root, &err), &err);
    return json_array_size(json_object_get(root, "Volumes"));
}

static void test_it_is_there_for_the_next_instance(void **state)
{
    struct desired_instance first = mounting(1, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    host_want(&first);
    (void)market_wait(host_market, 1, PHASE_RUNNING, 1, PATIENCE_S);
    CHECK_INT((int64_t)volume_count(), 1);
    host_run(1, "ls -A /data | wc -l; echo kept > /data/file", output, sizeof output);
    CHECK_TEXT(output, "0");
    first.gen = 2;
    first.state = DESIRED_STOPPED;
    host_want(&first);
    (void)market_wait(host_market, 1, PHASE_STOPPED, 2, PATIENCE_S);
    first.gen = 3;
    first.state = DESIRED_RUNNING;
    host_want(&first);
    (void)market_wait(host_market, 1, PHASE_RUNNING, 3, PATIENCE_S);
    host_run(1, "cat /data/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(1, 4);
    CHECK_INT((int64_t)volume_count(), 1);

    struct desired_instance second = mounting(2, 1, DESIRED_RUNNING);
    mounts[0].path = "/mnt/old";
    host_want(&second);
    (void)market_wait(host_market, 2, PHASE_RUNNING, 1, PATIENCE_S);
    host_run(2, "cat /mnt/old/file; touch /mnt/old/also", output, sizeof output);
    CHECK_TEXT(output, "kept");
}

/* What is in it is told, for the watch over disks. */
static void test_what_is_in_it_is_measured(void **state)
{
    struct market_report report = { 0 };
    char output[256];

    (void)state;
    host_run(2, "dd if=/dev/zero of=/mnt/old/large bs=1M count=24 2>/dev/null; sync; echo done",
             output, sizeof output);
    CHECK_TEXT(output, "done");
    for (int i = 0; i < 10 * (VOLUMES_MEASURE_MS / 1000 + HOST_SECONDS); i++) {
        if (market_report(host_market, VOLUME, &report) && report.disk_used_mb >= 24)
            break;
        (void)usleep(100000);
    }
    CHECK_INT(report.phase, PHASE_STOPPED);
    CHECK(report.disk_used_mb >= 24 && report.disk_used_mb < 28);
}

static void test_it_goes_by_a_signed_word_and_only_when_nothing_mounts_it(void **state)
{
    struct market_report report;
    char output[256];

    (void)state;
    market_want_gone(host_market, VOLUME, 2, false);
    (void)sleep(VOLUMES_RETRY_MS / 1000 + 2);
    CHECK_INT((int64_t)volume_count(), 1);
    market_want_gone(host_market, VOLUME, 2, true);
    (void)sleep(2 * VOLUMES_RETRY_MS / 1000);
    CHECK_INT((int64_t)volume_count(), 1); /* an instance has it */
    host_run(2, "cat /mnt/old/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    CHECK(!market_report(host_market, VOLUME, &report) || report.phase != PHASE_ABSENT);

    host_end(SIGKILL);
    host_start();
    host_destroy(2, 2);
    report = market_wait(host_market, VOLUME, PHASE_ABSENT, 2, HOST_SECONDS);
    CHECK_INT((int64_t)volume_count(), 0);
    market_want_gone(host_market, 0, 0, false);
}

/* One that was never mounted is gone as well as any. */
static void test_what_was_never_there_is_gone(void **state)
{
    (void)state;
    market_want_gone(host_market, VOLUME + 1, 5, true);
    (void)market_wait(host_market, VOLUME + 1, PHASE_ABSENT, 5, HOST_SECONDS);
    market_want_gone(host_market, 0, 0, false);
}

static enum op_status clone_of(const char *op_id, int64_t source_id, int64_t id, char *output,
                               size_t size)
{
    const struct desired_op op = { .op_id = op_id,
                                   .kind = OP_CLONE,
                                   .instance_id = id,
                                   .source_id = source_id,
                                   .size_gb = 2,
                                   .expires_ms = 60000 };
    enum op_status status;

    market_want_ops(host_market, &op, 1);
    status = market_wait_op(host_market, op_id, output, size, HOST_SECONDS);
    market_want_ops(host_market, NULL, 0);
    return status;
}

/* What is in one is in its clone, while an instance has it; and each is its own from then on. */
static void test_a_clone_has_what_was_there(void **state)
{
    struct desired_instance first = mounting(3, 1, DESIRED_RUNNING);
    char output[512];

    (void)state;
    mounts[0] = (struct spec_volume){ VOLUME + 2, 2, "/data" };
    host_want(&first);
    (void)market_wait(host_market, 3, PHASE_RUNNING, 1, PATIENCE_S);
    host_run(3,
             "mkdir -p /data/a && echo kept > /data/a/file && ln -s a/file /data/link; echo done",
             output, sizeof output);
    CHECK_INT(
        clone_of("c10ec10ec10ec10ec10ec10ec10ec101", VOLUME + 2, VOLUME + 3, output, sizeof output),
        OP_DONE);
    CHECK(strstr(output, "1 files with 5 bytes") != NULL);
    /* Into one that is there already nothing is copied. */
    CHECK_INT(
        clone_of("c10ec10ec10ec10ec10ec10ec10ec102", VOLUME + 2, VOLUME + 3, output, sizeof output),
        OP_FAILED);
    CHECK(strstr(output, "not empty") != NULL);
    host_run(3, "echo other > /data/a/file; echo done", output, sizeof output);
    host_destroy(3, 2);

    struct desired_instance second = mounting(4, 1, DESIRED_RUNNING);
    mounts[0] = (struct spec_volume){ VOLUME + 3, 2, "/data" };
    host_want(&second);
    (void)market_wait(host_market, 4, PHASE_RUNNING, 1, PATIENCE_S);
    host_run(4, "cat /data/link", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(4, 2);
    for (int64_t id = VOLUME + 2; id <= VOLUME + 3; id++) {
        market_want_gone(host_market, id, 1, true);
        (void)market_wait(host_market, id, PHASE_ABSENT, 1, HOST_SECONDS);
    }
    market_want_gone(host_market, 0, 0, false);
    CHECK_INT((int64_t)volume_count(), 0);
}

static void test_what_nothing_has_mounted_has_an_empty_clone(void **state)
{
    char output[512];

    (void)state;
    CHECK_INT(
        clone_of("c10ec10ec10ec10ec10ec10ec10ec103", VOLUME + 8, VOLUME + 9, output, sizeof output),
        OP_DONE);
    CHECK(strstr(output, "as empty") != NULL);
    CHECK_INT((int64_t)volume_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_there_for_the_next_instance),
        cmocka_unit_test(test_what_is_in_it_is_measured),
        cmocka_unit_test(test_it_goes_by_a_signed_word_and_only_when_nothing_mounts_it),
        cmocka_unit_test(test_what_was_never_there_is_gone),
        cmocka_unit_test(test_a_clone_has_what_was_there),
        cmocka_unit_test(test_what_nothing_has_mounted_has_an_empty_clone),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
