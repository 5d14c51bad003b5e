/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between an instance and a cloud store, by the host's rclone and a server of rclone's own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/copy_key.h"
#include "base/hex.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/child.h"
#include "sys/copy_secret.h"
#include "sys/fd.h"

enum { PATIENCE_S = 4 * HOST_SECONDS, INSTANCE = 1, OUTPUT_SIZE = 2048, STEP_US = 50000 };

#define STORE     "10.77.0.1:8081"
#define SLOW      "10.77.0.1:8082"
#define NEIGHBOUR "10.77.0.2:8083"
#define PASSWORD  "correct-horse-battery-staple"

static struct key_pair server;
static struct desired_instance instance;
static char secret_text[COPY_SECRET_SIZE], config[512], store_dir[160];

/* So many seconds at most for a shell's script to say yes. */
static bool wait_for(const char *script, int seconds)
{
    for (int i = 0; i < seconds * (1000000 / STEP_US); i++) {
        if (system(script) == 0)
            return true;
        (void)usleep(STEP_US);
    }
    return false;
}

/* The first line of what it prints. */
static void shell(char *output, const char *format, ...) PRINTF_LIKE(2, 3);
static void shell(char *output, const char *format, ...)
{
    char script[4096];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(script, sizeof script, format, arguments);
    va_end(arguments);
    FILE *said = popen(script, "r");
    CHECK(said != NULL);
    if (fgets(output, OUTPUT_SIZE, said) == NULL)
        *output = '\0';
    output[strcspn(output, "\n")] = '\0';
    (void)pclose(said);
}

static void serve(const char *address, const char *limit)
{
    const char *const arguments[] = { "rclone", "serve",  "webdav",    store_dir, "--config",
                                      "",       "--addr", address,     "--user",  "ada",
                                      "--pass", PASSWORD, "--bwlimit", limit,     NULL };
    auto_close int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char script[160];
    struct error err;
    pid_t pid;

    CHECK_OK(child_start(arguments, log, &pid, &err), &err);
    (void)snprintf(script, sizeof script, "curl -s -o /dev/null http://%s/", address);
    CHECK(wait_for(script, HOST_SECONDS));
}

static int setup(void **state)
{
    host_clouds = STORE "," SLOW;
    if (host_setup(state) != 0)
        return -1;
    server = crypto_key_pair();
    (void)snprintf(store_dir, sizeof store_dir, "%s/store", engine_dir());
    CHECK_INT(mkdir(store_dir, 0755), 0);
    CHECK_INT(system("ip addr add 10.77.0.1/32 dev lo && ip addr add 10.77.0.2/32 dev lo"), 0);
    serve(STORE, "off");
    serve(SLOW, "1M");
    serve(NEIGHBOUR, "off");
    instance = host_instance(INSTANCE, 1, DESIRED_RUNNING);
    host_want(&instance);
    (void)market_wait(host_market, INSTANCE, PHASE_RUNNING, 1, PATIENCE_S);
    return 0;
}

static struct desired_op op_of(const char *op_id, const char *address, bool is_to_cloud,
                               const char *instance_path, const char *cloud_path)
{
    struct copy_secret secret = copy_secret_of(&server, op_id);

    (void)hex_format(secret.seed.bytes, sizeof secret.seed.bytes, secret_text);
    (void)snprintf(config, sizeof config,
                   "{\"url\":\"http://%s\",\"user\":\"ada\",\"pass\":\"" PASSWORD "\"}", address);
    return (struct desired_op){ .op_id = op_id,
                                .kind = OP_CLOUD,
                                .instance_id = INSTANCE,
                                .expires_ms = 120000,
                                .copy_secret = secret_text,
                                .cloud_kind = "webdav",
                                .cloud_config = config,
                                .cloud_path = cloud_path,
                                .instance_path = instance_path,
                                .cloud_flags = "",
                                .is_to_cloud = is_to_cloud };
}

static enum op_status copy(const struct desired_op *op, char *output)
{
    market_want_ops(host_market, op, 1);
    enum op_status status =
        market_wait_op(host_market, op->op_id, output, OUTPUT_SIZE, 2 * HOST_SECONDS);
    market_want_ops(host_market, NULL, 0);
    check_row("%s", output);
    return status;
}

static void set_state(enum desired_state wanted)
{
    instance.gen++;
    instance.state = wanted;
    host_want(&instance);
    (void)market_wait(host_market, INSTANCE,
                      wanted == DESIRED_RUNNING ? PHASE_RUNNING : PHASE_STOPPED, instance.gen,
                      PATIENCE_S);
}

