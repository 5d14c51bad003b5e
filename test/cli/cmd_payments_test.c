/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_payments.h"

#include <string.h>

#include "check.h"
#include "support.h"

static struct support_reply replies[] = {
    { "POST /api/v0/billing/deposits/", 200,
      "{\"success\":true,\"deposit\":{\"id\":7,\"state\":\"open\",\"url\":\"https://pay/7\"}}" },
    { "GET /api/v0/billing/deposits/", 200,
      "{\"payments\":true,\"deposits\":[{\"id\":7,\"amount\":25,\"state\":\"failed\",\"reason\":"
      "\"card_declined\",\"url\":null,\"created_at\":1795331044}]}" },
    { "POST /api/v0/billing/cards/", 200, "{\"success\":true,\"url\":null}" },
    { "GET /api/v0/billing/cards/", 200,
      "{\"cards\":[{\"id\":3,\"brand\":\"visa\",\"last4\":\"4242\",\"exp_month\":2,\"exp_year\":"
      "2031}]}" },
    { "DELETE /api/v0/billing/cards/3/", 200, "{\"success\":true}" },
    { "GET /api/v0/billing/payouts/?limit=100", 200,
      "{\"method\":{\"ready\":false,\"reason\":\"onboarding\"},\"next_cut\":1795737600,"
      "\"preview\":12.5,\"minimum\":10,\"payouts\":[{\"id\":4,\"cut\":1795132800,\"amount\":"
      "81.25,\"state\":\"in_transit\",\"provider\":\"stripe\",\"reason\":\"account_closed\"}],"
      "\"next_token\":\"b7\"}" },
    { "GET /api/v0/billing/payouts/?limit=1&after_token=b7", 200,
      "{\"next_cut\":1795737600,\"preview\":0,\"minimum\":10,\"payouts\":[{\"id\":3,\"cut\":"
      "1794528000,\"amount\":20,\"state\":\"paid\",\"paid_at\":1794700800.5}],\"next_token\":"
      "null}" },
    { "PUT /api/v0/billing/autopay/", 200, "{\"success\":true}" },
    { "PUT /api/v0/billing/payouts/method/", 200, "{\"success\":true}" },
    { "POST /api/v0/billing/payouts/onboarding/", 200,
      "{\"success\":true,\"url\":\"https://connect/1\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_a_page_is_printed_alone(void **state)
{
    (void)state;
    BERTH(&result, "add", "credit", "25.00");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "https://pay/7\n");
    BERTH(&result, "add", "credit", "much");
    CHECK_INT(result.status, 2);
    BERTH(&result, "add", "card");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(result.out, "");
    CHECK(strstr(result.notes, "add card again") != NULL);
    replies[0].body = "{\"success\":true,\"deposit\":{\"id\":7,\"state\":\"failed\",\"url\":null,"
                      "\"reason\":\"amount_too_small\"}}";
    BERTH(&result, "add", "credit", "25.00");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "amount_too_small") != NULL);
}

static void test_deposits_and_cards_are_tables(void **state)
{
    (void)state;
    BERTH(&result, "show", "deposits");
    CHECK_INT(result.status, 0);
    support_has(&result, "2026-11-22");
    support_has(&result, "25.00");
    support_has(&result, "card_declined");
    BERTH(&result, "show", "cards");
    CHECK_INT(result.status, 0);
    support_has(&result, "4242");
    support_has(&result, "2031-02");
    BERTH(&result, "remove", "card", "3");
    CHECK_INT(result.status, 0);
    BERTH(&result, "set", "autopay", "5.00", "25.00");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"threshold\":\"5.00\",\"amount\":\"25.00\"}");
    BERTH(&result, "set", "autopay", "5.00", "much");
    CHECK_INT(result.status, 2);
    BERTH(&result, "remove", "card", "x");
    CHECK_INT(result.status, 2);
}

static void test_payouts_are_a_table_and_a_country_leads_to_a_page(void **state)
{
    (void)state;
    BERTH(&result, "show", "payouts");
    CHECK_INT(result.status, 0);
    support_has(&result, "$12.50 on 2026-11-27");
    support_has(&result, "2026-11-20");
    support_has(&result, "81.25");
    support_has(&result, "account_closed");
    CHECK(strstr(result.notes, "onboarding") != NULL);
    CHECK(strstr(result.notes, "There is more: --next-token b7\n") != NULL);
    BERTH(&result, "show", "payouts", "--limit", "1", "-t", "b7");
    CHECK_INT(result.status, 0);
    support_has(&result, "2026-11-13");
    support_has(&result, "2026-11-15");
    CHECK(strstr(result.notes, "There is more") == NULL);
    static const char *const bad[] = { "0", "101", "-1", "all" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        BERTH(&result, "show", "payouts", "--limit", bad[i]);
        CHECK_INT(result.status, 2);
    }
    BERTH(&result, "set", "payout-country", "US");
    CHECK_TEXT(result.out, "https://connect/1\n");
    BERTH(&result, "set", "payout-country");
    CHECK_TEXT(result.out, "https://connect/1\n");
    BERTH(&result, "set", "payout-country", "DE");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_page_is_printed_alone),
        SUPPORT_TEST(test_deposits_and_cards_are_tables),
        SUPPORT_TEST(test_payouts_are_a_table_and_a_country_leads_to_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
