/* SPDX-License-Identifier: Apache-2.0 */
/* An offer as clients see it: the object of api.md 2.3.4, every member of it, every time. */

#ifndef BERTH_SERVER_OFFER_JSON_H
#define BERTH_SERVER_OFFER_JSON_H

#include "base/encode.h"
#include "market/catalog.h"

void offer_encode(struct encoder *json, const struct catalog_hit *hit,
                  const struct query_caller *asker);

#endif
