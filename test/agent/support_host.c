/* SPDX-License-Identifier: Apache-2.0 */
#include "support_host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/seen.h"
#include "check.h"
#include "support_engine.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

struct market *host_market;
pid_t host_agent;
const char *host_clouds;

/* The agent */

void host_start(void)
{
    char data[128], engine[160], log[128];
    struct error err;

    (void)snprintf(data, sizeof data, "%s/host", engine_dir());
    (void)snprintf(engine, sizeof engine, "unix://%s", engine_path());
    (void)snprintf(log, sizeof log, "%s/host.log", engine_dir());
    const char *const arguments[] = { "bin/berth-host",
                                      "run",
                                      "--server",
                                      market_url(host_market),
                                      "--data",
                                      data,
                                      "--engine",
                                      engine,
                                      "--token",
                                      MARKET_TOKEN,
                                      "--ports",
                                      "41000-41099",
                                      "--public-ip",
                                      "127.0.0.1",
                                      host_clouds != NULL ? "--private-clouds" : NULL,
                                      host_clouds,
                                      NULL };
    auto_close int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK_OK(child_start(arguments, log_fd, &host_agent, &err), &err);
}

void host_end(int signal)
{
    (void)kill(host_agent, signal);
    (void)waitpid(host_agent, NULL, 0);
}

/* Nobody has told it to: a test whose agent is gone says so, and how it went. */
static void show_end(void)
{
    siginfo_t info = { .si_pid = 0 };

    if (waitid(P_PID, (id_t)host_agent, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != host_agent)
        return;
    print_error("the agent is gone: %s %d\n", info.si_code == CLD_EXITED ? "exit" : "signal",
                info.si_status);
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

int host_setup(void **state)
{
    crypto_start();
    if (engine_setup(state) != 0)
        return -1;
    host_market = market_open();
    host_start();
    return 0;
}

int host_teardown(void **state)
{
    if (check_has_failed())
        show_end();
    if (check_has_failed() || getenv("BERTH_SHOW_LOG") != NULL)
        show_log();
    host_end(SIGTERM);
    market_close(&host_market);
    return engine_teardown(state);
}

/* Instances */

struct desired_instance host_instance(int64_t id, int64_t gen, enum desired_state state)
{
    struct desired_instance instance = {
        .id = id, .gen = gen, .state = state, .stop_after_ms = -1, .lifetime_after_ms = -1
    };

    if (state != DESIRED_ABSENT)
        instance.spec = (struct instance_spec){ .image = "bb:1", .runtype = "ssh", .disk_gb = 4 };
    return instance;
}

void host_want(const struct desired_instance *instance)
{
    market_want(host_market, instance, 1);
}

bool host_inspect(int64_t id, json_t **ret_root)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char name[64];
    struct error err;

    return docker_inspect(&docker, seen_name(id, name), ret_root, &err);
}

/* What a command in the instance prints, without the newline at its end. */
void host_run(int64_t id, const char *command, char *output, size_t size)
{
    static int64_t op_count;
    char op_id[OP_ID_SIZE];
    struct desired_op op = {
        .op_id = op_id, .kind = OP_EXEC, .instance_id = id, .expires_ms = 60000, .command = command
    };

    (void)snprintf(op_id, sizeof op_id, "%032" PRIx64, (uint64_t)++op_count);
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op_id, output, size, HOST_SECONDS), OP_DONE);
    output[strcspn(output, "\n")] = '\0';
    market_want_ops(host_market, NULL, 0);
}

void host_destroy(int64_t id, int64_t gen)
{
    struct desired_instance instance = host_instance(id, gen, DESIRED_ABSENT);
    auto_json json_t *root = NULL;

    market_sign_destroy(host_market, &instance);
    host_want(&instance);
    (void)market_wait(host_market, id, PHASE_ABSENT, gen, HOST_SECONDS);
    CHECK(!host_inspect(id, &root));
    market_want(host_market, NULL, 0);
}
