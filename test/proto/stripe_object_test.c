/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/stripe_object.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

static struct stripe_object read_object(const char *text, json_t **json)
{
    struct stripe_object object = { .id = "" };
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), json, &err), &err);
    CHECK_OK(stripe_object_read(*json, &object, &err), &err);
    return object;
}

static void test_statuses_mean_what_their_objects_mean(void **state)
{
    static const struct {
        const char *text;
        enum stripe_status status;
    } rows[] = {
        { "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"succeeded\"}", STRIPE_DONE },
        { "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"requires_action\"}",
          STRIPE_ASKS },
        { "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"requires_payment_method\"}",
          STRIPE_WAITS },
        { "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"requires_payment_method\","
          "\"last_payment_error\":{\"code\":\"card_declined\"}}",
          STRIPE_FAILED },
        { "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"levitating\"}",
          STRIPE_UNKNOWN },
        { "{\"object\":\"checkout.session\",\"id\":\"cs_1\",\"status\":\"complete\","
          "\"payment_status\":\"paid\"}",
          STRIPE_DONE },
        { "{\"object\":\"checkout.session\",\"id\":\"cs_1\",\"status\":\"complete\","
          "\"payment_status\":\"unpaid\"}",
          STRIPE_WAITS },
        { "{\"object\":\"checkout.session\",\"id\":\"cs_1\",\"status\":\"expired\","
          "\"payment_status\":\"paid\"}",
          STRIPE_ENDED },
        { "{\"object\":\"payout\",\"id\":\"po_1\",\"status\":\"failed\"}", STRIPE_FAILED },
        { "{\"object\":\"payout\",\"id\":\"po_1\",\"status\":\"succeeded\"}", STRIPE_UNKNOWN },
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"appeal_under_review\"}",
          STRIPE_UNKNOWN },
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"lost\"}", STRIPE_FAILED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = NULL;

        check_row("%s", rows[i].text);
        CHECK_INT(read_object(rows[i].text, &json).status, rows[i].status);
    }
}

static void test_a_dispute_says_what_it_waits_for_and_until_when(void **state)
{
    static const struct {
        const char *text;
        bool is_asked;
        int64_t due_s, submissions;
    } rows[] = {
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"needs_response\","
          "\"evidence_details\":{\"due_by\":1700000000,\"submission_count\":0}}",
          true, 1700000000, 0 },
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"warning_needs_response\","
          "\"evidence_details\":{\"due_by\":null}}",
          true, 0, 0 },
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"under_review\","
          "\"evidence_details\":{\"due_by\":1700000000,\"submission_count\":1}}",
          false, 1700000000, 1 },
        { "{\"object\":\"dispute\",\"id\":\"dp_1\",\"status\":\"won\"}", false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = NULL;
        struct stripe_object dispute = read_object(rows[i].text, &json);

        check_row("%s", rows[i].text);
        CHECK(dispute.is_asked == rows[i].is_asked);
        CHECK_INT(dispute.due_s, rows[i].due_s);
        CHECK_INT(dispute.submissions, rows[i].submissions);
    }
}

static void test_an_intent_comes_with_its_money(void **state)
{
    auto_json json_t *json = NULL;
    struct stripe_object intent = read_object(
        "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"status\":\"succeeded\",\"amount\":2500,"
        "\"customer\":{\"id\":\"cus_1\"},\"metadata\":{\"deposit\":\"dep_7\","
        "\"berth_installation\":\"i\"},\"latest_charge\":{\"id\":\"ch_1\","
        "\"balance_transaction\":{\"id\":\"txn_1\",\"amount\":2500,\"fee\":103,\"net\":2397}}}",
        &json);

    (void)state;
    CHECK_INT(intent.ref, 7);
    CHECK_INT(intent.cents, 2500);
    CHECK_TEXT(intent.customer, "cus_1");
    CHECK_TEXT(intent.charge, "ch_1");
    CHECK_TEXT(intent.txns[0].id, "txn_1");
    CHECK_INT(intent.txns[0].fee_cents, 103);
    CHECK(intent.is_expanded);
}

