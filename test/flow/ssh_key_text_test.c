/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ssh_key_text.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"

#define ED "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

static void test_a_key_comes_out_as_one_clean_line(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        { "ssh-ed25519 " ED, "ssh-ed25519 " ED },
        { "ssh-ed25519 " ED " ada@berth", "ssh-ed25519 " ED " ada@berth" },
        { "  ssh-ed25519\t" ED "   ada, her laptop \r\n", "ssh-ed25519 " ED " ada, her laptop" },
        { "\n\nssh-ed25519 " ED "\n", "ssh-ed25519 " ED },
    };
    auto_arena struct arena arena = arena_of(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *line = NULL, *why = NULL;

        check_row("%zu", i);
        CHECK(ssh_key_parse(rows[i].text, &arena, &line, &why));
        CHECK_TEXT(line, rows[i].line);
        CHECK(why == NULL);
    }
}

static void test_what_is_no_key_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "", "That is no public key" },
        { "k.pub", "That is no public key" },
        { "not a key", "That is no public key" },
        { "ssh-ed25519", "cut short" },
        { "ssh-ed25519 ", "cut short" },
        { "ssh-rsa " ED, "cut short" }, /* the type inside is another */
        { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMq", "cut short" },
        { "ssh-ed25519 " ED "AAAA", "cut short" }, /* too much */
        { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJ!",
          "cut short" },
        { "ssh-ed25519 AAAAC3NzaC1lZDI1 NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
          "cut short" },
        { "ssh-ed25519 " ED " a\nssh-ed25519 " ED, "one line" }, /* two keys */
        { "command=\"id\" ssh-ed25519 " ED, "That is no public key" },
        { "restrict,pty ssh-ed25519 " ED, "That is no public key" },
        { "-----BEGIN OPENSSH PRIVATE KEY-----", "That is no public key" },
        { "ssh-dss " ED, "That is no public key" },
    };
    auto_arena struct arena arena = arena_of(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *line = NULL, *why = NULL;

        check_row("%s", rows[i].text);
        CHECK(!ssh_key_parse(rows[i].text, &arena, &line, &why));
        CHECK(line == NULL);
        CHECK(why != NULL && strstr(why, rows[i].why) != NULL);
    }
}

/* Base64 of fields, each a length and its bytes: the type, then zeros of the sizes given. */
static char *make_key(struct arena *arena, const char *type, const uint32_t *sizes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    auto_buf struct buf blob = buf_of(65536), text = buf_of(65536);
    uint32_t size = (uint32_t)strlen(type);

    for (size_t i = 0; i <= count; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            char byte = (char)(size >> shift);
            buf_append(&blob, &byte, 1);
        }
        for (uint32_t k = 0; k < size; k++)
            buf_append(&blob, i == 0 ? type + k : "", 1);
        if (i < count)
            size = sizes[i];
    }
    for (size_t i = 0; i < blob.length; i += 3) {
        uint32_t bits = 0;
        char out[4];

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < blob.length ? (uint8_t)blob.bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[k] = digits[bits >> (18 - 6 * k) & 63];
        if (i + 1 >= blob.length)
            out[2] = '=';
        if (i + 2 >= blob.length)
            out[3] = '=';
        buf_append(&text, out, 4);
    }
    return arena_printf(arena, "%s %s", type, text.bytes);
}

static void test_each_type_has_its_fields_and_sizes(void **state)
{
    static const struct {
        const char *type;
        uint32_t sizes[4];
        size_t count;
        bool is_key;
    } rows[] = {
        { "ssh-ed25519", { 32 }, 1, true },
        { "ssh-ed25519", { 31 }, 1, false },
        { "ssh-ed25519", { 33 }, 1, false },
        { "ssh-ed25519", { 32, 1 }, 2, false },
        { "ssh-rsa", { 3, 257 }, 2, true },
        { "ssh-rsa", { 3, 256 }, 2, true },
        { "ssh-rsa", { 3, 255 }, 2, false }, /* below 2048 bits */
        { "ssh-rsa", { 3, 129 }, 2, false },
        { "ssh-rsa", { 3 }, 1, false },
        { "ecdsa-sha2-nistp256", { 8, 65 }, 2, true },
        { "ecdsa-sha2-nistp256", { 8, 64 }, 2, false },
        { "ecdsa-sha2-nistp384", { 8, 97 }, 2, true },
        { "ecdsa-sha2-nistp521", { 8, 133 }, 2, true },
        { "sk-ssh-ed25519@openssh.com", { 32, 4 }, 2, true },
        { "sk-ecdsa-sha2-nistp256@openssh.com", { 8, 65, 4 }, 3, true },
        { "sk-ecdsa-sha2-nistp256@openssh.com", { 8, 65 }, 2, false },
    };
    auto_arena struct arena arena = arena_of(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *line, *why;
        char *text = make_key(&arena, rows[i].type, rows[i].sizes, rows[i].count);

        check_row("%zu: %s", i, rows[i].type);
        CHECK_INT(ssh_key_parse(text, &arena, &line, &why), rows[i].is_key);
    }
}

static void test_a_text_has_a_longest_length(void **state)
{
    static char text[16 * 1024 + 2];
    auto_arena struct arena arena = arena_of(1 << 20);
    const char *line, *why;
    int length = snprintf(text, sizeof text, "ssh-ed25519 " ED " ");

    (void)state;
    memset(text + length, 'c', sizeof text - 1 - (size_t)length);
    CHECK(!ssh_key_parse(text, &arena, &line, &why));
    text[sizeof text - 2] = '\0';
    CHECK(ssh_key_parse(text, &arena, &line, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_comes_out_as_one_clean_line),
        cmocka_unit_test(test_what_is_no_key_is_refused_with_a_reason),
        cmocka_unit_test(test_each_type_has_its_fields_and_sizes),
        cmocka_unit_test(test_a_text_has_a_longest_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
