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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_busy_moment_took_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
