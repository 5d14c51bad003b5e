/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"

static void test_a_system_has_one_name(void **state)
{
    static const struct {
        const char *text, *want; /* without the machine; NULL: refused */
    } rows[] = {
        { "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
          "debian-12-" },
        { "ID=ubuntu\nID_LIKE=debian\nVERSION_ID='24.04'\n", "ubuntu-24.04-" },
        { "ID=\"openSUSE Leap\"\nVERSION_ID=\"15/5\"", "opensuse_leap-15_5-" },
        { "ID=arch\n", "arch-rolling-" },
        { "ID_LIKE=debian\nVERSION_ID=12\n", NULL },
        { "ID=\n", NULL },
        { "", NULL },
        { "ID=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", NULL },
    };
    char path[] = "/tmp/berth-os-release-XXXXXX";
    struct utsname names;
    int fd = mkstemp(path);

    (void)state;
    CHECK(fd >= 0 && uname(&names) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[PLATFORM_SIZE] = "kept", want[2 * PLATFORM_SIZE];
        struct error err;

        check_row("%s", rows[i].text);
        CHECK(ftruncate(fd, 0) == 0 &&
              pwrite(fd, rows[i].text, strlen(rows[i].text), 0) == (ssize_t)strlen(rows[i].text));
        if (rows[i].want == NULL) {
            CHECK_FAILS(platform_name(path, name, &err), &err, ERROR_INVALID);
            continue;
        }
        CHECK_OK(platform_name(path, name, &err), &err);
        (void)snprintf(want, sizeof want, "%s%s", rows[i].want, names.machine);
        CHECK_TEXT(name, want);
    }
    (void)close(fd);
    (void)unlink(path);
}

static void test_without_the_file_there_is_no_name(void **state)
{
    char name[PLATFORM_SIZE];
    struct error err;

    (void)state;
    CHECK_FAILS(platform_name("/tmp/no-such-os-release", name, &err), &err, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_system_has_one_name),
        cmocka_unit_test(test_without_the_file_there_is_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
