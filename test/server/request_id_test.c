/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request_id.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define FIFTY "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static void test_a_plain_word_is_kept(void **state)
{
    static const struct {
        const char *given;
        bool is_good;
    } rows[] = {
        { "a", true },
        { "7f3a-B.c_9", true },
        { FIFTY "12345678901234", true },
        { FIFTY "123456789012345", false },
        { "", false },
        { "a b", false },
        { "a\tb", false },
        { "a\"", false },
        { "a\nb", false },
        { "\xc3\xa9", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char id[REQUEST_ID_SIZE] = "own";
        check_row("%zu", i);
        CHECK_INT(request_id_is_good(rows[i].given), rows[i].is_good);
        request_id_take(id, rows[i].given);
        CHECK_TEXT(id, rows[i].is_good ? rows[i].given : "own");
    }
    char id[REQUEST_ID_SIZE] = "own";
    request_id_take(id, NULL);
    CHECK_TEXT(id, "own");
}

enum { COUNT = 5000 };

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_one_that_is_made_is_good_and_nobody_elses(void **state)
{
    static char ids[COUNT][REQUEST_ID_SIZE];
    /* Numbers go round, and none is special. */
    uint64_t first = UINT64_MAX - COUNT / 2;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        request_id_make(ids[i], first + i);
        CHECK(request_id_is_good(ids[i]) && strlen(ids[i]) == 16);
        /* Nor do they share an end, as numbers in a row would. */
        CHECK(i == 0 ||
              (memcmp(ids[i], ids[i - 1], 8) != 0 && strcmp(ids[i] + 8, ids[i - 1] + 8) != 0));
    }
    qsort(ids, COUNT, sizeof ids[0], compare);
    for (size_t i = 1; i < COUNT; i++)
        CHECK(strcmp(ids[i - 1], ids[i]) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_word_is_kept),
        cmocka_unit_test(test_one_that_is_made_is_good_and_nobody_elses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
