/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_rules.h"

#include <string.h>

#include "check.h"
#include "support.h"

static const struct support_reply replies[] = {
    { "PUT /api/v0/instances/7001/rules/", 200, "{\"success\":true,\"msg\":\"Set.\"}" },
    { "PUT /api/v0/machines/77/extend/", 200,
      "{\"success\":true,\"msg\":\"2 rentals end later.\",\"extended\":2}" },
    { "PUT /api/v0/machines/create_bids/", 200, "{\"success\":true,\"msg\":\"It runs.\"}" },
    { "GET /api/v0/machines/77/defjob/", 200,
      "{\"machine\":77,\"price_gpu\":0.1,\"gpus\":3,\"image\":\"miner:1\",\"args\":[\"--quiet\","
      "\"x\"],"
      "\"env\":[[\"POOL\",\"a b\"],[\"WALLET\",\"x\"]]}" },
    { "GET /api/v0/machines/78/defjob/", 200,
      "{\"machine\":78,\"price_gpu\":null,\"image\":null,\"args\":[]}" },
    { "DELETE /api/v0/machines/77/defjob/", 200, "{\"success\":true,\"msg\":\"Gone.\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_rules_are_sent_as_they_were_said(void **state)
{
    (void)state;
    BERTH(&result, "set", "rules", "7001", "--stop-when-idle", "30", "--destroy-when-stopped",
          "72");
    CHECK_TEXT(market.body, "{\"stop_when_idle_minutes\":30,\"destroy_when_stopped_hours\":72}");
    CHECK_TEXT(result.out, "Set.\n");
    BERTH(&result, "set", "rules", "7001", "--destroy-when-stopped", "0");
    CHECK_TEXT(market.body, "{\"destroy_when_stopped_hours\":0}");
    BERTH(&result, "set", "rules", "7001", "--stop-when-moved", "500");
    CHECK_TEXT(market.body, "{\"stop_when_moved_gb\":500}");
    BERTH(&result, "set", "rules", "7001", "--limit-up", "16", "--limit-down", "0");
    CHECK_TEXT(market.body, "{\"limit_up_mbit\":16,\"limit_down_mbit\":0}");
}

static void test_a_machine_is_extended(void **state)
{
    (void)state;
    BERTH(&result, "extend", "machine", "77", "--until", "01/31/2027", "-g", "0.3");
    CHECK_TEXT(market.body, "{\"end_date\":1801353600,\"price_gpu\":0.3}");
    CHECK_TEXT(result.out, "2 rentals end later.\n");
}

static void test_the_idle_job_is_set_shown_and_removed(void **state)
{
    (void)state;
    BERTH(&result, "set", "defjob", "77", "--price_gpu", "0.1", "--image", "miner:1", "--args",
          "--quiet", "x");
    CHECK_TEXT(market.body, "{\"machine\":77,\"image\":\"miner:1\",\"price_gpu\":0.1,\"args\":"
                            "[\"--quiet\",\"x\"]}");
    CHECK_TEXT(result.out, "It runs.\n");
    BERTH(&result, "set", "defjob", "77", "-g", "0.1", "--image", "miner:1", "--env",
          "-e POOL='a b'");
    CHECK_TEXT(market.body, "{\"machine\":77,\"image\":\"miner:1\",\"price_gpu\":0.1,\"env\":"
                            "\"-e POOL='a b'\",\"args\":[]}");
    BERTH(&result, "set", "defjob", "77", "-g", "0.1", "--image", "miner:1", "--gpus", "2");
    CHECK_TEXT(market.body, "{\"machine\":77,\"image\":\"miner:1\",\"price_gpu\":0.1,\"gpus\":2,"
                            "\"args\":[]}");
    BERTH(&result, "show", "defjob", "77");
    CHECK(strstr(result.out, "3 at most\n") != NULL);
    CHECK(strstr(result.out, "POOL=a b\n") != NULL && strstr(result.out, "WALLET=x\n") != NULL);
    CHECK(strstr(result.out, "miner:1") != NULL && strstr(result.out, "$0.100") != NULL);
    CHECK(strstr(result.out, "--quiet") != NULL);
    BERTH(&result, "show", "defjob", "78");
    CHECK_TEXT(result.out, "");
    CHECK(strstr(result.notes, "Nothing runs on idle GPUs") != NULL);
    BERTH(&result, "remove", "defjob", "77");
    CHECK_TEXT(result.out, "Gone.\n");
}

static void test_what_makes_no_sense_is_not_sent(void **state)
{
    static const struct {
        const char *words[10];
        const char *notes;
    } rows[] = {
        { { "set", "rules", "7001" },
          "berth: give --stop-when-idle, --destroy-when-stopped, --stop-when-moved, --limit-up or "
          "--limit-down\n" },
        { { "set", "rules", "7001", "--stop-when-idle", "soon" },
          "berth: --stop-when-idle is a whole number, 0 for never\n" },
        { { "extend", "machine", "77" }, "berth: --until says when rentals are to end\n" },
        { { "extend", "machine", "77", "--until", "soon" },
          "berth: --until: 'soon' is no date such as 2027-01-31\n" },
        { { "set", "defjob", "77", "--image", "x" },
          "berth: --image and --price-gpu say what runs, and for how much\n" },
        { { "set", "defjob", "77", "--image", "x", "--price-gpu", "-1" },
          "berth: --price-gpu: a price is not negative\n" },
        { { "set", "defjob", "77", "--image", "x", "--price-gpu", "1", "--gpus", "0" },
          "berth: --gpus is a number above 0\n" },
        { { "set", "defjob", "77", "--image", "x", "--price-gpu", "1", "--gpus", "two" },
          "berth: --gpus is a number above 0\n" },
        { { "set", "defjob", "77", "--image", "x", "--price-gpu", "$1" },
          "berth: --price-gpu: '$1' is not an amount in dollars\n" },
    };
    int before = market.request_count;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_refuses(rows[i].words, rows[i].notes);
    }
    CHECK_INT(market.request_count, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_rules_are_sent_as_they_were_said),
        SUPPORT_TEST(test_a_machine_is_extended),
        SUPPORT_TEST(test_the_idle_job_is_set_shown_and_removed),
        SUPPORT_TEST(test_what_makes_no_sense_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
