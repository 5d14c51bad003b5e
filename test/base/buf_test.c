/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void test_appends_and_formats(void **state)
{
    (void)state;
    auto_buf struct buf buf = buf_of(100);

    buf_append(&buf, "gpu", 3);
    buf_printf(&buf, "_ram=%d", 24);
    buf_append(&buf, "", 0);
    CHECK_TEXT(buf.bytes, "gpu_ram=24");
    CHECK_INT((int64_t)buf.length, 10);
    CHECK(!buf.has_overflowed);
}

static void test_holds_its_limit_and_no_more(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 200; limit++) {
        auto_buf struct buf buf = buf_of(limit);

        check_row("limit %zu", limit);
        for (size_t i = 0; i < limit; i++)
            buf_append(&buf, "x", 1);
        CHECK(buf.length == limit && !buf.has_overflowed);
        buf_append(&buf, "x", 1);
        CHECK(buf.length == 0 && buf.has_overflowed);
    }
}

static void test_room_is_given_up_to_the_limit_and_taken_in_place(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 200; limit++) {
        auto_buf struct buf buf = buf_of(limit);

        check_row("limit %zu", limit);
        CHECK(buf_room(&buf, limit + 1) == NULL && buf_room(&buf, SIZE_MAX) == NULL);
        CHECK(!buf.has_overflowed && buf.length == 0);
        for (size_t i = 0; i < limit; i++) {
            char *room = buf_room(&buf, limit - i);

            CHECK(room != NULL && room == buf.bytes + i);
            memset(room, 'x', limit - i);
            buf_claim(&buf, 1);
        }
        CHECK(buf.length == limit && (limit == 0 || strlen(buf.bytes) == limit));
        CHECK(buf_room(&buf, 1) == NULL && buf_room(&buf, 0) != NULL);
        buf_append(&buf, "x", 1);
        CHECK(buf_room(&buf, 0) == NULL && buf.has_overflowed);
    }
}

static void test_stays_overflowed_until_released(void **state)
{
    (void)state;
    auto_buf struct buf buf = buf_of(4);

    buf_printf(&buf, "%s", "12345");
    CHECK(buf.has_overflowed);
    buf_append(&buf, "1", 1);
    buf_printf(&buf, "%d", 1);
    CHECK(buf.has_overflowed && buf.bytes == NULL);

    buf_release(&buf);
    buf_printf(&buf, "%d", 1234);
    CHECK_TEXT(buf.bytes, "1234");
}

static void test_hands_over_what_it_owns(void **state)
{
    (void)state;
    auto_buf struct buf buf = buf_of(100);
    auto_free char *nothing = buf_take(&buf);

    buf_append(&buf, "a\0b", 3);
    auto_free char *something = buf_take(&buf);
    buf_append(&buf, "c", 1);
    CHECK_TEXT(nothing, "");
    CHECK(memcmp(something, "a\0b", sizeof "a\0b") == 0);
    CHECK_TEXT(buf.bytes, "c");
}

/* Whatever is appended, in whatever pieces, is what the buffer holds. */
static void test_pieces_make_the_whole(void **state)
{
    (void)state;
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";

    for (int round = 0; round < 200; round++) {
        auto_buf struct buf buf = buf_of(2000);
        char whole[2000] = "";
        size_t length = 0;

        check_row("round %d", round);
        for (uint64_t pieces = check_random(60); pieces > 0; pieces--) {
            size_t piece = (size_t)check_random(sizeof alphabet);

            memcpy(whole + length, alphabet, piece);
            length += piece;
            if (check_random(2) == 0)
                buf_append(&buf, alphabet, piece);
            else
                buf_printf(&buf, "%.*s", (int)piece, alphabet);
        }
        CHECK(buf.length == length);
        CHECK(length == 0 || memcmp(buf.bytes, whole, length) == 0);
    }
}

/* As printf() has them, whatever they are. */
static void test_numbers_are_decimal(void **state)
{
    static const int64_t edges[] = { 0, 1, -1, 9, 10, -10, 99, 100, INT64_MAX, INT64_MIN };
    char text[32];

    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        size_t edge_count = sizeof edges / sizeof edges[0];
        int64_t number = (int64_t)(check_random(UINT64_MAX) >> check_random(64));
        auto_buf struct buf buf = buf_of(64);

        if (i < edge_count)
            number = edges[i];
        check_row("%" PRId64, number);
        (void)snprintf(text, sizeof text, "%" PRId64, number);
        buf_int(&buf, number);
        CHECK_TEXT(buf.bytes, text);
    }
    auto_buf struct buf small = buf_of(3);
    buf_int(&small, 123);
    CHECK(!small.has_overflowed);
    buf_int(&small, 4);
    CHECK(small.has_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_and_formats),
        cmocka_unit_test(test_holds_its_limit_and_no_more),
        cmocka_unit_test(test_room_is_given_up_to_the_limit_and_taken_in_place),
        cmocka_unit_test(test_stays_overflowed_until_released),
        cmocka_unit_test(test_hands_over_what_it_owns),
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_numbers_are_decimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
