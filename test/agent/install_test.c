/* SPDX-License-Identifier: Apache-2.0 */
/* Into folders of the test's own: nothing of this machine changes. */
#include "agent/install.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/identity.h"
#include "base/buf.h"
#include "check.h"
#include "sys/fd.h"
#include "sys/file.h"

struct place {
    char folder[64], config[96], engine[96], pci[96], data[96];
    struct install_paths paths;
};

static void make_place(struct place *place)
{
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/berth-install-XXXXXX");
    CHECK(mkdtemp(place->folder) != NULL);
    (void)snprintf(place->config, sizeof place->config, "%s/etc/host.conf", place->folder);
    (void)snprintf(place->engine, sizeof place->engine, "%s/docker/daemon.json", place->folder);
    (void)snprintf(place->pci, sizeof place->pci, "%s/pci", place->folder);
    (void)snprintf(place->data, sizeof place->data, "%s/data", place->folder);
    place->paths = (struct install_paths){ .config = place->config,
                                           .engine_json = place->engine,
                                           .pci = place->pci,
                                           .driver = "/nowhere",
                                           .has_apt = false };
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    struct error err;

    CHECK_OK(file_make_dir(folder, 0755, &err), &err);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_OK(file_replace(AT_FDCWD, path, 0644, text, strlen(text), &err), &err);
}

/* What it says, in `said`. */
static bool install(struct place *place, const struct options *options, char *said, size_t size,
                    struct error *err)
{
    FILE *out = fmemopen(said, size, "w");

    CHECK(out != NULL);
    bool is_done = install_run(options, &place->paths, out, err);
    (void)fclose(out);
    return is_done;
}

static void remove_place(const struct place *place)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s", place->folder);
    CHECK_INT(system(command), 0);
}

static struct options options_for(const struct place *place)
{
    return (struct options){ .command = COMMAND_INSTALL,
                             .server = "http://berth.example",
                             .data = place->data,
                             .token = "T-1",
                             .is_engine_private = true,
                             .port_first = 41000,
                             .port_last = 41099,
                             .pool = 1 };
}

static void skip_unless_ready(void)
{
    static const char *const programs[] = { "/usr/sbin/iptables", "/usr/sbin/nft",
                                            "/usr/sbin/dockerd" };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (access(programs[i], X_OK) != 0 || geteuid() != 0) {
            (void)printf("NOT RUN: needs root and %s\n", programs[i]);
            skip();
        }
    }
}

static void test_twice_is_once(void **state)
{
    struct place place;
    struct stat first, second;
    char said[4096];
    struct error err;

    (void)state;
    skip_unless_ready();
    make_place(&place);
    struct options options = options_for(&place);
    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK(strstr(said, "packages: all are there") != NULL);
    CHECK(strstr(said, "options: written to") != NULL);
    CHECK_INT(stat(place.config, &first), 0);
    CHECK_INT(first.st_mode & 0777, 0600);
    CHECK(access(place.engine, F_OK) != 0); /* a private engine is told by its agent */

    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK(strstr(said, "options: as they are") != NULL);
    CHECK_INT(stat(place.config, &second), 0);
    CHECK(first.st_ino == second.st_ino);

    auto_arena struct arena arena = arena_of(65536);
    const char *words[] = { "berth-host", "run", "--config", place.config, NULL };
    struct options read;
    CHECK_OK(options_parse(4, words, &arena, &read, &err), &err);
    CHECK_TEXT(read.server, "http://berth.example");
    CHECK_TEXT(read.token, "T-1");
    CHECK_INT(read.port_first, 41000);
    remove_place(&place);
}

/* The same line again changes nothing, and another token is for its way back. */
static void test_a_machine_that_has_joined_keeps_the_token_it_is_given(void **state)
{
    static const struct enroll_reply reply = { .machine_id = 77 };
    static const char *const tokens[] = { "T-1", "T-2" };
    struct identity identity;
    struct place place;
    char said[4096];
    struct error err;

    (void)state;
    skip_unless_ready();
    make_place(&place);
    struct options options = options_for(&place);
    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK_OK(identity_open(place.data, &identity, &err), &err);
    CHECK_OK(identity_enrol(&identity, &reply, &err), &err);
    identity_close(&identity);
    for (size_t i = 0; i < 2; i++) {
        auto_arena struct arena arena = arena_of(65536);
        const char *words[] = { "berth-host", "install", "--config", place.config,
                                "--token",    tokens[i], NULL };
        const char *again[] = { "berth-host", "run", "--config", place.config, NULL };
        struct options read;

        check_row("%s", tokens[i]);
        CHECK_OK(options_parse(6, words, &arena, &options, &err), &err);
        CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
        CHECK(strstr(said, "enrolled: machine 77, which comes back by the token") != NULL);
        CHECK((strstr(said, "options: as they are") != NULL) == (i == 0));
        CHECK_OK(options_parse(4, again, &arena, &read, &err), &err);
        CHECK_TEXT(read.token, tokens[i]);
        CHECK_TEXT(read.server, "http://berth.example");
        CHECK_INT(read.port_last, 41099);
    }
    remove_place(&place);
}

/* A market that answers once, and what it was asked. */
struct once {
    int listener;
    const char *answer;
    char asked[4096];
};

