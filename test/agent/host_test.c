/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host as a program, against a real Docker Engine and the server's side of its line. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/diary.h"
#include "agent/seen.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

static void test_an_instance_lives_and_dies(void **state)
{
    struct desired_instance instance = host_instance(1, 1, DESIRED_RUNNING);
    struct spec_variable env[] = { { "A", "b=c d" } };
    struct spec_port ports[] = { { 8081, false }, { 70000, true } };
    char output[256];

    (void)state;
    instance.spec.env = env;
    instance.spec.env_count = 1;
    instance.spec.ports = ports;
    instance.spec.port_count = 2;
    host_want(&instance);
    struct market_report report = market_wait(host_market, 1, PHASE_RUNNING, 1, HOST_SECONDS);
    CHECK(report.ssh_port >= 41000 && report.ssh_port <= 41099);
    CHECK_INT(report.port_count, 2);
    CHECK_INT(report.ports[0].port, 8081);
    CHECK_INT(report.ports[1].port, report.ports[1].host_port);
    CHECK(*report.start_token != '\0');

    host_run(1, "echo $VAST_CONTAINERLABEL $A $CONTAINER_ID; true", output, sizeof output);
    CHECK_TEXT(output, "C.1 b=c d 1");
    host_run(1, "hostname", output, sizeof output);
    CHECK_TEXT(output, "C.1");
    host_run(1, "echo kept > /root/file; echo done", output, sizeof output);
    CHECK_TEXT(output, "done");

    instance.gen = 2;
    instance.state = DESIRED_STOPPED;
    host_want(&instance);
    struct market_report stopped = market_wait(host_market, 1, PHASE_STOPPED, 2, HOST_SECONDS);
    CHECK(stopped.run_ms > 0);

    instance.gen = 3;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    struct market_report again = market_wait(host_market, 1, PHASE_RUNNING, 3, HOST_SECONDS);
    CHECK(strcmp(again.start_token, report.start_token) != 0);
    CHECK_INT(again.ssh_port, report.ssh_port);
    host_run(1, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(1, 4);
}

static void test_what_cannot_be_made_says_why(void **state)
{
    static const struct {
        const char *image, *want;
    } rows[] = {
        { "no-such-image:1", "pull no-such-image:1" },
        { "192.168.1.1:5000/lib/bb:1", "the registry 192.168.1.1:5000 is in a private network" },
        { "169.254.169.254/lib/bb:1", "the registry 169.254.169.254 is in a private network" },
        { "Not An Image", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = 20 + (int64_t)i;
        struct desired_instance instance = host_instance(id, 1, DESIRED_RUNNING);

        check_row("%s", rows[i].image);
        instance.spec.image = rows[i].image;
        host_want(&instance);
        struct market_report report = market_wait(host_market, id, PHASE_FAILED, 1, HOST_SECONDS);
        CHECK(strstr(report.message, rows[i].want) != NULL);
        host_destroy(id, 2);
    }
}

static void test_an_image_without_a_shell_runs(void **state)
{
    struct desired_instance instance = host_instance(30, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    instance.spec.image = "bare:1";
    host_want(&instance);
    (void)market_wait(host_market, 30, PHASE_RUNNING, 1, HOST_SECONDS);
    host_run(30, "/bin/sleep 0", output, sizeof output);
    CHECK_TEXT(output, "");
    host_destroy(30, 2);
}

static void test_what_ends_by_itself_says_how(void **state)
{
    static const char *args[] = { "sh", "-c", "echo last words; exit 3" };
    struct desired_instance instance = host_instance(31, 1, DESIRED_RUNNING);
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
    host_want(&instance);
    struct market_report report = market_wait(host_market, 31, PHASE_EXITED, 1, HOST_SECONDS);
    CHECK_INT(report.exit_code, 3);
    market_want_ops(host_market, &op, 1); /* its log is there after its end */
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS), OP_DONE);
    CHECK_TEXT(output, "last words\n");
    op.op_id = "00000000000000000000000000000311";
    op.is_daemon_log = true;
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS), OP_DONE);
    CHECK(strstr(output, "create: done") != NULL);
    market_want_ops(host_market, NULL, 0);
    host_destroy(31, 2);
}

