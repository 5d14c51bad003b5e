/* SPDX-License-Identifier: Apache-2.0 */
/* Payouts outside of the US. */

#ifndef BERTH_SERVER_PROVIDER_PAYPAL_H
#define BERTH_SERVER_PROVIDER_PAYPAL_H

#include "server/provider.h"

extern const struct provider provider_paypal;

#endif
