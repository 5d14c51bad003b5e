/* SPDX-License-Identifier: Apache-2.0 */
/* The chain over the journals at rest: a row for each batch that was closed (market/seal.h). The
 * rows are append-only, like what they cover. */

#ifndef BERTH_STORE_SEAL_H
#define BERTH_STORE_SEAL_H

#include "base/hex.h"
#include "market/seal.h"
#include "store/db.h"
#include "sys/crypto.h"

struct seal {
    int64_t number;       /* from 1, without gaps; 0: the beginning, before any */
    int64_t last_journal; /* it covers those after the one before, up to this */
    int64_t journal_count;
    char hash[HEX_SIZE(HASH_SIZE)];
};

/* A batch that comes together, journal after journal, by rising id. */
struct seal_batch {
    struct hash hash;
    int64_t last_journal, journal_count;
};
void seal_batch_add(struct seal_batch *batch, const struct seal_entry *entry);

/* What closing the batch makes, behind `previous`. The batch is not empty. */
struct seal seal_close(const struct seal *previous, const struct seal_batch *batch);

/* The newest; number 0 where there is none. */
NODISCARD bool seal_load_newest(struct db *db, struct seal *ret_seal, struct error *err);

NODISCARD bool seal_insert(struct db *db, const struct seal *seal, struct instant now,
                           struct error *err);

/* The last journal behind `after` that was posted by `until`, as were all before it, and before
 * which none can come any more: `after` where there is none. On PostgreSQL, where ids may be
 * committed out of order, this waits for those that are posting, and must be the first thing that
 * its transaction does. */
NODISCARD bool seal_find_settled(struct db *db, int64_t after, struct instant until,
                                 int64_t *ret_last, struct error *err);

#endif