static void test_files_go_to_a_store_and_come_back(void **state)
{
    char output[OUTPUT_SIZE], sum[OUTPUT_SIZE];
    struct market_report report;

    (void)state;
    host_run(INSTANCE,
             "mkdir -p '/data/a dir' && echo one > '/data/a dir/f' &&"
             " ln -s /etc/passwd '/data/a dir/link' &&"
             " dd if=/dev/urandom of='/data/a dir/big' bs=1M count=20 2>/dev/null;"
             " md5sum < '/data/a dir/big'",
             sum, sizeof sum);
    struct desired_op op =
        op_of("00000000000000000000000000000c01", STORE, true, "/data/a dir", "/bk/run 1");
    CHECK_INT(copy(&op, output), OP_DONE);
    CHECK(strncmp(output, "done, 2 files, 21.0 MB in ", 26) == 0);
    shell(output, "md5sum < '%s/bk/run 1/big'", store_dir);
    CHECK_TEXT(output, sum);
    shell(output, "ls '%s/bk/run 1' | tr '\\n' ' '", store_dir);
    CHECK_TEXT(output, "big f ");

    CHECK(market_report(host_market, INSTANCE, &report));
    CHECK(strncmp(report.message, CLOUD_TEXT_BEGINS "done, ", strlen(CLOUD_TEXT_BEGINS) + 6) == 0);
    CHECK(report.bytes_up > 20 << 20);

    op = op_of("00000000000000000000000000000c02", STORE, false, "/back", "bk/run 1");
    CHECK_INT(copy(&op, output), OP_DONE);
    host_run(INSTANCE, "md5sum < /back/big", output, sizeof output);
    CHECK_TEXT(output, sum);
    CHECK(market_report(host_market, INSTANCE, &report));
    CHECK(report.bytes_down > 20 << 20);
}

static void test_one_that_is_stopped_is_copied_too(void **state)
{
    char output[OUTPUT_SIZE];
    struct desired_op op =
        op_of("00000000000000000000000000000c03", STORE, true, "data/a dir/f", "stopped");

    (void)state;
    set_state(DESIRED_STOPPED);
    CHECK_INT(copy(&op, output), OP_DONE);
    shell(output, "cat %s/stopped/f", store_dir);
    CHECK_TEXT(output, "one");
    set_state(DESIRED_RUNNING);
}

static void test_a_dry_run_says_what_it_would_copy(void **state)
{
    char output[OUTPUT_SIZE];
    struct desired_op op =
        op_of("00000000000000000000000000000c04", STORE, true, "/data/a dir", "dry");

    (void)state;
    op.cloud_flags = "--dry-run --size-only";
    CHECK_INT(copy(&op, output), OP_DONE);
    CHECK(strncmp(output, "nothing was copied; 2 files would be:\n", 38) == 0);
    CHECK(strstr(output, "\nbig\n") != NULL && strstr(output, "\nf\n") != NULL);
    shell(output, "ls %s/dry 2>&1 | grep -c .", store_dir);
    CHECK_TEXT(output, "1"); /* there is no such folder */
}

/* Each with words that help; none with the password. */
static void test_what_cannot_be_copied_ends_with_the_reason(void **state)
{
    static const struct {
        const char *op_id, *address, *from, *to, *reason;
        bool is_to_cloud;
    } rows[] = {
        { "00000000000000000000000000000c11", NEIGHBOUR, "/data", "x", "not allowed by ruleset",
          true },
        { "00000000000000000000000000000c12", "127.0.0.1:8081", "/data", "x", "refused", true },
        { "00000000000000000000000000000c13", "169.254.169.254:80", "/data", "x",
          "not allowed by ruleset", true },
        { "00000000000000000000000000000c14", STORE, "/nowhere", "x", "directory not found", true },
        { "00000000000000000000000000000c15", STORE, "/data", "nowhere", "directory not found",
          false },
        { "00000000000000000000000000000c16", "store.invalid:80", "/data", "x", "unreachable",
          true },
    };
    char output[OUTPUT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desired_op op =
            op_of(rows[i].op_id, rows[i].address, rows[i].is_to_cloud, rows[i].from, rows[i].to);

        CHECK_INT(copy(&op, output), OP_FAILED);
        check_row("%s: %s", rows[i].address, output);
        CHECK(strstr(output, rows[i].reason) != NULL);
        CHECK(strstr(output, PASSWORD) == NULL);
    }
    struct desired_op op =
        op_of("00000000000000000000000000000c17", STORE, true, "/data/a dir", "x");
    op.cloud_config = "{\"url\":\"http://" STORE "\",\"user\":\"ada\",\"pass\":\"another\"}";
    CHECK_INT(copy(&op, output), OP_FAILED);
    CHECK(strstr(output, "401") != NULL);
}

/* Neither while it goes on nor later is what it takes to get in there anywhere but in rclone's own
 * memory; and who runs it is nobody, and sees nothing. */
