/* SPDX-License-Identifier: Apache-2.0 */
/* Notices, in a real container: what it can read, what signal it gets, and what is gone at its next
 * start. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/metadata.h"
#include "agent/preempt.h"
#include "check.h"
#include "support_engine.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { RUN_MS = 30000, WAIT_STEPS = 200, WAIT_STEP_MS = 20, SERVE_MS = 15000, OUTPUT_MAX = 65536 };

#define TEXT "{\"reason\":\"outbid\"}"

static struct docker docker;
static struct loop *loop;
static struct log log_quiet;

static int setup(void **state)
{
    if (engine_setup(state) != 0)
        return -1;
    docker = docker_open(engine_path());
    log_quiet = log_standard();
    log_quiet.level_min = LOG_ERROR;
    loop = loop_open(&clock_system);
    return 0;
}

static int teardown(void **state)
{
    loop_close(&loop);
    docker_close(&docker);
    return engine_teardown(state);
}

static void start_in(const char *network, const char *name, const char *script)
{
    auto_buf struct buf body = buf_of(8192);
    char id[DOCKER_ID_SIZE];
    struct error err;

    buf_printf(&body,
               "{\"Image\":\"bb:1\",\"Cmd\":[\"/bin/sh\",\"-c\",\"%s\"],\"HostConfig\":"
               "{\"Init\":true,\"NetworkMode\":\"%s\"}}",
               script, network);
    CHECK_OK(docker_create(&docker, name, body.bytes, id, &err), &err);
    CHECK_OK(docker_start(&docker, name, &err), &err);
}

/* A container that runs a script and has no network but its own loopback device. */
static void start(const char *name, const char *script)
{
    start_in("none", name, script);
}

static int64_t pid_of(const char *name, char id[static DOCKER_ID_SIZE])
{
    auto_json json_t *root = NULL;
    struct error err;

    CHECK_OK(docker_inspect(&docker, name, &root, &err), &err);
    (void)snprintf(id, DOCKER_ID_SIZE, "%s", json_string_value(json_object_get(root, "Id")));
    return json_integer_value(json_object_get(json_object_get(root, "State"), "Pid"));
}

static bool is_running(const char *name)
{
    char id[DOCKER_ID_SIZE];

    return pid_of(name, id) > 0;
}

/* What a file in the running container says; "" where there is none. */
static const char *inside(const char *name, const char *path)
{
    static char copy[OUTPUT_MAX];
    auto_buf struct buf text = buf_of(OUTPUT_MAX);
    char id[DOCKER_ID_SIZE], full[512];
    struct error ignored;

    (void)snprintf(full, sizeof full, "/proc/%d/root%s", (int)pid_of(name, id), path);
    bool has = file_read(AT_FDCWD, full, &text, &ignored) && text.length > 0;
    (void)snprintf(copy, sizeof copy, "%s", has ? text.bytes : "");
    return copy;
}

static void wait_for(const char *name, const char *path, const char *want)
{
    for (int i = 0; i < WAIT_STEPS && strcmp(inside(name, path), want) != 0; i++)
        (void)poll(NULL, 0, WAIT_STEP_MS);
    CHECK_TEXT(inside(name, path), want);
}

static void wait_until_ended(const char *name)
{
    for (int i = 0; i < WAIT_STEPS && is_running(name); i++)
        (void)poll(NULL, 0, WAIT_STEP_MS);
    CHECK(!is_running(name));
}

static void test_it_is_told_and_signalled_and_goes_on(void **state)
{
    struct error err;

    (void)state;
    start("told", "trap 'cat /run/berth/preempt.json > /seen' TERM; [ -e /up ] || echo up > /up; "
                  "while :; do sleep 0.02; done");
    wait_for("told", "/up", "up\n");
    CHECK_OK(preempt_tell(&docker, "told", TEXT, &err), &err);
    wait_for("told", "/seen", TEXT);
    CHECK_TEXT(inside("told", PREEMPT_DIR "/" PREEMPT_FILE), TEXT);
    CHECK(is_running("told"));
    CHECK_OK(docker_stop(&docker, "told", 0, &err), &err);
    preempt_clear(&docker, "told");
    CHECK_OK(docker_start(&docker, "told", &err), &err);
    CHECK_TEXT(inside("told", PREEMPT_DIR "/" PREEMPT_FILE), "");
    CHECK_TEXT(inside("told", "/up"), "up\n"); /* and nothing else is lost */
    CHECK_OK(docker_stop(&docker, "told", 0, &err), &err);
}

static void test_what_has_ended_needs_no_notice(void **state)
{
    struct error err;

    (void)state;
    start("ended", "true");
    wait_until_ended("ended");
    CHECK_OK(preempt_tell(&docker, "ended", TEXT, &err), &err);
    CHECK_OK(preempt_tell(&docker, "never-made", TEXT, &err), &err);
    preempt_clear(&docker, "ended");
    preempt_clear(&docker, "never-made");
}

/* A guest lays links: they lead nowhere but into its own container, and the signal comes. */
static void test_links_lead_nowhere(void **state)
{
    char victim[256], script[1024];
    struct error err;
    struct stat status;

    (void)state;
    (void)snprintf(victim, sizeof victim, "%s/victim", engine_dir());
    CHECK_INT(mkdir(victim, 0755), 0);
    (void)snprintf(script, sizeof script,
                   "mkdir -p /run; ln -s %s /run/berth; trap 'echo term > /seen' TERM; "
                   "echo up > /up; while :; do sleep 0.02; done",
                   victim);
    start("links", script);
    wait_for("links", "/up", "up\n");
    CHECK_OK(preempt_tell(&docker, "links", TEXT, &err), &err);
    wait_for("links", "/seen", "term\n");
    (void)strcat(victim, "/" PREEMPT_FILE);
    CHECK(stat(victim, &status) != 0);
    CHECK_OK(docker_stop(&docker, "links", 0, &err), &err);

    /* And what the host would take out is not taken out elsewhere. */
    CHECK_OK(file_replace(AT_FDCWD, victim, 0600, "keep", 4, &err), &err);
    preempt_clear(&docker, "links");
    CHECK_INT(stat(victim, &status), 0);
}

