/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the market before anything changes, and what is refused;
 * test/e2e/nat_copy_test.py moves a real one. */
#include "cli/cmd_migrate.h"

#include <string.h>

#include "check.h"
#include "support.h"

#define INSTANCE(id, more)                                                                         \
    {                                                                                              \
        "GET /api/v0/instances/" id "/?owner=me", 200,                                             \
            "{\"instances\":{\"id\":" id                                                           \
            ",\"machine_id\":77,\"num_gpus\":2,\"gpu_name\":\"RTX 4090\","                         \
            "\"disk_space\":20.5,\"image_uuid\":\"a/b:1\",\"image_runtype\":\"ssh\","              \
            "\"inet_up\":800,\"inet_up_cost\":0.01,\"dph_total\":0.5,\"label\":\"work\","          \
            "\"onstart\":"                                                                         \
            "\"echo 1\",\"image_args\":[],\"extra_env\":[[\"TZ\",\"UTC\"],[\"-p "                  \
            "8081:8081\",\"1\"],"                                                                  \
            "[\"-v V.9:/data\",\"1\"]]," more "}}"                                                 \
    }

#define OFFERS                                                                                     \
    "{\"offers\":[{\"id\":41,\"machine_id\":78,\"num_gpus\":2,\"gpu_name\":\"RTX 4090\","          \
    "\"dph_total\":0.6,\"inet_down\":400,\"inet_down_cost\":0.02,\"geolocation\":\"SE\"}]}"

#define STOPPED "\"intended_status\":\"stopped\",\"actual_status\":\"stopped\""

static const struct support_reply replies[] = {
    INSTANCE("1", STOPPED ",\"disk_usage\":10"),
    INSTANCE("2", "\"intended_status\":\"running\",\"actual_status\":\"running\""),
    INSTANCE("3", STOPPED ",\"encrypted_workspace\":5"),
    INSTANCE("4", STOPPED ",\"volume_info\":[{\"id\":9,\"path\":\"/data\"}]"),
    { "GET /api/v0/instances/6/?owner=me", 200,
      "{\"instances\":{\"id\":6,\"image_uuid\":\"a/b:2\",\"label\":\"work\"}}" },
    INSTANCE("5", STOPPED ",\"disk_usage\":-1"),
    { "POST /api/v0/bundles/", 200, OFFERS },
    { "POST /api/v0/images/starts/", 200,
      "{\"success\":true,\"machines\":[{\"machine_id\":78,\"starts_in_s\":9.2}]}" },
    { "PUT /api/v0/asks/41/", 410,
      "{\"success\":false,\"error\":\"no_such_ask\",\"msg\":\"It is gone.\"}" },
    { NULL, 0, NULL },
};

