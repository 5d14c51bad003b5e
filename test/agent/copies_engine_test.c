/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a stopped instance, by OpenSSH's own clients and rsync, with a real engine. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/copies.h"
#include "agent/seen.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/child.h"
#include "sys/file.h"

enum { RUN_MS = 120000, PATIENCE_S = 4 * HOST_SECONDS, TEXT_MAX = 1 << 16 };

static char key_file[160], public_key[1024], folder[128];

/* A command of this machine. */
static int run(const char *command, struct buf *said)
{
    const char *const words[] = { "sh", "-c", command, NULL };
    const struct child_run run = { .arguments = words, .timeout_ms = RUN_MS };
    struct error err;
    int status = -1;

    CHECK_OK(child_run(&run, said, &status, &err), &err);
    return status;
}

static int client(int64_t port, const char *format, struct buf *said)
{
    char options[512], line[2048];

    (void)snprintf(options, sizeof options,
                   "-i %s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o "
                   "LogLevel=ERROR -o BatchMode=yes -o Port=%lld",
                   key_file, (long long)port);
    (void)snprintf(line, sizeof line, "cd %s && OPTIONS='%s' && %s", folder, options, format);
    return run(line, said);
}

static void make_key(void)
{
    char line[512];
    auto_buf struct buf said = buf_of(TEXT_MAX), text = buf_of(sizeof public_key - 1);
    struct error err;

    (void)snprintf(folder, sizeof folder, "%s", engine_dir());
    (void)snprintf(key_file, sizeof key_file, "%s/key", folder);
    (void)snprintf(line, sizeof line, "ssh-keygen -q -t ed25519 -N '' -f %s", key_file);
    CHECK_INT(run(line, &said), 0);
    (void)snprintf(line, sizeof line, "%s.pub", key_file);
    CHECK_OK(file_read(AT_FDCWD, line, &text, &err), &err);
    (void)snprintf(public_key, sizeof public_key, "%.*s", (int)strcspn(text.bytes, "\n"),
                   text.bytes);
}

static const char *label_of(const json_t *root, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(json_object_get(root, "Config"), "Labels"), name));
}

static const char *network_of(const json_t *root)
{
    return json_string_value(json_object_get(json_object_get(root, "HostConfig"), "NetworkMode"));
}

static bool is_running(int64_t id)
{
    auto_json json_t *root = NULL;

    return host_inspect(id, &root) &&
           json_is_true(json_object_get(json_object_get(root, "State"), "Running"));
}

/* Who wants no copy is told what there is. */
static void check_a_shell_opens_nothing(int64_t port)
{
    auto_buf struct buf said = buf_of(TEXT_MAX);

    CHECK_INT(client(port, "ssh $OPTIONS root@127.0.0.1 'touch /root/x' 2>&1", &said), 255);
    CHECK_TEXT(said.bytes, "berth: instance 1 is stopped: its files can be copied (rsync, scp, "
                           "sftp), and `berth start instance 1` starts it\r\n");
    (void)sleep(2);
    CHECK(!is_running(1));
}