static void test_a_reference_is_ours_or_none(void **state)
{
    static const struct {
        const char *text;
        int64_t ref;
    } rows[] = {
        { "dep_7", 7 },
        { "dep_", 0 },
        { "dep_7x", 0 },
        { "po_7", 0 },
        { "dep_99999999999999999999", 0 },
        { "7", 0 },
        { "dep_9223372036854775808", 0 },
        { "dep_9223372036854775807", INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = NULL;
        char text[256];

        (void)snprintf(text, sizeof text,
                       "{\"object\":\"payment_intent\",\"id\":\"pi_1\",\"metadata\":"
                       "{\"deposit\":\"%s\"}}",
                       rows[i].text);
        check_row("%s", rows[i].text);
        CHECK_INT(read_object(text, &json).ref, rows[i].ref);
    }
}

static void test_an_account_is_ready_when_nothing_is_due(void **state)
{
    static const struct {
        const char *enabled, *transfers, *due;
        bool is_ready;
    } rows[] = {
        { "true", "active", "", true },
        { "false", "active", "", false },
        { "true", "pending", "", false },
        { "true", "active", "\"external_account\"", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = NULL;
        char text[512];

        (void)snprintf(text, sizeof text,
                       "{\"object\":\"account\",\"id\":\"acct_1\",\"payouts_enabled\":%s,"
                       "\"capabilities\":{\"transfers\":\"%s\"},\"requirements\":"
                       "{\"currently_due\":[%s]},\"metadata\":{\"berth_host\":\"9\"}}",
                       rows[i].enabled, rows[i].transfers, rows[i].due);
        check_row("%zu", i);
        struct stripe_object account = read_object(text, &json);
        CHECK(account.is_ready == rows[i].is_ready);
        CHECK((account.reason[0] == '\0') == rows[i].is_ready);
        CHECK_INT(account.ref, 9);
    }
}

static void test_what_is_half_an_object_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"object\":\"payout\"}",
        "{\"object\":\"payout\",\"id\":\"po/1\"}",
        "{\"object\":\"payout\",\"id\":\"po_1\",\"amount\":\"7500\"}",
        "{\"object\":\"refund\",\"id\":\"re_1\",\"balance_transaction\":{\"id\":\"txn_1\"}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        auto_json json_t *json = NULL;
        struct stripe_object object = { .id = "unset" };
        struct error err;

        check_row("%s", bad[i]);
        CHECK_OK(json_parse(bad[i], strlen(bad[i]), &json, &err), &err);
        CHECK_FAILS(stripe_object_read(json, &object, &err), &err, ERROR_INVALID);
        CHECK_TEXT(object.id, "unset");
    }
}

/* Not expanded, an entry is known by its name, and by what moves it. */
static void test_an_entry_may_be_a_name_alone(void **state)
{
    static const struct {
        const char *text;
        int64_t cents;
    } rows[] = {
        { "{\"object\":\"refund\",\"id\":\"re_1\",\"amount\":500,\"balance_transaction\":\"txn_"
          "1\"}",
          -500 },
        { "{\"object\":\"transfer\",\"id\":\"tr_1\",\"amount\":500,\"balance_transaction\":\"txn_"
          "1\"}",
          -500 },
        { "{\"object\":\"transfer_reversal\",\"id\":\"trr_1\",\"amount\":500,"
          "\"balance_transaction\":\"txn_1\"}",
          500 },
        { "{\"object\":\"refund\",\"id\":\"re_1\",\"amount\":500,\"balance_transaction\":{"
          "\"id\":\"txn_1\",\"amount\":-501,\"fee\":0}}",
          -501 },
        { "{\"object\":\"refund\",\"id\":\"re_1\",\"amount\":500,\"balance_transaction\":null}",
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *json = NULL;
        struct stripe_object object;
        struct error err;

        check_row("%s", rows[i].text);
        CHECK_OK(json_parse(rows[i].text, strlen(rows[i].text), &json, &err), &err);
        CHECK_OK(stripe_object_read(json, &object, &err), &err);
        CHECK_INT(object.txns[0].cents, rows[i].cents);
        CHECK_TEXT(object.txns[0].id, rows[i].cents != 0 ? "txn_1" : "");
        CHECK_INT(object.txns[0].fee_cents, 0);
    }
}

static void test_a_failure_says_why(void **state)
{
    auto_json json_t *json = NULL;
    static const char text[] =
        "{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\",\"decline_code\":"
        "\"insufficient_funds\",\"message\":\"m\",\"payment_intent\":{\"id\":\"pi_9\"}}}";
    struct stripe_failure failure = { .type = "" };
    struct error err;

    (void)state;
    CHECK_OK(json_parse(text, strlen(text), &json, &err), &err);
    CHECK(stripe_failure_read(json, &failure));
    CHECK_TEXT(failure.decline_code, "insufficient_funds");
    CHECK_TEXT(failure.intent, "pi_9");
    CHECK_TEXT(failure.advice, "");
    CHECK(!stripe_decline_is_final("insufficient_funds", ""));
    CHECK(stripe_decline_is_final("stolen_card", ""));
    CHECK(stripe_decline_is_final("generic_decline", "do_not_try_again"));
    CHECK(!stripe_failure_read(json_member(json, "error"), &failure));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_mean_what_their_objects_mean),
        cmocka_unit_test(test_a_dispute_says_what_it_waits_for_and_until_when),
        cmocka_unit_test(test_an_intent_comes_with_its_money),
        cmocka_unit_test(test_a_reference_is_ours_or_none),
        cmocka_unit_test(test_an_account_is_ready_when_nothing_is_due),
        cmocka_unit_test(test_what_is_half_an_object_is_refused),
        cmocka_unit_test(test_an_entry_may_be_a_name_alone),
        cmocka_unit_test(test_a_failure_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
