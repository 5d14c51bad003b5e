/* SPDX-License-Identifier: Apache-2.0 */
#include "server/target.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void write_target(const struct target *target, struct buf *out)
{
    buf_printf(out, "%s", target->path);
    for (size_t i = 0; i < target->query_count; i++)
        buf_printf(out, "|%s=%s", target->query[i].name, target->query[i].value);
}

static void test_every_spelling_is_one_path(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "/", "/" },
        { "//", "/" },
        { "/a", "/a" },
        { "/a/", "/a" },
        { "/a//", "/a" },
        { "///api/v0/x/", "/api/v0/x" },
        { "/a//b", "/a//b" },
        { "/a/../b", "/a/../b" },
        { "/a%20b+c", "/a b+c" },
        { "/%c3%A4", "/\xc3\xa4" },
        { "/a?", "/a" },
        { "/a/?b", "/a|b=" },
        { "/a?b=", "/a|b=" },
        { "/a?b=c=d", "/a|b=c=d" },
        { "/a?b=1&&c=2&", "/a|b=1|c=2" },
        { "/a?b=1&b=2", "/a|b=1|b=2" },
        { "/a?x=%5B77%2C+78%5D", "/a|x=[77, 78]" },
        { "/a?x=1+2%2B3", "/a|x=1 2+3" },
        { "/a?x=%0A/", "/a|x=\n/" },
        { "/a?=v", "/a|=v" },
        { "/a?b/?c=d", "/a|b/?c=d" },
        { "http://host:80/a?b=c", "/a|b=c" },
        { "HTTPS://host", "/" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        auto_buf struct buf out = buf_of(1 << 16);
        struct target target;
        struct error err;

        check_row("%s", rows[i].text);
        CHECK_OK(target_parse(rows[i].text, &arena, &target, &err), &err);
        write_target(&target, &out);
        CHECK_TEXT(out.bytes, rows[i].want);
    }
}

static void test_what_is_signed_is_what_was_sent(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 16);
    struct target target;
    struct error err;

    (void)state;
    CHECK_OK(target_parse("/agent//v1/%64/?after=7", &arena, &target, &err), &err);
    CHECK_TEXT(target.origin, "/agent//v1/%64/?after=7");
}

static void test_what_means_two_things_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "a",
        "*",
        "?a=b",
        "/%",
        "/%4",
        "/%4x",
        "/%00",
        "/a%2Fb",
        "/%0a",
        "/%7f",
        "/?a=%00",
        "/?%00=",
        "/?a=%",
        "/?a=%f",
        "/%ff",
        "/%c3",
        "/?a=%c3%28",
        "/%c0%af",
        "/%ed%a0%80",
        "/%f5%80%80%80",
        "/%e0%80%80",
        "ftp://host/a",
        "/?a=%f4%90%80%80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        struct target target = { .path = "untouched" };
        struct error err;

        check_row("%s", rows[i]);
        CHECK_FAILS(target_parse(rows[i], &arena, &target, &err), &err, ERROR_INVALID);
        CHECK_TEXT(target.path, "untouched");
    }
}

static void test_parameters_are_counted(void **state)
{
    (void)state;
    for (int count = HTTP_QUERY_MAX - 1; count <= HTTP_QUERY_MAX + 1; count++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        auto_buf struct buf text = buf_of(1 << 16);
        struct target target;
        struct error err;

        buf_printf(&text, "/a?x0");
        for (int i = 1; i < count; i++)
            buf_printf(&text, "&x%d=%d", i, i);
        check_row("%d", count);
        if (count <= HTTP_QUERY_MAX) {
            CHECK_OK(target_parse(text.bytes, &arena, &target, &err), &err);
            CHECK_INT((int64_t)target.query_count, count);
        } else {
            CHECK_FAILS(target_parse(text.bytes, &arena, &target, &err), &err, ERROR_OUT_OF_RANGE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_spelling_is_one_path),
        cmocka_unit_test(test_what_is_signed_is_what_was_sent),
        cmocka_unit_test(test_what_means_two_things_is_refused),
        cmocka_unit_test(test_parameters_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
