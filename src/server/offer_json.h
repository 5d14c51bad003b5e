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

/* The same in parts, for an offer whose first one is written ahead: side by side, with the seconds
 * that are left and a bracket behind them, they are the object. */
enum { OFFER_FIXED, OFFER_PRICE, OFFER_FLAGS, OFFER_PARTS };

struct offer_memo_text;

struct offer_text {
    struct offer_memo_text *kept;   /* the price, as it was kept for those who ask alike; or NULL */
    const char *parts[OFFER_PARTS]; /* borrowed from the offer, and from `room` */
    size_t lengths[OFFER_PARTS];
    unsigned flags; /* 4 values of the last part */
    size_t left_length;
    char left[2 * ENCODE_FIXED_SIZE];
    char room[OFFER_ASKED_MAX];
};
void offer_text_of(struct offer_text *text, const struct offer *offer, const struct offer_ask *ask,
                   const struct query_caller *asker);

#endif
