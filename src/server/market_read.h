/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes about the market have in common. */

#ifndef BERTH_SERVER_MARKET_READ_H
#define BERTH_SERVER_MARKET_READ_H

#include "base/encode.h"
#include "market/prices.h"
#include "server/routes.h"

/* verified, hosting_type and num_gpus of the query. False: the call is answered. */
NODISCARD bool market_read_filter(struct call *call, struct prices_filter *ret);

/* Of a spread of nothing: null. */
void market_encode_point(struct encoder *json, const char *key, const struct prices_spread *spread,
                         int point);

/* Thousandths of something per dollar and hour; null where either is not known. */
void market_encode_per_dollar(struct encoder *json, const char *key, int64_t thousandths,
                              struct money price);

#endif
