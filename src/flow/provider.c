/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/provider.h"

#include <string.h>

#include "flow/pay_out_move.h"
#include "flow/pay_paypal.h"

static bool stripe_serves(const struct pay_settings *settings, const char *country)
{
    return settings->has_stripe && strcmp(country, "US") == 0;
}

static bool paypal_serves(const struct pay_settings *settings, const char *country)
{
    (void)country;
    return settings->has_paypal;
}

static bool hand_serves(const struct pay_settings *settings, const char *country)
{
    (void)settings;
    (void)country;
    return true;
}

static const struct pay_provider providers[] = {
    { "stripe", "Stripe", false, "onboarding", stripe_serves, pay_out_enroll,
      pay_out_start_transfer },
    { "paypal", "PayPal", false, "", paypal_serves, NULL, pay_paypal_start },
    { "manual", "the operator", true, "", hand_serves, NULL, NULL },
};
enum { COUNT = sizeof providers / sizeof providers[0] };

const struct pay_provider *pay_provider_named(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(providers[i].name, name) == 0)
            return &providers[i];
    return &providers[COUNT - 1];
}

const struct pay_provider *pay_provider_for(const struct pay_settings *settings,
                                            const char *country)
{
    for (size_t i = 0; i < COUNT; i++)
        if (providers[i].serves(settings, country))
            return &providers[i];
    return &providers[COUNT - 1];
}