static void test_one_that_is_not_listed_any_more_ends_and_leaves_no_secret(void **state)
{
    char output[OUTPUT_SIZE], pid[OUTPUT_SIZE];
    struct market_report report = { 0 };
    struct desired_op op =
        op_of("00000000000000000000000000000c21", SLOW, true, "/data/a dir", "slow");

    (void)state;
    market_want_ops(host_market, &op, 1);
    for (int i = 0; i < 2 * HOST_SECONDS * (1000000 / STEP_US); i++) {
        if (market_report(host_market, INSTANCE, &report) && strstr(report.message, "MB/s") != NULL)
            break;
        (void)usleep(STEP_US);
    }
    CHECK(strstr(report.message, " of 2 files") != NULL);
    shell(pid, "pgrep -f '[r]clone copy .*cloud:slow'");
    CHECK(*pid != '\0');
    shell(output, "tr '\\0' ' ' < /proc/%s/cmdline | grep -c " PASSWORD, pid);
    CHECK_TEXT(output, "0");
    shell(output, "awk '/^Uid|^Gid/ { print ($2 > 1000000) }' /proc/%s/status | sort -u", pid);
    CHECK_TEXT(output, "1");
    shell(output, "awk '/^CapEff|^CapPrm/ { print $2 }' /proc/%s/status | sort -u", pid);
    CHECK_TEXT(output, "0000000000000000");
    shell(output, "ls /proc/%s/root/ | tr '\\n' ' '", pid);
    CHECK_TEXT(output, "bin dev etc lib lib64 tmp usr ");
    shell(output, "ls /proc/%s/root/etc | grep -v -e ssl -e pki -e ca-certificates", pid);
    CHECK_TEXT(output, "");
    shell(output, "grep -rl " PASSWORD " %s/host %s/host.log", engine_dir(), engine_dir());
    CHECK_TEXT(output, "");

    market_want_ops(host_market, NULL, 0);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, OUTPUT_SIZE, HOST_SECONDS), OP_FAILED);
    CHECK_TEXT(output, "It was cancelled.");
    CHECK(wait_for("! pgrep -f '[r]clone copy .*cloud:slow' > /dev/null", HOST_SECONDS));
    shell(output, "grep -rl " PASSWORD " %s/host %s/host.log", engine_dir(), engine_dir());
    CHECK_TEXT(output, "");
}

/* While it goes on: files, as often as one asks, and no program, no other port. */
static void test_its_key_opens_files_and_nothing_else(void **state)
{
    char output[OUTPUT_SIZE], pem[COPY_KEY_PEM_SIZE], path[200];
    struct desired_op op =
        op_of("00000000000000000000000000000c31", SLOW, true, "/data/a dir", "key");
    struct copy_secret secret = copy_secret_of(&server, op.op_id);
    struct key_pair keys = copy_secret_keys(&secret);
    struct market_report report = { 0 };

    (void)state;
    market_want_ops(host_market, &op, 1);
    for (int i = 0; i < 2 * HOST_SECONDS * (1000000 / STEP_US); i++) {
        if (market_report(host_market, INSTANCE, &report) && strstr(report.message, "MB/s") != NULL)
            break;
        (void)usleep(STEP_US);
    }
    copy_key_pem(&keys, pem);
    (void)snprintf(path, sizeof path, "%s/key", engine_dir());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK_INT(write(fd, pem, strlen(pem)), (int)strlen(pem));
    (void)close(fd);
    char options[512];
    (void)snprintf(options, sizeof options,
                   "-i %s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
                   "-o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR -o ConnectTimeout=10",
                   path);
    for (int i = 0; i < 2; i++) {
        shell(output,
              "echo 'ls -1 \"/data/a dir\"' | sftp %s -q -P %lld -b - "
              "vastai_kaalia@127.0.0.1 2>&1 | grep -c -e big -e /f",
              options, (long long)report.ssh_port);
        CHECK_TEXT(output, "2");
    }
    shell(output, "ssh %s -p %lld vastai_kaalia@127.0.0.1 id 2>&1 | grep -c uid", options,
          (long long)report.ssh_port);
    CHECK_TEXT(output, "0");
    shell(output, "ssh %s -p %lld root@127.0.0.1 id 2>&1 | grep -c uid", options,
          (long long)report.ssh_port);
    CHECK_TEXT(output, "0");
    market_want_ops(host_market, NULL, 0);
    CHECK_INT(market_wait_op(host_market, op.op_id, output, OUTPUT_SIZE, HOST_SECONDS), OP_FAILED);
    CHECK(wait_for("sleep 1", 2));
    shell(output, "echo ls | sftp %s -P %lld -b - vastai_kaalia@127.0.0.1 2>&1 | tr '\\n' ' '",
          options, (long long)report.ssh_port);
    check_row("%s", output);
    CHECK(strstr(output, "Permission denied") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_go_to_a_store_and_come_back),
        cmocka_unit_test(test_one_that_is_stopped_is_copied_too),
        cmocka_unit_test(test_a_dry_run_says_what_it_would_copy),
        cmocka_unit_test(test_what_cannot_be_copied_ends_with_the_reason),
        cmocka_unit_test(test_one_that_is_not_listed_any_more_ends_and_leaves_no_secret),
        cmocka_unit_test(test_its_key_opens_files_and_nothing_else),
    };
    engine_need("rclone");
    engine_need("sftp");
    engine_need("pgrep");
    engine_need("curl");
    engine_enter();
    return cmocka_run_group_tests(tests, setup, host_teardown);
}
