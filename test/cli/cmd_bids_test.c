/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_bids.h"

#include <string.h>

#include "check.h"
#include "support.h"

static const struct support_reply replies[] = {
    { "PUT /api/v0/instances/bid_price/7001/", 200, "{\"success\":true,\"price\":0.24}" },
    { "PUT /api/v0/machines/77/minbid/", 200, "{\"success\":true,\"msg\":\"Set.\"}" },
    { "PUT /api/v0/asks/4101/", 200,
      "{\"success\":false,\"new_contract\":7002,\"msg\":\"Instance 7002 waits.\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_bids_are_made_changed_and_bounded(void **state)
{
    (void)state;
    BERTH(&result, "change", "bid", "7001", "--price", "0.24");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"client_id\":\"me\",\"price\":0.24}");
    CHECK(strstr(result.out, "Instance 7001 bids $0.240 an hour.") != NULL);
    BERTH(&result, "set", "min-bid", "77", "--price", "0.15");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"client_id\":\"me\",\"price\":0.15}");
    BERTH(&result, "create", "instance", "4101", "--image", "a", "--bid_price", "0.2",
          "--max_price", "0.3", "--grace", "30");
    CHECK_INT(result.status, 0); /* it does not run, and is there all the same */
    CHECK(strstr(market.body,
                 "\"price\":0.2,\"max_price\":0.3,\"grace\":30,\"cancel_unavail\":false}") != NULL);
    CHECK(strstr(result.out, "Instance 7002 waits") != NULL);
}

static void test_wrong_usage_is_said(void **state)
{
    static const char *const wrong[][SUPPORT_WORDS] = {
        { "change", "bid", "7001", "--price", "much", NULL },
        { "set", "min-bid", "77", NULL },
        { "create", "instance", "4101", "--image", "a", "--grace", "5", NULL },
    };

    (void)state;
    support_wrong_usage(&market, wrong, sizeof wrong / sizeof wrong[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_bids_are_made_changed_and_bounded),
        SUPPORT_TEST(test_wrong_usage_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
