/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted workspaces, by the kernel that this runs on. */
#include "agent/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "check.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

#define SECRET "the model weights of a renter who pays"
#define NAME   "a-name-that-tells-a-lot.txt"

enum { ID = 7001, SIZE_GB = 1, IMAGE_MAX = 1 << 30 };

static char dir[64];
static const struct workspace workspace = { dir, ID };
static const uint8_t key[WORKSPACE_KEY_SIZE] = "a key that is not random at all";
static const uint8_t other[WORKSPACE_KEY_SIZE] = "another one, of somebody else's";

static void open_it(void)
{
    struct error err;

    CHECK_OK(workspace_open(&workspace, SIZE_GB, key, &err), &err);
    CHECK(workspace_is_open(&workspace));
}

static void close_it(void)
{
    struct error err;

    CHECK_OK(workspace_close(&workspace, &err), &err);
    CHECK(!workspace_is_open(&workspace));
}

static char *path_of(const char *name, char path[static WORKSPACE_PATH_SIZE + 64])
{
    char files[WORKSPACE_PATH_SIZE];

    (void)snprintf(path, WORKSPACE_PATH_SIZE + 64, "%s/%s", workspace_files(&workspace, files),
                   name);
    return path;
}

static void write_secret(void)
{
    char path[WORKSPACE_PATH_SIZE + 64];
    auto_close int fd = open(path_of(NAME, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, SECRET, sizeof SECRET), sizeof SECRET);
}

static bool has_secret(void)
{
    char path[WORKSPACE_PATH_SIZE + 64], text[sizeof SECRET] = "";
    auto_close int fd = open(path_of(NAME, path), O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, text, sizeof text) == sizeof text && strcmp(text, SECRET) == 0;
}

/* Whether the image holds that text anywhere; what was never written is skipped. */
static bool image_has(const char *text)
{
    static char block[1 << 16];
    char path[128];
    size_t length = strlen(text);
    bool has = false;

    (void)snprintf(path, sizeof path, "%s/%d.img", dir, ID);
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    for (off_t at = lseek(fd, 0, SEEK_DATA); at >= 0 && !has; at = lseek(fd, at, SEEK_DATA)) {
        ssize_t count = pread(fd, block, sizeof block, at);

        CHECK(count > 0);
        has = memmem(block, (size_t)count, text, length) != NULL;
        at += count == sizeof block ? (off_t)(sizeof block - length) : count;
    }
    return has;
}

static void test_what_is_in_it_is_there_again_and_ciphertext_meanwhile(void **state)
{
    char path[WORKSPACE_PATH_SIZE + 64];

    (void)state;
    open_it();
    write_secret();
    CHECK(has_secret());
    open_it(); /* again, by a worker that does not know of the first */
    CHECK(has_secret());
    close_it();
    CHECK(access(path_of("", path), F_OK) != 0); /* nothing is written beside it */
    CHECK(!has_secret());
    CHECK(!image_has(SECRET));
    CHECK(!image_has(NAME));
    CHECK(image_has("lost+found")); /* the search does find things */
    close_it();
    open_it();
    CHECK(has_secret());
    close_it();
}

static void test_another_key_opens_nothing(void **state)
{
    struct error err;

    (void)state;
    CHECK_FAILS(workspace_open(&workspace, SIZE_GB, other, &err), &err, ERROR_CONFLICT);
    CHECK(!workspace_is_open(&workspace));
    open_it();
    CHECK(has_secret());
    close_it();
}

