/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_keys.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sys/crypto.h"

/* Made by ssh-keygen, and what "ssh-keygen -l" prints of it. */
#define ED25519     "AAAAC3NzaC1lZDI1NTE5AAAAIJLFK+6KhMqISRFXBzgfAv1GAwtU79CkbzMKfkEc+rxc"
#define FINGERPRINT "SHA256:gieEQpmyPBFI7V5GLwphLKXoN3yskMOKMjRK8te7Y9o"

static void test_the_middle_of_a_line_is_the_key(void **state)
{
    static const char *const rows[] = {
        "ssh-ed25519 " ED25519,
        "ssh-ed25519 " ED25519 " me@home",
        "ssh-ed25519 " ED25519 " a comment with spaces\r\n",
        "  ssh-ed25519\t" ED25519 "\tx",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *base64 = NULL;
        size_t length = 0;

        check_row("%s", rows[i]);
        CHECK(access_key_parse(rows[i], &base64, &length));
        CHECK_INT((int64_t)length, (int64_t)strlen(ED25519));
        CHECK(memcmp(base64, ED25519, length) == 0);
    }
}

static void test_what_is_no_key_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        ED25519,
        "ssh-rsa " ED25519,
        "ssh-ed2551 " ED25519,
        "# ssh-ed25519 " ED25519,
        "#ssh-ed25519 " ED25519,
        "command=\"x\" ssh-ed25519 " ED25519,
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "ssh-ed25519 " ED25519 "=",
        "ssh-ed25519 AAA",
        "ssh-ed25519 AAAA*3NzaC1lZDI1NTE5AAAAIJLFK+6KhMqISRFXBzgfAv1GAwtU79CkbzMKfkEc+rxc",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    };
    const char *base64 = "before";
    size_t length = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i]);
        CHECK(!access_key_parse(rows[i], &base64, &length));
    }
    CHECK_TEXT(base64, "before");
    CHECK_INT((int64_t)length, 7);
}

static void test_a_line_has_a_limit(void **state)
{
    auto_free char *line = malloc(ACCESS_KEY_LENGTH_MAX + 2);
    const char *base64;
    size_t length;

    (void)state;
    memset(line, ' ', ACCESS_KEY_LENGTH_MAX + 1);
    memcpy(line, "ssh-ed25519 " ED25519, strlen("ssh-ed25519 " ED25519));
    line[ACCESS_KEY_LENGTH_MAX] = '\0';
    CHECK(access_key_parse(line, &base64, &length));
    line[ACCESS_KEY_LENGTH_MAX] = ' ';
    line[ACCESS_KEY_LENGTH_MAX + 1] = '\0';
    CHECK(!access_key_parse(line, &base64, &length));
}

static void test_the_fingerprint_is_that_of_ssh_keygen(void **state)
{
    char text[ACCESS_FINGERPRINT_SIZE];

    (void)state;
    CHECK_TEXT(access_key_fingerprint(ED25519, text), FINGERPRINT);
    CHECK_TEXT(access_key_fingerprint("no base64", text), "?");
    CHECK_TEXT(access_key_fingerprint("", text), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_middle_of_a_line_is_the_key),
        cmocka_unit_test(test_what_is_no_key_is_refused),
        cmocka_unit_test(test_a_line_has_a_limit),
        cmocka_unit_test(test_the_fingerprint_is_that_of_ssh_keygen),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
