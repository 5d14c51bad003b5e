/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pull.h"

#include <string.h>

#include "check.h"

static void take(struct pull_state *state, const char *line)
{
    pull_take(state, line, strlen(line));
}

static void test_progress_adds_up(void **state)
{
    static struct pull_state pull;
    char text[128];

    (void)state;
    pull = (struct pull_state){ 0 };
    CHECK_TEXT(pull_format(&pull, text), "0 of 0 layers, 0 of 0 MB");
    take(&pull, "{\"status\":\"Pulling from library/x\",\"id\":\"1\"}");
    take(&pull, "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaa\"}");
    take(&pull, "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bbb\"}");
    take(&pull, "{\"status\":\"Already exists\",\"id\":\"ccc\"}");
    CHECK_TEXT(pull_format(&pull, text), "1 of 3 layers, 0 of 0 MB");
    take(&pull, "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":2000000,\"total\":"
                "10000000},\"id\":\"aaa\"}");
    CHECK_TEXT(pull_format(&pull, text), "1 of 3 layers, 2 of 10 MB");
    take(&pull, "{\"status\":\"Download complete\",\"id\":\"aaa\"}");
    CHECK_TEXT(pull_format(&pull, text), "1 of 3 layers, 10 of 10 MB");
    take(&pull, "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,\"total\":10000000},"
                "\"id\":\"aaa\"}");
    CHECK_TEXT(pull_format(&pull, text), "1 of 3 layers, 10 of 10 MB");
    take(&pull, "{\"status\":\"Pull complete\",\"id\":\"aaa\"}");
    take(&pull, "{\"status\":\"Pull complete\",\"id\":\"bbb\"}");
    CHECK_TEXT(pull_format(&pull, text), "3 of 3 layers, 10 of 10 MB");
    CHECK(!pull.has_failed);
}

static void test_an_error_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        { "{\"errorDetail\":{\"message\":\"verification failed\"},\"error\":\"x\"}",
          "verification failed" },
        { "{\"error\":\"no space left\"}", "no space left" },
        { "{\"message\":\"manifest unknown\"}", "manifest unknown" },
        { "{\"errorDetail\":{}}", "no reason given" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct pull_state pull;

        check_row("row %zu", i);
        pull = (struct pull_state){ 0 };
        take(&pull, "{\"status\":\"Downloading\",\"id\":\"a\"}");
        take(&pull, rows[i].line);
        take(&pull, "{\"status\":\"Pull complete\",\"id\":\"a\"}");
        CHECK(pull.has_failed);
        CHECK_TEXT(pull.err.text, rows[i].want);
    }
}

static void test_what_is_not_understood_is_left_aside(void **state)
{
    static const char *const lines[] = { "",
                                         "{",
                                         "[]",
                                         "7",
                                         "\"x\"",
                                         "{\"status\":7}",
                                         "{\"status\":\"Downloading\"}",
                                         "{\"status\":\"Downloading\",\"id\":7}" };
    static struct pull_state pull;

    (void)state;
    pull = (struct pull_state){ 0 };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        take(&pull, lines[i]);
    CHECK(!pull.has_failed);
    CHECK_INT(pull.layer_count, 0);
}

static void test_layers_have_a_most(void **state)
{
    static struct pull_state pull;

    (void)state;
    pull = (struct pull_state){ 0 };
    for (int i = 0; i < PULL_LAYERS_MAX + 10; i++) {
        auto_buf struct buf line = buf_of(256);

        buf_printf(&line, "{\"status\":\"Pull complete\",\"id\":\"layer%d\"}", i);
        take(&pull, line.bytes);
    }
    CHECK_INT(pull.layer_count, PULL_LAYERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_adds_up),
        cmocka_unit_test(test_an_error_is_found_wherever_it_stands),
        cmocka_unit_test(test_what_is_not_understood_is_left_aside),
        cmocka_unit_test(test_layers_have_a_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
