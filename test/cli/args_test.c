/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "check.h"

static const struct args_option options[] = {
    { "limit", 0, "N", "" },       { "order", 'o', "FIELDS", "" }, { "quiet", 'q', NULL, "" },
    { "price-gpu", 'g', "D", "" }, { "args", 0, "ARG...", "" },    { NULL, 0, NULL, NULL },
};

#define PARSE(args, err, ...)                                                                      \
    args_parse(options, ((const char *const[]){ __VA_ARGS__, NULL }), args, err)

static void test_options_in_every_spelling(void **state)
{
    struct args args;
    struct error err;

    (void)state;
    CHECK_OK(PARSE(&args, &err, "a", "--limit", "5", "-odph", "b", "--price_gpu=0.5", "-q"), &err);
    CHECK_TEXT(args_get(&args, "limit"), "5");
    CHECK_TEXT(args_get(&args, "order"), "dph");
    CHECK_TEXT(args_get(&args, "price-gpu"), "0.5");
    CHECK(args_has(&args, "quiet") && !args_has(&args, "raw"));
    CHECK(args.word_count == 2 && args.words[2] == NULL);
    CHECK_TEXT(args.words[1], "b");

    /* A value may look like an option, and be empty. */
    CHECK_OK(PARSE(&args, &err, "-o", "-q", "--limit=", "--raw", "--url", "http://x"), &err);
    CHECK_TEXT(args_get(&args, "order"), "-q");
    CHECK_TEXT(args_get(&args, "limit"), "");
    CHECK(args_has(&args, "raw") && !args_has(&args, "quiet"));
    CHECK_TEXT(args_get(&args, "url"), "http://x");
}

static void test_where_options_end(void **state)
{
    struct args args;
    struct error err;

    (void)state;
    CHECK_OK(PARSE(&args, &err, "7", "--", "ls", "-l", "--", "--raw"), &err);
    CHECK(args.word_count == 5 && !args_has(&args, "raw"));
    CHECK_TEXT(args.words[2], "-l");
    CHECK_TEXT(args.words[3], "--");
    CHECK_OK(PARSE(&args, &err, "-", "-0", "-9", "x"), &err);
    CHECK_INT((int64_t)args.word_count, 4);
    CHECK_OK(PARSE(&args, &err, "7", "--args", "sh", "--raw", "--", "-q"), &err);
    CHECK(args.word_count == 1 && args_has(&args, "args") && !args_has(&args, "raw"));
    CHECK_TEXT(args.rest[1], "--raw");
    CHECK(args.rest[4] == NULL);
    CHECK_OK(PARSE(&args, &err, "--args"), &err);
    CHECK(args_has(&args, "args") && args.rest[0] == NULL);
}

static void test_what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *word, *text;
    } rows[] = {
        { "--nope", "there is no option '--nope' here" },
        { "-x", "there is no option '-x' here" },
        { "--limits", "there is no option '--limits' here; did you mean --limit?" },
        { "--limt=5", "there is no option '--limt=5' here; did you mean --limit?" },
        { "--price+gpu", "there is no option '--price+gpu' here; did you mean --price-gpu?" },
        { "--hepl", "there is no option '--hepl' here" },
        { "--hel", "there is no option '--hel' here; did you mean --help?" },
        { "--lim", "there is no option '--lim' here" },
        { "--limit", "--limit wants a value: N" },
        { "-o", "-o wants a value: FIELDS" },
        { "--quiet=1", "--quiet takes no value" },
        { "-qq", "there is no option '-qq' here" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct args args = { .word_count = 42 };
        struct error err;

        check_row("%s", rows[i].word);
        CHECK_FAILS(PARSE(&args, &err, rows[i].word), &err, ERROR_INVALID);
        CHECK_TEXT(err.text, rows[i].text);
        CHECK_INT((int64_t)args.word_count, 42);
    }
}

static void test_words_have_a_limit(void **state)
{
    const char *words[ARGS_WORDS_MAX + 2];

    (void)state;
    for (size_t count = ARGS_WORDS_MAX; count <= ARGS_WORDS_MAX + 1; count++) {
        struct args args;
        struct error err;

        for (size_t i = 0; i < count; i++)
            words[i] = "w";
        words[count] = NULL;
        CHECK(args_parse(options, words, &args, &err) == (count == ARGS_WORDS_MAX));
    }
}

static void test_globals_in_front_are_counted(void **state)
{
    (void)state;
    CHECK_INT((int64_t)args_count_leading_globals((const char *[]){ "show", NULL }), 0);
    CHECK_INT(
        (int64_t)args_count_leading_globals((const char *[]){ "--raw", "--url", "u", "x", NULL }),
        3);
    CHECK_INT((int64_t)args_count_leading_globals((const char *[]){ "--url=u", "x", NULL }), 1);
    CHECK_INT((int64_t)args_count_leading_globals((const char *[]){ "--url", NULL }), 1);
    CHECK_INT((int64_t)args_count_leading_globals((const char *[]){ "--nope", NULL }), 0);
    CHECK_INT((int64_t)args_count_leading_globals((const char *[]){ NULL }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_in_every_spelling),
        cmocka_unit_test(test_where_options_end),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_words_have_a_limit),
        cmocka_unit_test(test_globals_in_front_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
