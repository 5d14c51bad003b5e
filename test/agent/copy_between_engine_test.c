/* SPDX-License-Identifier: Apache-2.0 */
/* Copies from one instance to another, by rsync in real containers and SSH between them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/child.h"
#include "sys/copy_secret.h"

enum { PATIENCE_S = 4 * HOST_SECONDS, SOURCE = 1, TARGET = 2, OUTPUT_SIZE = 1024 };

static struct key_pair server;
static struct desired_instance pair[2];
static struct desired_copy ends[2];
static char secret_text[COPY_SECRET_SIZE];
static int64_t port;

static void want_pair(void)
{
    market_want(host_market, pair, 2);
}

/* What is to be told to both about a copy of that name. */
static void make_ends(const char *op_id, const char *from, const char *to)
{
    struct copy_secret secret = copy_secret_of(&server, op_id);
    struct key_pair keys = copy_secret_keys(&secret);
    struct hash greeting = copy_secret_greeting(&secret);

    (void)hex_format(secret.seed.bytes, sizeof secret.seed.bytes, secret_text);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct desired_copy){ .is_target = i == 1, .from = from, .to = NULL };
        ends[i].to = i == 1 ? to : NULL;
        memcpy(ends[i].public_key, keys.public_key, COPY_KEY_SIZE);
        memcpy(ends[i].greeting, greeting.bytes, COPY_KEY_SIZE);
        pair[i].copies = &ends[i];
        pair[i].copy_count = 1;
    }
}

/* Tell them; of none where `op_id` is NULL. */
static void set_ends(const char *op_id, const char *from, const char *to)
{
    pair[0].copy_count = pair[1].copy_count = 0;
    if (op_id != NULL)
        make_ends(op_id, from, to);
    want_pair();
}

static struct desired_op op_of(const char *op_id)
{
    return (struct desired_op){ .op_id = op_id,
                                .kind = OP_COPY,
                                .instance_id = TARGET,
                                .expires_ms = 120000,
                                .source_id = SOURCE,
                                .source_host = "127.0.0.1",
                                .source_port = port,
                                .copy_secret = secret_text };
}

static enum op_status copy(const char *op_id, const char *from, const char *to, char *output)
{
    set_ends(op_id, from, to);
    struct desired_op op = op_of(op_id);
    market_want_ops(host_market, &op, 1);
    enum op_status status =
        market_wait_op(host_market, op_id, output, OUTPUT_SIZE, 2 * HOST_SECONDS);
    market_want_ops(host_market, NULL, 0);
    set_ends(NULL, NULL, NULL);
    check_row("copy of %s: %s", from, output);
    return status;
}

static void set_state(int which, enum desired_state state)
{
    pair[which].gen++;
    pair[which].state = state;
    want_pair();
    (void)market_wait(host_market, pair[which].id,
                      state == DESIRED_RUNNING ? PHASE_RUNNING : PHASE_STOPPED, pair[which].gen,
                      PATIENCE_S);
}

