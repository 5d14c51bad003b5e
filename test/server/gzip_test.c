/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gzip.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "support_gunzip.h"

enum { TEXT_MAX = 100000, ROW_ROOM = 2 * TEXT_MAX + 16 };

/* One row behind another: what is decoded is both, with what stands around them. */
static size_t check_pair(const struct buf *last, const struct buf *text, size_t gap)
{
    auto_buf struct buf packed = buf_of(1 << 20), wanted = buf_of(1 << 20), got = buf_of(1 << 20);
    auto_free char *bytes = malloc(ROW_ROOM), *between = calloc(1, gap + 1);
    const struct gzip_part part = { text->bytes, last->bytes, text->length, last->length,
                                    last->length + gap };

    memset(between, '-', gap);
    struct gzip gzip =
        gzip_of(&packed, last->bytes, last->length, gzip_crc(0, last->bytes, last->length));
    const struct gzip_part none = { .length = 0 };
    size_t nothing = gzip_compare(&none, 1, bytes, ROW_ROOM);
    gzip_row(&gzip, &(struct gzip_known){ bytes, nothing, 0, 0, gzip_shift(0) }, between, gap);
    size_t length = gzip_compare(&part, 1, bytes, ROW_ROOM);
    CHECK(length > 0 && length <= 2 * text->length + 16);
    gzip_row(&gzip,
             &(struct gzip_known){ bytes, length, text->length,
                                   gzip_crc(0, text->bytes, text->length),
                                   gzip_shift(text->length) },
             "tail", 4);
    gzip_end(&gzip, "end", 3);

    buf_append(&wanted, last->bytes, last->length);
    buf_append(&wanted, between, gap);
    buf_append(&wanted, text->bytes, text->length);
    buf_append(&wanted, "tailend", 7);
    check_gunzip(&packed, &got);
    CHECK(got.length == wanted.length);
    CHECK(memcmp(got.bytes, wanted.bytes, wanted.length) == 0);
    return length;
}

static struct buf a_text(const char *text)
{
    struct buf buf = buf_of(TEXT_MAX);

    buf_append(&buf, text, strlen(text));
    return buf;
}

static void test_what_is_equal_is_a_reference(void **state)
{
    static const struct {
        const char *last, *text;
        size_t most; /* bytes */
    } rows[] = {
        { "{\"id\":1,\"name\":\"abc\"", "{\"id\":1,\"name\":\"abc\"", 6 },
        { "{\"id\":1,\"name\":\"abc\"", "{\"id\":2,\"name\":\"abc\"", 14 },
        { "{\"id\":12,\"name\":\"abc\",\"x\":1", "{\"id\":1,\"name\":\"abc\",\"x\":1", 12 },
        { "{\"id\":1,\"name\":\"abc\",\"x\":1", "{\"id\":12345,\"name\":\"abc\",\"x\":1", 18 },
        { "{\"id\":1,\"ids\":[1,2],\"x\":1", "{\"id\":1,\"ids\":[1,3,4,5],\"x\":1", 20 },
        { "{\"id\":1,\"name\":\"a, b\",\"x\":1", "{\"id\":1,\"name\":\"c, d\",\"x\":1", 22 },
        { "", "{\"id\":1", 11 },
        { "{\"id\":1", "", 3 },
        { "", "", 3 },
        { "abc", "xyz", 8 },
        { ",\"a\":1", ",\"a\":1,\"b\":2", 16 },
        { ",\"a\":1,\"b\":2", ",\"a\":1", 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf last = a_text(rows[i].last), text = a_text(rows[i].text);

        check_row("row %zu", i);
        size_t length = check_pair(&last, &text, 3);
        CHECK(length <= rows[i].most);
    }
}

static void test_every_byte_is_coded(void **state)
{
    auto_buf struct buf last = a_text("."), text = buf_of(TEXT_MAX);

    (void)state;
    for (int round = 0; round < 4; round++) {
        for (int byte = 0; byte < 256; byte++)
            buf_append(&text, (const char[]){ (char)(round % 2 == 0 ? byte : 255 - byte) }, 1);
    }
    (void)check_pair(&last, &text, 0);
}

/* Runs of every length that has codes of its own, from every distance that has. */
static void test_every_length_and_distance_is_coded(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 600; length += length < 300 ? 1 : 37) {
        auto_buf struct buf text = buf_of(TEXT_MAX);

        for (size_t i = 0; i < length; i++)
            buf_append(&text, (const char[]){ (char)(1 + check_random(255)) }, 1);
        check_row("length %zu", length);
        (void)check_pair(&text, &text, check_random(3000));
    }
    for (int power = 0; power <= 15; power++) {
        for (int off = -2; off <= 2; off++) {
            auto_buf struct buf text = a_text("what is said again");
            int64_t distance = (INT64_C(1) << power) + off;

            if (distance < (int64_t)text.length)
                continue;
            check_row("distance %lld", (long long)distance);
            size_t length = check_pair(&text, &text, (size_t)distance - text.length);
            /* From farther away nothing can be repeated. */
            CHECK((length < text.length) == (distance <= GZIP_DISTANCE_MAX));
        }
    }
}

/* Any two rows, also those that are no JSON. */
static void test_any_two_texts_come_back(void **state)
{
    static const char letters[] = "ab,\"\":0123456789\xc3\xa9{[\\";

    (void)state;
    for (int round = 0; round < 3000; round++) {
        auto_buf struct buf last = buf_of(TEXT_MAX), text = buf_of(TEXT_MAX);
        size_t length = check_random(200);

        for (size_t i = 0; i < length; i++) {
            size_t letter = check_random(sizeof letters - 1);

            if (check_random(20) != 0)
                buf_append(&last, letters + letter, 1);
            if (check_random(30) != 0)
                buf_append(&text, check_random(15) == 0 ? "," : letters + letter, 1);
        }
        buf_append(&last, ".", 1);
        buf_append(&text, ".", 1);
        check_row("round %d", round);
        (void)check_pair(&last, &text, check_random(100));
    }
}

static void test_what_does_not_fit_is_told(void **state)
{
    auto_buf struct buf text = a_text("{\"id\":1,\"name\":\"one that is others each time\"");
    const struct gzip_part part = { .text = text.bytes, .length = text.length };
    char room[200];
    size_t whole = gzip_compare(&part, 1, room, sizeof room);

    (void)state;
    CHECK(whole > text.length && whole <= 2 * text.length + 16);
    for (size_t size = 0; size < sizeof room; size++) {
        memset(room, '#', sizeof room);
        size_t length = gzip_compare(&part, 1, room, size);

        check_row("room for %zu", size);
        CHECK(length == 0 || length == whole);
        CHECK(size < 2 * text.length + 16 || length == whole);
        for (size_t i = size; i < sizeof room; i++)
            CHECK(room[i] == '#');
    }
}

static void test_a_reply_that_is_too_long_overflows(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 60; limit++) {
        auto_buf struct buf packed = buf_of(limit);
        struct gzip gzip = gzip_of(&packed, "begins", 6, gzip_crc(0, "begins", 6));

        gzip_end(&gzip, "ends", 4);
        check_row("limit %zu", limit);
        CHECK(packed.has_overflowed == (limit < 10 + 1 + 4 + 6 + 1 + 4 + 4 + 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_equal_is_a_reference),
        cmocka_unit_test(test_every_byte_is_coded),
        cmocka_unit_test(test_every_length_and_distance_is_coded),
        cmocka_unit_test(test_any_two_texts_come_back),
        cmocka_unit_test(test_what_does_not_fit_is_told),
        cmocka_unit_test(test_a_reply_that_is_too_long_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
