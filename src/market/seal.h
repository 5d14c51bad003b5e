/* SPDX-License-Identifier: Apache-2.0 */
/* What the chain over the journals is made of (money.md 1.14, I-19).
 *
 * Journals are closed in batches, each with a hash over the one before and over all that is stored
 * of its journals. So whoever knows the newest seal can tell whether anything that it covers was
 * changed since: an amount, an account, a time, a row that is gone or one that was put in. The
 * body hash of a journal says less: what was asked for, not how it was paid, nor when. */

#ifndef BERTH_MARKET_SEAL_H
#define BERTH_MARKET_SEAL_H

#include "market/journal.h"

enum { SEAL_ENTRY_MAX = 4096 };

/* A journal as it is stored, whole: under its id, with its legs in order. */
struct seal_entry {
    int64_t id;
    struct instant posted;
    const char *body_hash;
    const struct journal *journal;
};

/* The bytes under the hash. At most SEAL_ENTRY_MAX for texts as long as they may be. */
void seal_entry_write(struct buf *out, const struct seal_entry *entry);

#endif
