/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/provider.h"

#include "check.h"

static void test_the_country_says_who_pays(void **state)
{
    static const struct {
        bool has_stripe, has_paypal;
        const char *country, *want;
    } rows[] = {
        { true, true, "US", "stripe" },   { true, true, "DE", "paypal" },
        { true, false, "US", "stripe" },  { true, false, "DE", "manual" },
        { false, true, "US", "paypal" },  { false, true, "DE", "paypal" },
        { false, false, "US", "manual" }, { false, false, "DE", "manual" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct pay_settings settings = { .has_stripe = rows[i].has_stripe,
                                               .has_paypal = rows[i].has_paypal };

        check_row("%zu", i);
        CHECK_TEXT(pay_provider_for(&settings, rows[i].country)->name, rows[i].want);
    }
}

/* What nobody sees to is moved by hand, and nothing else is. */
static void test_what_has_no_provider_is_paid_by_hand(void **state)
{
    (void)state;
    CHECK(pay_provider_named("manual")->is_by_hand);
    CHECK(pay_provider_named("bank of nobody")->is_by_hand);
    CHECK(!pay_provider_named("stripe")->is_by_hand && pay_provider_named("stripe")->start != NULL);
    CHECK(!pay_provider_named("paypal")->is_by_hand && pay_provider_named("paypal")->start != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_country_says_who_pays),
        cmocka_unit_test(test_what_has_no_provider_is_paid_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
