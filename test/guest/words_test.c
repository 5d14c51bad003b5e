/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/words.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

enum { BUFFER_SIZE = 256 };

/* The words in brackets, so that a row shows where each ends. */
static const char *joined(const char *line, size_t size, char text[static 512])
{
    static char buffer[BUFFER_SIZE];
    static char *words[WORDS_MAX];

    text[0] = '\0';
    if (!words_split(line, buffer, size, words))
        return "refused";
    for (size_t i = 0, at = 0; words[i] != NULL; i++)
        at += (size_t)snprintf(text + at, 512 - at, "[%s]", words[i]);
    return text;
}

static void test_a_line_is_split_as_a_shell_would(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        { "prog", "[prog]" },
        { "  prog \t a  b ", "[prog][a][b]" },
        { "rsync --server -vlogDtpre.iLsfxCIvu . /dest", "[rsync][--server][-vlogDtpre.iLsfxCIvu]"
                                                         "[.][/dest]" },
        { "a 'b c' \"d e\"", "[a][b c][d e]" },
        { "a b'c'\"d\"e", "[a][bcde]" },
        { "a ''", "[a][]" },
        { "a \\* \\\\ \\ x", "[a][*][\\][ x]" },
        { "a '$x `y` *'", "[a][$x `y` *]" },
        { "a \"\\$ \\\" \\n\"", "[a][$ \" \\n]" },
        { "a x~y x#y", "[a][x~y][x#y]" },
        { "", "refused" },
        { "  ", "refused" },
        { "a | b", "refused" },
        { "a;b", "refused" },
        { "a & ", "refused" },
        { "a > f", "refused" },
        { "a $HOME", "refused" },
        { "a \"$HOME\"", "refused" },
        { "a `b`", "refused" },
        { "a *", "refused" },
        { "a ?", "refused" },
        { "a [b]", "refused" },
        { "a (b)", "refused" },
        { "a\nb", "refused" },
        { "a ~", "refused" },
        { "# a", "refused" },
        { "a 'b", "refused" },
        { "a \"b", "refused" },
        { "a \\", "refused" },
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i].line);
        CHECK_TEXT(joined(rows[i].line, BUFFER_SIZE, text), rows[i].want);
    }
}

static void test_words_fit_or_are_refused(void **state)
{
    char text[512], many[4 * WORDS_MAX];
    static char buffer[4 * WORDS_MAX];
    static char *words[WORDS_MAX];

    (void)state;
    CHECK_TEXT(joined("ab cd", 6, text), "[ab][cd]");
    CHECK_TEXT(joined("ab cd", 5, text), "refused");

    memset(many, 0, sizeof(many));
    for (size_t i = 0; i < WORDS_MAX - 1; i++)
        memcpy(many + 2 * i, "x ", 2);
    CHECK(words_split(many, buffer, sizeof(buffer), words));
    CHECK(words[WORDS_MAX - 1] == NULL);
    memcpy(many + 2 * (WORDS_MAX - 1), "x", 1);
    CHECK(!words_split(many, buffer, sizeof(buffer), words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_split_as_a_shell_would),
        cmocka_unit_test(test_words_fit_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