/* One that ends meanwhile has no answer: how long each lasts is the machine's to say. */
static void ask_how_often(int turn, char *output, size_t size)
{
    char op_id[OP_ID_SIZE];
    const struct desired_op op = { .op_id = op_id,
                                   .kind = OP_EXEC,
                                   .instance_id = 39,
                                   .expires_ms = 60000,
                                   .command = "cat /runs | wc -l" };

    (void)snprintf(op_id, sizeof op_id, "%032x", 0x390000U + (unsigned)turn);
    market_want_ops(host_market, &op, 1);
    if (market_wait_op(host_market, op_id, output, size, HOST_SECONDS) != OP_DONE)
        *output = '\0';
    output[strcspn(output, "\n")] = '\0';
    market_want_ops(host_market, NULL, 0);
}

/* As a default job is: the same container, and so the same files. */
static void test_what_is_kept_running_starts_again(void **state)
{
    static const char *args[] = { "sh", "-c",
                                  "echo run >> /runs; test $(wc -l </runs) -ge 3 && sleep 1000" };
    struct desired_instance instance = host_instance(39, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    instance.is_kept_running = true;
    instance.spec.runtype = "args";
    instance.spec.args = args;
    instance.spec.arg_count = 3;
    host_want(&instance);
    *output = '\0';
    for (int i = 0; i < HOST_SECONDS && strcmp(output, "3") != 0; i++) {
        (void)usleep(500000);
        (void)market_wait(host_market, 39, PHASE_RUNNING, 1, HOST_SECONDS);
        ask_how_often(i, output, sizeof output);
    }
    CHECK_TEXT(output, "3"); /* two were over at once, and the third one stays */
    host_destroy(39, 2);
}

static void test_a_reboot_happens_once(void **state)
{
    struct desired_instance instance = host_instance(32, 1, DESIRED_RUNNING);

    (void)state;
    host_want(&instance);
    struct market_report first = market_wait(host_market, 32, PHASE_RUNNING, 1, HOST_SECONDS);
    instance.gen = 2;
    instance.restart_nonce = 1;
    host_want(&instance);
    struct market_report second = market_wait(host_market, 32, PHASE_RUNNING, 2, HOST_SECONDS);
    CHECK(strcmp(first.start_token, second.start_token) != 0);
    CHECK_INT(second.restart_nonce, 1);
    instance.gen = 3;
    host_want(&instance);
    struct market_report third = market_wait(host_market, 32, PHASE_RUNNING, 3, HOST_SECONDS);
    CHECK_TEXT(third.start_token, second.start_token);
    host_destroy(32, 4);
}

static void test_other_devices_keep_the_files(void **state)
{
    struct desired_instance instance = host_instance(33, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 33, PHASE_RUNNING, 1, HOST_SECONDS);
    host_run(33, "echo kept > /root/file; rm /etc/group", output, sizeof output);
    instance.gen = 2;
    instance.spec.ram_mb = 200;
    host_want(&instance);
    (void)market_wait(host_market, 33, PHASE_RUNNING, 2, HOST_SECONDS);
    host_run(33, "cat /root/file; ls /etc/group 2>&1", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(33, 3);
}

/* From its image again: the files are gone, and SSH is where it was. */
static void test_what_is_made_again_begins_anew(void **state)
{
    struct desired_instance instance = host_instance(37, 1, DESIRED_RUNNING);
    struct spec_port port = { 8081, false };
    char output[256];

    (void)state;
    host_want(&instance);
    struct market_report first = market_wait(host_market, 37, PHASE_RUNNING, 1, HOST_SECONDS);
    host_run(37, "echo gone > /root/file; echo made", output, sizeof output);
    CHECK_TEXT(output, "made");
    instance.gen = 2;
    instance.restart_nonce = 1;
    instance.spec.remake = 1;
    instance.spec.ports = &port;
    instance.spec.port_count = 1;
    host_want(&instance);
    struct market_report second = market_wait(host_market, 37, PHASE_RUNNING, 2, HOST_SECONDS);
    CHECK_INT(second.restart_nonce, 1);
    CHECK_INT(second.ssh_port, first.ssh_port);
    host_run(37, "cat /root/file 2>/dev/null || echo none", output, sizeof output);
    CHECK_TEXT(output, "none");
    /* Stopped and started, it stays what it is. */
    host_run(37, "echo kept > /root/file; echo made", output, sizeof output);
    instance.gen = 3;
    instance.state = DESIRED_STOPPED;
    host_want(&instance);
    (void)market_wait(host_market, 37, PHASE_STOPPED, 3, HOST_SECONDS);
    instance.gen = 4;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    (void)market_wait(host_market, 37, PHASE_RUNNING, 4, HOST_SECONDS);
    host_run(37, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(37, 5);
}

/* Give an image a name, as somebody at the host may. `changes`: escaped. */
static void commit_image(int64_t id, const char *repo, const char *changes)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char path[256];
    struct docker_call call = { .method = "POST", .path = path, .body = "{}" };
    static const char *const json[] = { "Content-Type: application/json", NULL };
    struct error err;

    call.headers = json;
    (void)snprintf(path, sizeof path,
                   "/commit?container=berth-%" PRId64 "&repo=%s&tag=1&pause=0&changes=%s", id, repo,
                   changes);
    CHECK_OK(docker_call(&docker, &call, NULL, &err), &err);
}

static void remove_image(const char *image)
{
    auto_docker struct docker docker = docker_open(engine_path());
    char path[256];
    struct docker_call call = { .method = "DELETE", .path = path };
    struct error err;

    (void)snprintf(path, sizeof path, "/images/%s?force=1", image);
    CHECK_OK(docker_call(&docker, &call, NULL, &err), &err);
}

/* Whether the agent asked for the image before it made the instance. */
static bool has_asked(int64_t id)
{
    auto_buf struct buf text = buf_of(DIARY_MAX);
    char path[512];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/host/instances/%" PRId64 ".log", engine_dir(), id);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    CHECK(strstr(text.bytes, "create: done") != NULL);
    return strstr(text.bytes, "prepare: done") != NULL;
}

static struct market_report run_once(int64_t id)
{
    struct desired_instance instance = host_instance(id, 1, DESIRED_RUNNING);

    instance.spec.image = "once:1";
    host_want(&instance);
    return market_wait(host_market, id, PHASE_RUNNING, 1, HOST_SECONDS);
}

/* What is remembered of an image saves a question, and never decides what is made. */
static void test_a_known_image_is_made_at_once_unless_it_changed(void **state)
{
    struct desired_instance instance = host_instance(50, 1, DESIRED_RUNNING);

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 50, PHASE_RUNNING, 1, HOST_SECONDS);
    commit_image(50, "once", "LABEL%20is=once");
    host_destroy(50, 2);
    CHECK_INT(run_once(51).port_count, 0);
    CHECK(has_asked(51));
    host_destroy(51, 2);
    CHECK_INT(run_once(52).port_count, 0);
    CHECK(!has_asked(52));
    commit_image(52, "once", "EXPOSE%209000%2Ftcp");
    host_destroy(52, 2);
    struct market_report report = run_once(53);
    CHECK_INT(report.port_count, 1);
    CHECK_INT(report.ports[0].port, 9000);
    CHECK(has_asked(53));
    host_destroy(53, 2);
    report = run_once(54);
    CHECK_INT(report.port_count, 1);
    CHECK(!has_asked(54));
    host_destroy(54, 2);

    remove_image("once:1");
    instance = host_instance(55, 1, DESIRED_RUNNING);
    instance.spec.image = "once:1";
    host_want(&instance);
    report = market_wait(host_market, 55, PHASE_FAILED, 1, HOST_SECONDS);
    CHECK(strstr(report.message, "pull once:1") != NULL);
    host_destroy(55, 2);
}

static void test_only_a_signature_deletes(void **state)
{
    struct desired_instance instance = host_instance(34, 1, DESIRED_RUNNING);
    auto_json json_t *root = NULL;

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 34, PHASE_RUNNING, 1, HOST_SECONDS);
    instance = host_instance(34, 2, DESIRED_ABSENT);
    instance.has_destroy_token = true; /* of zeros */
    host_want(&instance);
    struct market_report report = market_wait(host_market, 34, PHASE_STOPPED, 1, HOST_SECONDS);
    CHECK(strstr(report.message, "not signed") != NULL);
    CHECK(host_inspect(34, &root));

    market_want(host_market, NULL, 0); /* and one that nobody wants is kept too */
    usleep(300000);
    json_release(&root);
    CHECK(host_inspect(34, &root));
    CHECK_INT(market_counts(host_market).quarantined, 1);
    host_destroy(34, 3);
}

