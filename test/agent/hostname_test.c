/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hostname.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"
#include "sys/file.h"

static void test_a_name_in_hosts(void **state)
{
    static const struct {
        const char *hosts, *want;
    } rows[] = {
        { "", "" },
        { "127.0.0.1\tlocalhost\n10.0.0.2\tholder\n", "127.0.0.1\tlocalhost\n10.0.0.2\tC.7\n" },
        { "10.0.0.2 holder holder\tx", "10.0.0.2 C.7 C.7\tx" },
        { "holder", "C.7" },
        { "holders holde xholder holder.x\n\n", "holders holde xholder holder.x\n\n" },
        { "10.0.0.2\tC.7\n", "10.0.0.2\tC.7\n" }, /* done before */
        { " \t\n", " \t\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(256);

        check_row("row %zu", i);
        hostname_in_hosts(&out, rows[i].hosts, strlen(rows[i].hosts), "holder", "C.7");
        buf_append(&out, "", 0);
        CHECK_TEXT(out.bytes, rows[i].want);
    }
}

static void check_file(const char *path, const char *want)
{
    auto_buf struct buf text = buf_of(4096);
    struct error err;

    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    buf_append(&text, "", 0);
    CHECK_TEXT(text.bytes, want);
}

/* Containers have these files mounted: another file of that name would not be theirs. */
static void test_files_are_written_in_place(void **state)
{
    char name[1100], hosts[1100];
    struct stat before, after;
    struct error err;

    (void)state;
    home_write("hostname", "a-holder-with-a-long-name\n");
    home_write("hosts", "10.0.0.2\ta-holder-with-a-long-name\n");
    (void)snprintf(name, sizeof name, "%s/hostname", home_identity()->path);
    (void)snprintf(hosts, sizeof hosts, "%s/hosts", home_identity()->path);
    CHECK(stat(hosts, &before) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(hostname_write(name, hosts, "a-holder-with-a-long-name", "C.7", &err), &err);
        check_file(name, "C.7\n");
        check_file(hosts, "10.0.0.2\tC.7\n");
    }
    CHECK(stat(hosts, &after) == 0);
    CHECK(before.st_ino == after.st_ino);

    CHECK_FAILS(hostname_write(name, "/nowhere/at/all", "x", "y", &err), &err, ERROR_NOT_FOUND);
    check_file(name, "C.7\n");
    CHECK(unlink(name) == 0 && symlink(hosts, name) == 0);
    CHECK(!hostname_write(name, hosts, "x", "y", &err)); /* not through a link */
    check_file(hosts, "10.0.0.2\tC.7\n");
}

static void test_only_a_container_is_named(void **state)
{
    char before[65] = "", after[65] = "";
    struct error err;

    (void)state;
    CHECK(gethostname(before, sizeof before) == 0);
    /* We are no container; and were we, our name is the host's own. */
    CHECK_FAILS(hostname_give(getpid(), "0123456789abcdef", "stolen", &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(hostname_give(getpid(), "", "stolen", &err), &err, ERROR_INVALID);
    CHECK_FAILS(hostname_give(0, "", "stolen", &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(hostname_give(-1, "", "stolen", &err), &err, ERROR_NOT_FOUND);
    CHECK(gethostname(after, sizeof after) == 0);
    CHECK_TEXT(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_in_hosts),
        cmocka_unit_test_setup_teardown(test_files_are_written_in_place, home_setup, home_teardown),
        cmocka_unit_test(test_only_a_container_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
