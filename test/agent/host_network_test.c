/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host's networks: those that are made ahead, and that each instance has its own. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/docker.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"

/* The id of the container whose network the instance has joined; "" it has its own. */
static void joined(int64_t id, char holder[static DOCKER_ID_SIZE])
{
    auto_json json_t *root = NULL;

    CHECK(host_inspect(id, &root));
    const char *mode =
        json_string_value(json_object_get(json_object_get(root, "HostConfig"), "NetworkMode"));
    bool has_joined = mode != NULL && strncmp(mode, "container:", 10) == 0;
    (void)snprintf(holder, DOCKER_ID_SIZE, "%s", has_joined ? mode + 10 : "");
}

/* Until something is ready for the next instance. */
static void wait_for_pool(void)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct docker_call call = { .method = "GET",
                                .path = "/containers/json?filters=%7B%22label%22%3A%5B%22berth."
                                        "slot%22%5D%2C%22status%22%3A%5B%22running%22%5D%7D" };

    for (int i = 0; i < 2000; i++) {
        auto_json json_t *root = NULL;
        struct error err;

        CHECK_OK(docker_call(&docker, &call, &root, &err), &err);
        if (json_array_size(root) > 0) {
            usleep(100000); /* the worker says so */
            return;
        }
        usleep(HOST_STEP_US);
    }
    CHECK(false);
}

/* It starts in a network that was made ahead, and nothing in it can tell but by the speed. */
static void test_an_instance_joins_what_was_made_ahead(void **state)
{
    static const char *const commands[] = { "hostname", "cat /etc/hostname", "echo $HOSTNAME",
                                            "cat /root/seen-first",
                                            "awk '/10.200/ {print $2}' /etc/hosts" };
    struct desired_instance instance = host_instance(50, 1, DESIRED_RUNNING);
    auto_docker struct docker docker = docker_open(engine_path());
    char holder[DOCKER_ID_SIZE], again[DOCKER_ID_SIZE], output[256];
    struct error err;

    (void)state;
    wait_for_pool();
    instance.spec.onstart = "hostname > /root/seen-first; hostname; hostname stolen";
    host_want(&instance);
    (void)market_wait(host_market, 50, PHASE_RUNNING, 1, HOST_SECONDS);
    joined(50, holder);
    CHECK(*holder != '\0');
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
            check_row("round %d: %s", round, commands[i]);
            host_run(50, commands[i], output, sizeof output);
            CHECK_TEXT(output, "C.50");
        }
        instance.gen++;
        instance.restart_nonce++;
        host_want(&instance);
        (void)market_wait(host_market, 50, PHASE_RUNNING, instance.gen, HOST_SECONDS);
    }

    /* Behind our back: the holder is lost while the instance is stopped. */
    host_run(50, "echo kept > /root/file; echo done", output, sizeof output);
    instance.gen++;
    instance.state = DESIRED_STOPPED;
    host_want(&instance);
    (void)market_wait(host_market, 50, PHASE_STOPPED, instance.gen, HOST_SECONDS);
    CHECK_OK(docker_remove(&docker, holder, &err), &err);
    instance.gen++;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    (void)market_wait(host_market, 50, PHASE_RUNNING, instance.gen, HOST_SECONDS);
    host_run(50, "cat /root/file; hostname", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_run(50, "hostname", output, sizeof output);
    CHECK_TEXT(output, "C.50");
    joined(50, again);
    CHECK(*again != '\0' && strcmp(again, holder) != 0);
    host_destroy(50, instance.gen + 1);
}

/* One bridge an instance, whoever was first; one that publishes ports has a network of its own. */
static void test_no_two_instances_share_a_network(void **state)
{
    enum { COUNT = 4 };
    struct desired_instance instances[COUNT];
    struct spec_port port = { 8081, false };
    char networks[COUNT][256], holder[DOCKER_ID_SIZE], name[64] = "box";

    (void)state;
    wait_for_pool();
    for (int i = 0; i < COUNT; i++)
        instances[i] = host_instance(60 + i, 1, DESIRED_RUNNING);
    instances[1].spec.ports = &port;
    instances[1].spec.port_count = 1;
    instances[2].spec.hostname = name;
    market_want(host_market, instances, COUNT);
    for (int i = 0; i < COUNT; i++)
        (void)market_wait(host_market, 60 + i, PHASE_RUNNING, 1, HOST_SECONDS);
    for (int i = 0; i < COUNT; i++) {
        host_run(60 + i, "readlink /proc/self/ns/net", networks[i], sizeof networks[i]);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(networks[i], networks[k]) != 0);
    }
    host_run(62, "hostname", networks[0], sizeof networks[0]);
    CHECK_TEXT(networks[0], "box");
    joined(61, holder);
    CHECK_TEXT(holder, "");
    for (int i = 0; i < COUNT; i++)
        host_destroy(60 + i, 2);
}

/* A worker may be killed between the container and its network, which are made together. */
static void test_a_network_that_is_not_there_is_made_at_the_start(void **state)
{
    struct desired_instance instance = host_instance(70, 1, DESIRED_RUNNING);
    auto_docker struct docker docker = docker_open(engine_path());
    struct spec_port port = { 8081, false };
    auto_json json_t *root = NULL;
    struct error err;

    (void)state;
    instance.spec.ports = &port;
    instance.spec.port_count = 1;
    host_want(&instance);
    (void)market_wait(host_market, 70, PHASE_RUNNING, 1, HOST_SECONDS);
    CHECK(host_inspect(70, &root));
    const char *network =
        json_string_value(json_object_get(json_object_get(root, "HostConfig"), "NetworkMode"));
    CHECK(network != NULL && strncmp(network, "bt", 2) == 0);
    instance.gen++;
    instance.state = DESIRED_STOPPED;
    host_want(&instance);
    (void)market_wait(host_market, 70, PHASE_STOPPED, 2, HOST_SECONDS);
    CHECK_OK(docker_network_remove(&docker, network, &err), &err);
    instance.gen++;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    (void)market_wait(host_market, 70, PHASE_RUNNING, 3, HOST_SECONDS);
    host_destroy(70, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_joins_what_was_made_ahead),
        cmocka_unit_test(test_no_two_instances_share_a_network),
        cmocka_unit_test(test_a_network_that_is_not_there_is_made_at_the_start),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
