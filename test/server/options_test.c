/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <string.h>

#include "check.h"

static const struct option_row rows[] = {
    { "data", "DIR", "where everything is kept" },
    { "listen", "ADDR:PORT", "where to answer" },
    { "auto-verify", NULL, "trust every machine" },
    { NULL, NULL, NULL },
};

enum { WORDS_MAX = 8 };

static int count_words(const char *const *words)
{
    int count = 0;

    while (count < WORDS_MAX && words[count] != NULL)
        count++;
    return count;
}

/* Both may be missing: then they are the same, too. */
static void check_same(const char *got, const char *want)
{
    CHECK_TEXT(got != NULL ? got : "(none)", want != NULL ? want : "(none)");
}

static void test_the_command_line_is_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        const char *wrong; /* NULL: fine */
        const char *data, *listen, *word;
        bool verifies, wants_help;
    } cases[] = {
        { { "--data", "d" }, .data = "d" },
        { { "--data=d", "--auto-verify" }, .data = "d", .verifies = true },
        { { "--data=", "x" }, .data = "", .word = "x" },
        { { "--listen", "--data" }, .listen = "--data" },
        { { "user", "--data", "d", "-h" }, .data = "d", .word = "user", .wants_help = true },
        { { "--help" }, .wants_help = true },
        { { "--dat", "d" }, .wrong = "unknown option '--dat'" },
        { { "--data" }, .wrong = "--data needs DIR" },
        { { "--data=a", "--data=b" }, .wrong = "--data is given twice" },
        { { "--auto-verify=1" }, .wrong = "--auto-verify takes no value" },
        { { "-x" }, .wrong = "unknown option '-x'" },
        { { "--" }, .wrong = "unknown option '--'" },
        { { "a", "b", "c", "d", "e" }, .wrong = "'e' is one word too many" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options = { .word_count = 99 };
        struct error err = { 0 };
        check_row("case %zu", i);
        bool is_ok = options_parse(rows, count_words(cases[i].words), (char **)cases[i].words,
                                   &options, &err);
        if (cases[i].wrong != NULL) {
            CHECK_FAILS(is_ok, &err, ERROR_INVALID);
            CHECK_TEXT(err.text, cases[i].wrong);
            CHECK(options.word_count == 99);
            continue;
        }
        CHECK_OK(is_ok, &err);
        check_same(options_get(&options, "data"), cases[i].data);
        check_same(options_get(&options, "listen"), cases[i].listen);
        CHECK_INT(options_has(&options, "auto-verify"), cases[i].verifies);
        CHECK_INT(options.wants_help, cases[i].wants_help);
        check_same(options.words[0], cases[i].word);
    }
}

static void test_a_file_fills_in_what_the_command_line_left_out(void **state)
{
    (void)state;
    static const char text[] = "# where\n\n  data  /var/lib/berth \r\nlisten 1:2 # not this\n"
                               "auto-verify\t# and no value#";
    char *words[] = { (char *)"--listen", (char *)"9:9" };
    struct options options;
    struct error err;
    auto_arena struct arena arena = arena_of(4096);

    CHECK_OK(options_parse(rows, 2, words, &options, &err), &err);
    CHECK_OK(options_add_file(&options, text, &arena, &err), &err);
    CHECK_TEXT(options_get(&options, "data"), "/var/lib/berth");
    CHECK_TEXT(options_get(&options, "listen"), "9:9");
    CHECK(options_has(&options, "auto-verify"));
}

static void test_a_value_may_have_a_number_sign_in_it(void **state)
{
    (void)state;
    struct options options;
    struct error err;
    auto_arena struct arena arena = arena_of(4096);

    CHECK_OK(options_parse(rows, 0, NULL, &options, &err), &err);
    CHECK_OK(
        options_add_file(&options, "data https://a.example/b#c#d # e\nlisten 1:2 #", &arena, &err),
        &err);
    CHECK_TEXT(options_get(&options, "data"), "https://a.example/b#c#d");
    CHECK_TEXT(options_get(&options, "listen"), "1:2");
}

static void test_a_wrong_file_is_refused_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "data d\nlisden 1", "line 2: unknown setting 'lisden'" },
        { "listen 1:2\n# listen 3:4\nlisten 1:2", "line 3: listen is set twice" },
        { "auto-verify\nauto-verify", "line 2: auto-verify is set twice" },
        { "data", "line 1: data needs a value" },
        { "\n\nauto-verify yes", "line 3: auto-verify takes no value" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        struct error err;
        auto_arena struct arena arena = arena_of(4096);
        check_row("case %zu", i);
        CHECK_OK(options_parse(rows, 0, NULL, &options, &err), &err);
        CHECK_FAILS(options_add_file(&options, cases[i].text, &arena, &err), &err, ERROR_INVALID);
        CHECK_TEXT(err.text, cases[i].wrong);
        CHECK(!options_has(&options, "data"));
    }

    struct options options;
    struct error err;
    auto_arena struct arena small = arena_of(4);
    CHECK_OK(options_parse(rows, 0, NULL, &options, &err), &err);
    CHECK_FAILS(options_add_file(&options, "data 12345678", &small, &err), &err,
                ERROR_OUT_OF_RANGE);
}

static void test_help_names_every_option(void **state)
{
    (void)state;
    auto_buf struct buf out = buf_of(4096);

    options_describe(rows, &out);
    CHECK(strstr(out.bytes, "  --data DIR ") != NULL);
    CHECK(strstr(out.bytes, "  --auto-verify ") != NULL);
    CHECK(strstr(out.bytes, "trust every machine\n") != NULL);
}

/* Each line of it says its option, once the '#' before it is gone. */
static void test_the_sample_is_a_file(void **state)
{
    (void)state;
    auto_buf struct buf out = buf_of(4096);
    auto_arena struct arena arena = arena_of(8192);
    struct options options;
    struct error err;

    options_sample(rows, &out);
    CHECK_OK(options_parse(rows, 0, NULL, &options, &err), &err);
    CHECK_OK(options_add_file(&options, out.bytes, &arena, &err), &err);
    CHECK(!options_has(&options, "data") && !options_has(&options, "auto-verify"));
    for (char *at = out.bytes; (at = strchr(at, '#')) != NULL; at++) {
        if (at[1] != ' ')
            *at = ' ';
    }
    CHECK_OK(options_add_file(&options, out.bytes, &arena, &err), &err);
    for (size_t i = 0; rows[i].name != NULL; i++) {
        check_row("%s", rows[i].name);
        CHECK(options_has(&options, rows[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_command_line_is_read_whole),
        cmocka_unit_test(test_a_file_fills_in_what_the_command_line_left_out),
        cmocka_unit_test(test_a_value_may_have_a_number_sign_in_it),
        cmocka_unit_test(test_a_wrong_file_is_refused_by_line),
        cmocka_unit_test(test_help_names_every_option),
        cmocka_unit_test(test_the_sample_is_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
