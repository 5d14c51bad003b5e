/* SPDX-License-Identifier: Apache-2.0 */
#include "server/stripe_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/crypto.h"

#define BODY "{\"id\":\"evt_1\",\"object\":\"event\"}"
#define HEX  "4c15fb2a43f93ef61eaa3e0893866d57cad9cad4223242cfb96f362480cb4021"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
enum { THEN = 1700000000 };

/* The vector of payments.md 2.5, on which three implementations agree, and what is near it. */
static void test_only_what_stripe_signed_is_genuine(void **state)
{
    static const struct {
        const char *header, *body;
        int64_t now_s;
        bool is_genuine;
    } rows[] = {
        { "t=1700000000,v1=" HEX, BODY, THEN, true },
        { "t=1700000000,v1=" ZERO ",v1=" HEX, BODY, THEN, true },
        { "t=1700000000,v1=" HEX, BODY, THEN + 300, true },
        { "t=1700000000,v1=" HEX, BODY, THEN - 300, true },
        { "t=1700000000,v1=" HEX, BODY, THEN + 301, false },
        { "t=1700000000,v1=" HEX, BODY, THEN - 301, false },
        { "t=1700000000,v1=" ZERO, BODY, THEN, false },
        { "t=1700000001,v1=" HEX, BODY, THEN, false },
        { "t=1700000000,v0=" HEX, BODY, THEN, false },
        { "t=1700000000,v1=" HEX, BODY " ", THEN, false },
        { "t=1700000000,v1=" HEX, "", THEN, false },
        { "", BODY, THEN, false },
    };
    struct stripe_wire wire = { .secrets = { "whsec_newer", "whsec_test" }, .secret_count = 2 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu: %s", i, rows[i].header);
        CHECK(stripe_wire_is_genuine(&wire, rows[i].header, rows[i].body, strlen(rows[i].body),
                                     rows[i].now_s) == rows[i].is_genuine);
    }
    wire.secret_count = 1; /* the older one was taken away */
    CHECK(!stripe_wire_is_genuine(&wire, rows[0].header, BODY, strlen(BODY), THEN));
    wire.secret_count = 0;
    CHECK(!stripe_wire_is_genuine(&wire, rows[0].header, BODY, strlen(BODY), THEN));
}

static const struct option_row rows_of_options[] = {
    { "stripe-keys", "FILE", "" },
    { "stripe-url", "URL", "" },
    { "public-url", "URL", "" },
    { NULL, NULL, NULL },
};

/* Whether a file with that text and mode is taken, with that base. */
static bool reads(const char *text, mode_t mode, const char *base, struct stripe_wire *ret)
{
    char path[] = "/tmp/berth-keys-XXXXXX";
    struct options options = { .rows = rows_of_options, .values = { path, base, "https://m" } };
    int fd = mkstemp(path);
    struct error err;
    bool has;

    check_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
                   fchmod(fd, mode) == 0 && close(fd) == 0,
               "a file of keys", __FILE__, __LINE__);
    bool is_read = stripe_wire_read(&options, ret, &has, &err) && has;
    (void)unlink(path);
    return is_read;
}

static void test_keys_come_from_a_file_of_their_own(void **state)
{
    static const char *const bad[] = {
        "",
        "# none\n",
        "webhook whsec_1\n",
        "secret\n",
        "secret \n",
        "secret a b\n",
        "secret sk\tx\n",
        "key sk_test_1\n",
        "secret sk\nwebhook a\nwebhook b\nwebhook c\nwebhook d\nwebhook e"
    };
    static const char *const bases[] = { "http://api.stripe.com", "https://a@b",
                                         "https://a/b",           "ftp://x",
                                         "http://127.0.0.1:1/x",  "http://127.0.0.1.evil" };
    struct stripe_wire wire = { .secret_count = 0 };

    (void)state;
    CHECK(reads("# keys\n\nsecret sk_live_1\nwebhook whsec_1\nwebhook whsec_2", 0600, NULL, &wire));
    CHECK_TEXT(wire.key, "sk_live_1");
    CHECK_TEXT(wire.secrets[1], "whsec_2");
    CHECK_TEXT(wire.base, "https://api.stripe.com");
    CHECK(wire.is_live && wire.secret_count == 2);
    CHECK(reads("secret sk_test_1\n", 0600, "http://127.0.0.1:81", &wire) && !wire.is_live);
    CHECK(!reads("secret sk_test_1\n", 0640, NULL, &wire));
    CHECK(!reads("secret sk_test_1\n", 0604, NULL, &wire));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%s", bad[i]);
        CHECK(!reads(bad[i], 0600, NULL, &wire));
    }
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        check_row("%s", bases[i]);
        CHECK(!reads("secret sk_test_1\n", 0600, bases[i], &wire));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_stripe_signed_is_genuine),
        cmocka_unit_test(test_keys_come_from_a_file_of_their_own),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
