/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_volumes.h"

#include <string.h>

#include "check.h"
#include "support.h"

static const struct support_reply replies[] = {
    { "POST /api/v0/volumes/search/", 200,
      "{\"offers\":[{\"id\":5101,\"disk_space\":80,\"storage_cost\":0.1,\"machine_id\":77}]}" },
    { "PUT /api/v0/volumes/", 200,
      "{\"success\":true,\"volume_id\":8101,\"volume_name\":\"V.8101\",\"msg\":\"x\"}" },
    { "GET /api/v0/volumes/?owner=me&type=all_volume", 200,
      "{\"volumes\":[{\"id\":8101,\"label\":\"data\",\"disk_space\":20,\"status\":\"active\","
      "\"instances\":[7001,7002],\"start_date\":1,\"machine_id\":77}]}" },
    { "GET /api/v0/volumes/?owner=me&type=network_volume", 200, "{\"volumes\":[]}" },
    { "DELETE /api/v0/volumes/?id=8101", 200, "{\"success\":true,\"msg\":\"Deleted it.\"}" },
    { "POST /api/v0/volumes/copy/", 200,
      "{\"success\":true,\"volume_id\":8102,\"volume_name\":\"V.8102\",\"msg\":\"It is "
      "copied.\"}" },
    { "POST /api/v0/volumes/", 200, "{\"success\":true,\"msg\":\"On offer.\"}" },
    { "POST /api/v0/volumes/unlist/", 200, "{\"success\":true,\"msg\":\"Taken back.\"}" },
    { "PUT /api/v0/asks/4101/", 200,
      "{\"success\":true,\"new_contract\":7001,\"volume_id\":8102}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_renters_find_take_see_and_delete_them(void **state)
{
    (void)state;
    BERTH(&result, "search", "volumes", "disk_space>=50", "-o", "storage_cost");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"verified\":{\"eq\":true},\"external\":{\"eq\":false},"
                            "\"disk_space\":{\"gte\":50},\"order\":[[\"storage_cost\",\"asc\"]],"
                            "\"allocated_storage\":1}");
    CHECK(strstr(result.out, "5101") != NULL);
    BERTH(&result, "create", "volume", "5101", "-s", "20", "-n", "data");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"size\":20,\"id\":5101,\"name\":\"data\"}");
    CHECK(strstr(result.out, "Volume 8101 is yours.") != NULL);
    BERTH(&result, "create", "volume", "5101");
    CHECK_TEXT(market.body, "{\"size\":15,\"id\":5101,\"name\":null}");
    BERTH(&result, "show", "volumes");
    CHECK(strstr(result.out, "7001 7002") != NULL && strstr(result.out, "data") != NULL);
    BERTH(&result, "show", "volumes", "-q");
    CHECK_TEXT(result.out, "8101\n");
    BERTH(&result, "show", "volumes", "-t", "network");
    CHECK_INT(result.status, 0);
    BERTH(&result, "delete", "volume", "V.8101");
    CHECK_TEXT(result.out, "Deleted it.\n");
    BERTH(&result, "clone", "volume", "8101", "5101", "-s", "120", "-d");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(result.out, "It is copied.\n");
    CHECK_TEXT(market.body,
               "{\"src_id\":8101,\"dst_id\":5101,\"size\":120,\"disable_compression\":true}");
}

static void test_hosts_offer_space(void **state)
{
    (void)state;
    BERTH(&result, "list", "volume", "77", "-s", "100", "-p", "0.08", "-e", "2027-01-31");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body,
               "{\"size\":100,\"machine\":77,\"price_disk\":0.08,\"end_date\":1801353600}");
    BERTH(&result, "list", "volumes", "77", "78");
    CHECK_TEXT(market.body, "{\"size\":15,\"machine\":[77,78]}");
    BERTH(&result, "unlist", "volume", "5101");
    CHECK_TEXT(market.body, "{\"id\":5101}");
    CHECK_TEXT(result.out, "Taken back.\n");
}

static void test_an_instance_mounts_one(void **state)
{
    (void)state;
    BERTH(&result, "create", "instance", "4101", "--image", "a", "--create-volume", "5101",
          "--mount-path", "/data", "--volume-size", "20", "--volume-label", "d1");
    CHECK_INT(result.status, 0);
    CHECK(strstr(market.body, "\"volume_info\":{\"mount_path\":\"/data\",\"create_new\":true,"
                              "\"volume_id\":5101,\"size\":20,\"name\":\"d1\"}") != NULL);
    CHECK(strstr(result.out, "Volume 8102 is yours") != NULL);
    BERTH(&result, "create", "instance", "4101", "--image", "a", "--link-volume", "8101",
          "--mount-path", "/data");
    CHECK(strstr(market.body, "\"volume_info\":{\"mount_path\":\"/data\",\"create_new\":false,"
                              "\"volume_id\":8101}") != NULL);
    BERTH(&result, "create", "instance", "4101", "--image", "a");
    CHECK(strstr(market.body, "volume_info") == NULL);
    CHECK(strstr(market.body, "encrypted_workspace") == NULL);
    BERTH(&result, "create", "instance", "4101", "--image", "a", "--encrypted-workspace", "6");
    CHECK(strstr(market.body, "\"encrypted_workspace\":6,") != NULL);
}

static void test_wrong_usage_is_said(void **state)
{
    static const char *const wrong[][SUPPORT_WORDS] = {
        { "create", "volume", "x", NULL },
        { "create", "volume", "5101", "-s", "much", NULL },
        { "show", "volumes", "-t", "tape", NULL },
        { "clone", "volume", "8101", NULL },
        { "list", "volume", "77", "-e", "never", NULL },
        { "list", "volume", "77", "-p", "-1", NULL },
        { "create", "instance", "1", "--image", "a", "--mount-path", "/d", NULL },
        { "create", "instance", "1", "--image", "a", "--encrypted-workspace", "all", NULL },
        { "create", "instance", "1", "--image", "a", "--create-volume", "5", NULL },
        { "create", "instance", "1", "--image", "a", "--volume-size", "5", NULL },
    };

    (void)state;
    support_wrong_usage(&market, wrong, sizeof wrong / sizeof wrong[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_renters_find_take_see_and_delete_them),
        SUPPORT_TEST(test_hosts_offer_space),
        SUPPORT_TEST(test_an_instance_mounts_one),
        SUPPORT_TEST(test_wrong_usage_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
