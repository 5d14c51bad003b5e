/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/heap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/resident.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_LIBRARYS = 0 };
#else
enum { IS_LIBRARYS = 1 };
#endif

enum { BLOCKS = 256, BLOCK = 2 * HEAP_MAPPED_FROM, SPARE = 4 << 20 };

/* Every page of it, whatever a compiler thinks of memory that is never read. */
static void touch(char *block)
{
    for (size_t at = 0; at < BLOCK; at += 4096)
        ((volatile char *)block)[at] = 7;
}

/* Large blocks, each with a small one behind it that stays: what a heap cannot give back. */
static int64_t grow_after_a_busy_moment(void)
{
    static char *large[BLOCKS], *small[BLOCKS];
    int64_t before = resident_bytes();

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            large[i] = malloc(BLOCK);
            small[i] = malloc(64);
            touch(large[i]);
            *(volatile char *)small[i] = 7;
        }
        for (size_t i = 0; i < BLOCKS; i++)
            free(large[i]);
    }
    return resident_bytes() - before;
}

static void test_what_a_busy_moment_took_is_given_back(void **state)
{
    int status = 0;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        heap_settle();
        _exit(grow_after_a_busy_moment() < SPARE ? 0 : 1);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (IS_LIBRARYS)
        CHECK_INT(WEXITSTATUS(status), 0);
}

/* Blocks of every size that a heap keeps, of which one in a hundred stays. */
static int64_t grow_in_pieces(void)
{
    enum { PIECES = 40000, PIECE_MAX = 2048 };
    static char *pieces[PIECES];
    int64_t before;

    heap_trim();
    before = resident_bytes();
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = 64 + i * 97 % PIECE_MAX;

        pieces[i] = malloc(size);
        for (size_t at = 0; at < size; at += 64)
            ((volatile char *)pieces[i])[at] = 7;
    }
    for (size_t i = 0; i < PIECES; i++) {
        if (i % 100 != 0)
            free(pieces[i]);
    }
    heap_trim();
    return resident_bytes() - before;
}

static void test_what_lies_between_blocks_that_stay_is_given_back(void **state)
{
    int status = 0;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        heap_settle();
        _exit((int)(grow_in_pieces() >> 20));
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    /* Of the 43 MiB that were taken. */
    if (IS_LIBRARYS)
        CHECK(WEXITSTATUS(status) < 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_busy_moment_took_is_given_back),
        cmocka_unit_test(test_what_lies_between_blocks_that_stay_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
