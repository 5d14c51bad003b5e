/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/paypal_object.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

static json_t *parse(const char *text)
{
    struct error err;
    json_t *json;

    CHECK_OK(json_parse(text, strlen(text), &json, &err), &err);
    return json;
}

#define ITEM(status, value, fee, more)                                                             \
    "{\"payout_item_id\":\"I1\",\"transaction_id\":\"T1\",\"payout_batch_id\":\"B1\","             \
    "\"transaction_status\":\"" status                                                             \
    "\",\"payout_item_fee\":{\"currency\":\"USD\",\"value\":\"" fee                                \
    "\"},\"payout_item\":{\"recipient_type\":\"EMAIL\",\"receiver\":\"a@x.io\","                   \
    "\"sender_item_id\":\"po_7\",\"amount\":{\"currency\":\"USD\",\"value\":\"" value "\"}}" more  \
    "}"

static void test_an_item_says_what_became_of_it(void **state)
{
    static const struct {
        const char *text;
        enum paypal_item_status status;
        int64_t cents, fee_cents;
        const char *reason;
    } rows[] = {
        { ITEM("SUCCESS", "10.00", "0.25", ""), PAYPAL_ITEM_PAID, 1000, 25, "" },
        { ITEM("PENDING", "0.01", "0", ""), PAYPAL_ITEM_WAITS, 1, 0, "" },
        { ITEM("ONHOLD", "1", "0.00", ""), PAYPAL_ITEM_WAITS, 100, 0, "" },
        { ITEM("UNCLAIMED", "10.5", "0", ",\"errors\":{\"name\":\"RECEIVER_UNREGISTERED\"}"),
          PAYPAL_ITEM_UNCLAIMED, 1050, 0, "RECEIVER_UNREGISTERED" },
        { ITEM("FAILED", "10", "0", ""), PAYPAL_ITEM_FAILED, 1000, 0, "" },
        { ITEM("BLOCKED", "10", "0", ""), PAYPAL_ITEM_FAILED, 1000, 0, "" },
        { ITEM("RETURNED", "10", "0", ""), PAYPAL_ITEM_RETURNED, 1000, 0, "" },
        { ITEM("REFUNDED", "10", "0", ""), PAYPAL_ITEM_RETURNED, 1000, 0, "" },
        { ITEM("REVERSED", "10", "0", ""), PAYPAL_ITEM_REVERSED, 1000, 0, "" },
        { ITEM("DANCING", "10", "0", ""), PAYPAL_ITEM_UNKNOWN, 1000, 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = parse(rows[i].text);
        struct paypal_item_seen item;
        struct error err;

        check_row("%zu", i);
        CHECK_OK(paypal_item_read(json, &item, &err), &err);
        CHECK_INT(item.status, rows[i].status);
        CHECK_INT(item.cents, rows[i].cents);
        CHECK_INT(item.fee_cents, rows[i].fee_cents);
        CHECK_INT(item.payout_id, 7);
        CHECK_TEXT(item.reason, rows[i].reason);
        CHECK_TEXT(item.txn, "T1");
    }
}

static void test_an_item_that_cannot_be_is_none(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        ITEM("SUCCESS", "10.001", "0", ""),
        ITEM("SUCCESS", "-1", "0", ""),
        ITEM("SUCCESS", "ten", "0", ""),
        ITEM("SUCCESS", "10", "x", ""),
        "{\"payout_item_id\":\"I1\",\"payout_item\":{\"amount\":{\"currency\":\"EUR\","
        "\"value\":\"1.00\"}}}",
        "{\"payout_item_id\":7,\"payout_item\":{\"amount\":{\"currency\":\"USD\","
        "\"value\":\"1.00\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = parse(rows[i]);
        struct paypal_item_seen item = { .cents = 42 };
        struct error err;

        check_row("%s", rows[i]);
        CHECK(!paypal_item_read(json, &item, &err));
        CHECK_INT(item.cents, 42);
    }
}