static void test_files_of_a_stopped_one_go_both_ways(void **state)
{
    struct desired_instance instance = host_instance(1, 1, DESIRED_RUNNING);
    const char *keys[] = { public_key };
    char output[256];

    (void)state;
    make_key();
    instance.spec.ssh_keys = keys;
    instance.spec.ssh_key_count = 1;
    instance.spec.onstart = "echo run >> /root/starts; echo a start";
    host_want(&instance);
    struct market_report report = market_wait(host_market, 1, PHASE_RUNNING, 1, PATIENCE_S);
    host_run(1, "echo kept > /root/file; cat /root/starts", output, sizeof output);
    CHECK_TEXT(output, "run");
    instance.gen = 2;
    instance.state = DESIRED_STOPPED;
    host_want(&instance);
    (void)market_wait(host_market, 1, PHASE_STOPPED, 2, PATIENCE_S);

    check_a_shell_opens_nothing(report.ssh_port);
    auto_buf struct buf said = buf_of(TEXT_MAX);
    CHECK_INT(
        client(report.ssh_port, "scp $OPTIONS root@127.0.0.1:/root/file got && cat got", &said), 0);
    CHECK_TEXT(said.bytes, "kept\n");
    buf_release(&said);
    CHECK_INT(client(report.ssh_port,
                     "echo new > put && rsync -a -e \"ssh $OPTIONS\" put root@127.0.0.1:/root/",
                     &said),
              0);
    buf_release(&said);
    CHECK_INT(
        client(report.ssh_port,
               "rsync -a -e \"ssh $OPTIONS\" vastai_kaalia@127.0.0.1::1/root/put back && cat back",
               &said),
        0);
    CHECK_TEXT(said.bytes, "new\n");
    buf_release(&said);

    /* No more than that: no shell, no ways into a network, nothing that runs or is charged. */
    CHECK_INT(client(report.ssh_port, "ssh $OPTIONS root@127.0.0.1 'touch /root/x' 2>&1", &said),
              255);
    CHECK(strstr(said.bytes, "instance 1 is stopped: its files can be copied") != NULL);
    buf_release(&said);
    CHECK_INT(client(report.ssh_port, "ssh $OPTIONS -W 127.0.0.1:22 root@127.0.0.1 2>&1", &said),
              255);
    auto_json json_t *root = NULL;
    CHECK(host_inspect(1, &root));
    CHECK_TEXT(label_of(root, SEEN_LABEL_SPEC), SEEN_SPEC_COPIES);
    CHECK_TEXT(network_of(root), "none");
    struct market_report open;
    CHECK(market_report(host_market, 1, &open));
    CHECK_INT(open.phase, PHASE_STOPPED);
    CHECK_INT(open.run_ms, 0); /* of that container: nothing of it is time that the instance ran */

    /* It takes its files back at once, and has started twice in all. */
    instance.gen = 3;
    instance.state = DESIRED_RUNNING;
    host_want(&instance);
    (void)market_wait(host_market, 1, PHASE_RUNNING, 3, PATIENCE_S);
    host_run(1, "cat /root/put; ls /root/x 2>/dev/null", output, sizeof output);
    CHECK_TEXT(output, "new");
    host_run(1, "sleep 0.3; cat /root/starts | wc -l", output, sizeof output);
    CHECK_TEXT(output, "2");
}

/* What it said before is there still: its container was made anew twice. */
static void test_the_log_outlives_it(void **state)
{
    struct desired_op op = { .op_id = "00000000000000000000000000000c01",
                             .kind = OP_LOGS,
                             .instance_id = 1,
                             .expires_ms = 60000,
                             .tail = 10 };
    char output[256];

    (void)state;
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS), OP_DONE);
    CHECK_TEXT(output, "a start\na start\n");
    market_want_ops(host_market, NULL, 0);
}

/* The front hears of what changed a moment after the market did. */
static void client_in_time(int64_t port, const char *command)
{
    auto_buf struct buf said = buf_of(TEXT_MAX);
    int status = client(port, command, &said);

    for (int i = 0; status != 0 && i < HOST_SECONDS; i++) {
        (void)usleep(200000);
        buf_release(&said);
        status = client(port, command, &said);
    }
    CHECK_INT(status, 0);
}

/* Nobody copies any more, and the agent died meanwhile: it closes all the same. */
static void test_it_closes_when_nobody_copies(void **state)
{
    struct desired_instance instance = host_instance(1, 4, DESIRED_STOPPED);
    const char *keys[] = { public_key };
    auto_buf struct buf said = buf_of(TEXT_MAX);

    (void)state;
    instance.spec.ssh_keys = keys;
    instance.spec.ssh_key_count = 1;
    host_want(&instance);
    struct market_report report = market_wait(host_market, 1, PHASE_STOPPED, 4, PATIENCE_S);
    client_in_time(report.ssh_port, "scp $OPTIONS root@127.0.0.1:/root/file got");
    CHECK(is_running(1));
    host_end(SIGKILL);
    host_start();
    for (int i = 0; is_running(1) && i < PATIENCE_S * 10; i++)
        (void)usleep(100000);
    CHECK(!is_running(1));
    client_in_time(report.ssh_port, "scp $OPTIONS root@127.0.0.1:/root/put again");
    CHECK_INT(client(report.ssh_port, "cat again", &said), 0);
    CHECK_TEXT(said.bytes, "new\n");
    host_destroy(1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_a_stopped_one_go_both_ways),
        cmocka_unit_test(test_the_log_outlives_it),
        cmocka_unit_test(test_it_closes_when_nobody_copies),
    };
    engine_need("ssh-keygen");
    engine_need("rsync");
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
