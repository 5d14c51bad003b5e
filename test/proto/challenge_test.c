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
    struct challenge_draw draw = { .draw = { 9 } }, got_draw;
    auto_buf struct buf first = buf_of(1 << 16);
    auto_buf struct buf second = buf_of(1 << 16), third = buf_of(1 << 16);
    struct error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        list.challenges[i] =
            (struct challenge){ .id = i + 1, .seed = { 4 }, .n = 512, .rounds = 7 };
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
        cmocka_unit_test(test_openings_of_any_length_arrive),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
