/* SPDX-License-Identifier: Apache-2.0 */
#include "market/words.h"

#include <stdio.h>

#include "check.h"

enum { TEXTS = 300, STEPS = 100000 };

static const char *text_of(size_t i, char text[static 32])
{
    (void)snprintf(text, 32, "%s%zu", i % 3 == 0 ? "" : "word ", i);
    return text;
}

/* grow() links only words that are held: at that time there are no free ones. */
static void test_a_text_has_one_number_while_it_is_held(void **state)
{
    static uint32_t numbers[TEXTS], holders[TEXTS];
    struct words words = WORDS_EMPTY;
    char text[32];

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        size_t i = check_random(step < 1000 ? 20 : TEXTS);

        check_row("step %d", step);
        CHECK_INT(words_find(&words, text_of(i, text)), holders[i] > 0 ? numbers[i] : WORDS_NONE);
        if (check_random(step / 500 % 2 == 0 ? 3 : 2) > 0 || holders[i] == 0) {
            uint32_t number = words_take(&words, text_of(i, text));

            CHECK(holders[i] == 0 || number == numbers[i]);
            CHECK(number < TEXTS);
            numbers[i] = number;
            holders[i]++;
        } else {
            words_drop(&words, numbers[i]);
            holders[i]--;
        }
    }
    /* No two share a number. */
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t j = 0; j < i; j++)
            CHECK(holders[i] == 0 || holders[j] == 0 || numbers[i] != numbers[j]);
    }
    words_release(&words);
    CHECK(words_find(&words, "word 1") == WORDS_NONE);
}

static void test_numbers_of_texts_that_nobody_holds_are_used_again(void **state)
{
    struct words words = WORDS_EMPTY;
    char text[32];

    (void)state;
    uint32_t kept = words_take(&words, "");
    for (size_t i = 0; i < 10000; i++) {
        uint32_t word = words_take(&words, text_of(i, text));

        CHECK(word != kept);
        words_drop(&words, word);
    }
    CHECK_INT(words.count, 2);
    CHECK_INT(words_find(&words, ""), kept);
    words_release(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_has_one_number_while_it_is_held),
        cmocka_unit_test(test_numbers_of_texts_that_nobody_holds_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
