/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots by a real engine to a real registry, which asks for a login and speaks TLS. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/seen.h"
#include "agent/snapshot.h"
#include "check.h"
#include "support_engine.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/file.h"

#define REGISTRY "127.0.0.1:5056"
#define LOGIN    "-u ada -p 'pass word' " REGISTRY

enum { INSTANCE = 7001 };

static pid_t registry;
static struct docker docker;
static int nowhere;

/* In the test's folder. */
static void start_registry(void)
{
    char config[128], text[1024], certificate[512];
    const char *const arguments[] = { "docker-registry", "serve", config, NULL };
    /* bcrypt of "pass word". */
    static const char people[] =
        "ada:$2b$04$OoQ7nWxMwAXnbssn3Zq81OLfgPj22I5AY9GqKnLFNRIae.eBlViui\n";
    struct error err;

    (void)snprintf(
        certificate, sizeof certificate,
        "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout r.key -out r.crt -days 2 "
        "-subj /CN=r -addext subjectAltName=IP:127.0.0.1 2>/dev/null",
        engine_dir());
    engine_shell(certificate);
    (void)snprintf(text, sizeof text, "%s/r.crt", engine_dir());
    (void)setenv("SSL_CERT_FILE", text, 1);
    (void)snprintf(config, sizeof config, "%s/people", engine_dir());
    CHECK_OK(file_replace(AT_FDCWD, config, 0600, people, strlen(people), &err), &err);
    (void)snprintf(config, sizeof config, "%s/registry.yml", engine_dir());
    (void)snprintf(
        text, sizeof text,
        "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "
        "%s/registry}}\nauth: {htpasswd: {realm: r, path: %s/people}}\nhttp: {addr: '%s', "
        "tls: {certificate: %s/r.crt, key: %s/r.key}}\n",
        engine_dir(), engine_dir(), REGISTRY, engine_dir(), engine_dir());
    CHECK_OK(file_replace(AT_FDCWD, config, 0600, text, strlen(text), &err), &err);
    CHECK_OK(child_start(arguments, nowhere, &registry, &err), &err);
    engine_shell("for i in $(seq 500); do curl -s --cacert $SSL_CERT_FILE https://" REGISTRY
                 "/v2/ >/dev/null && exit 0; sleep 0.01; done; exit 1");
}

/* As an instance's: with variables, a label and an entrypoint of Berth's, and a file of the
 * renter's. */
static void make_instance(void)
{
    static const char body[] =
        "{\"Image\":\"bb:1\",\"Env\":[\"CONTAINER_API_KEY=canary\"],\"Labels\":{\"berth.instance\":"
        "\"7001\"},"
        "\"Entrypoint\":[\"/bin/sh\",\"-c\",\"echo hers > /work; sleep 1000\"],"
        "\"HostConfig\":{\"NetworkMode\":\"none\"}}";
    char id[DOCKER_ID_SIZE], name[64];
    struct error err;

    CHECK_OK(docker_create(&docker, seen_name(INSTANCE, name), body, id, &err), &err);
    CHECK_OK(docker_start(&docker, id, &err), &err);
}

static int setup(void **state)
{
    crypto_start();
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (engine_setup(state) != 0)
        return -1;
    docker = docker_open(engine_path());
    start_registry();
    make_instance();
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

static bool take(const char *image, const char *login, struct buf *out, struct error *err)
{
    const struct desired_op op = { .op_id = "0123456789abcdef0123456789abcdef",
                                   .kind = OP_SNAPSHOT,
                                   .instance_id = INSTANCE,
                                   .image = image,
                                   .login = login,
                                   .is_paused = true };
    const struct snapshot_work work = { engine_path(), engine_dir(), &op,
                                        REGISTRY ",127.0.0.1:5999" };

    return snapshot_run(&work, &docker, out, err);
}

static size_t image_count(void)
{
    struct docker_call call = { .method = "GET", .path = "/images/json?all=1" };
    auto_json json_t *reply = NULL;
    struct error err;

    CHECK_OK(docker_call(&docker, &call, &reply, &err), &err);
    return json_array_size(reply);
}

/* No image, and no login. */
static void check_nothing_is_left(size_t images)
{
    char path[256];

    CHECK_INT((int64_t)image_count(), (int64_t)images);
    (void)snprintf(path, sizeof path, "%s/snapshot-0123456789abcdef0123456789abcdef", engine_dir());
    CHECK_INT(access(path, F_OK), -1);
}

static void test_the_files_arrive_and_nothing_of_ours(void **state)
{
    auto_buf struct buf out = buf_of(65536);
    size_t images = image_count();
    struct error err;

    (void)state;
    CHECK_OK(take(REGISTRY "/team/work:1", LOGIN, &out, &err), &err);
    CHECK_TEXT(out.bytes, "pushed " REGISTRY "/team/work:1\n");
    check_nothing_is_left(images);
    /* Read back: her file is there; the image starts as bb:1 does; no value of a variable of ours.
     */
    engine_shell(
        "set -ex; cd $(dirname $SSL_CERT_FILE); skopeo copy --quiet --insecure-policy --src-creds "
        "'ada:pass word' docker://" REGISTRY "/team/work:1 dir:back; "
        "for f in back/*; do zcat $f 2>/dev/null || cat $f; done > all; grep -qa hers all; "
        "grep -qa '\"CONTAINER_API_KEY=\"' all; grep -qa '\"Cmd\":\\[\"/bin/sh\"\\]' all; "
        "grep -ao '.\\{0,99\\}canary' all && exit 1; grep -ao '.\\{0,300\\}sleep 1000' all && exit "
        "1; true");
}

static void test_what_fails_is_told_and_leaves_nothing(void **state)
{
    static const struct {
        const char *image, *login, *want;
    } rows[] = {
        { REGISTRY "/team/work:2", NULL, "push " REGISTRY "/team/work:2: " },
        { REGISTRY "/team/work:2", "-u ada -p wrong", "push " REGISTRY "/team/work:2: " },
        { "127.0.0.1:5999/team/work:2", LOGIN, "push 127.0.0.1:5999/team/work:2: " },
        { "localhost:5056/team/work:2", LOGIN,
          "the registry localhost:5056 is in a private network" },
        { "Not An Image", NULL, "" },
        { REGISTRY "/team/work:2", "-u ada", "the registry login" },
    };
    size_t images = image_count();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(65536);
        struct error err;

        check_row("%s %s", rows[i].image, rows[i].login != NULL ? rows[i].login : "");
        CHECK(!take(rows[i].image, rows[i].login, &out, &err));
        CHECK(strncmp(err.text, rows[i].want, strlen(rows[i].want)) == 0);
        CHECK_INT((int64_t)out.length, 0);
        check_nothing_is_left(images);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_files_arrive_and_nothing_of_ours),
        cmocka_unit_test(test_what_fails_is_told_and_leaves_nothing),
    };

    engine_need("docker-registry");
    engine_need("skopeo");
    engine_enter();
    return cmocka_run_group_tests(tests, setup, teardown);
}