static void *answer_once(void *context)
{
    struct once *once = context;
    auto_close int fd = accept4(once->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t length = 0;

    /* Its body is the last that comes, and ends in a brace. */
    while (length + 1 < sizeof once->asked && strchr(once->asked, '}') == NULL) {
        ssize_t got = read(fd, once->asked + length, sizeof once->asked - 1 - length);

        if (got <= 0)
            break;
        length += (size_t)got;
    }
    (void)dprintf(fd, "HTTP/1.1 %s\r\nConnection: close\r\n\r\n%s", once->answer,
                  strncmp(once->answer, "200", 3) == 0 ? "{\"token\":\"T-9\"}" : "{}");
    return NULL;
}

/* With the account's key it asks for a way back, which only a machine whose key was revoked is
 * given; nobody there is no reason to fail. */
static void test_a_machine_whose_key_was_revoked_gets_a_token_by_the_account_s_key(void **state)
{
    static const struct enroll_reply reply = { .machine_id = 77 };
    static const struct {
        const char *answer, *token;
    } rows[] = { { "409 Conflict", "T-1" },
                 { "200 OK", "T-9" },
                 { "401 Unauthorized", "T-1" },
                 { NULL, "T-1" } };
    struct identity identity;
    struct place place;
    char said[4096], server[64];
    struct error err;

    (void)state;
    skip_unless_ready();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct once once = { .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                             .answer = rows[i].answer };
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        auto_arena struct arena arena = arena_of(65536);
        socklen_t size = sizeof at;
        pthread_t thread;

        check_row("%s", rows[i].answer != NULL ? rows[i].answer : "nobody");
        make_place(&place);
        CHECK_OK(identity_open(place.data, &identity, &err), &err);
        CHECK_OK(identity_enrol(&identity, &reply, &err), &err);
        identity_close(&identity);
        CHECK_INT(bind(once.listener, (struct sockaddr *)&at, sizeof at), 0);
        CHECK_INT(getsockname(once.listener, (struct sockaddr *)&at, &size), 0);
        (void)snprintf(server, sizeof server, "http://127.0.0.1:%d", ntohs(at.sin_port));
        if (rows[i].answer != NULL) {
            CHECK_INT(listen(once.listener, 1), 0);
            CHECK_INT(pthread_create(&thread, NULL, answer_once, &once), 0);
        }
        struct options options = options_for(&place), read;
        options.server = server;
        options.api_key = "k";
        CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
        if (rows[i].answer != NULL) {
            (void)pthread_join(thread, NULL);
            CHECK(strstr(once.asked, "POST /api/v0/machines/enroll_token/ ") == once.asked);
            CHECK(strstr(once.asked, "\r\nAuthorization: Bearer k\r\n") != NULL);
            CHECK(strstr(once.asked, "{\"machine_id\":77}") != NULL);
        }
        CHECK_INT(strstr(said, "token: none for a way back") != NULL, i >= 2);
        const char *again[] = { "berth-host", "run", "--config", place.config, NULL };
        CHECK_OK(options_parse(4, again, &arena, &read, &err), &err);
        CHECK_TEXT(read.token, rows[i].token);
        (void)close(once.listener);
        remove_place(&place);
    }
}

static void test_an_engine_is_configured_unless_somebody_has(void **state)
{
    struct place place;
    char said[4096], folder[96];
    struct error err;

    (void)state;
    skip_unless_ready();
    make_place(&place);
    struct options options = options_for(&place);
    options.is_engine_private = false;
    (void)snprintf(folder, sizeof folder, "%s/docker", place.folder);
    write_text(folder, "daemon.json", "{}");
    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK(strstr(said, "engine:") == NULL);
    auto_buf struct buf text = buf_of(256);
    CHECK_OK(file_read(AT_FDCWD, place.engine, &text, &err), &err);
    CHECK_TEXT(text.bytes, "{}");
    remove_place(&place);
}

static void test_gpus_without_a_driver_are_told_of(void **state)
{
    struct place place;
    char said[4096], device[128];
    struct error err;

    (void)state;
    skip_unless_ready();
    make_place(&place);
    struct options options = options_for(&place);
    (void)snprintf(device, sizeof device, "%s/0000:01:00.0", place.pci);
    write_text(device, "vendor", "0x10de\n");
    write_text(device, "class", "0x030200\n");
    (void)snprintf(device, sizeof device, "%s/0000:01:00.1", place.pci); /* its sound */
    write_text(device, "vendor", "0x10de\n");
    write_text(device, "class", "0x040300\n");
    (void)snprintf(device, sizeof device, "%s/0000:02:00.0", place.pci); /* another maker's */
    write_text(device, "vendor", "0x1234\n");
    write_text(device, "class", "0x030000\n");
    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK(strstr(said, "GPUs: 1 of NVIDIA's and no driver") != NULL);
    place.paths.driver = "/proc/version";
    CHECK_OK(install(&place, &options, said, sizeof said, &err), &err);
    CHECK(strstr(said, "and no driver") == NULL);
    remove_place(&place);
}

static void test_a_key_without_a_market_changes_nothing(void **state)
{
    struct place place;
    char said[4096];
    struct error err;

    (void)state;
    skip_unless_ready();
    make_place(&place);
    struct options options = options_for(&place);
    options.token = NULL;
    options.api_key = "k";
    options.server = "http://127.0.0.1:9"; /* discard: nobody there */
    CHECK_FAILS(install(&place, &options, said, sizeof said, &err), &err, ERROR_UNREACHABLE);
    CHECK(access(place.config, F_OK) != 0);
    remove_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice_is_once),
        cmocka_unit_test(test_a_machine_that_has_joined_keeps_the_token_it_is_given),
        cmocka_unit_test(test_a_machine_whose_key_was_revoked_gets_a_token_by_the_account_s_key),
        cmocka_unit_test(test_an_engine_is_configured_unless_somebody_has),
        cmocka_unit_test(test_gpus_without_a_driver_are_told_of),
        cmocka_unit_test(test_a_key_without_a_market_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
