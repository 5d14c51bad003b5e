/* SPDX-License-Identifier: Apache-2.0 */
/* What an offer costs, as text, kept for those who ask alike.
 *
 * Prices depend on the asker's kind of rental, disk and duration, and nearly all clients send the
 * same few of these: whoever asks first writes the text, and all who ask for the same later copy
 * it. It is never changed and goes with its offer. Only offers that somebody was shown have one.
 *
 * With a text goes what all of the offer came to when it was last compressed (server/gzip.h), which
 * depends on the row before it: neighbours of one search are mostly those of the next. Of that
 * there is one, the last.
 *
 * Many threads may read and keep at once; none waits. */

#ifndef BERTH_SERVER_OFFER_MEMO_H
#define BERTH_SERVER_OFFER_MEMO_H

#include <stdatomic.h>

#include "market/offer.h"
#include "server/gzip.h"

enum {
    OFFER_MEMO_ASKS = 4, /* who asks for yet another waits for the writing of it */
    OFFER_ROW_MAX = 768, /* bytes of a compressed row that is kept: several times the usual */
};

/* All that a compressed row depends on besides its own text for the ask. */
struct offer_row_key {
    uint64_t last_edition; /* of the row before: its offer's edition and id */
    int64_t last_id;
    size_t distance;            /* from there to here */
    unsigned flags, last_flags; /* what the asker makes of both */
};

struct offer_row {
    atomic_flag is_busy; /* guards all of it */
    struct offer_row_key key;
    size_t text_length;
    uint32_t crc, shift;
    bool has_sums; /* false: nothing yet */
    size_t length; /* 0: only the sums of its text */
    char bytes[OFFER_ROW_MAX];
};

struct offer_memo_text {
    struct offer_ask ask;
    _Atomic(struct offer_row *) row; /* owned; NULL: nobody has asked for it compressed */
    size_t length;
    char text[];
};

/* All zeros is an empty one. */
struct offer_memo {
    uint64_t edition; /* with the offer's id, of its text and no other */
    _Atomic(struct offer_memo_text *) texts[OFFER_MEMO_ASKS]; /* owned; those behind NULL are too */
};

/* While nobody else uses it. */
void offer_memo_clear(struct offer_memo *memo);

/* NULL: nobody has asked for that. */
struct offer_memo_text *offer_memo_find(const struct offer_memo *memo, const struct offer_ask *ask);

/* Copies the text, if there is room for one more. */
void offer_memo_keep(struct offer_memo *memo, const struct offer_ask *ask, const char *text,
                     size_t length);

/* What is known of the row: false, nothing; a length of 0, only the sums of its text, because the
 * row before it is another one now. Else it is copied to `bytes`, which has room for OFFER_ROW_MAX.
 * False also where somebody else is at it. */
bool offer_memo_row(struct offer_memo_text *text, const struct offer_row_key *key, char *bytes,
                    struct gzip_known *ret);

/* Keeps it in place of the last, unless it is too long or somebody else is at that. A length of 0
 * keeps the sums alone. */
void offer_memo_keep_row(struct offer_memo_text *text, const struct offer_row_key *key,
                         const struct gzip_known *row);

#endif
