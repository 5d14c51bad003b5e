/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"

static char dir_path[] = "/tmp/berth-file-XXXXXX";

static int open_dir(void)
{
    return open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static mode_t mode_of(int dir, const char *path)
{
    struct stat status;

    CHECK(fstatat(dir, path, &status, 0) == 0);
    return status.st_mode & 0777;
}

/* How many names the directory holds. */
static int name_count(void)
{
    DIR *stream = opendir(dir_path);
    int count = 0;

    CHECK(stream != NULL);
    while (readdir(stream) != NULL)
        count++;
    (void)closedir(stream);
    return count - 2;
}

static void test_a_file_without_a_name(void **state)
{
    static const int flags[] = { 0, O_DIRECT };
    char missing[64];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int before = name_count();
        auto_close int fd = file_scratch(dir_path, flags[i], &err);
        struct stat status;

        check_row("flags %#x", (unsigned)flags[i]);
        if (fd < 0 && flags[i] == O_DIRECT)
            continue; /* not on this file system */
        CHECK_INT(name_count(), before);
        CHECK(fd >= 0 && fstat(fd, &status) == 0);
        CHECK_INT(status.st_mode & 0777, 0600);
        CHECK_INT(fcntl(fd, F_GETFL) & (O_ACCMODE | O_DIRECT), O_RDWR | flags[i]);
        CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
        if (flags[i] == 0) {
            char byte = 0;

            CHECK(pwrite(fd, "x", 1, 7) == 1 && pread(fd, &byte, 1, 7) == 1);
            CHECK_INT(byte, 'x');
        }
    }
    (void)snprintf(missing, sizeof missing, "%s/missing", dir_path);
    CHECK(file_scratch(missing, 0, &err) < 0);
    CHECK_INT(err.code, ERROR_NOT_FOUND);
    CHECK(strstr(err.text, missing) != NULL);
}

static void test_what_is_written_is_read(void **state)
{
    auto_close int dir = open_dir();
    auto_buf struct buf content = buf_of(100);
    struct error err;

    (void)state;
    CHECK_OK(file_replace(dir, "a", 0640, "first\0text", 10, &err), &err);
    CHECK_INT(mode_of(dir, "a"), 0640);
    CHECK_OK(file_read(dir, "a", &content, &err), &err);
    CHECK_INT((int64_t)content.length, 10);
    CHECK_OK(file_replace(dir, "a", 0600, "second", 6, &err), &err);
    CHECK_INT(mode_of(dir, "a"), 0600);
    CHECK_OK(file_read(dir, "a", &content, &err), &err);
    CHECK(content.length == 16 && memcmp(content.bytes, "first\0textsecond", 16) == 0);
    CHECK_OK(file_replace(dir, "a", 0600, "", 0, &err), &err);
    CHECK_OK(file_read(dir, "a", &content, &err), &err);
    CHECK_INT((int64_t)content.length, 16);
    CHECK_INT(name_count(), 1);
    CHECK(unlinkat(dir, "a", 0) == 0);
}