static void test_files_go_from_one_that_is_stopped_to_one_that_runs(void **state)
{
    char output[OUTPUT_SIZE];

    (void)state;
    server = crypto_key_pair();
    pair[0] = host_instance(SOURCE, 1, DESIRED_RUNNING);
    pair[1] = host_instance(TARGET, 1, DESIRED_RUNNING);
    want_pair();
    port = market_wait(host_market, SOURCE, PHASE_RUNNING, 1, PATIENCE_S).ssh_port;
    (void)market_wait(host_market, TARGET, PHASE_RUNNING, 1, PATIENCE_S);
    host_run(SOURCE,
             "mkdir -p '/data/a dir/sub' && echo one > '/data/a dir/f' && chmod 640 '/data/a dir/f'"
             " && ln -s /etc/passwd '/data/a dir/link' && echo not > /data/other &&"
             " dd if=/dev/urandom of='/data/a dir/sub/big' bs=1M count=20 2>/dev/null;"
             " md5sum < '/data/a dir/sub/big'",
             output, sizeof output);
    char sum[OUTPUT_SIZE];
    (void)snprintf(sum, sizeof sum, "%s", output);
    set_state(0, DESIRED_STOPPED);

    CHECK_INT(copy("00000000000000000000000000000a01", "/data/a dir", "/got", output), OP_DONE);
    CHECK(strncmp(output, "done, ", 6) == 0);
    host_run(TARGET, "cat '/got/a dir/f'; stat -c %a '/got/a dir/f' | head -c 0", output,
             sizeof output);
    CHECK_TEXT(output, "one");
    host_run(TARGET, "stat -c %a '/got/a dir/f'", output, sizeof output);
    CHECK_TEXT(output, "640");
    host_run(TARGET, "md5sum < '/got/a dir/sub/big'", output, sizeof output);
    CHECK_TEXT(output, sum);
    /* A link is a link, and what was not asked for has not come. */
    host_run(TARGET, "readlink '/got/a dir/link'; ls /got | wc -l", output, sizeof output);
    CHECK_TEXT(output, "/etc/passwd");
    host_run(TARGET, "ls /got | wc -l", output, sizeof output);
    CHECK_TEXT(output, "1");

    /* The server shows it as the target's message. */
    struct market_report report;
    CHECK(market_report(host_market, TARGET, &report));
    CHECK(strncmp(report.message, COPY_TEXT_BEGINS "1: ", strlen(COPY_TEXT_BEGINS) + 3) == 0);
    CHECK(report.bytes_down > 20 << 20);
    CHECK(market_report(host_market, SOURCE, &report));
    CHECK(report.bytes_up > 20 << 20);
    CHECK_INT(report.phase, PHASE_STOPPED);
}

static void test_a_slash_means_what_is_in_it_and_only_what_changed_moves(void **state)
{
    char output[OUTPUT_SIZE];
    struct market_report before, after;

    (void)state;
    CHECK(market_report(host_market, SOURCE, &before));
    CHECK_INT(copy("00000000000000000000000000000a02", "/data/a dir/", "/got/a dir/", output),
              OP_DONE);
    sleep(2);
    CHECK(market_report(host_market, SOURCE, &after));
    CHECK(after.bytes_up - before.bytes_up < 1 << 20);
    host_run(TARGET, "ls '/got/a dir' | wc -l", output, sizeof output);
    CHECK_TEXT(output, "3");
}

static void test_what_is_not_there_ends_with_the_reason(void **state)
{
    char output[OUTPUT_SIZE];

    (void)state;
    CHECK_INT(copy("00000000000000000000000000000a03", "/nowhere/at/all/", "/got/", output),
              OP_FAILED);
    CHECK(strstr(output, "/nowhere/at/all/: No such file or directory") != NULL);
    CHECK_INT(copy("00000000000000000000000000000a04", "/data/missing", "/got/", output),
              OP_FAILED);
    CHECK(strstr(output, "No such file or directory") != NULL);
    CHECK_INT(copy("00000000000000000000000000000a05", "/data/other", "/no/such/folder/", output),
              OP_FAILED);
}

static void test_both_may_be_stopped(void **state)
{
    char output[OUTPUT_SIZE];

    (void)state;
    set_state(1, DESIRED_STOPPED);
    CHECK_INT(copy("00000000000000000000000000000a06", "/data/other", "/", output), OP_DONE);
    set_state(1, DESIRED_RUNNING);
    host_run(TARGET, "cat /other", output, sizeof output);
    CHECK_TEXT(output, "not");
}

static void test_a_host_that_hears_of_it_late_is_waited_for(void **state)
{
    char output[OUTPUT_SIZE];
    struct desired_op op;

    (void)state;
    make_ends("00000000000000000000000000000a11", "/data/other", "/late");
    pair[0].copy_count = 0;
    want_pair();
    op = op_of("00000000000000000000000000000a11");
    market_want_ops(host_market, &op, 1);
    (void)sleep(2);
    pair[0].copy_count = 1;
    want_pair();
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS), OP_DONE);
    market_want_ops(host_market, NULL, 0);
    set_ends(NULL, NULL, NULL);
    host_run(TARGET, "cat /late", output, sizeof output);
    CHECK_TEXT(output, "not");
}

