/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "server/fields.h"
#include "server/offer_memo.h"
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

    return stock_of(77, &offer, 1, 1);
}

static json_t *encoded(const struct offer *offer, const struct offer_ask *ask)
{
    auto_buf struct buf text = buf_of(1 << 20);
    struct encoder json = encoder_of(&text);
    json_t *row = NULL;
    struct error err;

    offer_encode(&json, offer, ask, &asker);
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
        late.memo = NULL;
        for (int type = OFFER_ON_DEMAND; type <= OFFER_RESERVED; type++) {
            const struct offer_ask ask = { .type = (enum offer_type)type,
                                           .disk_milligb = 40000 * (int64_t)i };
            auto_json json_t *first = encoded(ahead, &ask), *second = encoded(&late, &ask);

            check_row("price %zu, type %d", i, type);
            CHECK(ahead->json_length > 1000);
            CHECK(json_equal(first, second));
        }
        stock_release(&stock);
    }
}

/* The ids that the offer has, none without GPUs, and null where nobody knows. */
static void test_an_offer_shows_its_gpus(void **state)
{
    static const int64_t ids[] = { 41, 7 };
    static const struct offer_ask ask = { .disk_milligb = 0 };
    struct stock *plain = a_stock(1);
    struct offer offer = plain->offers.offers[0];

    (void)state;
    offer.gpu_ids = ids;
    struct stock *stock = stock_of(77, &offer, 1, 2);
    auto_json json_t *row = encoded(&stock->offers.offers[0], &ask);
    CHECK(stock->offers.offers[0].gpu_ids != ids); /* which may be gone by then */
    const json_t *shown = json_object_get(row, "gpu_ids");
    CHECK_INT((int64_t)json_array_size(shown), 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(json_integer_value(json_array_get(shown, i)), ids[i]);
        CHECK_INT(stock->offers.offers[0].gpu_ids[i], ids[i]);
    }
    stock_release(&stock);

    auto_json json_t *unknown = encoded(&plain->offers.offers[0], &ask);
    CHECK(json_is_null(json_object_get(unknown, "gpu_ids")));
    offer.gpu_ids = NULL;
    offer.terms.num_gpus = 0;
    stock = stock_of(77, &offer, 1, 3);
    auto_json json_t *without = encoded(&stock->offers.offers[0], &ask);
    CHECK(json_is_array(json_object_get(without, "gpu_ids")));
    CHECK_INT((int64_t)json_array_size(json_object_get(without, "gpu_ids")), 0);
    stock_release(&stock);
    stock_release(&plain);
}

static void plain_score(struct encoder *json, const char *key, double value)
{
    if (value > 0)
        encode_field_real(json, key, value);
    else
        field_null(json, key);
}

/* The same members as offer_encode_asked() writes, one by one. */
static void encode_plainly(struct encoder *json, const struct offer *offer,
                           const struct offer_ask *ask)
{
    const struct quote quote = offer_quote(offer, ask);
    int64_t ram_mb = offer->machine->gpu_ram_mb * offer->terms.num_gpus;

    encode_field_money(json, "dph_base", quote.base);
    encode_field_money(json, "dph_total", quote.total);
    encode_field_money(json, "storage_total_cost", quote.storage);
    encode_field_money(json, "discounted_dph_total", quote.discounted);
    encode_field_money(json, "discounted_hourly", quote.discounted);
    field_price_parts(json, "search", quote.base, quote.storage);
    field_price_parts(json, "instance", (struct money){ 0 }, quote.storage);
    if (quote.dlperf > 0)
        encode_field_real(json, "dlperf", quote.dlperf);
    plain_score(json, "dlperf_per_dphtotal", quote.dlperf_per_dollar);
    plain_score(json, "flops_per_dphtotal", quote.tflops_per_dollar);
    encode_field_real(json, "score", quote.score);
    if (ram_mb > 0)
        encode_field_real(json, "vram_costperhour", offer_dollars(quote.total) / (double)ram_mb);
    else
        field_null(json, "vram_costperhour");
    encode_field_bool(json, "rentable", offer_is_rentable(offer, NOW));
    encode_field_bool(json, "rented", offer->renter_id == asker.user_id);
    encode_key(json, "duration");
    if (instant_compare(offer->terms.end, INSTANT_NEVER) == 0)
        return encode_null(json);
    int64_t left_us = instant_until(NOW, offer->terms.end);
    char text[40];
    left_us = left_us > 0 ? left_us : 0;
    encode_raw(json, text,
               (size_t)snprintf(text, sizeof text, "%lld.%06lld",
                                (long long)(left_us / US_PER_SECOND),
                                (long long)(left_us % US_PER_SECOND)));
}

