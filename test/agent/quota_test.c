/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/quota.h"

#include <fcntl.h>
#include <string.h>

#include "check.h"
#include "sys/file.h"

#define LINE(point, type, options)                                                                 \
    "36 35 98:0 / " point " rw,noatime shared:1 - " type " /dev/x " options "\n"

static void test_what_limits_a_container(void **state)
{
    static const struct {
        const char *driver, *root, *mounts;
        bool is_enforced;
        const char *text;
    } rows[] = {
        { "overlay2", "/d/docker", LINE("/", "ext4", "rw") LINE("/d", "xfs", "rw,prjquota,x"), true,
          "xfs project quota" },
        { "overlay2", "/d", LINE("/", "ext4", "rw") LINE("/d", "xfs", "rw,pquota"), true,
          "xfs project quota" },
        { "overlay2", "/d/docker", LINE("/", "xfs", "rw,prjquota") LINE("/d", "ext4", "rw"), false,
          "watched, warned and stopped: overlay2 on ext4 cannot limit it" },
        /* A later mount at the same place covers the earlier. */
        { "overlay2", "/d", LINE("/d", "xfs", "rw,prjquota") LINE("/d", "ext4", "rw"), false,
          "watched, warned and stopped: overlay2 on ext4 cannot limit it" },
        { "overlay2", "/dx", LINE("/", "ext4", "rw") LINE("/d", "xfs", "rw,prjquota"), false,
          "watched, warned and stopped: overlay2 on ext4 cannot limit it" },
        { "overlay2", "/d", LINE("/d", "xfs", "rw,noprjquota,uquota"), false,
          "watched, warned and stopped: overlay2 on xfs without pquota cannot limit it" },
        { "overlay2", "/d", LINE("/d", "xfs", "rw,prjquotas"), false,
          "watched, warned and stopped: overlay2 on xfs without pquota cannot limit it" },
        { "vfs", "/d", LINE("/d", "xfs", "rw,prjquota"), false,
          "watched, warned and stopped: vfs on xfs cannot limit it" },
        /* Blanks, tabs and backslashes in a name are codes; what only looks like one is none. */
        { "overlay2", "/my disks/a\\b",
          LINE("/", "ext4", "rw") LINE("/my\\040disks/a\\134b", "xfs", "rw,pquota"), true,
          "xfs project quota" },
        { "overlay2", "/d\\04x", LINE("/", "ext4", "rw") LINE("/d\\04x", "xfs", "rw,pquota"), true,
          "xfs project quota" },
        { "btrfs", "/d", LINE("/d", "btrfs", "rw"), true, "btrfs quota groups" },
        { "overlay2", "/d", "", false,
          "watched, warned and stopped: /d is on no file system that is known" },
        { "overlay2", "/d", "a line\n36 35 98:0 / /d rw\n - xfs\n", false,
          "watched, warned and stopped: /d is on no file system that is known" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct quota quota = quota_of(rows[i].driver, rows[i].root, rows[i].mounts);

        check_row("%zu", i);
        CHECK_TEXT(quota.text, rows[i].text);
        CHECK_INT(quota.is_enforced, rows[i].is_enforced);
    }
}

static void test_this_machine_is_understood(void **state)
{
    auto_buf struct buf text = buf_of(QUOTA_MOUNTS_MAX);
    struct error err;

    (void)state;
    CHECK_OK(file_read(AT_FDCWD, "/proc/self/mountinfo", &text, &err), &err);
    struct quota quota = quota_of("overlay2", "/var/lib/docker", text.bytes);
    CHECK(strstr(quota.text, "no file system") == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_limits_a_container),
        cmocka_unit_test(test_this_machine_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
