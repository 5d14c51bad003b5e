/* SPDX-License-Identifier: Apache-2.0 */
/* Renting several, what is found first, and doing it again and again; looking at some instances. */
#include "cli/cmd_launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"
#include "sys/file.h"

static const struct support_reply replies[] = {
    { "PUT /api/v0/launch_instance/", 200, "{\"success\":true,\"new_contract\":7001}" },
    { "POST /api/v0/asks/bulk/", 200,
      "{\"success\":false,\"new_contracts\":[7001],\"failed\":[{\"id\":4102,\"msg\":\"It is "
      "taken.\"}]}" },
    { "PUT /api/v0/instances/update_template/7001/", 200, "{\"success\":true}" },
    { "PUT /api/v0/instances/reboot/7001/", 200, "{\"success\":true}" },
    { "GET /api/v0/commands/schedule_job/", 200,
      "[{\"id\":71,\"api_endpoint\":\"/api/v0/instances/bid_price/7001/\"}]" },
    { "POST /api/v0/commands/schedule_job/", 200, "{\"success\":true}" },
    { "PUT /api/v0/commands/schedule_job/71/", 200, "{\"success\":true}" },
    { "PUT /api/v0/users/", 200, "{\"success\":true,\"msg\":\"Changed.\"}" },
    { "GET /api/v1/instances/?limit=2&select_filters=%7B%22actual_status%22%3A%7B%22in%22%3A%5B%22"
      "running%22%2C%22stopped%22%5D%7D%2C%22label%22%3A%7B%22in%22%3A%5Bnull%5D%7D%7D&order_by="
      "%5B%7B%22col%22%3A%22id%22%2C%22dir%22%3A%22desc%22%7D%5D",
      200, "{\"instances\":[{\"id\":7002},{\"id\":7001}],\"next_token\":\"n7\"}" },
    { "GET "
      "/api/v0/invoices/?&select_cols=%5B%22%2A%22%5D&select_filters=%7B%22amount_cents%22%3A%7B"
      "%22gt%22%3A%22100%22%7D%7D",
      200, "[]" },
    { "GET /api/v0/machines/maintenances/?owner=me&machine_ids=%5B77%2C78%5D", 200,
      "[{\"machine_id\":77}]" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_a_launch_says_what_to_find_and_what_to_run(void **state)
{
    (void)state;
    BERTH(&result, "launch", "instance", "-g", "RTX_4090", "-n", "2", "-r", "North_America", "-i",
          "ubuntu:22.04", "-d", "20", "--limit", "5", "-o", "dph", "--lang-utf8");
    CHECK_TEXT(result.out, "Instance 7001 is starting.\n");
    CHECK(strstr(market.body,
                 "{\"q\":{\"verified\":{\"eq\":true},\"external\":{\"eq\":false},\"rentable\":"
                 "{\"eq\":true},\"num_gpus\":{\"eq\":\"2\"},\"gpu_name\":{\"eq\":\"RTX 4090\"},"
                 "\"geolocation\":{\"in\":[\"North America\"]},\"disk_space\":{\"gte\":\"20\"},"
                 "\"order\":[[\"dph_total\",\"asc\"]],\"limit\":5,\"type\":\"on-demand\","
                 "\"allocated_storage\":20}") == market.body);
    CHECK(strstr(market.body, "\"image\":\"ubuntu:22.04\"") != NULL &&
          strstr(market.body, "\"disk\":20,") != NULL &&
          strstr(market.body, "\"lang_utf8\":true") != NULL);
    BERTH(&result, "launch", "instance", "-n", "2", "-i", "x");
    CHECK_INT(result.status, 2);
}

/* What could be rented is, and a script can tell that not all could. */
static void test_several_are_rented_in_one_request(void **state)
{
    (void)state;
    BERTH(&result, "create", "instances", "4101", "4102", "--image", "x");
    CHECK(strstr(market.body, "{\"ids\":[4101,4102],\"client_id\":\"me\",\"image\":\"x\"") ==
          market.body);
    CHECK_TEXT(result.out, "Instance 7001 is starting.\nOffer 4102: It is taken.\n");
    CHECK_INT(result.status, 1);
}

static void test_an_update_sends_what_was_said_and_no_more(void **state)
{
    (void)state;
    BERTH(&result, "update", "instance", "7001", "--template_id", "601", "--env", "-e A=1",
          "--args", "-c", "id");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"id\":7001,\"template_id\":601,\"template_hash_id\":null,\"image\":"
                            "null,\"env\":\"-e A=1\",\"onstart\":null,\"args\":[\"-c\",\"id\"]}");
}

/* The request is done, and is the market's to send again; there is one job of a kind. */
static void test_a_schedule_is_a_job_of_the_same_request(void **state)
{
    static const char reboots[] = "\"api_endpoint\":\"/api/v0/instances/reboot/7001/\","
                                  "\"request_method\":\"PUT\",\"request_body\":{\"instance_id\":"
                                  "7001},\"day_of_the_week\":null,\"hour_of_the_day\":4,"
                                  "\"frequency\":\"DAILY\",\"instance_id\":7001}";

    (void)state;
    BERTH(&result, "reboot", "instance", "7001", "--schedule", "DAILY", "--day", "*", "--hour", "4",
          "--start_date", "2027-01-01", "--end_date", "2027-01-09");
    CHECK_INT(result.status, 0);
    CHECK(strstr(market.body, "{\"start_time\":1798761600,\"end_time\":1799452800,") ==
          market.body);
    CHECK(strstr(market.body, reboots) != NULL);
    CHECK_INT(market.request_count, 3);
    BERTH(&result, "change", "bid", "7001", "--price", "0.2", "--schedule", "HOURLY", "--day", "*",
          "--hour", "*");
    CHECK(strstr(result.out, "in place of the one before") != NULL);
    CHECK(strstr(market.body, "\"price\":0.2}") != NULL &&
          strstr(market.body, "\"hour_of_the_day\":null") != NULL);
    BERTH(&result, "change", "bid", "7001", "--schedule", "HOURLY", "--hour", "3");
    CHECK_INT(result.status, 2);
    BERTH(&result, "change", "bid", "7001", "--schedule", "WEEKLY", "--day", "7");
    CHECK_INT(result.status, 2);
    BERTH(&result, "change", "bid", "7001", "--schedule", "DAILY", "--start-date", "2027-01-02",
          "--end-date", "2027-01-01");
    CHECK_INT(result.status, 2);
    CHECK_INT(market.request_count, 5);
}

static void test_instances_are_filtered_by_the_market(void **state)
{
    (void)state;
    BERTH(&result, "show", "instances", "-q", "-s", "running,stopped", "--label", "", "-l", "2",
          "--order-by", "id desc");
    CHECK_TEXT(result.out, "7002\n7001\n");
    BERTH(&result, "show", "instances", "--limit", "26");
    CHECK_INT(result.status, 2);
    BERTH(&result, "show", "maints", "--ids", "77,78", "-q");
    CHECK_TEXT(result.out, "77\n");
    BERTH(&result, "show", "maints", "--ids", "77;rm");
    CHECK_INT(result.status, 2);
}

static void test_other_habits(void **state)
{
    char path[128];
    struct error err;

    (void)state;
    BERTH(&result, "search", "invoices", "amount_cents>100");
    CHECK_TEXT(result.out, "[]\n");
    BERTH(&result, "search", "invoices", "amount_cents");
    CHECK_INT(result.status, 2);
    (void)snprintf(path, sizeof path, "%s/me.json", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "{\"fullname\":\"Ada\"}", 18, &err), &err);
    BERTH(&result, "set", "user", "--file", path);
    CHECK_TEXT(market.body, "{\"fullname\":\"Ada\"}");
    CHECK_TEXT(result.out, "Changed.\n");
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "fullname", 8, &err), &err);
    BERTH(&result, "set", "user", "--file", path);
    CHECK_INT(result.status, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_launch_says_what_to_find_and_what_to_run),
        SUPPORT_TEST(test_several_are_rented_in_one_request),
        SUPPORT_TEST(test_an_update_sends_what_was_said_and_no_more),
        SUPPORT_TEST(test_a_schedule_is_a_job_of_the_same_request),
        SUPPORT_TEST(test_instances_are_filtered_by_the_market),
        SUPPORT_TEST(test_other_habits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
