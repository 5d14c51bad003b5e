/* SPDX-License-Identifier: Apache-2.0 */
/* Who brings a host its money: the operator's hand, Stripe, PayPal. One table, each a row of it;
 * what is said to a provider and how, is the other half (server/provider.h).
 *
 * Which of them it is follows from the host's country: the first row that serves it. */

#ifndef BERTH_FLOW_PROVIDER_H
#define BERTH_FLOW_PROVIDER_H

#include "flow/pay_out.h"

struct pay_provider {
    const char *name;   /* stored in payout.provider and payout_method.provider */
    const char *title;  /* in what a host is told: "by ..." */
    bool is_by_hand;    /* an operator says what became of its payouts; else it does itself */
    const char *starts; /* why a host who has just said so is not ready; "" it is */
    bool (*serves)(const struct pay_settings *settings, const char *country);
    /* What is to be asked once the host has said so. NULL: nothing. */
    bool (*enroll)(const struct pay *pay, const struct payout_method_row *method,
                   struct error *err);
    /* A payout that was made, on its way. NULL: it waits for a person. */
    bool (*start)(const struct pay *pay, const struct payout_row *payout,
                  const struct payout_method_row *method, struct error *err);
};

/* By hand, where there is none of that name. Never NULL. */
const struct pay_provider *pay_provider_named(const char *name);
const struct pay_provider *pay_provider_for(const struct pay_settings *settings,
                                            const char *country);

#endif