static struct money some_price(void)
{
    return (struct money){ (int64_t)check_random(UINT64_C(1) << (1 + check_random(55))) };
}

/* What the asker's part says is what plain writing of its members says, byte for byte, for whoever
 * asks first and for all who ask for the same. */
static void test_fast_writing_writes_what_plain_writing_does(void **state)
{
    static const int64_t durations[] = { 0, US_PER_HOUR };

    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct stock *stock = a_stock(some_price().nanodollars);
        struct offer offer = stock->offers.offers[0];
        struct machine machine = *offer.machine;
        auto_buf struct buf plain = buf_of(1 << 20);
        struct encoder two = encoder_of(&plain);
        const struct offer_ask ask = { .type = (enum offer_type)check_random(3),
                                       .disk_milligb = (int64_t)check_random(QUERY_STORAGE_MAX),
                                       .duration_us = durations[check_random(2)] };

        machine.gpu_ram_mb = check_random(4) == 0 ? 0 : (int64_t)check_random(200000);
        machine.dlperf_milli = (int64_t)check_random(200000);
        offer.machine = &machine;
        offer.terms.disk_month = (struct money){ (int64_t)check_random(1000000000) };
        offer.renter_id = (int64_t)check_random(3) + 4;
        offer.terms.end = check_random(3) == 0
                              ? INSTANT_NEVER
                              : (struct instant){ NOW.microseconds - US_PER_HOUR +
                                                  (int64_t)check_random(UINT64_C(1) << 45) };

        encode_object(&two);
        encode_plainly(&two, &offer, &ask);
        encode_end(&two);
        check_row("round %d", round);
        CHECK(plain.length < OFFER_ASKED_MAX - ENCODE_FIXED_SIZE);
        for (int time = 0; time < 2; time++) {
            auto_buf struct buf fast = buf_of(1 << 20);
            struct encoder one = encoder_of(&fast);

            CHECK((offer_memo_find(offer.memo, &ask) != NULL) == (time > 0));
            encode_object(&one);
            offer_encode_asked(&one, &offer, &ask, &asker);
            encode_end(&one);
            CHECK_TEXT(fast.bytes, plain.bytes);
        }
        stock_release(&stock);
    }
}

static void test_a_row_fits_or_overflows(void **state)
{
    struct stock *stock = a_stock(700000000);
    const struct offer *offer = &stock->offers.offers[0];
    const struct offer_ask ask = { .disk_milligb = 1 };
    auto_buf struct buf whole = buf_of(1 << 20);
    struct encoder json = encoder_of(&whole);

    (void)state;
    offer_encode(&json, offer, &ask, &asker);
    for (size_t limit = whole.length - 2; limit < whole.length + OFFER_ASKED_MAX; limit++) {
        auto_buf struct buf text = buf_of(limit);

        json = encoder_of(&text);
        offer_encode(&json, offer, &ask, &asker);
        check_row("limit %zu", limit);
        CHECK(text.has_overflowed == (limit < whole.length));
        if (limit >= whole.length)
            CHECK_TEXT(text.bytes, whole.bytes);
    }
    stock_release(&stock);
}

static void test_prices_stand_in_all_their_places(void **state)
{
    struct stock *stock = a_stock(700000000);
    const struct offer_ask ask = { .type = OFFER_ON_DEMAND, .disk_milligb = 40000 };

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
        cmocka_unit_test(test_an_offer_shows_its_gpus),
        cmocka_unit_test(test_fast_writing_writes_what_plain_writing_does),
        cmocka_unit_test(test_a_row_fits_or_overflows),
        cmocka_unit_test(test_prices_stand_in_all_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
