/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_ssh.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cli/cli.h"
#include "support.h"
#include "sys/fd.h"
#include "sys/file.h"

#define INSTANCE(id, status, intended, address)                                                    \
    "{\"instances\":{\"id\":" id ",\"machine_id\":77,\"actual_status\":" status                    \
    ",\"intended_status\":\"" intended "\",\"status_msg\":\"pulling\",\"stop_message\":\"No "      \
    "credit.\",\"public_ipaddr\":\"" address                                                       \
    "\",\"ports\":{\"22/tcp\":[{\"HostPort\":\"40001\"}]}}}"

#define STOPPED(id)                                                                                \
    "{\"instances\":{\"id\":" id ",\"machine_id\":77,\"actual_status\":\"stopped\","               \
    "\"intended_status\":\"stopped\",\"public_ipaddr\":\"127.0.0.1\",\"ports\":{}}}"

static const struct support_reply replies[] = {
    { "GET /api/v0/instances/1/?owner=me", 200,
      INSTANCE("1", "\"running\"", "running", "127.0.0.1") },
    { "GET /api/v0/instances/2/?owner=me", 200,
      INSTANCE("2", "\"running\"", "running", "203.0.113.9") },
    { "GET /api/v0/instances/3/?owner=me", 200, INSTANCE("3", "\"running\"", "stopped", "") },
    { "GET /api/v0/instances/4/?owner=me", 200, INSTANCE("4", "\"loading\"", "running", "") },
    { "GET /api/v0/instances/5/?owner=me", 200, INSTANCE("5", "\"running\"", "running", "-oX=y") },
    { "GET /api/v0/instances/8/?owner=me", 200, STOPPED("8") },
    { "PUT /api/v0/commands/rsync/", 200,
      "{\"success\":true,\"src_addr\":\"127.0.0.1\",\"src_port\":40006}" },
    { "PUT /api/v0/commands/copy_direct/", 200, "{\"success\":true,\"result_url\":\"%s/blob\"}" },
    { "GET /blob", 200, "done, 12 bytes, 3MB/s in 1 s" },
    { NULL, 0, NULL },
};

static const struct support_reply failing[] = {
    { "PUT /api/v0/commands/copy_direct/", 200, "{\"success\":true,\"result_url\":\"%s/blob\"}" },
    { "GET /blob", 200, "berth: the host could not do this: no such folder" },
    { NULL, 0, NULL },
};

static struct support_market market;
static struct support_result result;

/* A directory with an `ssh` and an `rsync` that say how they were called, in front of PATH. */
static void make_fake_ssh(void)
{
    static const char *const names[] = { "ssh", "rsync" };
    static const char script[] = "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\nexit 7\n";
    char path[512];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/bin", support_dir());
    CHECK_OK(file_make_dir(path, 0700, &err), &err);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/bin/%s", support_dir(), names[i]);
        CHECK_OK(file_replace(AT_FDCWD, path, 0700, script, sizeof script - 1, &err), &err);
    }
    (void)snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", support_dir());
    CHECK(setenv("PATH", path, 1) == 0);
}

/* In a child, which becomes ssh. Returns its exit status; `text` is what that said. */
static int run_to_the_end(const char *const *words, char text[static 4096])
{
    int ends[2], wait_status;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    auto_close int read_end = ends[0];
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        _exit(cli_main(words, ends[1], STDERR_FILENO));
    }
    (void)close(ends[1]);
    size_t length = 0;
    for (ssize_t count; (count = read(read_end, text + length, 4095 - length)) > 0;)
        length += (size_t)count;
    text[length] = '\0';
    CHECK(waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status));
    return WEXITSTATUS(wait_status);
}

static void test_it_becomes_ssh(void **state)
{
    char text[4096], want[4096];

    (void)state;
    support_open(&market, replies);
    make_fake_ssh();
    CHECK_INT(run_to_the_end((const char *const[]){ "ssh", "1", NULL }, text), 7);
    CHECK_TEXT(text, "-p\n40001\n-o\nNoHostAuthenticationForLocalhost=yes\nroot@127.0.0.1\n");
    CHECK_INT(run_to_the_end(
                  (const char *const[]){ "ssh", "2", "-i", "key", "--", "echo", "-n", "a b", NULL },
                  text),
              7);
    (void)snprintf(want, sizeof want,
                   "-p\n40001\n-o\nStrictHostKeyChecking=accept-new\n-o\nUserKnownHostsFile=\"%s/"
                   "berth/known_hosts\"\n-o\nHostKeyAlias=machine-77.127.0.0.1-%d\n-i\nkey\n"
                   "root@203.0.113.9\n--\necho\n-n\na b\n",
                   support_dir(), fake_http_port(market.http));
    CHECK_TEXT(text, want);
    support_close(&market);
}

/* Each side as rsync gets it: a path of this machine can be neither an option nor a place
 * elsewhere. */
