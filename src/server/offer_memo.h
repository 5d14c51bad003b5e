/* SPDX-License-Identifier: Apache-2.0 */
/* What an offer costs, as text, kept for those who ask alike.
 *
 * Prices depend on the asker's kind of rental, disk and duration, and nearly all clients send the
 * same few of these: whoever asks first writes the text, and all who ask for the same later copy
 * it. It is never changed and goes with its offer. Only offers that somebody was shown have one.
 * Many threads may read and keep at once; none waits. */

#ifndef BERTH_SERVER_OFFER_MEMO_H
#define BERTH_SERVER_OFFER_MEMO_H

#include <stdatomic.h>

#include "market/offer.h"

enum { OFFER_MEMO_ASKS = 4 }; /* who asks for yet another waits for the writing of it */

struct offer_memo_text {
    struct offer_ask ask;
    size_t length;
    char text[];
};

/* All zeros is an empty one. */
struct offer_memo {
    _Atomic(struct offer_memo_text *) texts[OFFER_MEMO_ASKS]; /* owned; those behind NULL are too */
};

/* While nobody else uses it. */
void offer_memo_clear(struct offer_memo *memo);

/* NULL: nobody has asked for that. */
const struct offer_memo_text *offer_memo_find(const struct offer_memo *memo,
                                              const struct offer_ask *ask);

/* Copies the text, if there is room for one more. */
void offer_memo_keep(struct offer_memo *memo, const struct offer_ask *ask, const char *text,
                     size_t length);

#endif
