/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_json.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "server/stock.h"

#define NOW ((struct instant){ INT64_C(1795330553000000) })

static const struct query_caller asker = { NOW, 5 };

static struct stock *a_stock(int64_t price)
{
    struct machine machine = {
        .id = 77,
        .host_id = 12,
        .hostname = "a \"box\"",
        .os_version = "22.04",
        .cpu_name = "EPYC",
        .cpu_arch = "amd64",
        .disk_name = "",
        .public_ip = "",
        .driver_version = "570.86.15",
        .gpu_name = "RTX 4090",
        .geolocation = "Oslo, NO",
        .gpu_count = 4,
        .gpu_ram_mb = 24564,
        .gpus_free = 4,
        .disk_free_gb = 1000,
        .is_connected = true,
        .reliability_ppm = 995000,
        .fp32_gflops = 82600,
        .dlperf_milli = 100000,
        .inet_up_kbps = 800000,
        .inet_down_kbps = 900000,
    };
    struct offer offer = { .id = 4101,
                           .bundle_id = 4101,
                           .machine = &machine,
                           .discount_max_ppm = 300000,
                           .terms = { .num_gpus = 2,
                                      .gpu_hour = { price },
                                      .min_bid_hour = { price / 2 },
                                      .disk_month = { 150000000 },
                                      .disk_gb = 500,
                                      .end = { NOW.microseconds + US_PER_HOUR } } };

    return stock_of(77, &offer, 1);
}

static json_t *encoded(const struct offer *offer, const struct offer_ask *ask)
{
    auto_buf struct buf text = buf_of(1 << 20);
    struct encoder json = encoder_of(&text);
    struct catalog_hit hit = { offer, offer_quote(offer, ask) };
    json_t *row = NULL;
    struct error err;

    offer_encode(&json, &hit, &asker);
    CHECK_OK(json_parse(text.bytes, text.length, &row, &err), &err);
    return row;
}

static double number_at(const json_t *row, const char *object, const char *key)
{
    const json_t *from = object != NULL ? json_object_get(row, object) : row;

    CHECK(json_is_number(json_object_get(from, key)));
    return json_number_value(json_object_get(from, key));
}

/* What was written ahead is what would be written now, for any ask and any price. */
static void test_what_is_written_ahead_is_what_is_written_late(void **state)
{
    static const int64_t prices[] = { 0, 1, 700000000, 123456789012, INT64_MAX / 1000000 };

    (void)state;
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        struct stock *stock = a_stock(prices[i]);
        const struct offer *ahead = &stock->offers.offers[0];
        struct offer late = *ahead;

        late.json = NULL;
        for (int type = OFFER_ON_DEMAND; type <= OFFER_RESERVED; type++) {
            const struct offer_ask ask = { (enum offer_type)type, 40000 * (int64_t)i, 0 };
            auto_json json_t *first = encoded(ahead, &ask), *second = encoded(&late, &ask);

            check_row("price %zu, type %d", i, type);
            CHECK(ahead->json_length > 1000);
            CHECK(json_equal(first, second));
        }
        stock_release(&stock);
    }
}

static void test_prices_stand_in_all_their_places(void **state)
{
    struct stock *stock = a_stock(700000000);
    const struct offer_ask ask = { OFFER_ON_DEMAND, 40000, 0 };

    (void)state;
    auto_json json_t *row = encoded(&stock->offers.offers[0], &ask);
    double storage = 0.008333333, total = 0.708333333; /* 40 GB at $0.15 for 720 hours */

    static const struct {
        const char *object, *key;
        int which;
    } rows[] = {
        { NULL, "dph_base", 0 },
        { NULL, "dph_total", 1 },
        { NULL, "storage_total_cost", 2 },
        { NULL, "discounted_dph_total", 3 },
        { NULL, "discounted_hourly", 3 },
        { "search", "gpuCostPerHour", 0 },
        { "search", "diskHour", 2 },
        { "search", "totalHour", 1 },
        { "search", "discountTotalHour", 4 },
        { "search", "discountedTotalPerHour", 1 },
        { "instance", "gpuCostPerHour", 4 },
        { "instance", "diskHour", 2 },
        { "instance", "totalHour", 2 },
        { "instance", "discountTotalHour", 4 },
        { "instance", "discountedTotalPerHour", 2 },
    };
    const double wants[] = { 0.7, total, storage, total * 0.7, 0 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].key);
        CHECK(fabs(number_at(row, rows[i].object, rows[i].key) - wants[rows[i].which]) < 1.1e-9);
    }
    CHECK_TEXT(json_string_value(json_object_get(row, "hostname")), "a \"box\"");
    CHECK(number_at(row, NULL, "duration") == 3600);
    CHECK(json_is_true(json_object_get(row, "rentable")));
    stock_release(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_ahead_is_what_is_written_late),
        cmocka_unit_test(test_prices_stand_in_all_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
