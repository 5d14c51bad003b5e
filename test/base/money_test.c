/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include "check.h"

static const struct money money_max = { INT64_MAX };
static const struct money money_min = { -INT64_MAX };
static const struct money one_nanodollar = { 1 };

static void test_text_goes_in_and_comes_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t nanodollars;
        const char *formatted;
    } rows[] = {
        { "0", 0, "0.00" },
        { "-0", 0, "0.00" },
        { "12", 12000000000, "12.00" },
        { "0.35", 350000000, "0.35" },
        { "0.350", 350000000, "0.35" },
        { "-1.5", -1500000000, "-1.50" },
        { "0.000000001", 1, "0.000000001" },
        { "-0.000000001", -1, "-0.000000001" },
        { "007.10", 7100000000, "7.10" },
        { "9223372036.854775807", INT64_MAX, "9223372036.854775807" },
        { "-9223372036.854775807", -INT64_MAX, "-9223372036.854775807" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money amount;
        struct error err;
        char text[MONEY_TEXT_SIZE];

        check_row("'%s'", rows[i].text);
        CHECK(money_parse(rows[i].text, &amount, &err));
        CHECK_INT(amount.nanodollars, rows[i].nanodollars);
        CHECK_TEXT(money_format(amount, text), rows[i].formatted);
        CHECK(money_parse(text, &amount, &err));
        CHECK_INT(amount.nanodollars, rows[i].nanodollars);
    }
}

static void test_bad_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum error_code code;
    } rows[] = {
        { "", ERROR_INVALID },
        { "-", ERROR_INVALID },
        { ".", ERROR_INVALID },
        { ".5", ERROR_INVALID },
        { "5.", ERROR_INVALID },
        { "+5", ERROR_INVALID },
        { "--5", ERROR_INVALID },
        { " 5", ERROR_INVALID },
        { "5 ", ERROR_INVALID },
        { "$5", ERROR_INVALID },
        { "1,000", ERROR_INVALID },
        { "1e3", ERROR_INVALID },
        { "1.2.3", ERROR_INVALID },
        { "0.0000000001", ERROR_INVALID },
        { "9223372036.854775808", ERROR_OUT_OF_RANGE },
        { "-9223372036.854775808", ERROR_OUT_OF_RANGE },
        { "9223372037", ERROR_OUT_OF_RANGE },
        { "99999999999999999999", ERROR_OUT_OF_RANGE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money amount = { 42 };
        struct error err = { .code = ERROR_NONE };

        check_row("'%s'", rows[i].text);
        CHECK(!money_parse(rows[i].text, &amount, &err));
        CHECK_INT(err.code, rows[i].code);
        CHECK_INT(amount.nanodollars, 42);
    }
}

static void test_sums_stop_at_the_edges(void **state)
{
    (void)state;
    struct money sum = { 42 };

    CHECK(!money_add(money_max, one_nanodollar, &sum));
    CHECK(!money_subtract(money_min, one_nanodollar, &sum));
    CHECK(!money_add(money_min, money_min, &sum));
    CHECK_INT(sum.nanodollars, 42);

    CHECK(money_add(money_max, money_min, &sum));
    CHECK_INT(sum.nanodollars, 0);
    CHECK(money_subtract((struct money){ 0 }, money_max, &sum));
    CHECK_INT(money_compare(sum, money_min), 0);
    CHECK(money_compare(money_min, money_max) < 0);
    CHECK(money_compare(money_max, money_min) > 0);
}

static void test_rates_round_down(void **state)
{
    (void)state;
    static const struct {
        int64_t price;
        uint64_t per, quantity;
        int64_t cost;
    } rows[] = {
        { 350000000, 3600000, 3600000, 350000000 }, /* an hour at $0.35 */
        { 350000000, 3600000, 1, 97 },              /* a millisecond of it: 97.2 */
        { 350000000, 3600000, 0, 0 },
        { 0, 1, UINT64_MAX, 0 }, /* free is free, however much there is of it */
        { 1, UINT64_MAX, UINT64_MAX, 1 },
        { 1, UINT64_MAX, UINT64_MAX - 1, 0 },
        { INT64_MAX, 1, 1, INT64_MAX },
        { INT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MAX },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rate rate = { { rows[i].price }, rows[i].per };
        struct money cost;

        check_row("row %zu", i);
        CHECK(rate_cost(rate, rows[i].quantity, &cost));
        CHECK_INT(cost.nanodollars, rows[i].cost);
    }
}

static void test_a_cost_past_money_is_refused(void **state)
{
    (void)state;
    struct rate rate = { { INT64_MAX }, 1 };
    struct money cost = { 42 };

    CHECK(!rate_cost(rate, 2, &cost));
    CHECK(!rate_cost(rate, UINT64_MAX, &cost));
    CHECK_INT(cost.nanodollars, 42);
}

static void test_rates_that_make_no_sense(void **state)
{
    (void)state;
    CHECK(rate_is_valid((struct rate){ { 0 }, 1 }));
    CHECK(!rate_is_valid((struct rate){ { -1 }, 1 }));
    CHECK(!rate_is_valid((struct rate){ { 1 }, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_goes_in_and_comes_out),
        cmocka_unit_test(test_bad_text_is_refused),
        cmocka_unit_test(test_sums_stop_at_the_edges),
        cmocka_unit_test(test_rates_round_down),
        cmocka_unit_test(test_a_cost_past_money_is_refused),
        cmocka_unit_test(test_rates_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
