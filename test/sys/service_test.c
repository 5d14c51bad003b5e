/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/service.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"

/* A manager's socket of that name; '@' in front: without a file. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(name);

    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_INT(bind(fd, (const struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
              0);
    return fd;
}

static void check_heard(int fd, const char *want)
{
    char text[64] = "";
    ssize_t length = recv(fd, text, sizeof text - 1, 0);

    CHECK_INT(length, (ssize_t)strlen(want));
    CHECK_TEXT(text, want);
}

static void test_a_manager_hears_what_is_said(void **state)
{
    char path[] = "/tmp/berth-service-XXXXXX", name[64];

    (void)state;
    int file = mkstemp(path);
    CHECK(file >= 0);
    (void)close(file);
    (void)unlink(path);
    auto_close int by_path = listen_at(path);
    CHECK_INT(setenv("NOTIFY_SOCKET", path, 1), 0);
    service_say("READY=1");
    check_heard(by_path, "READY=1");
    (void)unlink(path);

    (void)snprintf(name, sizeof name, "@berth-service-%d", (int)getpid());
    auto_close int by_name = listen_at(name);
    CHECK_INT(setenv("NOTIFY_SOCKET", name, 1), 0);
    service_say("STOPPING=1");
    check_heard(by_name, "STOPPING=1");
}

static void test_nobody_need_listen(void **state)
{
    char long_path[256];

    (void)state;
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    const char *const paths[] = { "", "relative", "/nowhere/at/all", long_path };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        CHECK_INT(setenv("NOTIFY_SOCKET", paths[i], 1), 0);
        service_say("READY=1");
    }
    CHECK_INT(unsetenv("NOTIFY_SOCKET"), 0);
    service_say("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_manager_hears_what_is_said),
        cmocka_unit_test(test_nobody_need_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
