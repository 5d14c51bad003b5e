/* SPDX-License-Identifier: Apache-2.0 */
/* Cards, and payouts to banks in the US. */

#ifndef BERTH_SERVER_PROVIDER_STRIPE_H
#define BERTH_SERVER_PROVIDER_STRIPE_H

#include "server/provider.h"

extern const struct provider provider_stripe;

#endif