static void serve(struct metadata *metadata, const char *name, const char *notice)
{
    char id[DOCKER_ID_SIZE];
    struct metadata_entry entry = { .instance_id = 38250, .token = name, .notice = notice };

    entry.pid = pid_of(name, id);
    entry.container_id = id;
    metadata_update(metadata, &entry, 1);
}

static void wait_for_served(const char *name, const char *path, const char *want)
{
    int64_t until_us = clock_boot_us(&clock_system) + SERVE_MS * US_PER_MS;
    bool is_served = false;

    /* Once is enough: the file is empty for a moment each time that it is written anew. */
    while (!is_served && clock_boot_us(&clock_system) < until_us) {
        is_served = strstr(inside(name, path), want) != NULL;
        loop_step(loop, WAIT_STEP_MS);
    }
    CHECK(is_served);
}

/* Asks once, into the file that follows; and for both things, again and again. */
#define ASK "printf 'GET /berth/instance HTTP/1.0\\\\r\\\\n\\\\r\\\\n' | nc 169.254.169.254 80 > "
#define ASKS                                                                                       \
    "while :; do " ASK "/me; "                                                                     \
    "printf 'GET /berth/preempt.json HTTP/1.0\\\\r\\\\n\\\\r\\\\n' | nc 169.254.169.254 80 > /p; " \
    "sleep 0.05; done"

static void test_it_can_ask_about_itself(void **state)
{
    struct metadata *metadata = metadata_open(loop, &log_quiet);

    (void)state;
    start("asks", ASKS);
    serve(metadata, "asks", "");
    wait_for_served("asks", "/me", "{\"id\":38250,\"label\":\"C.38250\"}");
    wait_for_served("asks", "/p", "404 Not Found");
    serve(metadata, "asks", TEXT);
    wait_for_served("asks", "/p", "\r\n\r\n" TEXT);
    metadata_close(&metadata);
}

static bool answers(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(METADATA_PORT) };
    auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK_INT(inet_pton(AF_INET, METADATA_ADDRESS, &address.sin_addr), 1);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static void test_nobody_else_reaches_it(void **state)
{
    struct metadata *metadata = metadata_open(loop, &log_quiet);
    struct error err;

    (void)state;
    start("alone", ASKS);
    start("other", "nc 169.254.169.254 80 < /dev/null > /me; echo $? > /up; sleep 60");
    serve(metadata, "alone", TEXT);
    wait_for_served("alone", "/p", TEXT);
    wait_for("other", "/up", "1\n");
    CHECK(!answers()); /* from the host */
    /* Who is not wanted any more is not served any more. */
    metadata_update(metadata, NULL, 0);
    CHECK_OK(docker_stop(&docker, "alone", 0, &err), &err);
    metadata_close(&metadata);
}

/* A network may outlast a run: the next one is served there all the same. */
static void test_the_next_start_may_be_in_the_same_network(void **state)
{
    struct metadata *metadata = metadata_open(loop, &log_quiet);
    struct error err;

    (void)state;
    start("holder", "sleep 60");
    start_in("container:holder", "first", ASKS);
    serve(metadata, "first", TEXT);
    wait_for_served("first", "/p", TEXT);
    CHECK_OK(docker_stop(&docker, "first", 0, &err), &err);
    start_in("container:holder", "second", ASKS);
    serve(metadata, "second", "{\"next\":1}");
    wait_for_served("second", "/p", "{\"next\":1}");
    CHECK_OK(docker_stop(&docker, "second", 0, &err), &err);
    metadata_close(&metadata);
}

/* Whoever opens connections and says nothing has a few of them, and loses them after a while. */
static void test_silence_costs_little(void **state)
{
    struct metadata *metadata = metadata_open(loop, &log_quiet);
    struct error err;

    (void)state;
    /* On a slow machine some are late, or the first lose their places before the last have one. */
    start("silent",
          "until " ASK "/first; do sleep 0.05; done; for try in 1 2 3 4 5 6; do "
          "for i in 1 2 3 4 5; do (sleep 60 | nc 169.254.169.254 80) & done; sleep 0.5; " ASK
          "/full; test -s /full || break; sleep 1.5; done; "
          "while :; do sleep 0.1; " ASK "/me; done");
    serve(metadata, "silent", "");
    wait_for_served("silent", "/me", "38250");
    CHECK_TEXT(inside("silent", "/full"), "");
    CHECK_OK(docker_stop(&docker, "silent", 0, &err), &err);
    metadata_close(&metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told_and_signalled_and_goes_on),
        cmocka_unit_test(test_what_has_ended_needs_no_notice),
        cmocka_unit_test(test_links_lead_nowhere),
        cmocka_unit_test(test_it_can_ask_about_itself),
        cmocka_unit_test(test_nobody_else_reaches_it),
        cmocka_unit_test(test_the_next_start_may_be_in_the_same_network),
        cmocka_unit_test(test_silence_costs_little),
    };

    engine_enter();
    return cmocka_run_group_tests(tests, setup, teardown);
}
