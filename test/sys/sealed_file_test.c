/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sealed_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"

static const uint8_t key[SEAL_KEY_SIZE] = { 1, 2, 3 };

/* A file in memory with so many bytes, of which none is like its neighbours. */
static int file_of(size_t size)
{
    int fd = memfd_create("plain", MFD_CLOEXEC);

    CHECK(fd >= 0);
    for (size_t i = 0; i < size; i += 4096) {
        uint8_t bytes[4096];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)((i + k) * 2654435761U >> 13);
        size_t count = size - i < sizeof bytes ? size - i : sizeof bytes;
        CHECK_INT(write(fd, bytes, count), (ssize_t)count);
    }
    CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static size_t size_of(int fd)
{
    struct stat status;

    CHECK_INT(fstat(fd, &status), 0);
    return (size_t)status.st_size;
}

static bool are_same(int a, int b)
{
    size_t size = size_of(a);

    if (size != size_of(b))
        return false;
    if (size == 0)
        return true;
    void *of_a = mmap(NULL, size, PROT_READ, MAP_SHARED, a, 0);
    void *of_b = mmap(NULL, size, PROT_READ, MAP_SHARED, b, 0);
    CHECK(of_a != MAP_FAILED && of_b != MAP_FAILED);
    bool result = memcmp(of_a, of_b, size) == 0;
    (void)munmap(of_a, size);
    (void)munmap(of_b, size);
    return result;
}

static int seal(int plain)
{
    int fd = memfd_create("sealed", MFD_CLOEXEC);
    struct error err;

    CHECK(fd >= 0);
    CHECK_OK(sealed_file_write(key, plain, fd, &err), &err);
    CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static bool unseal(const uint8_t with[static SEAL_KEY_SIZE], int sealed, int *ret_plain,
                   struct error *err)
{
    *ret_plain = memfd_create("again", MFD_CLOEXEC);
    CHECK(*ret_plain >= 0);
    CHECK_INT(lseek(sealed, 0, SEEK_SET), 0);
    return sealed_file_read(with, sealed, *ret_plain, err);
}

static void test_what_was_sealed_comes_back(void **state)
{
    static const size_t sizes[] = { 0,
                                    1,
                                    4096,
                                    SEALED_CHUNK - 1,
                                    SEALED_CHUNK,
                                    SEALED_CHUNK + 1,
                                    3 * SEALED_CHUNK,
                                    3 * SEALED_CHUNK + 77 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        auto_close int plain = file_of(sizes[i]);
        auto_close int sealed = seal(plain);
        auto_close int again = -1;
        struct error err;

        check_row("%zu bytes", sizes[i]);
        CHECK(sealed_file_is(sealed) && !sealed_file_is(plain));
        CHECK_OK(unseal(key, sealed, &again, &err), &err);
        CHECK(are_same(plain, again));
    }
}

/* Every byte, and every length, of a small one; the places that differ, of a large one. */
static void test_what_was_changed_or_cut_is_refused(void **state)
{
    auto_close int plain = file_of(2 * SEALED_CHUNK + 100);
    auto_close int sealed = seal(plain);
    const size_t size = size_of(sealed);
    const size_t places[] = { 0, 14, 15, 38, 39, 40, SEALED_CHUNK + 39, size - 1 };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        auto_close int again = -1;
        uint8_t byte, other;

        check_row("byte %zu", places[i]);
        CHECK_INT(pread(sealed, &byte, 1, (off_t)places[i]), 1);
        other = byte ^ 1;
        CHECK_INT(pwrite(sealed, &other, 1, (off_t)places[i]), 1);
        CHECK_FAILS(unseal(key, sealed, &again, &err), &err, ERROR_CORRUPT);
        CHECK_INT(pwrite(sealed, &byte, 1, (off_t)places[i]), 1);
    }
    for (size_t i = 0; i < 4; i++) {
        const size_t lengths[] = { 0, 39, 39 + SEALED_CHUNK + 17, size - 1 };
        auto_close int again = -1;
        auto_close int whole = seal((CHECK_INT(lseek(plain, 0, SEEK_SET), 0), plain));

        check_row("length %zu", lengths[i]);
        CHECK_INT(ftruncate(whole, (off_t)lengths[i]), 0);
        CHECK_FAILS(unseal(key, whole, &again, &err), &err, ERROR_CORRUPT);
    }
    /* Something behind the end. */
    auto_close int longer = seal((CHECK_INT(lseek(plain, 0, SEEK_SET), 0), plain));
    CHECK_INT(pwrite(longer, "x", 1, (off_t)size), 1);
    auto_close int again = -1;
    CHECK_FAILS(unseal(key, longer, &again, &err), &err, ERROR_CORRUPT);
}

static void test_another_key_opens_nothing(void **state)
{
    static const uint8_t other[SEAL_KEY_SIZE] = { 1, 2, 4 };
    auto_close int plain = file_of(100);
    auto_close int sealed = seal(plain);
    auto_close int again = -1;
    struct error err;

    (void)state;
    CHECK_FAILS(unseal(other, sealed, &again, &err), &err, ERROR_CORRUPT);
    CHECK_INT((int64_t)size_of(again), 0);
}

static void test_keys_are_for_nobody_else(void **state)
{
    char path[] = "/tmp/berth-seal-key-XXXXXX";
    uint8_t read_key[SEAL_KEY_SIZE];
    struct error err;

    (void)state;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    for (int i = 0; i < SEAL_KEY_SIZE; i++)
        CHECK_INT(write(fd, "0a", 2), 2);
    CHECK_OK(sealed_file_key(path, read_key, &err), &err);
    CHECK_INT(read_key[0], 10);
    CHECK_INT(read_key[SEAL_KEY_SIZE - 1], 10);
    CHECK_INT(fchmod(fd, 0640), 0);
    CHECK_FAILS(sealed_file_key(path, read_key, &err), &err, ERROR_FORBIDDEN);
    CHECK_INT(fchmod(fd, 0600), 0);
    CHECK_INT(ftruncate(fd, 62), 0);
    CHECK_FAILS(sealed_file_key(path, read_key, &err), &err, ERROR_CORRUPT);
    (void)close(fd);
    (void)unlink(path);
    CHECK_FAILS(sealed_file_key(path, read_key, &err), &err, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_comes_back),
        cmocka_unit_test(test_what_was_changed_or_cut_is_refused),
        cmocka_unit_test(test_another_key_opens_nothing),
        cmocka_unit_test(test_keys_are_for_nobody_else),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
