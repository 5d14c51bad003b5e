/* SPDX-License-Identifier: Apache-2.0 */
/* A script that calls the other command line runs with `berth` in its place: berth knows every
 * command and every option of it that there is a use for, and says what is wrong with no other
 * words. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli/command.h"
#include "cli/commands.h"

enum { WORD_SIZE = 64 };

struct verb {
    const char *name;
    size_t words;
    const char *options;
};

static const struct verb verbs[] = {
#define VERB(name, words, options) { name, words, options },
#include "verbs.def"
#undef VERB
};

/* The command that a row names, as the program finds it. */
static const struct command *find(const struct verb *verb)
{
    char first[WORD_SIZE], *second;
    size_t used = 0;

    (void)snprintf(first, sizeof first, "%s", verb->name);
    second = strchr(first, ' ');
    if (second != NULL)
        *second++ = '\0';
    const char *const words[] = { first, second, NULL };
    const struct command *command = command_find(words, &used);
    CHECK(command != NULL);
    CHECK_INT((int64_t)used, second != NULL ? 2 : 1);
    return command;
}

static void test_every_command_is_known(void **state)
{
    (void)state;
    CHECK(sizeof verbs / sizeof verbs[0] >= 100);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        check_row("%s", verbs[i].name);
        const struct command *command = find(&verbs[i]);
        CHECK(command->words_max >= verbs[i].words);
    }
}

/* One option, with a value where the row says so, and what berth makes of it. */
static void check_option(const struct command *command, const char *option, size_t length)
{
    bool has_value = option[length - 1] == '=';
    char name[WORD_SIZE];
    struct args args;
    struct error err;

    (void)snprintf(name, sizeof name, "%.*s", (int)(length - has_value), option);
    check_row("%s %s: %s", command->verb, command->noun != NULL ? command->noun : "", name);
    const char *const argv[] = { name, has_value ? "7" : NULL, NULL };
    CHECK_OK(args_parse(command->options, argv, &args, &err), &err);
    CHECK_INT((int64_t)args.word_count, 0);
    /* A switch swallows no word, and what takes a value does not leave it. */
    const char *const bare[] = { name, "--raw", "word", NULL };
    if (!has_value) {
        CHECK_OK(args_parse(command->options, bare, &args, &err), &err);
        CHECK(args.word_count == 1 && args_has(&args, "raw"));
    }
}

static void test_every_option_is_known(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        const struct command *command = find(&verbs[i]);

        for (const char *at = verbs[i].options; *at != '\0'; at += strspn(at, " ")) {
            size_t length = strcspn(at, " ");

            check_option(command, at, length);
            at += length;
            count++;
        }
    }
    CHECK(count > 300);
}

/* "-bc CODE": one dash before two letters is no -b with a value. */
static void test_one_dash_does_for_two_letters(void **state)
{
    static const struct args_option options[] = { { "bc", 0, "CODE", "a code" },
                                                  { "b", 'b', "N", "a number" },
                                                  { NULL, 0, NULL, NULL } };
    const char *const apart[] = { "-bc", "X", "word", NULL }, *const joined[] = { "-bc=X", NULL };
    const char *const letter[] = { "-b7", NULL }, *const whole[] = { "--bc", "X", NULL };
    struct args args;
    struct error err;

    (void)state;
    CHECK_OK(args_parse(options, apart, &args, &err), &err);
    CHECK_TEXT(args_get(&args, "bc"), "X");
    CHECK(args.word_count == 1 && !args_has(&args, "b"));
    CHECK_OK(args_parse(options, joined, &args, &err), &err);
    CHECK_TEXT(args_get(&args, "bc"), "X");
    CHECK_OK(args_parse(options, letter, &args, &err), &err);
    CHECK_TEXT(args_get(&args, "b"), "7");
    CHECK_OK(args_parse(options, whole, &args, &err), &err);
    CHECK_TEXT(args_get(&args, "bc"), "X");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_known),
        cmocka_unit_test(test_every_option_is_known),
        cmocka_unit_test(test_one_dash_does_for_two_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
