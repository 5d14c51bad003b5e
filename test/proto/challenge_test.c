/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/challenge.h"

#include <string.h>

#include "check.h"

static json_t *parsed(const struct buf *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text->bytes, text->length, &root, &err), &err);
    return root;
}

static void test_what_is_written_is_read(void **state)
{
    static struct challenge_list list = { .count = 2 }, got;
    struct challenge_commit commit = { .token = "abc", .commitment = { 1, 2, 3 } }, got_commit;
    struct challenge_draw draw = { .draw = { 9 }, .openings = 64 }, got_draw;
    auto_buf struct buf first = buf_of(1 << 16);
    auto_buf struct buf second = buf_of(1 << 16), third = buf_of(1 << 16);
    struct error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        list.challenges[i] = (struct challenge){ .id = i + 1,
                                                 .seed = { 4 },
                                                 .n = 512,
                                                 .rounds = 7,
                                                 .kind = AUDIT_COMPUTE + i,
                                                 .nonces = 24 };
        memcpy(list.challenges[i].gpu, i == 0 ? "GPU-a" : "GPU-b", sizeof "GPU-a");
    }
    challenge_list_encode(&first, &list);
    auto_json json_t *root = parsed(&first);
    CHECK_OK(challenge_list_decode(root, &got, &err), &err);
    CHECK(memcmp(&got, &list, sizeof got) == 0);
    challenge_commit_encode(&second, &commit);
    auto_json json_t *other = parsed(&second);
    CHECK_OK(challenge_commit_decode(other, &got_commit, &err), &err);
    CHECK_TEXT(got_commit.token, "abc");
    CHECK(memcmp(got_commit.commitment, commit.commitment, 32) == 0);
    challenge_draw_encode(&third, &draw);
    auto_json json_t *last = parsed(&third);
    CHECK_OK(challenge_draw_decode(last, &got_draw, &err), &err);
    CHECK(memcmp(got_draw.draw, draw.draw, 32) == 0);
    CHECK_INT(got_draw.openings, 64);
}

static void test_nonces_and_verdicts_are_read(void **state)
{
    struct challenge_ask ask = { "abc", 23 }, got_ask;
    struct challenge_nonce nonce = { UINT32_MAX }, got_nonce;
    struct challenge_verdict verdict = { "more", 32, { 5 } }, got_verdict;
    auto_buf struct buf first = buf_of(1 << 12), second = buf_of(1 << 12), third = buf_of(1 << 12);
    struct error err;

    (void)state;
    challenge_ask_encode(&first, &ask);
    auto_json json_t *root = parsed(&first);
    CHECK_OK(challenge_ask_decode(root, &got_ask, &err), &err);
    CHECK_TEXT(got_ask.token, "abc");
    CHECK_INT(got_ask.number, 23);
    challenge_nonce_encode(&second, &nonce);
    auto_json json_t *other = parsed(&second);
    CHECK_OK(challenge_nonce_decode(other, &got_nonce, &err), &err);
    CHECK_INT(got_nonce.nonce, UINT32_MAX);
    challenge_verdict_encode(&third, &verdict);
    auto_json json_t *last = parsed(&third);
    CHECK_OK(challenge_verdict_decode(last, &got_verdict, &err), &err);
    CHECK(memcmp(&got_verdict, &verdict, sizeof verdict) == 0);
}

/* What an older server says means what it meant. */
static void test_an_older_server_is_understood(void **state)
{
    static struct challenge_list list;
    static const char challenges[] =
        "{\"challenges\":[{\"id\":1,\"gpu\":\"GPU-a\",\"token\":\"t\","
        "\"seed\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"n\":512,\"rounds\":2}]}";
    static const char drawn[] = "{\"draw\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    auto_json json_t *root = NULL, *second = NULL, *third = NULL;
    struct challenge_verdict verdict;
    struct challenge_draw draw;
    struct error err;

    (void)state;
    CHECK_OK(json_parse(challenges, strlen(challenges), &root, &err), &err);
    CHECK_OK(challenge_list_decode(root, &list, &err), &err);
    CHECK_INT(list.challenges[0].kind, AUDIT_COMPUTE);
    CHECK_INT(list.challenges[0].nonces, 0);
    CHECK_OK(json_parse(drawn, strlen(drawn), &second, &err), &err);
    CHECK_OK(challenge_draw_decode(second, &draw, &err), &err);
    CHECK_INT(draw.openings, CHALLENGE_OPENINGS);
    CHECK_OK(json_parse("{\"verdict\":\"good\"}", 18, &third, &err), &err);
    CHECK_OK(challenge_verdict_decode(third, &verdict, &err), &err);
    CHECK_TEXT(verdict.verdict, "good");
    CHECK_INT(verdict.cells, 0);
}