/* The key goes even where a file is held open. */
static void test_what_is_held_open_keeps_nothing_else_readable(void **state)
{
    char path[WORKSPACE_PATH_SIZE + 64];
    struct error err;

    (void)state;
    open_it();
    int fd = open(path_of("held", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_FAILS(workspace_close(&workspace, &err), &err, ERROR_CONFLICT);
    CHECK(workspace_is_open(&workspace));
    CHECK(!has_secret());
    (void)close(fd);
    close_it();
    open_it();
    CHECK(has_secret());
    close_it();
}

static size_t count_devices(void)
{
    size_t count = 0;

    for (int i = 0; i < 256; i++) {
        auto_buf struct buf text = buf_of(4096);
        char path[64];
        struct error ignored;

        (void)snprintf(path, sizeof path, "/sys/block/loop%d/loop/backing_file", i);
        if (file_read(AT_FDCWD, path, &text, &ignored) &&
            memmem(text.bytes, text.length, dir, strlen(dir)) != NULL)
            count++;
    }
    return count;
}

/* Two devices on one file would write over each other's. */
static void test_one_file_is_one_device(void **state)
{
    char folder[128], elsewhere[128];

    (void)state;
    open_it();
    CHECK_INT((int64_t)count_devices(), 1);
    (void)snprintf(folder, sizeof folder, "%s/%d", dir, ID);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", dir);
    CHECK(mkdir(elsewhere, 0700) == 0 && mount(folder, elsewhere, NULL, MS_BIND, NULL) == 0);
    close_it();
    CHECK_INT((int64_t)count_devices(), 1); /* somebody has it yet */
    open_it();
    CHECK_INT((int64_t)count_devices(), 1);
    CHECK(umount(elsewhere) == 0 && rmdir(elsewhere) == 0);
    CHECK(has_secret());
    close_it();
    CHECK_INT((int64_t)count_devices(), 0);
}

static void test_it_has_its_size(void **state)
{
    char path[WORKSPACE_PATH_SIZE + 64];

    (void)state;
    open_it();
    int64_t before_mb = workspace_used_mb(&workspace);
    CHECK(before_mb > 0 && before_mb < 200);
    auto_close int fd = open(path_of("large", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_INT(posix_fallocate(fd, 0, SIZE_GB * INT64_C(1200) << 20), ENOSPC);
    CHECK(ftruncate(fd, 0) == 0);
    static const char block[1 << 20];
    for (int i = 0; i < 32; i++)
        CHECK_INT(write(fd, block, sizeof block), sizeof block);
    CHECK_INT(fsync(fd), 0);
    int64_t used_mb = workspace_used_mb(&workspace) - before_mb;
    CHECK(used_mb >= 31 && used_mb < 40);
    (void)close(fd);
    fd = -1;
    CHECK_INT(unlink(path), 0);
    close_it();
}

static void test_those_that_are_open_are_listed(void **state)
{
    int64_t ids[WORKSPACES_MAX];

    (void)state;
    CHECK_INT((int64_t)workspace_list(dir, ids), 0);
    CHECK_INT((int64_t)workspace_list("/nowhere", ids), 0);
    open_it();
    CHECK_INT((int64_t)workspace_list(dir, ids), 1);
    CHECK_INT(ids[0], ID);
    close_it();
}

static void test_it_is_removed_open_or_closed(void **state)
{
    char left[128];
    struct error err;

    (void)state;
    open_it();
    CHECK_OK(workspace_remove(&workspace, &err), &err);
    CHECK_INT(workspace_used_mb(&workspace), 0);
    CHECK_OK(workspace_remove(&workspace, &err), &err);

    /* A maker that was killed leaves half of one, which is no half of the next. */
    (void)snprintf(left, sizeof left, "%s/%d.img.new", dir, ID);
    auto_close int fd = open(left, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "junk", 4) == 4);
    open_it();
    CHECK(!has_secret());
    CHECK_OK(workspace_remove(&workspace, &err), &err);
    CHECK_INT(rmdir(dir), 0); /* nothing is left */
}

/* What the kernel says of itself is what the trial finds. */
static bool kernel_should(void)
{
    return system("zcat /proc/config.gz 2>/dev/null | grep -q CONFIG_FS_ENCRYPTION=y && "
                  "command -v mkfs.ext4 >/dev/null && [ -e /dev/loop-control ]") == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_it_is_there_again_and_ciphertext_meanwhile),
        cmocka_unit_test(test_another_key_opens_nothing),
        cmocka_unit_test(test_what_is_held_open_keeps_nothing_else_readable),
        cmocka_unit_test(test_one_file_is_one_device),
        cmocka_unit_test(test_it_has_its_size),
        cmocka_unit_test(test_those_that_are_open_are_listed),
        cmocka_unit_test(test_it_is_removed_open_or_closed),
    };
    struct error err;

    crypto_start();
    (void)snprintf(dir, sizeof dir, "/var/tmp/berth-workspace-%d", (int)getpid());
    if (geteuid() != 0) {
        (void)printf("WORKSPACE TESTS NOT RUN: not root\n");
        return CHECK_SKIP;
    }
    if (!workspace_try(dir, &err)) {
        (void)printf("WORKSPACE TESTS NOT RUN: %s\n", err.text);
        (void)rmdir(dir);
        return kernel_should() ? 1 : CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
