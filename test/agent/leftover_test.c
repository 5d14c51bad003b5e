/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/op_work.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/file.h"

#define ID "5d58d6f1dc08283a10af5bbf9d534f1342e2ce98e7a88b5740a6e79b77e17743"

static void test_control_groups_of_a_container(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        { "", false },
        { "0::/\n", false },
        { "0::/system.slice/docker-" ID ".scope\n", true },
        { "12:pids:/\n4:memory:/docker/" ID "\n", true },
        { "4:memory:/docker/" ID "/inner\n", true },
        { "4:memory:/docker/" ID "0\n", false },
        { "4:memory:/docker/" ID, true }, /* cut short: rather that than miss one */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK(leftover_is_in(rows[i].text, ID) == rows[i].want);
    }
}

static void test_shims_of_a_container(void **state)
{
#define SHIM "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0"
    static const char right[] = SHIM ID "\0-address\0/run/c.sock", longer[] = SHIM ID "0",
                      no_flag[] = "containerd-shim\0" ID, other[] = "vi\0-id\0" ID,
                      none[] = SHIM "x";

    (void)state;
    CHECK(leftover_is_shim(right, sizeof right, ID));
    CHECK(!leftover_is_shim(longer, sizeof longer, ID));
    CHECK(!leftover_is_shim(no_flag, sizeof no_flag, ID));
    CHECK(!leftover_is_shim(other, sizeof other, ID));
    CHECK(!leftover_is_shim(none, sizeof none, ID));
    CHECK(!leftover_is_shim(right, sizeof right - 1, ID)); /* cut short */
    CHECK(!leftover_is_shim("", 0, ID));
}

static void id_of(int64_t number, char id[static DOCKER_ID_SIZE])
{
    auto_json json_t *root = NULL;

    CHECK(host_inspect(number, &root));
    (void)snprintf(id, DOCKER_ID_SIZE, "%s", json_string_value(json_object_get(root, "Id")));
}

static bool runs(const char *id)
{
    auto_docker struct docker docker = docker_open(engine_path());
    auto_json json_t *root = NULL;
    struct error err;

    CHECK_OK(docker_inspect(&docker, id, &root, &err), &err);
    return json_is_true(json_object_get(json_object_get(root, "State"), "Running"));
}

/* Until a network is held for the next instance. */
static void wait_for_holder(void)
{
    struct docker_call call = {
        .method = "GET",
        .path = "/containers/json?filters=%7B%22label%22%3A%5B%22berth.slot%22%5D%7D"
    };
    auto_docker struct docker docker = docker_open(engine_path());
    size_t count = 0;
    struct error err;

    for (int i = 0; i < HOST_SECONDS * 10 && count == 0; i++) {
        auto_json json_t *root = NULL;

        CHECK_OK(docker_call(&docker, &call, &root, &err), &err);
        count = json_array_size(root);
        (void)usleep(100000);
    }
    CHECK(count > 0);
    (void)usleep(500000); /* and known to the agent */
}

/* That of the holder whose network it has joined; "" where it has one of its own. */
static void holder_of(int64_t number, char id[static DOCKER_ID_SIZE])
{
    auto_json json_t *root = NULL;

    CHECK(host_inspect(number, &root));
    const char *mode =
        json_string_value(json_object_get(json_object_get(root, "HostConfig"), "NetworkMode"));
    CHECK(mode != NULL);
    bool is_joined = strncmp(mode, "container:", 10) == 0;
    (void)snprintf(id, DOCKER_ID_SIZE, "%s", is_joined ? mode + 10 : "");
}

static void forget(const char *id)
{
    static const char running[] = "\"Running\":true";
    auto_buf struct buf text = buf_of(1 << 20);
    char path[512];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/data/containers/%s/config.v2.json", engine_dir(), id);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    char *found = strstr(text.bytes, running);
    CHECK(found != NULL);
    memcpy(found, "\"Running\":null", sizeof running - 1);
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, text.bytes, text.length, &err), &err);
}

/* As an engine leaves it that was killed between starting a container and writing that down; and
 * perhaps its holder. */
static void make_engine_forget(const char *id, const char *holder_id)
{
    engine_kill();
    forget(id);
    if (*holder_id != '\0')
        forget(holder_id);
    engine_start();
    CHECK(!runs(id));
}

/* The first that runs under `gen` and was not started by `token`: until the host has heard that its
 * engine was killed, it says what it knew. */