static void test_openings_of_any_length_arrive(void **state)
{
    static uint8_t bytes[5000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)check_random(256);
    for (size_t length = 0; length < sizeof bytes; length += 1 + length / 3) {
        auto_arena struct arena arena = arena_of(1 << 16);
        auto_buf struct buf text = buf_of(1 << 16);
        const uint8_t *got;
        const char *token;
        size_t got_length;
        struct error err;

        check_row("%zu bytes", length);
        challenge_opening_encode(&text, "abc", bytes, length);
        auto_json json_t *root = parsed(&text);
        CHECK_OK(challenge_opening_decode(root, &arena, &token, &got, &got_length, &err), &err);
        CHECK_TEXT(token, "abc");
        CHECK(got_length == length && memcmp(got, bytes, length) == 0);
    }
}

static void test_slices_and_receipts_arrive(void **state)
{
    static uint8_t bytes[1000];
    auto_arena struct arena arena = arena_of(1 << 16);
    auto_buf struct buf text = buf_of(1 << 16), second = buf_of(1 << 16);
    struct challenge_receipt receipt = { { 1, 2, 3 } }, got_receipt;
    struct challenge_slice got;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)check_random(256);
    challenge_slice_encode(&text, &(struct challenge_slice){ { "abc", 127 }, bytes, 1000 });
    auto_json json_t *root = parsed(&text);
    CHECK_OK(challenge_slice_decode(root, &arena, &got, &err), &err);
    CHECK_TEXT(got.ask.token, "abc");
    CHECK_INT(got.ask.number, CHALLENGE_NUMBERS_MAX - 1);
    CHECK(got.length == 1000 && memcmp(got.bytes, bytes, 1000) == 0);
    challenge_receipt_encode(&second, &receipt);
    auto_json json_t *other = parsed(&second);
    CHECK_OK(challenge_receipt_decode(other, &got_receipt, &err), &err);
    CHECK(memcmp(&receipt, &got_receipt, sizeof receipt) == 0);
    CHECK(!challenge_receipt_decode(root, &got_receipt, &err));
    CHECK(!challenge_slice_decode(other, &arena, &got, &err));
}

/* Which rows come first; an older server does not say, and means all. */
static void test_parts_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t openings, part;
    } rows[] = {
        { "", 64, 64 },
        { ",\"openings\":256,\"part\":11", 256, 11 },
        { ",\"openings\":64", 64, 64 },
        { ",\"openings\":5,\"part\":6", 5, 5 },
        { ",\"openings\":0", 0, 0 },
        { ",\"openings\":257", -1, 0 },
        { ",\"part\":-1", -1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(1 << 10);
        struct challenge_draw draw;
        struct error err;

        check_row("%s", rows[i].text);
        buf_printf(&text, "{\"draw\":\"%.43s\"%s}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                   rows[i].text);
        auto_json json_t *root = parsed(&text);
        CHECK(challenge_draw_decode(root, &draw, &err) == (rows[i].openings >= 0));
        if (rows[i].openings < 0)
            continue;
        CHECK_INT(draw.openings, rows[i].openings);
        CHECK_INT(draw.part, rows[i].part);
    }
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"token\":1,\"opening\":\"\"}",
        "{\"token\":\"a\"}",
        "{\"token\":\"a\",\"opening\":\"*\"}",
        "{\"token\":\"a\",\"opening\":7}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        auto_json json_t *root = NULL;
        const uint8_t *bytes;
        const char *token;
        size_t length;
        struct error err;

        check_row("%s", rows[i]);
        CHECK_OK(json_parse(rows[i], strlen(rows[i]), &root, &err), &err);
        CHECK(!challenge_opening_decode(root, &arena, &token, &bytes, &length, &err));
        struct challenge_commit commit;
        CHECK(!challenge_commit_decode(root, &commit, &err));
        static struct challenge_list list;
        CHECK(!challenge_list_decode(root, &list, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_nonces_and_verdicts_are_read),
        cmocka_unit_test(test_an_older_server_is_understood),
        cmocka_unit_test(test_openings_of_any_length_arrive),
        cmocka_unit_test(test_slices_and_receipts_arrive),
        cmocka_unit_test(test_parts_are_read),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
