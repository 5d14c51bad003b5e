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

static void test_what_cannot_be_made_says_why(void **state)
{
    static const struct {
        const char *image, *want;
    } rows[] = {
        { "no-such-image:1", "pull no-such-image:1" },
        { "Not An Image", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = 20 + (int64_t)i;
        struct desired_instance instance = instance_of(id, 1, DESIRED_RUNNING);

        check_row("%s", rows[i].image);
        instance.spec.image = rows[i].image;
        want(&instance);
        struct market_report report = market_wait(market, id, PHASE_FAILED, 1, SECONDS);
        CHECK(strstr(report.message, rows[i].want) != NULL);
        destroy(id, 2);
    }
}

static void test_an_image_without_a_shell_runs(void **state)
{
    struct desired_instance instance = instance_of(30, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    instance.spec.image = "bare:1";
    want(&instance);
    (void)market_wait(market, 30, PHASE_RUNNING, 1, SECONDS);
    run_inside(30, "/bin/sleep 0", output, sizeof output);
    CHECK_TEXT(output, "");
    destroy(30, 2);
}

static void test_what_ends_by_itself_says_how(void **state)
{
    static const char *args[] = { "sh", "-c", "echo last words; exit 3" };
    struct desired_instance instance = instance_of(31, 1, DESIRED_RUNNING);
    struct desired_op op = { .op_id = "00000000000000000000000000000310",
                             .kind = OP_LOGS,
                             .instance_id = 31,
                             .expires_ms = 60000,
                             .tail = 10 };
    char output[256];

    (void)state;
    instance.spec.runtype = "args";
    instance.spec.args = args;
    instance.spec.arg_count = 3;
    want(&instance);
    struct market_report report = market_wait(market, 31, PHASE_EXITED, 1, SECONDS);
    CHECK_INT(report.exit_code, 3);
    market_want_ops(market, &op, 1); /* its log is there after its end */
    CHECK_INT(market_wait_op(market, op.op_id, output, sizeof output, SECONDS), OP_DONE);
    CHECK_TEXT(output, "last words\n");
    op.op_id = "00000000000000000000000000000311";
    op.is_daemon_log = true;
    market_want_ops(market, &op, 1);
    CHECK_INT(market_wait_op(market, op.op_id, output, sizeof output, SECONDS), OP_DONE);
    CHECK(strstr(output, "create: done") != NULL);
    market_want_ops(market, NULL, 0);
    destroy(31, 2);
}

static void test_a_reboot_happens_once(void **state)
{
    struct desired_instance instance = instance_of(32, 1, DESIRED_RUNNING);

    (void)state;
    want(&instance);
    struct market_report first = market_wait(market, 32, PHASE_RUNNING, 1, SECONDS);
    instance.gen = 2;
    instance.restart_nonce = 1;
    want(&instance);
    struct market_report second = market_wait(market, 32, PHASE_RUNNING, 2, SECONDS);
    CHECK(strcmp(first.start_token, second.start_token) != 0);
    CHECK_INT(second.restart_nonce, 1);
    instance.gen = 3;
    want(&instance);
    struct market_report third = market_wait(market, 32, PHASE_RUNNING, 3, SECONDS);
    CHECK_TEXT(third.start_token, second.start_token);
    destroy(32, 4);
}

static void test_other_devices_keep_the_files(void **state)
{
    struct desired_instance instance = instance_of(33, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    want(&instance);
    (void)market_wait(market, 33, PHASE_RUNNING, 1, SECONDS);
    run_inside(33, "echo kept > /root/file; rm /etc/group", output, sizeof output);
    instance.gen = 2;
    instance.spec.ram_mb = 200;
    want(&instance);
    (void)market_wait(market, 33, PHASE_RUNNING, 2, SECONDS);
    run_inside(33, "cat /root/file; ls /etc/group 2>&1", output, sizeof output);
    CHECK_TEXT(output, "kept");
    destroy(33, 3);
}

static void test_only_a_signature_deletes(void **state)
{
    struct desired_instance instance = instance_of(34, 1, DESIRED_RUNNING);
    auto_json json_t *root = NULL;

    (void)state;
    want(&instance);
    (void)market_wait(market, 34, PHASE_RUNNING, 1, SECONDS);
    instance = instance_of(34, 2, DESIRED_ABSENT);
    instance.has_destroy_token = true; /* of zeros */
    want(&instance);
    struct market_report report = market_wait(market, 34, PHASE_STOPPED, 1, SECONDS);
    CHECK(strstr(report.message, "not signed") != NULL);
    CHECK(inspect(34, &root));

    market_want(market, NULL, 0); /* and one that nobody wants is kept too */
    usleep(300000);
    json_release(&root);
    CHECK(inspect(34, &root));
    CHECK_INT(market_counts(market).quarantined, 1);
    destroy(34, 3);
}

static void test_credit_ends_without_the_server(void **state)
{
    struct desired_instance instance = instance_of(35, 1, DESIRED_RUNNING);

    (void)state;
    instance.stop_after_ms = 3000;
    want(&instance);
    (void)market_wait(market, 35, PHASE_RUNNING, 1, SECONDS);
    market_hang_up(market, true);
    usleep(4000000);
    market_hang_up(market, false);
    (void)market_wait(market, 35, PHASE_STOPPED, 1, SECONDS);
    instance.stop_after_ms = -1;
    want(&instance);
    (void)market_wait(market, 35, PHASE_RUNNING, 1, SECONDS);
    destroy(35, 2);
}

static void test_running_instances_survive_everybody(void **state)
{
    struct desired_instance instance = instance_of(36, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    want(&instance);
    struct market_report before = market_wait(market, 36, PHASE_RUNNING, 1, SECONDS);

    end_agent(SIGKILL);
    start_agent();
    usleep(1500000);
    struct market_report after = market_wait(market, 36, PHASE_RUNNING, 1, SECONDS);
    CHECK_TEXT(after.start_token, before.start_token);
    CHECK(after.run_ms > before.run_ms && after.ssh_port == before.ssh_port);
    CHECK_INT(after.counter_epoch, before.counter_epoch);

    engine_kill();
    usleep(1000000);
    CHECK(!market_counts(market).is_engine_ok);
    after = market_wait(market, 36, PHASE_RUNNING, 1, SECONDS); /* we still see its process */
    CHECK_TEXT(after.start_token, before.start_token);
    engine_start();
    while (!market_counts(market).is_engine_ok)
        usleep(STEP_US);
    after = market_wait(market, 36, PHASE_RUNNING, 1, SECONDS);
    CHECK_TEXT(after.start_token, before.start_token);

    market_hang_up(market, true);
    market_take_over(market);
    market_hang_up(market, false);
    after = market_wait(market, 36, PHASE_RUNNING, 1, SECONDS);
    CHECK_TEXT(after.start_token, before.start_token);
    run_inside(36, "echo here", output, sizeof output);
    CHECK_TEXT(output, "here");
    destroy(36, 2);
}

/* Killed at random moments of every step, an instance still comes to be what is wanted of it, with
 * its files, and nothing is left of it in the end. */
static void test_an_agent_killed_anywhere_converges(void **state)
{
    enum { KILLS = 12 };
    struct desired_instance instance = instance_of(40, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    want(&instance);
    (void)market_wait(market, 40, PHASE_RUNNING, 1, SECONDS);
    run_inside(40, "echo kept > /root/file", output, sizeof output);
    for (int i = 0; i < KILLS; i++) {
        check_row("kill %d", i);
        instance.gen++;
        instance.state = check_random(2) ? DESIRED_STOPPED : DESIRED_RUNNING;
        instance.restart_nonce += (int64_t)check_random(2);
        instance.spec.ram_mb = 200 + (int64_t)check_random(2); /* now and then made anew */
        want(&instance);
        usleep((useconds_t)check_random(700000));
        end_agent(SIGKILL);
        start_agent();
    }
    instance.gen++;
    instance.state = DESIRED_RUNNING;
    want(&instance);
    (void)market_wait(market, 40, PHASE_RUNNING, instance.gen, SECONDS);
    run_inside(40, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    destroy(40, instance.gen + 1);
}

static void test_a_command_that_was_cut_off_is_not_run_again(void **state)
{
    struct desired_instance instance = instance_of(37, 1, DESIRED_RUNNING);
    struct desired_op op = { .op_id = "00000000000000000000000000000370",
                             .kind = OP_EXEC,
                             .instance_id = 37,
                             .expires_ms = 60000,
                             .command = "echo x >> /root/count; sleep 20" };
    char output[256];

    (void)state;
    want(&instance);
    (void)market_wait(market, 37, PHASE_RUNNING, 1, SECONDS);
    market_want_ops(market, &op, 1);
    usleep(1000000);
    end_agent(SIGKILL);
    start_agent();
    CHECK_INT(market_wait_op(market, op.op_id, output, sizeof output, SECONDS), OP_UNKNOWN);
    run_inside(37, "wc -l < /root/count", output, sizeof output);
    CHECK_TEXT(output, "1");
    destroy(37, 2);
}

static void test_refusals_and_silence_are_sat_out(void **state)
{
    struct market_counts before;

    (void)state;
    market_refuse(market, 2);
    market_drop(market, 2);
    before = market_counts(market);
    market_take_over(market);
    for (int i = 0; i < 4000 && market_counts(market).heartbeats < before.heartbeats + 2; i++)
        usleep(STEP_US);
    CHECK(market_counts(market).heartbeats >= before.heartbeats + 2);
    CHECK(market_counts(market).sessions > before.sessions);
}

static void test_nothing_was_forged_or_repeated(void **state)
{
    auto_buf struct buf text = buf_of(65536);
    char path[64];
    struct error err;

    (void)state;
    CHECK_INT(market_counts(market).bad_signatures, 0);
    CHECK_INT(market_counts(market).replays, 0);
    CHECK_INT(market_counts(market).enrolments, 1);
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)agent);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    print_message("%.*s\n", (int)strcspn(strstr(text.bytes, "VmRSS"), "\n"),
                  strstr(text.bytes, "VmRSS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_lives_and_dies),
        cmocka_unit_test(test_what_cannot_be_made_says_why),
        cmocka_unit_test(test_an_image_without_a_shell_runs),
        cmocka_unit_test(test_what_ends_by_itself_says_how),
        cmocka_unit_test(test_a_reboot_happens_once),
        cmocka_unit_test(test_other_devices_keep_the_files),
        cmocka_unit_test(test_only_a_signature_deletes),
        cmocka_unit_test(test_credit_ends_without_the_server),
        cmocka_unit_test(test_running_instances_survive_everybody),
        cmocka_unit_test(test_an_agent_killed_anywhere_converges),
        cmocka_unit_test(test_a_command_that_was_cut_off_is_not_run_again),
        cmocka_unit_test(test_refusals_and_silence_are_sat_out),
        cmocka_unit_test(test_nothing_was_forged_or_repeated),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, setup, teardown);
}