/* What is wanted is done at once; what deletes waits until a power cut cannot make it undone. */
static void test_nothing_is_deleted_by_an_order_that_cannot_be_kept(void **state)
{
    struct desired_instance instance = host_instance(56, 1, DESIRED_RUNNING);
    auto_json json_t *root = NULL;
    char path[512];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/host/desired.json", engine_dir());
    /* What the case before wanted last may be written just now. */
    bool is_made = false;
    for (int i = 0; !is_made && i < 100; i++) {
        (void)unlink(path);
        is_made = mkdir(path, 0700) == 0;
        usleep(10000);
    }
    CHECK(is_made);
    host_want(&instance);
    (void)market_wait(host_market, 56, PHASE_RUNNING, 1, HOST_SECONDS);
    instance = host_instance(56, 2, DESIRED_ABSENT);
    market_sign_destroy(host_market, &instance);
    host_want(&instance);
    usleep(1500000);
    CHECK(host_inspect(56, &root));
    CHECK_INT(rmdir(path), 0);
    (void)market_wait(host_market, 56, PHASE_ABSENT, 2, HOST_SECONDS);
    CHECK_INT(access(path, F_OK), 0);
    market_want(host_market, NULL, 0);
}

static void test_credit_ends_without_the_server(void **state)
{
    struct desired_instance instance = host_instance(35, 1, DESIRED_RUNNING);

    (void)state;
    instance.stop_after_ms = 3000;
    host_want(&instance);
    (void)market_wait(host_market, 35, PHASE_RUNNING, 1, HOST_SECONDS);
    market_hang_up(host_market, true);
    usleep(4000000);
    market_hang_up(host_market, false);
    (void)market_wait(host_market, 35, PHASE_STOPPED, 1, HOST_SECONDS);
    instance.stop_after_ms = -1;
    host_want(&instance);
    (void)market_wait(host_market, 35, PHASE_RUNNING, 1, HOST_SECONDS);
    host_destroy(35, 2);
}

