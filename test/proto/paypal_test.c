/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of every call beside those of PayPal's own library (golden/paypal.mjs). */
#include "proto/paypal.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support_golden.h"

enum { NAME_MAX_LENGTH = 32, CALLS = 3 };

static struct psp_call make(const char *name)
{
    static const struct paypal_item items[] = { { 1, 1000, "a@x.io" },
                                                { 22, 123405, "q\"\\\xc3\xbc+b@x.io" } };

    if (strcmp(name, "read") == 0)
        return paypal_read("5UXD2E8A7EBQJ", 2);
    return paypal_create(&(struct paypal_batch){ "inst1", 3, items, 2 });
}

/* A line of the file about the call of that name. */
static void check_line(const char *name, const char *line)
{
    auto_psp_call struct psp_call call = make(name);
    size_t path_length = strcspn(call.path.bytes, "?");

    check_row("%s: %s", name, line);
    if (strncmp(line, "body ", 5) == 0) {
        CHECK_TEXT(call.body.bytes, line + 5);
    } else if (strncmp(line, "query ", 6) == 0) {
        const char *at = strstr(call.path.bytes + path_length + 1, line + 6);

        CHECK(at != NULL && (at[strlen(line + 6)] == '&' || at[strlen(line + 6)] == '\0'));
    } else if (strncmp(line, "line ", 5) == 0) {
        size_t method_length = strlen(call.method);

        CHECK(strncmp(line + 5, call.method, method_length) == 0);
        CHECK_INT((int64_t)strlen(line + 6 + method_length), (int64_t)path_length);
        CHECK(strncmp(line + 6 + method_length, call.path.bytes, path_length) == 0);
    }
}

static void test_the_bytes_are_those_of_the_official_library(void **state)
{
    FILE *file = golden_open("paypal.txt");
    char line[GOLDEN_LINE_MAX], name[NAME_MAX_LENGTH] = "";
    int calls = 0;

    (void)state;
    while (golden_line(file, line)) {
        if (strncmp(line, "call ", 5) == 0) {
            (void)snprintf(name, sizeof name, "%.31s", line + 5);
            calls++;
        } else if (strcmp(name, "token") != 0) {
            check_line(name, line);
        } else if (strncmp(line, "body ", 5) == 0) {
            CHECK_TEXT(PAYPAL_TOKEN_BODY, line + 5);
        } else if (strncmp(line, "line ", 5) == 0) {
            CHECK_TEXT("POST " PAYPAL_TOKEN_PATH, line + 5);
        }
    }
    (void)fclose(file);
    CHECK_INT(calls, CALLS);
}

static void test_a_batch_may_be_full(void **state)
{
    static struct paypal_item items[PAYPAL_ITEMS_MAX];
    char receiver[PAYPAL_EMAIL_MAX + 1];

    (void)state;
    memset(receiver, '"', sizeof receiver - 1); /* the longest when it is written */
    receiver[PAYPAL_EMAIL_MAX] = '\0';
    for (size_t i = 0; i < PAYPAL_ITEMS_MAX; i++)
        items[i] = (struct paypal_item){ INT64_MAX, INT64_MAX, receiver };
    auto_psp_call struct psp_call call = paypal_create(
        &(struct paypal_batch){ "0123456789abcdef01234567", INT64_MAX, items, PAYPAL_ITEMS_MAX });
    CHECK(!call.body.has_overflowed);
}

static void test_names_that_may_stand_in_a_path(void **state)
{
    static const struct {
        const char *id;
        bool is_good;
    } rows[] = {
        { "5UXD2E8A7EBQJ", true },
        { "a-1", true },
        { "", false },
        { "a/..", false },
        { "a?b", false },
        { "123456789012345678901234567890", true },
        { "1234567890123456789012345678901", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].id);
        CHECK(paypal_is_id(rows[i].id) == rows[i].is_good);
    }
}

static void test_certificates_are_paypals(void **state)
{
    static const struct {
        const char *url;
        bool is_good;
    } rows[] = {
        { "https://api.paypal.com/v1/notifications/certs/CERT-1", true },
        { "https://api-m.paypal.com/x", true },
        { "https://api.sandbox.paypal.com/x", true },
        { "https://api-m.sandbox.paypal.com/x", true },
        { "http://api.paypal.com/x", false },
        { "https://api.paypal.com.evil.test/x", false },
        { "https://api.paypal.com@evil.test/x", false },
        { "https://evil.test/?https://api.paypal.com/", false },
        { "https://apixpaypal.com/", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].url);
        CHECK(paypal_is_cert_url(rows[i].url) == rows[i].is_good);
    }
}

static void test_an_event_is_asked_about_as_it_came(void **state)
{
    const struct paypal_event_headers headers = { "SHA256withRSA", "https://api.paypal.com/c",
                                                  "t-1", "sig==", "2026-11-30T00:00:00Z" };
    auto_psp_call struct psp_call call =
        paypal_verify(&headers, "WH-1", "{ \"id\" : \"WH-9\", \"n\": 1.0 }");

    (void)state;
    CHECK_TEXT(call.path.bytes, PAYPAL_VERIFY_PATH);
    CHECK_TEXT(call.body.bytes,
               "{\"auth_algo\":\"SHA256withRSA\",\"cert_url\":\"https://api.paypal.com/c\","
               "\"transmission_id\":\"t-1\",\"transmission_sig\":\"sig==\","
               "\"transmission_time\":\"2026-11-30T00:00:00Z\",\"webhook_id\":\"WH-1\","
               "\"webhook_event\":{ \"id\" : \"WH-9\", \"n\": 1.0 }}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_are_those_of_the_official_library),
        cmocka_unit_test(test_a_batch_may_be_full),
        cmocka_unit_test(test_names_that_may_stand_in_a_path),
        cmocka_unit_test(test_certificates_are_paypals),
        cmocka_unit_test(test_an_event_is_asked_about_as_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