static void test_a_copy_becomes_rsync(void **state)
{
    static const struct {
        const char *from, *to, *as_from, *as_to;
    } rows[] = {
        { "data/", "1:/work", "./data/", "root@127.0.0.1:/work" },
        { "C.1:/work/", "/tmp/x", "root@127.0.0.1:/work/", "/tmp/x" },
        { "1:it's", ".", "root@127.0.0.1:it's", "./." },
        { "local:a:b", "1:/a:b", "./a:b", "root@127.0.0.1:/a:b" },
        { "./a:b", "1:/x", "././a:b", "root@127.0.0.1:/x" },
        { "local:-e", "1:/x", "./-e", "root@127.0.0.1:/x" },
    };
    static const struct {
        const char *from, *to;
        int status;
    } wrong[] = {
        { "a", "b", 2 },    { "1:/..", "1:/b", 2 },  { "1:/a*", "1:/b", 2 }, { "local:a", "b", 2 },
        { "x:/a", "b", 2 }, { "0:/a", "b", 2 },      { ":/a", "1:/b", 2 },   { "1:", "b", 2 },
        { "", "1:/b", 2 },  { "local:", "1:/b", 2 }, { "6:/a", "b", 1 },     { "3:/a", "b", 1 },
        { "5:/a", "b", 1 },
    };
    char text[4096], want[4096];

    (void)state;
    support_open(&market, replies);
    make_fake_ssh();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s to %s", rows[i].from, rows[i].to);
        CHECK_INT(run_to_the_end((const char *const[]){ "copy", "-i", "a key", rows[i].from,
                                                        rows[i].to, NULL },
                                 text),
                  7);
        (void)snprintf(want, sizeof want,
                       "-a\n-z\n-s\n-e\n'ssh' '-p' '40001' '-o' "
                       "'NoHostAuthenticationForLocalhost=yes' '-i' 'a key'\n--\n%s\n%s\n",
                       rows[i].as_from, rows[i].as_to);
        CHECK_TEXT(text, want);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_row("%s to %s", wrong[i].from, wrong[i].to);
        BERTH(&result, "copy", wrong[i].from, wrong[i].to);
        CHECK_INT(result.status, wrong[i].status);
        CHECK_TEXT(result.out, "");
    }
    BERTH(&result, "copy", "-i", "a'key", "a", "1:/b");
    CHECK_INT(result.status, 1);
    /* Within one instance the second half waits for the first to succeed, and nothing stays. */
    CHECK(setenv("TMPDIR", support_dir(), 1) == 0);
    BERTH(&result, "copy", "1:/work/x", "1:/y");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "rsync of instance 1 ended with 7: -a") != NULL);
    (void)snprintf(want, sizeof want, "%s/berth-copy-*", support_dir());
    glob_t left;
    CHECK_INT(glob(want, 0, NULL, &left), GLOB_NOMATCH);
    globfree(&left);
    support_close(&market);
}

static void test_between_two_the_hosts_copy(void **state)
{
    (void)state;
    support_open(&market, replies);
    BERTH(&result, "copy", "1:/work/x", "C.2:/y");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "copied from instance 1 to instance 2: done, 12 bytes, 3MB/s in 1 s\n");
    CHECK_TEXT(market.body, "{\"client_id\":\"me\",\"src_id\":\"C.1\",\"dst_id\":\"C.2\","
                            "\"src_path\":\"/work/x\",\"dst_path\":\"/y\"}");
    support_close(&market);
    support_open(&market, failing);
    BERTH(&result, "copy", "1:/work/x", "C.2:/y");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "no such folder") != NULL);
    support_close(&market);
}

/* Where its front is, only the route for copies says. */
static void test_a_stopped_one_is_copied_from_without_waiting(void **state)
{
    char text[4096];

    (void)state;
    support_open(&market, replies);
    make_fake_ssh();
    CHECK_INT(run_to_the_end((const char *const[]){ "copy", "8:/root/x", "y", NULL }, text), 7);
    CHECK_TEXT(text, "-a\n-z\n-s\n-e\n'ssh' '-p' '40006' '-o' "
                     "'NoHostAuthenticationForLocalhost=yes'\n--\nroot@127.0.0.1:/root/x\n./y\n");
    support_close(&market);
}

static void test_waiting_ends_where_it_makes_no_sense(void **state)
{
    (void)state;
    support_open(&market, replies);
    BERTH(&result, "ssh", "3");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes,
               "berth: instance 3 is stopped: No credit; `berth start 3` starts it\n");
    BERTH(&result, "ssh", "4", "--timeout", "1");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "Instance 4: loading, pulling\n"
                             "berth: instance 4 does not run yet; `berth why 4` says more\n");
    BERTH(&result, "ssh", "4", "--timeout", "86401");
    CHECK_INT(result.status, 2);
    BERTH(&result, "ssh", "5"); /* an address that ssh would take for an option */
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.notes, "berth: the market gave '-oX=y' as an address\n");
    BERTH(&result, "ssh", "6");
    CHECK_TEXT(result.notes, "berth: instance 6: Nothing here\n");
    support_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_becomes_ssh),
        cmocka_unit_test(test_a_copy_becomes_rsync),
        cmocka_unit_test(test_between_two_the_hosts_copy),
        cmocka_unit_test(test_a_stopped_one_is_copied_from_without_waiting),
        cmocka_unit_test(test_waiting_ends_where_it_makes_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