static void test_running_instances_survive_everybody(void **state)
{
    struct desired_instance instance = host_instance(36, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    host_want(&instance);
    struct market_report before = market_wait(host_market, 36, PHASE_RUNNING, 1, HOST_SECONDS);

    host_end(SIGKILL);
    host_start();
    struct market_report after = before;
    for (int i = 0; i < HOST_SECONDS * 10 && after.run_ms <= before.run_ms; i++) {
        usleep(100000); /* until the new agent has been heard */
        after = market_wait(host_market, 36, PHASE_RUNNING, 1, HOST_SECONDS);
    }
    CHECK_TEXT(after.start_token, before.start_token);
    CHECK(after.run_ms > before.run_ms && after.ssh_port == before.ssh_port);
    CHECK_INT(after.counter_epoch, before.counter_epoch);

    engine_kill();
    usleep(1000000);
    CHECK(!market_counts(host_market).is_engine_ok);
    after =
        market_wait(host_market, 36, PHASE_RUNNING, 1, HOST_SECONDS); /* we still see its process */
    CHECK_TEXT(after.start_token, before.start_token);
    engine_start();
    while (!market_counts(host_market).is_engine_ok)
        usleep(HOST_STEP_US);
    after = market_wait(host_market, 36, PHASE_RUNNING, 1, HOST_SECONDS);
    CHECK_TEXT(after.start_token, before.start_token);

    market_hang_up(host_market, true);
    market_take_over(host_market);
    market_hang_up(host_market, false);
    after = market_wait(host_market, 36, PHASE_RUNNING, 1, HOST_SECONDS);
    CHECK_TEXT(after.start_token, before.start_token);
    host_run(36, "echo here", output, sizeof output);
    CHECK_TEXT(output, "here");
    host_destroy(36, 2);
}

/* Killed at random moments of every step, an instance still comes to be what is wanted of it, with
 * its files, and nothing is left of it in the end. */
static void test_an_agent_killed_anywhere_converges(void **state)
{
    enum { KILLS = 12 };
    struct desired_instance instance = host_instance(40, 1, DESIRED_RUNNING);
    char output[256];

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 40, PHASE_RUNNING, 1, HOST_SECONDS);
    host_run(40, "echo kept > /root/file", output, sizeof output);
    for (int i = 0; i < KILLS; i++) {
        check_row("kill %d", i);
        instance.gen++;
        instance.state = check_random(2) ? DESIRED_STOPPED : DESIRED_RUNNING;
        instance.restart_nonce += (int64_t)check_random(2);
        instance.spec.ram_mb = 200 + (int64_t)check_random(2); /* now and then made anew */
        host_want(&instance);
        usleep((useconds_t)check_random(700000));
        host_end(SIGKILL);
        host_start();
    }
    instance.gen++;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    (void)market_wait(host_market, 40, PHASE_RUNNING, instance.gen, HOST_SECONDS);
    host_run(40, "cat /root/file", output, sizeof output);
    CHECK_TEXT(output, "kept");
    host_destroy(40, instance.gen + 1);
}

