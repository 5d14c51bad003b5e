/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"

static char dir[64];

static void shell(const char *command)
{
    const char *const arguments[] = { "sh", "-ec", command, NULL };
    struct child_run child = { arguments, NULL, 60000 };
    auto_buf struct buf output = buf_of(65536);
    struct error err;
    int status = -1;

    CHECK_OK(child_run(&child, &output, &status, &err), &err);
    check_row("%s: %s", command, output.bytes != NULL ? output.bytes : "");
    CHECK_INT(status, 0);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/var/tmp/berth-tree-XXXXXX");
    if (mkdtemp(dir) == NULL || chdir(dir) != 0)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)umount2("small", MNT_DETACH);
    (void)!chdir("/");
    const char *const arguments[] = { "rm", "-rf", dir, NULL };
    struct child_run child = { arguments, NULL, 60000 };
    auto_buf struct buf output = buf_of(65536);
    struct error err;
    int status;
    return child_run(&child, &output, &status, &err) ? 0 : -1;
}

static struct tree_size measure(const char *folder)
{
    struct tree_size size = { -1, -1 };
    struct error err;

    CHECK_OK(tree_measure(folder, &size, &err), &err);
    return size;
}

static void test_everything_below_is_counted_once(void **state)
{
    (void)state;
    shell("mkdir -p a/b/c && head -c 1000000 /dev/urandom > a/f && ln a/f a/b/g && ln a/f a/b/h &&"
          " ln -s / a/b/away && mkfifo a/pipe && touch a/b/c/empty");
    /* a, b, c, the file with three names, the link, the pipe, the empty one. */
    struct tree_size size = measure("a");
    CHECK_INT(size.inodes, 7);
    CHECK(size.bytes >= 1000000 && size.bytes < 1100000);
    CHECK_INT(measure("a/b/c").inodes, 2);
    /* One of its three names is here. */
    CHECK(measure("a/b").bytes < 800000);
}

static void test_another_file_system_is_not(void **state)
{
    (void)state;
    shell("mkdir -p m/other m/own && touch m/own/f");
    CHECK_INT(measure("m").inodes, 4);
    CHECK_INT(mount("none", "m/other", "tmpfs", 0, NULL), 0);
    shell("touch m/other/1 m/other/2");
    CHECK_INT(measure("m").inodes, 3);
    CHECK_INT(umount("m/other"), 0);
}

/* Longer than any path may be, and wider than fits into one read of a folder. */
static void test_neither_depth_nor_width_hides_anything(void **state)
{
    static const char name[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    int here = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    CHECK_INT(mkdir("deep", 0700), 0);
    CHECK_INT(chdir("deep"), 0);
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(mkdir(name, 0700), 0);
        CHECK_INT(chdir(name), 0);
    }
    for (int i = 0; i < 3000; i++) {
        char file[16];

        (void)snprintf(file, sizeof file, "%d", i);
        CHECK_INT(mknod(file, S_IFREG | 0600, 0), 0);
    }
    CHECK_INT(fchdir(here), 0);
    CHECK_INT(measure("deep").inodes, 4001);
    (void)close(here);
}

static void test_what_is_no_folder_is_told(void **state)
{
    struct tree_size size = { -7, -7 };
    struct error err;

    (void)state;
    shell("touch file && ln -sf / link");
    CHECK(!tree_measure("file", &size, &err));
    CHECK(!tree_measure("link", &size, &err));
    CHECK(!tree_measure("nothing", &size, &err));
    CHECK_INT(size.bytes, -7);
    CHECK_INT(size.inodes, -7);
}

static void test_inodes_count_where_they_are_scarce(void **state)
{
    static const struct {
        uint64_t files, left;
        int64_t bytes, inodes, want_mb;
    } rows[] = {
        /* Of 1000 MB with 1000 inodes. */
        { 1000, 900, 10 << 20, 50, 10 },   { 1000, 200, 10 << 20, 500, 10 }, /* a fifth is left */
        { 1000, 199, 10 << 20, 500, 500 }, { 1000, 0, 10 << 20, 1000, 1000 },
        { 1000, 0, 600 << 20, 500, 600 }, /* its bytes are more */
        { 0, 0, 10 << 20, 1 << 30, 10 },  /* as many as there is room for */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct statvfs file_system = {
            .f_blocks = 256000, .f_frsize = 4096, .f_files = rows[i].files, .f_ffree = rows[i].left
        };
        const struct tree_size size = { rows[i].bytes, rows[i].inodes };

        check_row("%zu", i);
        CHECK_INT(tree_used_mb(&size, &file_system), rows[i].want_mb);
    }
}

/* A real one with few of them, filled. */
static void test_a_file_system_that_is_filled_with_files(void **state)
{
    struct statvfs file_system;

    (void)state;
    shell("truncate -s 256M image && mkfs.ext4 -q -N 2048 image && mkdir small");
    shell("mount -o loop image small && mkdir small/hers small/other && touch small/other/f");
    CHECK_INT(statvfs("small", &file_system), 0);
    CHECK(!tree_is_scarce(&file_system));
    shell("cd small/hers && i=0; while true >f$i; do i=$((i + 1)); done; test $i -gt 1900");
    CHECK_INT(statvfs("small", &file_system), 0);
    CHECK(tree_is_scarce(&file_system));
    struct tree_size hers = measure("small/hers"), other = measure("small/other");
    CHECK(hers.bytes < 1 << 20);
    CHECK(tree_used_mb(&hers, &file_system) > 200);
    CHECK(tree_used_mb(&other, &file_system) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_below_is_counted_once),
        cmocka_unit_test(test_another_file_system_is_not),
        cmocka_unit_test(test_neither_depth_nor_width_hides_anything),
        cmocka_unit_test(test_what_is_no_folder_is_told),
        cmocka_unit_test(test_inodes_count_where_they_are_scarce),
        cmocka_unit_test(test_a_file_system_that_is_filled_with_files),
    };

    if (geteuid() != 0) {
        (void)printf("TREE TESTS NOT RUN: not root\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