static void wait_for_another_start(int64_t number, int64_t gen, const char *token)
{
    struct market_report report;
    bool is_another = false;

    for (int i = 0; i < HOST_SECONDS * 10 && !is_another; i++) {
        report = market_wait(host_market, number, PHASE_RUNNING, gen, HOST_SECONDS);
        is_another = strcmp(report.start_token, token) != 0;
        if (!is_another)
            (void)usleep(100000);
    }
    CHECK(is_another);
}

static void test_what_a_killed_engine_has_forgotten_starts_again(void **state)
{
    struct desired_instance instance = host_instance(80, 1, DESIRED_RUNNING);
    char id[DOCKER_ID_SIZE], output[256];

    (void)state;
    host_want(&instance);
    struct market_report before = market_wait(host_market, 80, PHASE_RUNNING, 1, HOST_SECONDS);
    host_run(80, "echo kept > /root/file; echo done", output, sizeof output);
    id_of(80, id);
    make_engine_forget(id, "");
    instance.gen++;
    host_want(&instance);
    wait_for_another_start(80, 2, before.start_token);
    host_run(80, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(80, 3);
}

static void test_destroying_leaves_no_process(void **state)
{
    struct desired_instance instance = host_instance(81, 1, DESIRED_RUNNING);
    char id[DOCKER_ID_SIZE], holder_id[DOCKER_ID_SIZE];
    struct error err;
    size_t count;

    (void)state;
    wait_for_holder();
    host_want(&instance);
    (void)market_wait(host_market, 81, PHASE_RUNNING, 1, HOST_SECONDS);
    id_of(81, id);
    holder_of(81, holder_id);
    make_engine_forget(id, holder_id);
    host_destroy(81, 2);
    CHECK_OK(leftover_kill(id, &count, &err), &err);
    CHECK(count == 0);
    CHECK(*holder_id != '\0');
    CHECK_OK(leftover_kill(holder_id, &count, &err), &err);
    CHECK(count == 0);
}

static void test_nothing_is_found_of_what_never_was(void **state)
{
    struct error err;
    size_t count = 7;

    (void)state;
    CHECK_OK(leftover_kill(ID, &count, &err), &err);
    CHECK(count == 0);
}

/* As where a number is read, its process ends, and another gets it. */
static void test_a_number_that_is_anothers_is_left_alone(void **state)
{
    struct desired_instance instance = host_instance(82, 1, DESIRED_RUNNING);
    auto_json json_t *root = NULL;
    char id[DOCKER_ID_SIZE];

    (void)state;
    wait_for_holder();
    host_want(&instance);
    (void)market_wait(host_market, 82, PHASE_RUNNING, 1, HOST_SECONDS);
    id_of(82, id);
    CHECK(!leftover_end(host_agent, id));
    CHECK(!leftover_end(getpid(), id));
    CHECK(!leftover_end(INT32_MAX, id)); /* nobody's */
    CHECK(host_inspect(82, &root));
    pid_t inside =
        (pid_t)json_integer_value(json_object_get(json_object_get(root, "State"), "Pid"));
    CHECK(!leftover_end(inside, ID));
    CHECK(leftover_end(inside, id));
    host_destroy(82, 2);
}

/* The engine has no call that ends it. */
static void test_a_command_that_does_not_end_is_ended(void **state)
{
    struct desired_instance instance = host_instance(83, 1, DESIRED_RUNNING);
    struct desired_op op = { .op_id = "00000000000000000000000000000830",
                             .kind = OP_EXEC,
                             .instance_id = 83,
                             .expires_ms = 60000,
                             .command = "echo $$ > /root/pid; echo begun; sleep 600" };
    char output[256];

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 83, PHASE_RUNNING, 1, HOST_SECONDS);
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output,
                             OP_EXEC_MS / 1000 + HOST_SECONDS),
              OP_DONE);
    CHECK_TEXT(output, "begun\n\nthe command was ended after 60 s\n");
    host_run(83, "sleep 1; kill -0 $(cat /root/pid) 2> /dev/null && echo alive; echo done", output,
             sizeof output);
    CHECK_TEXT(output, "done");
    market_want_ops(host_market, NULL, 0);
    host_destroy(83, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_groups_of_a_container),
        cmocka_unit_test(test_shims_of_a_container),
        cmocka_unit_test(test_nothing_is_found_of_what_never_was),
        cmocka_unit_test(test_what_a_killed_engine_has_forgotten_starts_again),
        cmocka_unit_test(test_destroying_leaves_no_process),
        cmocka_unit_test(test_a_number_that_is_anothers_is_left_alone),
        cmocka_unit_test(test_a_command_that_does_not_end_is_ended),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
