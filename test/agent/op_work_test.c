/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/op_work.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

static void append_frame(struct buf *out, int stream, const char *text)
{
    size_t length = strlen(text);
    char header[8] = {
        (char)stream,        0,           0, 0, (char)(length >> 24), (char)(length >> 16),
        (char)(length >> 8), (char)length
    };

    buf_append(out, header, sizeof header);
    buf_append(out, text, length);
}

/* However the pieces fall, the text is the same. */
static void test_frames_come_in_any_pieces(void **state)
{
    auto_buf struct buf stream = buf_of(65536);
    static char long_text[1000];

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    append_frame(&stream, 1, "out\n");
    append_frame(&stream, 2, "");
    append_frame(&stream, 2, "err\n");
    append_frame(&stream, 1, long_text);
    for (int round = 0; round < 500; round++) {
        auto_buf struct buf out = buf_of(65536);
        struct op_frames frames = { 0 };

        check_row("round %d", round);
        for (size_t at = 0; at < stream.length;) {
            size_t left = stream.length - at;
            size_t count = 1 + check_random(round == 0 ? 1 : 40);

            count = count < left ? count : left;
            op_frames_take(&frames, stream.bytes + at, count, &out);
            at += count;
        }
        CHECK_INT((int64_t)out.length, 8 + (int64_t)sizeof long_text - 1);
        CHECK(memcmp(out.bytes, "out\nerr\nxxx", 11) == 0);
    }
}

static void test_output_is_cut_at_its_limit(void **state)
{
    auto_buf struct buf stream = buf_of(65536), out = buf_of(10);
    struct op_frames frames = { 0 };

    (void)state;
    append_frame(&stream, 1, "0123456");
    append_frame(&stream, 1, "789abc");
    op_frames_take(&frames, stream.bytes, stream.length, &out);
    CHECK(!out.has_overflowed);
    CHECK_TEXT(out.bytes, "0123456789");
}

static void test_last_lines(void **state)
{
    static const struct {
        const char *text, *filter;
        int64_t count;
        const char *want;
    } rows[] = {
        { "a\nb\nc\n", NULL, 2, "b\nc\n" },
        { "a\nb\nc", NULL, 2, "b\nc" },
        { "a\nb\nc\n", NULL, 9, "a\nb\nc\n" },
        { "a\nb\nc\n", NULL, 0, "" },
        { "", NULL, 5, "" },
        { "\n\n", NULL, 1, "\n" },
        { "error 1\nok\nerror 2\nok\n", "error", 1, "error 2\n" },
        { "error 1\nok\nerror 2\nok\n", "error", 5, "error 1\nerror 2\n" },
        { "error 1\nok\n", "none", 5, "" },
        { "ab", "b", 5, "ab" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(4096);

        check_row("row %zu", i);
        buf_append(&out, "", 0);
        op_lines(rows[i].text, strlen(rows[i].text), rows[i].filter, rows[i].count, &out);
        CHECK_TEXT(out.bytes, rows[i].want);
    }
}

/* What does not fit goes from the front, a whole line at a time. */
static void test_the_newest_lines_fit(void **state)
{
    auto_buf struct buf out = buf_of(7);

    (void)state;
    op_lines("one\ntwo\nthree\n", 14, NULL, 9, &out);
    CHECK(!out.has_overflowed);
    CHECK_TEXT(out.bytes, "three\n");
}

static void test_text_is_made_valid(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *want;
    } rows[] = {
        { "plain\n\t\x1b", 8, "plain\n\t\x1b" },
        { "a\0b", 3, "a?b" },
        { "\xc3\xa9", 2, "\xc3\xa9" },
        { "\xc3", 1, "?" },
        { "\xc0\x80", 2, "??" },
        { "\xe2\x82\xac", 3, "\xe2\x82\xac" },
        { "\xed\xa0\x80", 3, "???" },      /* a surrogate */
        { "\xf4\x90\x80\x80", 4, "????" }, /* beyond Unicode */
        { "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
        { "\xf0\x9f\x98", 3, "???" },
        { "\x80\xff", 2, "??" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32] = "";

        check_row("row %zu", i);
        memcpy(text, rows[i].text, rows[i].length);
        op_clean(text, rows[i].length);
        CHECK_TEXT(text, rows[i].want);
    }
}

/* Any bytes at all, cleaned, are a JSON text. */
static void test_noise_is_made_valid(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        auto_buf struct buf out = buf_of(4096);
        auto_json json_t *root = NULL;
        struct encoder json = encoder_of(&out);
        char noise[24];
        struct error err;

        check_row("round %d", round);
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)check_random(256);
        op_clean(noise, sizeof noise);
        encode_bytes(&json, noise, sizeof noise);
        CHECK_OK(json_parse(out.bytes, out.length, &root, &err), &err);
        CHECK_INT((int64_t)json_string_length(root), sizeof noise);
        CHECK(memcmp(json_string_value(root), noise, sizeof noise) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_in_any_pieces),
        cmocka_unit_test(test_output_is_cut_at_its_limit),
        cmocka_unit_test(test_last_lines),
        cmocka_unit_test(test_the_newest_lines_fit),
        cmocka_unit_test(test_text_is_made_valid),
        cmocka_unit_test(test_noise_is_made_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