static const struct support_reply nothing_replies[] = {
    INSTANCE("1", STOPPED),
    { "POST /api/v0/bundles/", 200, "{\"offers\":[]}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_the_plan_is_said_and_nothing_done(void **state)
{
    (void)state;
    BERTH(&result, "migrate", "1", "--dry-run");
    CHECK_INT(result.status, 0);
    CHECK_INT(market.request_count, 3);
    CHECK_TEXT(market.body, "{\"image\":\"a/b:1\",\"machine_ids\":[78]}");
    CHECK(strstr(result.out, "offer 41, machine 78, 2x RTX 4090, SE, $0.6000 an hour") != NULL);
    /* Two starts of 10 s; 80 Gbit at half of 400 Mbit/s is 400 s. */
    CHECK(strstr(result.out, "about 7 min for 10.0 GB") != NULL);
    BERTH(&result, "migrate", "1", "--dry-run", "--raw");
    CHECK_TEXT(result.out,
               "{\"offer\":41,\"dph_total\":0.6,\"seconds\":421,\"has_measured\":true}\n");
    BERTH(&result, "migrate", "5", "--dry-run");
    CHECK(strstr(result.out, "20 s and the time to copy its files") != NULL);
}

static void test_where_to_is_searched(void **state)
{
    static const struct {
        const char *option, *value, *search;
    } rows[] = {
        { NULL, NULL,
          "{\"gpu_name\":{\"eq\":\"RTX 4090\"},\"num_gpus\":{\"eq\":2},\"rentable\":{\"eq\":true},"
          "\"machine_id\":{\"neq\":77},\"disk_space\":{\"gte\":21.0},\"order\":[[\"dph_total\","
          "\"asc\"]],\"type\":\"on-demand\",\"allocated_storage\":21,\"limit\":1}" },
        { "--to", "43",
          "{\"id\":{\"eq\":43},\"machine_id\":{\"neq\":77},\"disk_space\":{\"gte\":21.0},"
          "\"order\":[[\"dph_total\",\"asc\"]],\"type\":\"on-demand\",\"allocated_storage\":21,"
          "\"limit\":1}" },
        { "--bid-price", "0.3",
          "{\"gpu_name\":{\"eq\":\"RTX 4090\"},\"num_gpus\":{\"eq\":2},\"rentable\":{\"eq\":true},"
          "\"machine_id\":{\"neq\":77},\"disk_space\":{\"gte\":21.0},\"order\":[[\"dph_total\","
          "\"asc\"]],\"type\":\"bid\",\"allocated_storage\":21,\"limit\":1}" },
    };

    (void)state;
    market.replies = nothing_replies;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        BERTH(&result, "migrate", "1", "--yes", rows[i].option, rows[i].value);
        CHECK_INT(result.status, 1);
        CHECK_TEXT(market.body, rows[i].search);
    }
    CHECK(strstr(result.notes, "no other machine offers 2x RTX 4090 with") != NULL);
}

static void test_it_is_rented_as_it_was(void **state)
{
    (void)state;
    BERTH(&result, "migrate", "1", "--yes", "--bid-price", "0.3", "--login", "-u a -p b c");
    CHECK_INT(result.status, 1);
    CHECK_TEXT(market.request, "PUT /api/v0/asks/41/");
    CHECK_TEXT(market.body,
               "{\"image\":\"a/b:1\",\"disk\":20.5,\"runtype\":\"ssh\",\"label\":\"work\","
               "\"onstart\":\"echo 1\",\"env\":[[\"TZ\",\"UTC\"],[\"-p 8081:8081\",\"1\"]],"
               "\"price\":0.3,\"image_login\":\"-u a -p b c\",\"cancel_unavail\":true}");
    CHECK(strstr(result.notes, "offer 41: It is gone") != NULL);
}

static void test_what_cannot_go_is_said_first(void **state)
{
    static const struct {
        const char *words[6];
        int status;
        const char *says;
    } rows[] = {
        { { "2", "--yes" }, 1, "instance 2 runs: stop it first" },
        { { "3", "--yes" }, 1, "encrypted /workspace" },
        { { "4", "--yes" }, 1, "mounts volume 9" },
        { { "1" }, 2, "say --yes where nobody can be asked" },
        { { "1", "--yes", "--into", "1" }, 2, "another instance than 1" },
        { { "1", "--yes", "--into", "6" }, 1, "its image_uuid is another" },
        { { "1", "--dry-run", "--into", "2" }, 2, "--into" },
        { { "1", "--yes", "--bid-price", "cheap" }, 2, "a number of dollars" },
        { { "1", "--yes", "--bid-price", "-1" }, 2, "a number of dollars" },
        { { "one", "--yes" }, 2, "an instance" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const *words = rows[i].words;

        check_row("row %zu", i);
        BERTH(&result, "migrate", words[0], words[1], words[2], words[3], words[4]);
        CHECK_INT(result.status, rows[i].status);
        CHECK(strstr(result.notes, rows[i].says) != NULL);
        CHECK(strncmp(market.request, "PUT", 3) != 0);
    }
    BERTH(&result, "migrate", "4", "--dry-run", "--leave-volumes");
    CHECK_INT(result.status, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_the_plan_is_said_and_nothing_done),
        SUPPORT_TEST(test_where_to_is_searched),
        SUPPORT_TEST(test_it_is_rented_as_it_was),
        SUPPORT_TEST(test_what_cannot_go_is_said_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