/* The same address, and a host that was not told of it. */
static void test_who_does_not_know_the_secret_gets_nothing(void **state)
{
    char output[OUTPUT_SIZE];
    struct desired_op op;

    (void)state;
    /* Never with the right ones: they would be as good as any. */
    make_ends("00000000000000000000000000000a07", "/data/other", "/stolen");
    ends[0].greeting[0] ^= 1;
    want_pair();
    op = op_of("00000000000000000000000000000a07");
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS),
              OP_FAILED);
    CHECK(strstr(output, "not the instance's host") != NULL);
    make_ends("00000000000000000000000000000a08", "/data/other", "/stolen");
    ends[0].public_key[0] ^= 1;
    want_pair();
    op = op_of("00000000000000000000000000000a08");
    market_want_ops(host_market, &op, 1);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, sizeof output, HOST_SECONDS),
              OP_FAILED);
    CHECK(strstr(output, "key of this copy is not known") != NULL);
    market_want_ops(host_market, NULL, 0);
    host_run(TARGET, "ls /stolen 2>/dev/null | wc -l", output, sizeof output);
    CHECK_TEXT(output, "0");
}

/* A command of this machine in the test's folder, with $OPTIONS for ssh. */
static int client(const char *command, struct buf *said)
{
    char line[2048];
    const char *const words[] = { "sh", "-c", line, NULL };
    const struct child_run run = { .arguments = words, .timeout_ms = 20000 };
    struct error err;
    int status = -1;

    (void)snprintf(line, sizeof line,
                   "cd %s && OPTIONS='-i thief -o StrictHostKeyChecking=no -o LogLevel=ERROR -o "
                   "UserKnownHostsFile=/dev/null -o BatchMode=yes -p %lld' && { %s; } 2>&1",
                   engine_dir(), (long long)port, command);
    CHECK_OK(child_run(&run, said, &status, &err), &err);
    return status;
}

/* Once the files of the stopped one are open: they close when an earlier copy's time is up, and
 * open anew for this one. What is said ends in a NUL. */
static int client_once_open(const char *command, struct buf *said)
{
    for (int i = 0;; i++) {
        int status = client(command, said);

        buf_append(said, "", 0);
        if (strstr(said->bytes, "is stopped: start it") == NULL || i == PATIENCE_S)
            return status;
        said->length = 0;
        (void)sleep(1);
    }
}

/* The bytes of the key in thief.pub, which are the last 32 of what its base64 holds. */
static void read_thief(uint8_t ret[static COPY_KEY_SIZE])
{
    auto_buf struct buf said = buf_of(4096);

    CHECK_INT(client("ssh-keygen -q -t ed25519 -N '' -f thief && cut -d' ' -f2 thief.pub | "
                     "base64 -d | tail -c 32 | od -An -v -tx1 | tr -d ' \\n'",
                     &said),
              0);
    buf_append(&said, "", 0);
    CHECK(hex_parse(said.bytes, ret, COPY_KEY_SIZE));
}

