/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host as a program, against a real Docker Engine and the server's side of its line. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/seen.h"
#include "check.h"
#include "support_engine.h"
#include "support_market.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { SECONDS = 30, STEP_US = 5000 };

static struct market *market;
static pid_t agent;

/* The agent */

static void start_agent(void)
{
    char data[128], engine[160], log[128];
    struct error err;

    (void)snprintf(data, sizeof data, "%s/host", engine_dir());
    (void)snprintf(engine, sizeof engine, "unix://%s", engine_path());
    (void)snprintf(log, sizeof log, "%s/host.log", engine_dir());
    const char *const arguments[] = { "bin/berth-host",   "run",       "--server",
                                      market_url(market), "--data",    data,
                                      "--engine",         engine,      "--token",
                                      MARKET_TOKEN,       "--ports",   "41000-41099",
                                      "--public-ip",      "127.0.0.1", NULL };
    auto_close int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK_OK(child_start(arguments, log_fd, &agent, &err), &err);
}

static void end_agent(int signal)
{
    (void)kill(agent, signal);
    (void)waitpid(agent, NULL, 0);
}

static void show_log(void)
{
    auto_buf struct buf text = buf_of(1 << 20);
    char log[128];
    struct error err;

    (void)snprintf(log, sizeof log, "%s/host.log", engine_dir());
    if (file_read(AT_FDCWD, log, &text, &err) && text.length > 0)
        print_error("%s", text.length > 6000 ? text.bytes + text.length - 6000 : text.bytes);
}

static int setup(void **state)
{
    crypto_start();
    if (engine_setup(state) != 0)
        return -1;
    market = market_open();
    start_agent();
    return 0;
}

static int teardown(void **state)
{
    if (getenv("BERTH_SHOW_LOG") != NULL)
        show_log();
    end_agent(SIGTERM);
    market_close(&market);
    return engine_teardown(state);
}

/* Instances */

static struct desired_instance instance_of(int64_t id, int64_t gen, enum desired_state state)
{
    struct desired_instance instance = {
        .id = id, .gen = gen, .state = state, .stop_after_ms = -1, .lifetime_after_ms = -1
    };

    if (state != DESIRED_ABSENT)
        instance.spec = (struct instance_spec){ .image = "bb:1", .runtype = "ssh", .disk_gb = 4 };
    return instance;
}

static void want(const struct desired_instance *instance)
{
    market_want(market, instance, 1);
}

static bool inspect(int64_t id, json_t **ret_root)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char name[64];
    struct error err;

    return docker_inspect(&docker, seen_name(id, name), ret_root, &err);
}

/* What a command in the instance prints, without the newline at its end. */
static void run_inside(int64_t id, const char *command, char *output, size_t size)
{
    static int64_t op_count;
    char op_id[OP_ID_SIZE];
    struct desired_op op = {
        .op_id = op_id, .kind = OP_EXEC, .instance_id = id, .expires_ms = 60000, .command = command
    };

    (void)snprintf(op_id, sizeof op_id, "%032" PRIx64, (uint64_t)++op_count);
    market_want_ops(market, &op, 1);
    CHECK_INT(market_wait_op(market, op_id, output, size, SECONDS), OP_DONE);
    output[strcspn(output, "\n")] = '\0';
    market_want_ops(market, NULL, 0);
}

static void destroy(int64_t id, int64_t gen)
{
    struct desired_instance instance = instance_of(id, gen, DESIRED_ABSENT);
    auto_json json_t *root = NULL;

    market_sign_destroy(market, &instance);
    want(&instance);
    (void)market_wait(market, id, PHASE_ABSENT, gen, SECONDS);
    CHECK(!inspect(id, &root));
    market_want(market, NULL, 0);
}

static void test_an_instance_lives_and_dies(void **state)
{
    struct desired_instance instance = instance_of(1, 1, DESIRED_RUNNING);
    struct spec_variable env[] = { { "A", "b=c d" } };
    struct spec_port ports[] = { { 8081, false }, { 70000, true } };
    char output[256];

    (void)state;
    instance.spec.env = env;
    instance.spec.env_count = 1;
    instance.spec.ports = ports;
    instance.spec.port_count = 2;
    want(&instance);
    struct market_report report = market_wait(market, 1, PHASE_RUNNING, 1, SECONDS);
    CHECK(report.ssh_port >= 41000 && report.ssh_port <= 41099);
    CHECK_INT(report.port_count, 2);
    CHECK_INT(report.ports[0].port, 8081);
    CHECK_INT(report.ports[1].port, report.ports[1].host_port);
    CHECK(*report.start_token != '\0');

    run_inside(1, "echo $VAST_CONTAINERLABEL $A $CONTAINER_ID; true", output, sizeof output);
    CHECK_TEXT(output, "C.1 b=c d 1");
    run_inside(1, "hostname", output, sizeof output);
    CHECK_TEXT(output, "C.1");
    run_inside(1, "echo kept > /root/file; echo done", output, sizeof output);
    CHECK_TEXT(output, "done");

    instance.gen = 2;
    instance.state = DESIRED_STOPPED;
    want(&instance);
    struct market_report stopped = market_wait(market, 1, PHASE_STOPPED, 2, SECONDS);
    CHECK(stopped.run_ms > 0);

    instance.gen = 3;
    instance.state = DESIRED_RUNNING;
    want(&instance);
    struct market_report again = market_wait(market, 1, PHASE_RUNNING, 3, SECONDS);
    CHECK(strcmp(again.start_token, report.start_token) != 0);
    CHECK_INT(again.ssh_port, report.ssh_port);
    run_inside(1, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    destroy(1, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_lives_and_dies),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, setup, teardown);
}