static void test_a_command_that_was_cut_off_is_not_run_again(void **state)
{
    struct desired_instance instance = host_instance(37, 1, DESIRED_RUNNING);
    struct desired_op op = { .op_id = "00000000000000000000000000000370",
                             .kind = OP_EXEC,
                             .instance_id = 37,
                             .expires_ms = 60000,
                             .command = "echo x >> /root/count; sleep 20" };
    char output[256];

    (void)state;
    host_want(&instance);
    (void)market_wait(host_market, 37, PHASE_RUNNING, 1, HOST_SECONDS);
    market_want_ops(host_market, &op, 1);
    usleep(1000000);
    host_end(SIGKILL);
    host_start();
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS),
              OP_UNKNOWN);
    host_run(37, "wc -l < /root/count", output, sizeof output);
    CHECK_TEXT(output, "1");
    host_destroy(37, 2);
}

static void test_refusals_and_silence_are_sat_out(void **state)
{
    struct market_counts before;

    (void)state;
    market_refuse(host_market, 2);
    market_drop(host_market, 2);
    before = market_counts(host_market);
    market_take_over(host_market);
    for (int i = 0; i < 4000 && market_counts(host_market).heartbeats < before.heartbeats + 2; i++)
        usleep(HOST_STEP_US);
    CHECK(market_counts(host_market).heartbeats >= before.heartbeats + 2);
    CHECK(market_counts(host_market).sessions > before.sessions);
}

static void test_nothing_was_forged_or_repeated(void **state)
{
    auto_buf struct buf text = buf_of(65536);
    char path[64];
    struct error err;

    (void)state;
    CHECK_INT(market_counts(host_market).bad_signatures, 0);
    CHECK_INT(market_counts(host_market).replays, 0);
    CHECK_INT(market_counts(host_market).enrolments, 1);
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)host_agent);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    const char *size = strstr(text.bytes, "VmRSS");
    CHECK(size != NULL); /* it lives */
    print_message("%.*s\n", (int)strcspn(size, "\n"), size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_lives_and_dies),
        cmocka_unit_test(test_what_cannot_be_made_says_why),
        cmocka_unit_test(test_an_image_without_a_shell_runs),
        cmocka_unit_test(test_what_ends_by_itself_says_how),
        cmocka_unit_test(test_what_is_kept_running_starts_again),
        cmocka_unit_test(test_a_reboot_happens_once),
        cmocka_unit_test(test_other_devices_keep_the_files),
        cmocka_unit_test(test_what_is_made_again_begins_anew),
        cmocka_unit_test(test_a_known_image_is_made_at_once_unless_it_changed),
        cmocka_unit_test(test_only_a_signature_deletes),
        cmocka_unit_test(test_nothing_is_deleted_by_an_order_that_cannot_be_kept),
        cmocka_unit_test(test_credit_ends_without_the_server),
        cmocka_unit_test(test_running_instances_survive_everybody),
        cmocka_unit_test(test_an_agent_killed_anywhere_converges),
        cmocka_unit_test(test_a_command_that_was_cut_off_is_not_run_again),
        cmocka_unit_test(test_refusals_and_silence_are_sat_out),
        cmocka_unit_test(test_nothing_was_forged_or_repeated),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
