/* SPDX-License-Identifier: Apache-2.0 */
/* An offer as clients see it: the object of api.md 2.3.4, every member of it, every time.
 *
 * Its members come in two parts, so that the larger one can be written before anybody asks. A new
 * member belongs to the first unless the asker's disk, kind of rental, duration, clock or name
 * changes it. */

#ifndef BERTH_SERVER_OFFER_JSON_H
#define BERTH_SERVER_OFFER_JSON_H

#include "base/encode.h"
#include "market/query.h"

/* The members that are the same for every asker; the object is open. */
void offer_encode_fixed(struct encoder *json, const struct offer *offer);

/* All others: at most so many bytes. */
enum { OFFER_ASKED_MAX = 1024 };
void offer_encode_asked(struct encoder *json, const struct offer *offer,
                        const struct offer_ask *ask, const struct query_caller *asker);

/* The whole object. */
void offer_encode(struct encoder *json, const struct offer *offer, const struct offer_ask *ask,
                  const struct query_caller *asker);

#endif
