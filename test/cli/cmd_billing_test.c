/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_billing.h"

#include <string.h>

#include "check.h"
#include "support.h"

#define RANGE(column, from, until)                                                                 \
    "select_filters=%7B%22" column "%22%3A%7B%22gte%22%3A" from "%2C%22lte%22%3A" until            \
    "%7D%7D&latest_first=false"

static const struct support_reply replies[] = {
    { "GET /api/v0/charges/?limit=100&" RANGE("day", "1793491200", "1796083199"), 200,
      "{\"success\":true,\"count\":1,\"total\":2,\"next_token\":\"p1\",\"results\":[{\"start\":"
      "1795244073,\"end\":1795330473,\"type\":\"instance\",\"source\":\"instance-7001\","
      "\"description\":\"Instance 7001 Charges\",\"amount\":1.4,\"metadata\":{\"label\":\"=a\","
      "\"template_id\":null},\"items\":[{\"start\":1795244073,\"end\":1795330473,\"type\":\"gpu\","
      "\"source\":null,\"description\":\"2.000 hours at $0.70/hour\",\"amount\":1.4,"
      "\"metadata\":{},\"items\":[]}]}]}" },
    { "GET /api/v1/invoices/?limit=7&" RANGE("when", "1793491200", "1796083199"), 200,
      "{\"success\":true,\"count\":2,\"total\":2,\"next_token\":null,\"results\":[{\"start\":"
      "1795331044,\"end\":1795331044,\"type\":\"credit\",\"source\":\"bank\",\"description\":"
      "\"Credit bought\",\"amount\":-25.0,\"metadata\":{\"invoice_id\":11,\"service\":\"bank\"},"
      "\"items\":[]},{\"start\":1795331044,\"end\":1795331044,\"type\":\"payout\",\"source\":"
      "\"payout-3\",\"description\":\"Payout of earnings\",\"amount\":12.34,\"metadata\":"
      "{\"invoice_id\":12,\"service\":\"manual\",\"state\":\"paid\"},\"items\":[]}]}" },
    { "GET /api/v0/users/me/machine-earnings/?owner=me&sday=20758&eday=20787&machid=77", 200,
      "{\"current\":{\"balance\":1.1},\"per_machine\":[{\"machine_id\":77,\"gpu_earn\":1.0,"
      "\"sto_earn\":0.1,\"bwu_earn\":0,\"bwd_earn\":0}],\"per_day\":[{\"day\":20779,"
      "\"gpu_earn\":1.0,\"sto_earn\":0.1,\"bwu_earn\":0,\"bwd_earn\":0}]}" },
    { "GET /api/v0/charges/statements/", 200,
      "{\"success\":true,\"results\":[{\"number\":\"INV-2026-000123\",\"month\":\"2026-11\","
      "\"gross\":12.341,\"total\":12.34,\"made\":1796083500}]}" },
    { "GET /api/v0/instances/balance/7/?owner=me", 200,
      "{\"success\":true,\"refundable_deposit\":12.5,\"total_discount\":3.25,\"discount_months\":1."
      "5,"
      "\"deposit\":40,\"discount_rate\":0.2,\"discount_max\":0.4,\"plans\":[{\"months\":3,"
      "\"amount\":208.56,\"discount_rate\":0.3}]}" },
    { "GET /api/v0/instances/balance/8/?owner=me", 200,
      "{\"success\":true,\"refundable_deposit\":0,\"total_discount\":0,\"discount_months\":0,"
      "\"deposit\":0,\"discount_rate\":0,\"discount_max\":0,\"plans\":[]}" },
    { "PUT /api/v0/commands/transfer_credit/", 200, "{\"success\":true,\"msg\":\"Sent.\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_charges_are_a_table_or_csv(void **state)
{
    (void)state;
    BERTH(&result, "show", "charges", "-s", "2026-11-01", "-e", "2026-11-30");
    CHECK_INT(result.status, 0);
    support_has(&result, "instance-7001");
    support_has(&result, "2.000 hours at $0.70/hour");
    support_has(&result, "$1.400000");
    CHECK(strstr(result.notes, "--next-token p1") != NULL);
    BERTH(&result, "show", "invoices", "-c", "-s", "1793491200", "-e", "2026-11-30", "--csv");
    CHECK_INT(result.status, 0);
    support_has(&result, "1795244073,1795330473,\"instance-7001\",\"'=a\",\"gpu\",\"2.000 hours at "
                         "$0.70/hour\",1.400000000\n");
    BERTH(&result, "show", "charges", "--raw", "-s", "2026-11-01", "-e", "2026-11-30");
    support_has(&result, "\"total\": 2");
}

static void test_what_came_in_is_above_zero(void **state)
{
    (void)state;
    BERTH(&result, "show", "invoices-v1", "-i", "-l", "7", "-s", "2026-11-01", "-e", "2026-11-30");
    CHECK_INT(result.status, 0);
    support_has(&result, " 25.00");
    support_has(&result, " 12.34");
    support_has(&result, "paid");
    CHECK(strstr(result.out, "-25") == NULL);
}

static void test_statements_have_numbers(void **state)
{
    (void)state;
    BERTH(&result, "show", "statements");
    CHECK_INT(result.status, 0);
    support_has(&result, "INV-2026-000123");
    support_has(&result, "2026-11 ");
    support_has(&result, " 12.34");
    support_has(&result, "2026-12-01");
    BERTH(&result, "show", "statements", "-q");
    CHECK_TEXT(result.out, "INV-2026-000123\n");
    BERTH(&result, "show", "statements", "--raw");
    support_has(&result, "\"gross\": 12.341");
}

static void test_earnings_are_by_day_and_machine(void **state)
{
    (void)state;
    BERTH(&result, "show", "earnings", "-m", "77", "-s", "2026-11-01", "-e", "2026-11-30");
    CHECK_INT(result.status, 0);
    support_has(&result, "2026-11-22");
    support_has(&result, "machine 77");
    support_has(&result, "$1.10");
    BERTH(&result, "show", "earnings", "-q", "-m", "77", "-s", "2026-11-01", "-e", "2026-11-30");
    CHECK(strstr(result.out, "machine 77") == NULL);
}

static void test_credit_is_sent_by_words_or_options(void **state)
{
    (void)state;
    BERTH(&result, "transfer", "credit", "bo@berth.test", "5.00", "--skip");
    CHECK_INT(result.status, 0);
    support_has(&result, "Sent 5.00 to bo@berth.test");
    CHECK_TEXT(market.body, "{\"sender\":\"me\",\"recipient\":\"bo@berth.test\",\"amount\":5}");
    BERTH(&result, "transfer", "credit", "-r", "7", "-a", "0.000000001");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"sender\":\"me\",\"recipient\":\"7\",\"amount\":0.000000001}");
}

static void test_a_deposit_is_shown_with_what_it_brings(void **state)
{
    (void)state;
    BERTH(&result, "show", "deposit", "7");
    CHECK_TEXT(result.out, "  Deposit        $40.00\n"
                           "  Price          20.00 % off, while it lasts\n"
                           "  Paid for       1.500 months\n"
                           "  Back now       $12.50, if you destroyed it\n"
                           "  Saved          $3.25 so far\n"
                           "\n"
                           "Months  $ to pay now  % off\n"
                           "     3        208.56  30.00\n");
    BERTH(&result, "show", "deposit", "8");
    CHECK_TEXT(result.out, "  Deposit        none\n  Saved          $0.00 so far\n");
    BERTH(&result, "show", "deposit", "7", "--raw");
    support_has(&result, "\"refundable_deposit\": 12.5");
}

static void test_wrong_usage_is_said(void **state)
{
    static const char *const wrong[][SUPPORT_WORDS] = {
        { "transfer", "credit", "7", NULL },
        { "transfer", "credit", "7", "-5", NULL },
        { "transfer", "credit", "7", "0", NULL },
        { "show", "charges", "-s", "yesterday", NULL },
        { "show", "charges", "-e", "2026-13-01", NULL },
        { "show", "charges", "-e", "2026-1-01", NULL },
        { "show", "charges", "-l", "0", NULL },
        { "show", "charges", "-l", "501", NULL },
        { "show", "invoices", "-l", "18446744073709551615", NULL },
        { "show", "earnings", "-m", "x", NULL },
    };

    (void)state;
    support_wrong_usage(&market, wrong, sizeof wrong / sizeof wrong[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_charges_are_a_table_or_csv),
        SUPPORT_TEST(test_what_came_in_is_above_zero),
        SUPPORT_TEST(test_statements_have_numbers),
        SUPPORT_TEST(test_earnings_are_by_day_and_machine),
        SUPPORT_TEST(test_credit_is_sent_by_words_or_options),
        SUPPORT_TEST(test_a_deposit_is_shown_with_what_it_brings),
        SUPPORT_TEST(test_wrong_usage_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
