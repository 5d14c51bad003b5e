/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "check.h"

static void test_what_is_handed_out_is_zeroed_aligned_and_apart(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    unsigned char *parts[200];
    size_t sizes[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        sizes[i] = (size_t)check_random(i % 10 == 0 ? 9000 : 100) + 1;
        parts[i] = arena_alloc(&arena, 1, sizes[i]);
        check_row("part %zu of %zu", i, sizes[i]);
        CHECK(parts[i] != NULL && (uintptr_t)parts[i] % _Alignof(max_align_t) == 0);
        for (size_t at = 0; at < sizes[i]; at++)
            CHECK(parts[i][at] == 0);
        memset(parts[i], (int)i, sizes[i]);
        CHECK(arena_copy(&arena, "x", i % 2) != NULL); /* leaves the next one unaligned */
    }
    for (size_t i = 0; i < 200; i++) {
        check_row("part %zu of %zu", i, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            CHECK(parts[i][at] == (unsigned char)i);
    }
}

static void test_holds_its_limit_and_no_more(void **state)
{
    static const size_t limits[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 10000 };

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        size_t limit = limits[i];

        check_row("limit %zu", limit);
        {
            auto_arena struct arena arena = arena_of(limit);
            CHECK(arena_alloc(&arena, limit + 1, 1) == NULL);
            CHECK(arena_alloc(&arena, limit, 1) != NULL);
            CHECK(arena.used == limit);
            CHECK(arena_alloc(&arena, 1, 1) == NULL);
            CHECK(arena_text(&arena, "") == NULL);
            arena_release(&arena);
            CHECK(arena.used == 0 && arena_alloc(&arena, limit, 1) != NULL);
        }
        {
            auto_arena struct arena arena = arena_of(limit);
            for (size_t count = 0; count < limit; count++)
                CHECK(arena_text(&arena, "") != NULL);
            CHECK(arena_text(&arena, "") == NULL);
            CHECK(arena.used == limit);
        }
    }
}

static void test_padding_counts(void **state)
{
    auto_arena struct arena arena = arena_of(32);

    (void)state;
    CHECK(arena_text(&arena, "") != NULL);
    CHECK(arena_alloc(&arena, 1, 17) == NULL);
    CHECK(arena_alloc(&arena, 1, 16) != NULL);
    CHECK(arena.used == 32);
}

static void test_sizes_that_overflow_are_past_any_limit(void **state)
{
    auto_arena struct arena arena = arena_of(1000);

    (void)state;
    CHECK(arena_alloc(&arena, SIZE_MAX, 2) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX / 2 + 1, 2) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX, 1) == NULL);
    CHECK(arena_copy(&arena, "", SIZE_MAX) == NULL);
    CHECK(arena.used == 0);
    CHECK(arena_alloc(&arena, 0, SIZE_MAX) != NULL);
    CHECK(arena_alloc(&arena, 0, 8) != NULL);
    CHECK(arena.used == 0);
}

static void test_texts_are_copies(void **state)
{
    auto_arena struct arena arena = arena_of(100);
    char original[] = "berth 7";

    (void)state;
    char *copy = arena_text(&arena, original);
    char *part = arena_copy(&arena, original, 5);
    char *formatted = arena_printf(&arena, "%s-%d", part, 42);
    memset(original, 'x', sizeof original - 1);
    CHECK_TEXT(copy, "berth 7");
    CHECK_TEXT(part, "berth");
    CHECK_TEXT(formatted, "berth-42");
    CHECK_INT((int64_t)arena.used, sizeof "berth 7" + sizeof "berth" + sizeof "berth-42");
}

static void test_formatting_stops_at_the_limit(void **state)
{
    auto_arena struct arena arena = arena_of(4);

    (void)state;
    CHECK(arena_printf(&arena, "%d", 1234) == NULL);
    CHECK_TEXT(arena_printf(&arena, "%d", 123), "123");
    CHECK(arena_printf(&arena, "%s", "") == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_handed_out_is_zeroed_aligned_and_apart),
        cmocka_unit_test(test_holds_its_limit_and_no_more),
        cmocka_unit_test(test_padding_counts),
        cmocka_unit_test(test_sizes_that_overflow_are_past_any_limit),
        cmocka_unit_test(test_texts_are_copies),
        cmocka_unit_test(test_formatting_stops_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
