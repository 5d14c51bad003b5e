/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_market.h"

#include <string.h>

#include "check.h"
#include "support.h"

#define TREND                                                                                      \
    "{\"supply_demand\":{\"timestamps\":[1795244400,1795248000],\"rented_verified\":[1,2],"        \
    "\"avail_verified\":[5,4],\"rented_unverified\":[0,1],\"avail_unverified\":[2,1],"             \
    "\"total\":[8,8]},\"pricing\":{\"timestamps\":[1795244400,1795248000],"                        \
    "\"rented_p10\":[null,0.2],\"rented_median\":[null,0.25],\"rented_p90\":[null,0.3],"           \
    "\"avail_p10\":[0.3,0.31],\"avail_median\":[0.35,0.36],\"avail_p90\":[0.4,0.41]},"             \
    "\"stats\":{\"tflops\":82.6}}"

static const struct support_reply replies[] = {
    { "GET "
      "/api/v0/metrics/gpu/history/"
      "?gpu_name=RTX_4090%2CH200&verified=yes&num_gpus=8&start=10&step=7200",
      200,
      "{\"success\":true,\"gpus\":{\"RTX 4090\":" TREND
      ",\"H200\":{\"supply_demand\":{\"timestamps\":[]}}}}" },
    { "GET /api/v0/metrics/gpu/history/?gpu_name=all", 200, "{\"success\":true,\"gpus\":{}}" },
    { "GET /api/v0/metrics/gpu/locations/", 200,
      "{\"success\":true,\"locations\":[{\"city\":\"Lund\",\"country_code\":\"SE\",\"gpu_name\":"
      "\"RTX 4090\","
      "\"rented\":false,\"verified\":true,\"datacenter\":true,\"num_gpus\":8},{\"city\":null,"
      "\"country_code\":null,\"gpu_name\":\"H100 "
      "SXM\",\"rented\":true,\"verified\":false,\"datacenter\":false,"
      "\"num_gpus\":64}]}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_trends_are_a_table_for_each_model(void **state)
{
    (void)state;
    BERTH(&result, "metrics", "gpu-trends", "RTX_4090,H200", "--verified", "true", "--num-gpus",
          "8", "--start", "10", "--step", "7200");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, "RTX 4090\n") != NULL);
    CHECK(strstr(result.out, "2026-11-21 07:00") != NULL);
    CHECK(strstr(result.out, "0.310") != NULL && strstr(result.out, "0.250") != NULL);
    CHECK(strstr(result.out, "H200: nothing is known of that time\n") != NULL);
    BERTH(&result, "metrics", "gpu-trends");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.notes, "No GPU") != NULL);
    BERTH(&result, "metrics", "gpu-trends", "H200", "--step", "often");
    CHECK_INT(result.status, 2);
    BERTH(&result, "metrics", "gpu-trends", "H200", "--verified", "maybe");
    CHECK_INT(result.status, 2);
}

static void test_places_are_chosen_here(void **state)
{
    static const struct {
        const char *option, *value;
        bool has_lund, has_other;
    } rows[] = {
        { "--rented", "true", false, true },
        { "--rented", "false", true, false },
        { "--verified", "true", true, false },
        { "--datacenter", "false", false, true },
        { "--gpu", "RTX_4090", true, false },
        { "--gpu", "H200,H100_SXM", false, true },
        { "--gpu", "H100 SXM,RTX 4090", true, true },
        { "--gpu", "RTX_409", false, false },
        { "--gpu", "H100", false, false },
    };

    (void)state;
    BERTH(&result, "metrics", "gpu-locations");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, "Lund, SE") != NULL && strstr(result.out, "64") != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        BERTH(&result, "metrics", "gpu-locations", rows[i].option, rows[i].value);
        CHECK_INT(result.status, 0);
        CHECK_INT(strstr(result.out, "Lund") != NULL, rows[i].has_lund);
        CHECK_INT(strstr(result.out, "H100") != NULL, rows[i].has_other);
    }
    BERTH(&result, "metrics", "gpu-locations", "--rented", "yes");
    CHECK_INT(result.status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_trends_are_a_table_for_each_model),
        SUPPORT_TEST(test_places_are_chosen_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
