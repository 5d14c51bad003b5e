/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls from a real registry into a real engine: what arrives, and what breaks on the way. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/pull.h"
#include "check.h"
#include "support_engine.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

#define REGISTRY "127.0.0.1:5055"

enum { RUN_MS = 60000 };

static pid_t registry;
static struct docker docker;
static int nowhere;
static struct pull_measure measured;

static void start_registry(void)
{
    char config[128], text[512];
    const char *const arguments[] = { "docker-registry", "serve", config, NULL };
    struct error err;

    (void)snprintf(config, sizeof config, "%s/registry.yml", engine_dir());
    (void)snprintf(text, sizeof text,
                   "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "
                   "%s/registry}, delete: {enabled: true}}\nhttp: {addr: '%s'}\n",
                   engine_dir(), REGISTRY);
    CHECK_OK(file_replace(AT_FDCWD, config, 0600, text, strlen(text), &err), &err);
    CHECK_OK(child_start(arguments, nowhere, &registry, &err), &err);
    engine_shell("for i in $(seq 500); do curl -sf http://" REGISTRY
                 "/v2/ >/dev/null && exit 0; sleep 0.01; "
                 "done; exit 1");
}

/* bb:1 goes to the registry as lib/bb:1, and from the engine. */
static void push(void)
{
    static const char *const headers[] = { "X-Registry-Auth: e30=", NULL };
    struct docker_call tag = { .method = "POST",
                               .path = "/images/bb:1/tag?repo=" REGISTRY "/lib/bb&tag=1" };
    struct http_request request = { .method = "POST",
                                    .timeout_ms = RUN_MS,
                                    .headers = headers,
                                    .url = DOCKER_URL "/images/" REGISTRY "/lib/bb/push?tag=1" };
    auto_buf struct buf reply = buf_of(1 << 20);
    struct error err;
    int status;

    CHECK_OK(docker_call(&docker, &tag, NULL, &err), &err);
    CHECK_OK(http_client_send(docker.client, &request, &status, &reply, &err), &err);
    CHECK_INT(status, 200);
    CHECK(strstr(reply.bytes, "errorDetail") == NULL);
}

static void forget_images(void)
{
    static const char *const names[] = { "/images/" REGISTRY "/lib/bb:1?force=1",
                                         "/images/bb:1?force=1" };
    struct error ignored;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct docker_call call = { .method = "DELETE", .path = names[i] };
        (void)!docker_call(&docker, &call, NULL, &ignored);
    }
}

static int setup(void **state)
{
    crypto_start();
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (engine_setup(state) != 0)
        return -1;
    docker = docker_open(engine_path());
    start_registry();
    push();
    return 0;
}

static int teardown(void **state)
{
    (void)kill(registry, SIGTERM);
    (void)waitpid(registry, NULL, 0);
    docker_close(&docker);
    (void)close(nowhere);
    return engine_teardown(state);
}

static bool pull(const char *image, struct error *err)
{
    struct job_report report = { nowhere };
    struct pull_request request = { image, NULL, &report, REGISTRY ",127.0.0.1:5999" };

    return pull_run(&docker, &request, &measured, err);
}

static void test_an_image_arrives(void **state)
{
    struct pull_image image;
    struct error err;

    (void)state;
    forget_images();
    CHECK_FAILS(pull_inspect(&docker, REGISTRY "/lib/bb:1", &image, &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(pull(REGISTRY "/lib/bb:1", &err), &err);
    CHECK_OK(pull_inspect(&docker, REGISTRY "/lib/bb:1", &image, &err), &err);
    CHECK(strncmp(image.id, "sha256:", 7) == 0);
    CHECK(measured.is_whole);
    CHECK(measured.bytes > 500000 && measured.us > 0); /* a busybox, packed */
    CHECK_OK(pull(REGISTRY "/lib/bb:1", &err), &err);
    CHECK(measured.bytes == 0); /* it is here already */
}

static void test_what_is_not_there_is_told(void **state)
{
    static const struct {
        const char *image;
        enum error_code want;
    } rows[] = {
        { REGISTRY "/lib/bb:2", ERROR_NOT_FOUND },
        { REGISTRY "/lib/none:1", ERROR_NOT_FOUND },
        { "127.0.0.1:5999/lib/bb:1", ERROR_IO },        /* nobody listens */
        { "localhost:5055/lib/bb:1", ERROR_FORBIDDEN }, /* there, and not by this name */
        { "10.255.255.1:5000/lib/bb:1", ERROR_FORBIDDEN },
        { "Not An Image", ERROR_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err;

        check_row("%s", rows[i].image);
        CHECK_FAILS(pull(rows[i].image, &err), &err, rows[i].want);
    }
}

/* The registry sends other bytes than it promised. The engine has answered 200 by then. */
static void test_an_error_in_the_middle_is_an_error(void **state)
{
    char command[512];
    struct pull_image image;
    struct error err;

    (void)state;
    forget_images();
    (void)snprintf(
        command, sizeof command,
        "f=$(find %s/registry/docker/registry/v2/blobs -name data -size +100k | head -1); "
        "printf xxxxxxxxxxxxxxxx | dd of=$f bs=1 seek=50000 conv=notrunc 2>/dev/null",
        engine_dir());
    engine_shell(command);
    CHECK_FAILS(pull(REGISTRY "/lib/bb:1", &err), &err, ERROR_IO);
    CHECK_FAILS(pull_inspect(&docker, REGISTRY "/lib/bb:1", &image, &err), &err, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image_arrives),
        cmocka_unit_test(test_what_is_not_there_is_told),
        cmocka_unit_test(test_an_error_in_the_middle_is_an_error),
    };

    engine_need("docker-registry");
    engine_enter();
    return cmocka_run_group_tests(tests, setup, teardown);
}
