/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/user.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static char path[] = "/tmp/berth-user-test-XXXXXX";

static void write_passwd(const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), (int64_t)strlen(text));
    CHECK_INT(close(fd), 0);
}

static void test_the_first_line_of_the_number_counts(void **state)
{
    static const struct {
        const char *text, *name, *home, *shell;
        uid_t uid;
    } rows[] = {
        { "root:x:0:0:root:/root:/bin/bash\n", "root", "/root", "/bin/bash", 0 },
        { "a:x:1:1::/a:/sh\nb:x:0:0::/b:\nc:x:0:0::/c:\n", "b", "/b", "", 0 },
        { "root:x:0:0:root:/root:/bin/sh", "root", "/root", "/bin/sh", 0 },
        { "root:x:0:0:root:/root:/bin/sh\r\n", "root", "/root", "/bin/sh", 0 },
        { "u:x:4294967294:0:,,,:/h:/s\n", "u", "/h", "/s", 4294967294 },
        { "# nothing\nbroken\nx:0\nroot:x:0:0:r:/r:/s\n", "root", "/r", "/s", 0 },
    };
    struct user user;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i].text);
        write_passwd(rows[i].text);
        CHECK(user_read(path, rows[i].uid, &user));
        CHECK_TEXT(user.name, rows[i].name);
        CHECK_TEXT(user.home, rows[i].home);
        CHECK_TEXT(user.shell, rows[i].shell);
    }
}

static void test_what_is_no_user_is_none(void **state)
{
    static const char *const rows[] = {
        "",
        "root:x:00:0:root:/root:/bin/sh\n",
        "root:x:1:0:root:/root:/bin/sh\n",
        ":x:0:0:root:/root:/bin/sh\n",
        "root:x:0:0:root:/root\n",
        "root:x:0:0:root:/root:/bin/sh:more\n",
    };
    struct user user = { .name = "before" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i]);
        write_passwd(rows[i]);
        CHECK(!user_read(path, 0, &user));
    }
    CHECK(!user_read("/nonexistent/passwd", 0, &user));
    CHECK_TEXT(user.name, "before");
}

static void test_fields_that_do_not_fit_are_refused(void **state)
{
    char text[2 * USER_FIELD_MAX + 64];
    char home[USER_FIELD_MAX + 1];
    struct user user;

    (void)state;
    for (size_t length = USER_FIELD_MAX - 1; length <= USER_FIELD_MAX; length++) {
        memset(home, 'h', length);
        home[length] = '\0';
        (void)snprintf(text, sizeof(text), "root:x:0:0::%s:/bin/sh\n", home);
        write_passwd(text);
        check_row("%zu", length);
        CHECK_INT(user_read(path, 0, &user), length < USER_FIELD_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_line_of_the_number_counts),
        cmocka_unit_test(test_what_is_no_user_is_none),
        cmocka_unit_test(test_fields_that_do_not_fit_are_refused),
    };
    int fd = mkstemp(path);

    if (fd < 0)
        return 1;
    (void)close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
