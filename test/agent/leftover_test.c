/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* As an engine leaves it that was killed between starting a container and writing that down. */
static void make_engine_forget(const char *id)
{
    static const char running[] = "\"Running\":true";
    auto_buf struct buf text = buf_of(1 << 20);
    char path[512];
    struct error err;

    engine_kill();
    (void)snprintf(path, sizeof path, "%s/data/containers/%s/config.v2.json", engine_dir(), id);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    char *found = strstr(text.bytes, running);
    CHECK(found != NULL);
    memcpy(found, "\"Running\":null", sizeof running - 1);
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, text.bytes, text.length, &err), &err);
    engine_start();
    CHECK(!runs(id));
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
    make_engine_forget(id);
    instance.gen++;
    host_want(&instance);
    struct market_report after = market_wait(host_market, 80, PHASE_RUNNING, 2, HOST_SECONDS);
    CHECK(strcmp(before.start_token, after.start_token) != 0);
    host_run(80, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(80, 3);
}

static void test_destroying_leaves_no_process(void **state)
{
    struct desired_instance instance = host_instance(81, 1, DESIRED_RUNNING);
    char id[DOCKER_ID_SIZE];
    struct error err;
    size_t count;

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 81, PHASE_RUNNING, 1, HOST_SECONDS);
    id_of(81, id);
    make_engine_forget(id);
    host_destroy(81, 2);
    CHECK_OK(leftover_kill(id, &count, &err), &err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_groups_of_a_container),
        cmocka_unit_test(test_nothing_is_found_of_what_never_was),
        cmocka_unit_test(test_what_a_killed_engine_has_forgotten_starts_again),
        cmocka_unit_test(test_destroying_leaves_no_process),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