/* Whatever of it is synced, what can be read is the same; nothing is left beside. */
static void test_other_ways_to_write_it(void **state)
{
    auto_close int dir = open_dir();
    auto_buf struct buf content = buf_of(100);
    struct error err;

    (void)state;
    CHECK_OK(file_place(dir, "a", 0640, "one", 3, &err), &err);
    CHECK_INT(mode_of(dir, "a"), 0640);
    CHECK_OK(file_sync(dir, "a", &err), &err);
    CHECK_OK(file_sync(dir, "a", &err), &err);
    CHECK_OK(file_read(dir, "a", &content, &err), &err);
    CHECK_OK(file_place(dir, "a", 0600, "two", 3, &err), &err);
    CHECK_INT(mode_of(dir, "a"), 0600);
    CHECK_OK(file_read(dir, "a", &content, &err), &err);
    CHECK(content.length == 6 && memcmp(content.bytes, "onetwo", 6) == 0);
    CHECK_INT(name_count(), 1);
    CHECK(unlinkat(dir, "a", 0) == 0);
    CHECK_FAILS(file_sync(dir, "a", &err), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(file_place(dir, "absent/a", 0600, "x", 1, &err), &err, ERROR_NOT_FOUND);
    CHECK_INT(name_count(), 0);
}

static void test_a_mask_does_not_change_the_mode(void **state)
{
    auto_close int dir = open_dir();
    struct error err;

    (void)state;
    mode_t mask = umask(0777);
    CHECK_OK(file_replace(dir, "masked", 0644, "x", 1, &err), &err);
    (void)umask(mask);
    CHECK_INT(mode_of(dir, "masked"), 0644);
    CHECK(unlinkat(dir, "masked", 0) == 0);
}

static void test_reading_stops_at_the_limit(void **state)
{
    auto_close int dir = open_dir();
    struct error err;
    char large[40000];

    (void)state;
    memset(large, 'x', sizeof large);
    CHECK_OK(file_replace(dir, "large", 0600, large, sizeof large, &err), &err);
    auto_buf struct buf exact = buf_of(2 + sizeof large);
    buf_append(&exact, "ab", 2);
    CHECK_OK(file_read(dir, "large", &exact, &err), &err);
    CHECK(exact.length == 2 + sizeof large);

    auto_buf struct buf small = buf_of(1 + sizeof large);
    buf_append(&small, "ab", 2);
    CHECK_FAILS(file_read(dir, "large", &small, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_TEXT(small.bytes, "ab");
    CHECK(unlinkat(dir, "large", 0) == 0);
}

static void test_what_is_not_there(void **state)
{
    auto_close int dir = open_dir();
    auto_buf struct buf content = buf_of(100);
    struct error err;

    (void)state;
    CHECK_FAILS(file_read(dir, "absent", &content, &err), &err, ERROR_NOT_FOUND);
    CHECK_TEXT(err.text, "open absent: No such file or directory");
    CHECK_FAILS(file_read(dir, ".", &content, &err), &err, ERROR_IO);
    CHECK_FAILS(file_replace(dir, "absent/a", 0600, "x", 1, &err), &err, ERROR_NOT_FOUND);
    CHECK(content.length == 0 && name_count() == 0);

    char long_path[PATH_MAX + 1];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    CHECK_FAILS(file_replace(dir, long_path, 0600, "x", 1, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_FAILS(file_make_dir(long_path, 0700, &err), &err, ERROR_INVALID);
}

static void test_failing_leaves_the_old_and_nothing_else(void **state)
{
    auto_close int dir = open_dir();
    auto_buf struct buf content = buf_of(100);
    struct error err;
    char large[8192] = "";

    (void)state;
    CHECK_OK(file_replace(dir, "kept", 0600, "old", 3, &err), &err);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) { /* where files may not grow past a page, as on a disk that is full */
        const struct rlimit page = { 4096, 4096 };

        (void)signal(SIGXFSZ, SIG_IGN);
        bool has_failed = setrlimit(RLIMIT_FSIZE, &page) == 0 &&
                          !file_replace(dir, "kept", 0600, large, sizeof large, &err);
        _exit(has_failed && err.code == ERROR_IO ? 0 : 1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_OK(file_read(dir, "kept", &content, &err), &err);
    CHECK_TEXT(content.bytes, "old");
    CHECK_INT(name_count(), 1);

    /* A directory cannot be replaced by a file. */
    CHECK(mkdirat(dir, "folder", 0700) == 0);
    CHECK_FAILS(file_replace(dir, "folder", 0600, "x", 1, &err), &err, ERROR_IO);
    CHECK_INT(name_count(), 2);
    CHECK(unlinkat(dir, "kept", 0) == 0 && unlinkat(dir, "folder", AT_REMOVEDIR) == 0);
}

static void test_what_a_crash_left_is_in_nobodys_way(void **state)
{
    auto_close int dir = open_dir();
    struct error err;
    char beside[64];

    (void)state;
    (void)snprintf(beside, sizeof beside, "a.%d.new", (int)gettid());
    auto_close int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_OK(file_replace(dir, "a", 0600, "x", 1, &err), &err);
    CHECK_INT(name_count(), 1);
    CHECK(unlinkat(dir, "a", 0) == 0);
}

static void test_directories_are_made_with_those_above(void **state)
{
    auto_close int dir = open_dir();
    struct error err;
    char path[PATH_MAX];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/x/y//z/", dir_path);
    CHECK_OK(file_make_dir(path, 0700, &err), &err);
    CHECK_OK(file_make_dir(path, 0700, &err), &err);
    CHECK_INT(mode_of(dir, "x/y/z"), 0700);
    CHECK_OK(file_replace(dir, "x/file", 0600, "", 0, &err), &err);
    (void)snprintf(path, sizeof path, "%s/x/file/z", dir_path);
    CHECK_FAILS(file_make_dir(path, 0700, &err), &err, ERROR_IO);
    (void)snprintf(path, sizeof path, "%s/x/file", dir_path);
    CHECK_FAILS(file_make_dir(path, 0700, &err), &err, ERROR_IO);
    CHECK_FAILS(file_make_dir("", 0700, &err), &err, ERROR_INVALID);
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK_FAILS(file_make_dir(path, 0700, &err), &err, ERROR_IO);
    CHECK(unlinkat(dir, "x/file", 0) == 0 && unlinkat(dir, "x/y/z", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(dir, "x/y", AT_REMOVEDIR) == 0 && unlinkat(dir, "x", AT_REMOVEDIR) == 0);
}

/* A pipe takes what it has room for, and the rest once somebody reads. */
static void test_writing_goes_on_over_short_writes(void **state)
{
    static char bytes[300000];
    int ends[2];
    struct error err;

    (void)state;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void)close(ends[1]);
        size_t total = 0;
        for (ssize_t length; (length = read(ends[0], bytes, sizeof bytes)) > 0;)
            total += (size_t)length;
        _exit(total == sizeof bytes ? 0 : 1);
    }
    (void)close(ends[0]);
    CHECK_OK(file_write_all(ends[1], bytes, sizeof bytes, &err), &err);
    (void)close(ends[1]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_FAILS(file_write_all(-1, bytes, 1, &err), &err, ERROR_IO);
    CHECK_OK(file_write_all(-1, bytes, 0, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_file_without_a_name),
        cmocka_unit_test(test_other_ways_to_write_it),
        cmocka_unit_test(test_a_mask_does_not_change_the_mode),
        cmocka_unit_test(test_reading_stops_at_the_limit),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_failing_leaves_the_old_and_nothing_else),
        cmocka_unit_test(test_what_a_crash_left_is_in_nobodys_way),
        cmocka_unit_test(test_directories_are_made_with_those_above),
        cmocka_unit_test(test_writing_goes_on_over_short_writes),
    };

    if (mkdtemp(dir_path) == NULL) {
        perror(dir_path);
        return EXIT_FAILURE;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(dir_path);
    return failed;
}