static void test_a_batch_has_a_status_of_its_own(void **state)
{
    static const struct {
        const char *status;
        enum paypal_batch_status want;
    } rows[] = {
        { "PENDING", PAYPAL_BATCH_OPEN },    { "PROCESSING", PAYPAL_BATCH_OPEN },
        { "SUCCESS", PAYPAL_BATCH_DONE },    { "DENIED", PAYPAL_BATCH_DENIED },
        { "CANCELED", PAYPAL_BATCH_DENIED }, { "SOMEDAY", PAYPAL_BATCH_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json =
            json_pack("{s:{s:s,s:s,s:{s:s}},s:i}", "batch_header", "payout_batch_id", "B1",
                      "batch_status", rows[i].status, "sender_batch_header", "sender_batch_id",
                      "berth-x-1", "total_pages", 3);
        struct paypal_batch_seen batch;
        struct error err;

        check_row("%s", rows[i].status);
        CHECK_OK(paypal_batch_read(json, &batch, &err), &err);
        CHECK_INT(batch.status, rows[i].want);
        CHECK_INT(batch.pages, 3);
        CHECK_TEXT(batch.id, "B1");
        CHECK_TEXT(batch.sender_id, "berth-x-1");
    }
    auto_json json_t *strange =
        parse("{\"batch_header\":{\"payout_batch_id\":\"../x\",\"batch_status\":\"SUCCESS\"}}");
    struct paypal_batch_seen batch = { .pages = 42 };
    struct error err;
    CHECK(!paypal_batch_read(strange, &batch, &err));
    CHECK_INT(batch.pages, 42);
}

static void test_an_error_names_what_was_wrong(void **state)
{
    auto_json json_t *bad =
        parse("{\"name\":\"VALIDATION_ERROR\",\"message\":\"m\",\"debug_id\":\"d\",\"details\":["
              "{\"field\":\"items[3].receiver\",\"issue\":\"x\"},"
              "{\"field\":\"/items/12/amount\"},{\"field\":\"sender_batch_header\"},"
              "{\"field\":\"items[].x\"},{\"field\":\"items[99999999].x\"}]}");
    auto_json json_t *twice =
        parse("{\"name\":\"USER_BUSINESS_ERROR\",\"message\":\"m\",\"debug_id\":\"d\",\"links\":["
              "{\"href\":\"https://api-m.paypal.com/v1/payments/payouts/5UXD2E8A7EBQJ\","
              "\"rel\":\"self\"}]}");
    auto_json json_t *detail = parse(
        "{\"name\":\"USER_BUSINESS_ERROR\",\"message\":\"m\",\"debug_id\":\"d\",\"details\":[{"
        "\"field\":\"SENDER_BATCH_ID\",\"link\":[{\"href\":"
        "\"https://api-m.paypal.com/v1/payments/payouts/CDZEC5MJ8R5HY\"}]}]}");
    auto_json json_t *none = parse("{\"error\":\"invalid_client\"}");
    struct paypal_failure failure;

    (void)state;
    CHECK(paypal_failure_read(bad, &failure));
    CHECK_INT((int64_t)failure.bad_count, 2);
    CHECK_INT((int64_t)failure.bad[0], 3);
    CHECK_INT((int64_t)failure.bad[1], 12);
    CHECK_TEXT(failure.batch, "");
    CHECK(paypal_failure_read(twice, &failure));
    CHECK_TEXT(failure.batch, "5UXD2E8A7EBQJ");
    CHECK(paypal_failure_read(detail, &failure));
    CHECK_TEXT(failure.batch, "CDZEC5MJ8R5HY");
    CHECK(!paypal_failure_read(none, &failure));
    CHECK(!paypal_failure_read(NULL, &failure));
}

static void test_a_token_is_one_word_and_has_an_end(void **state)
{
    auto_json json_t *good = parse("{\"access_token\":\"A21\",\"expires_in\":32400}");
    auto_json json_t *split = parse("{\"access_token\":\"A\\r\\nX: y\",\"expires_in\":1}");
    auto_json json_t *endless = parse("{\"access_token\":\"A21\"}");
    struct paypal_token token;
    struct error err;

    (void)state;
    CHECK_OK(paypal_token_read(good, &token, &err), &err);
    CHECK_TEXT(token.text, "A21");
    CHECK_INT(token.lives_s, 32400);
    CHECK(!paypal_token_read(split, &token, &err));
    CHECK(!paypal_token_read(endless, &token, &err));
}

static void test_an_event_is_about_a_batch(void **state)
{
    auto_json json_t *item =
        parse("{\"id\":\"WH-1\",\"event_type\":\"PAYMENT.PAYOUTS-ITEM.FAILED\","
              "\"resource\":{\"payout_batch_id\":\"B1\"}}");
    auto_json json_t *batch =
        parse("{\"id\":\"WH-1\",\"event_type\":\"PAYMENT.PAYOUTSBATCH.SUCCESS\","
              "\"resource\":{\"batch_header\":{\"payout_batch_id\":\"B2\"}}}");
    auto_json json_t *other = parse("{\"id\":\"WH-1\",\"event_type\":\"X\",\"resource\":"
                                    "{\"payout_batch_id\":\"../b\"}}");
    auto_json json_t *none = parse("{\"event_type\":\"X\"}");
    struct paypal_event event;
    struct error err;

    (void)state;
    CHECK_OK(paypal_event_read(item, &event, &err), &err);
    CHECK_TEXT(event.batch, "B1");
    CHECK_OK(paypal_event_read(batch, &event, &err), &err);
    CHECK_TEXT(event.batch, "B2");
    CHECK_OK(paypal_event_read(other, &event, &err), &err);
    CHECK_TEXT(event.batch, "");
    CHECK(!paypal_event_read(none, &event, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_item_says_what_became_of_it),
        cmocka_unit_test(test_an_item_that_cannot_be_is_none),
        cmocka_unit_test(test_a_batch_has_a_status_of_its_own),
        cmocka_unit_test(test_an_error_names_what_was_wrong),
        cmocka_unit_test(test_a_token_is_one_word_and_has_an_end),
        cmocka_unit_test(test_an_event_is_about_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
