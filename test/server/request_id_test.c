/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request_id.h"

#include <string.h>

#include "check.h"
#include "sys/crypto.h"

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

static void test_one_that_is_made_is_good_and_nobody_elses(void **state)
{
    char one[REQUEST_ID_SIZE], other[REQUEST_ID_SIZE];

    (void)state;
    request_id_make(one);
    request_id_make(other);
    CHECK(request_id_is_good(one) && request_id_is_good(other) && strcmp(one, other) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_word_is_kept),
        cmocka_unit_test(test_one_that_is_made_is_good_and_nobody_elses),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