/* Somebody with the key of a copy: the host that copies, or who has robbed it. */
static void test_the_key_of_a_copy_opens_that_and_nothing_else(void **state)
{
    static const struct {
        const char *command, *want; /* in what it says, or NULL: nothing may be there */
        bool works;
    } rows[] = {
        { "rsync --blocking-io -a -e ./shell 'x::copy/a dir' got/ && cat 'got/a dir/f'", "one",
          true },
        { "rsync --blocking-io -a -e ./shell x::copy/other got/; ls got/other", "No such file",
          false },
        { "rsync --blocking-io -a -e ./shell x::copy/ all/; ls all", "a dir\n", true },
        { "rsync --blocking-io -a -e ./shell x::1/data/other got/", "Unknown module", false },
        { "rsync --blocking-io -aL -e ./shell 'x::copy/a dir/link' linked; cat linked",
          "No such file", false },
        /* What rsync says to that may be lost with the connection; nothing is written. */
        { "rsync --blocking-io -a -e ./shell thief.pub 'x::copy/a dir/'; "
          "rsync --blocking-io -a -e ./shell 'x::copy/a dir' after/ && ls 'after/a dir/thief.pub'",
          "No such file", false },
        { "ssh $OPTIONS vastai_kaalia@127.0.0.1 'touch /x' </dev/null", "@RSYNCD", false },
        { "ssh $OPTIONS root@127.0.0.1 true", NULL, false },
        { "ssh $OPTIONS -W 127.0.0.1:22 vastai_kaalia@127.0.0.1 </dev/null", "forwarding failed",
          false },
        { "ssh $OPTIONS -N -R 4000:127.0.0.1:1 -o ExitOnForwardFailure=yes "
          "vastai_kaalia@127.0.0.1",
          "forwarding failed", false },
    };
    auto_buf struct buf made = buf_of(4096);

    (void)state;
    make_ends("00000000000000000000000000000a10", "/data/a dir", "/x");
    read_thief(ends[0].public_key);
    want_pair();
    CHECK_INT(client("printf '#!/bin/sh\\nssh %s vastai_kaalia@127.0.0.1 copy | "
                     "{ read -r greeting; exec cat; }\\n' \"$OPTIONS\" > shell; chmod +x shell",
                     &made),
              0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf said = buf_of(1 << 16);
        check_row("%s", rows[i].command);
        int status = client_once_open(rows[i].command, &said);

        check_row("%s: %d, %s", rows[i].command, status, said.bytes != NULL ? said.bytes : "");
        CHECK_INT(status == 0, rows[i].works);
        CHECK(rows[i].want == NULL || strstr(said.bytes, rows[i].want) != NULL);
    }
    /* Its time is up, and the server has said nothing since. */
    ends[0].expires_ms = 60000;
    want_pair();
    (void)sleep(2);
    CHECK_INT(client(rows[0].command, &made), 0);
    ends[0].expires_ms = 1500;
    want_pair();
    (void)sleep(4);
    CHECK(client(rows[0].command, &made) != 0);
    set_ends(NULL, NULL, NULL);
}

static void test_one_that_is_not_listed_any_more_ends(void **state)
{
    char output[OUTPUT_SIZE];
    struct market_report report;
    struct desired_op op;

    (void)state;
    set_state(0, DESIRED_RUNNING);
    host_run(SOURCE,
             "mkfifo /data/pipe; dd if=/dev/urandom of=/data/huge bs=1M count=400 2>&1 | head -c 0",
             output, sizeof output);
    set_ends("00000000000000000000000000000a09", "/data/huge", "/");
    op = op_of("00000000000000000000000000000a09");
    market_want_ops(host_market, &op, 1);
    for (int i = 0; i < 100; i++) {
        CHECK(market_report(host_market, TARGET, &report));
        if (strstr(report.message, "connecting") != NULL || strstr(report.message, "%") != NULL)
            break;
        (void)usleep(50000);
    }
    market_want_ops(host_market, NULL, 0);
    for (int i = 0; i < 200 && strstr(report.message, "cancelled") == NULL; i++) {
        (void)usleep(50000);
        CHECK(market_report(host_market, TARGET, &report));
    }
    CHECK(strstr(report.message, "1: cancelled") != NULL);
    set_ends(NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_go_from_one_that_is_stopped_to_one_that_runs),
        cmocka_unit_test(test_a_slash_means_what_is_in_it_and_only_what_changed_moves),
        cmocka_unit_test(test_what_is_not_there_ends_with_the_reason),
        cmocka_unit_test(test_both_may_be_stopped),
        cmocka_unit_test(test_a_host_that_hears_of_it_late_is_waited_for),
        cmocka_unit_test(test_who_does_not_know_the_secret_gets_nothing),
        cmocka_unit_test(test_the_key_of_a_copy_opens_that_and_nothing_else),
        cmocka_unit_test(test_one_that_is_not_listed_any_more_ends),
    };
    engine_need("rsync");
    engine_need("ssh-keygen");
    engine_enter();
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
