/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fields.h"

#include "check.h"

#define INSTANT(us) ((struct instant){ INT64_C(us) })
#define DOLLARS(n)  ((struct money){ INT64_C(n) })

/* {"k": ...} as the writer leaves it. */
#define CHECK_FIELD(call, wanted)                                                                  \
    do {                                                                                           \
        auto_buf struct buf text = buf_of(4096);                                                   \
        struct encoder out = encoder_of(&text), *json = &out;                                      \
        encode_object(json);                                                                       \
        call;                                                                                      \
        encode_end(json);                                                                          \
        CHECK_TEXT(text.bytes, wanted);                                                            \
    } while (0)

static void test_what_is_unknown_is_null(void **state)
{
    (void)state;
    CHECK_FIELD(field_null(json, "k"), "{\"k\":null}");
    CHECK_FIELD(field_known_text(json, "k", NULL), "{\"k\":null}");
    CHECK_FIELD(field_known_text(json, "k", ""), "{\"k\":null}");
    CHECK_FIELD(field_known_text(json, "k", "a"), "{\"k\":\"a\"}");
    CHECK_FIELD(field_known_int(json, "k", 0), "{\"k\":null}");
    CHECK_FIELD(field_known_int(json, "k", -1), "{\"k\":null}");
    CHECK_FIELD(field_known_int(json, "k", 1), "{\"k\":1}");
    CHECK_FIELD(field_known_fixed(json, "k", 0, 3), "{\"k\":null}");
    CHECK_FIELD(field_known_fixed(json, "k", 1, 3), "{\"k\":0.001}");
}

static void test_numbers_keep_their_decimals(void **state)
{
    (void)state;
    CHECK_FIELD(field_fixed(json, "k", 3000, 3), "{\"k\":3}");
    CHECK_FIELD(field_fixed(json, "k", 3500, 3), "{\"k\":3.5}");
    CHECK_FIELD(field_fixed(json, "k", -1, 6), "{\"k\":-0.000001}");
    CHECK_FIELD(field_fixed(json, "k", 0, 6), "{\"k\":0}");
}

static void test_times_are_seconds_and_never_is_null(void **state)
{
    (void)state;
    CHECK_FIELD(field_time(json, "k", INSTANT(1795330473600000)), "{\"k\":1795330473.6}");
    CHECK_FIELD(field_time(json, "k", INSTANT(0)), "{\"k\":null}");
    CHECK_FIELD(field_time(json, "k", INSTANT_NEVER), "{\"k\":null}");
    CHECK_FIELD(field_until(json, "k", INSTANT(5), INSTANT(1500005)), "{\"k\":1.5}");
    CHECK_FIELD(field_until(json, "k", INSTANT(7), INSTANT(7)), "{\"k\":0}");
    CHECK_FIELD(field_until(json, "k", INSTANT(8), INSTANT(7)), "{\"k\":0}");
    CHECK_FIELD(field_until(json, "k", INSTANT(7), INSTANT_NEVER), "{\"k\":null}");
}

/* 2^10 GB are a TB, and what was typed per GB comes back as it was typed. */
static void test_traffic_is_priced_by_the_gb(void **state)
{
    (void)state;
    for (int64_t per_gb = 0; per_gb < 20000000; per_gb += 12345) {
        struct money per_tb = { per_gb * 1024 };
        auto_buf struct buf text = buf_of(4096), wanted = buf_of(4096);
        struct encoder json = encoder_of(&text), expected = encoder_of(&wanted);

        encode_object(&json);
        field_per_gb(&json, "k", per_tb);
        encode_end(&json);
        encode_object(&expected);
        encode_field_money(&expected, "k", (struct money){ per_gb });
        encode_end(&expected);
        CHECK_TEXT(text.bytes, wanted.bytes);
    }
    CHECK_FIELD(fields_traffic_prices(json, DOLLARS(20480000000), DOLLARS(0)),
                "{\"inet_up_cost\":0.02,\"inet_down_cost\":0,\"internet_up_cost_per_tb\":20,"
                "\"internet_down_cost_per_tb\":0}");
}

static void test_the_parts_of_a_price_add_up(void **state)
{
    (void)state;
    CHECK_FIELD(field_price_parts(json, "k", DOLLARS(360000000), DOLLARS(2083333)),
                "{\"k\":{\"gpuCostPerHour\":0.36,\"diskHour\":0.002083333,\"totalHour\":"
                "0.362083333,\"discountTotalHour\":0,\"discountedTotalPerHour\":0.362083333}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_unknown_is_null),
        cmocka_unit_test(test_numbers_keep_their_decimals),
        cmocka_unit_test(test_times_are_seconds_and_never_is_null),
        cmocka_unit_test(test_traffic_is_priced_by_the_gb),
        cmocka_unit_test(test_the_parts_of_a_price_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
