/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread reads, another thread checks: blocks of the books go from the one to the other,
 * in their order. Reading waits for the database, and checking hashes: each takes about as long.
 * Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_FEED_H
#define BERTH_FLOW_CHECK_FEED_H

#include "store/audit.h"

enum { CHECK_BLOCK_JOURNALS = 512, CHECK_BLOCK_LEGS = 4096, CHECK_BLOCK_SEALS = 64 };

struct check_leg {
    int64_t journal, code, amount, debit, credit; /* the last two are ids of accounts */
};

/* Journals and seals by rising id, legs by rising journal. A journal comes after its legs and after
 * the seals of what is before it: in the same block, or in an earlier one. */
struct check_block {
    size_t journal_count, leg_count, seal_count;
    struct audit_row journals[CHECK_BLOCK_JOURNALS];
    struct check_leg legs[CHECK_BLOCK_LEGS];
    struct audit_row seals[CHECK_BLOCK_SEALS];
};

struct check_feed;

/* Called with each block that was sent, one after another, on one thread that is not the sender's.
 */
typedef void check_feed_work(void *context, const struct check_block *block);

/* For check_feed_finish(). */
NODISCARD bool check_feed_start(check_feed_work *work, void *context, struct check_feed **ret,
                                struct error *err);

/* The block to fill, which is empty after the start and after each check_feed_send(). */
struct check_block *check_feed_block(struct check_feed *feed);
void check_feed_send(struct check_feed *feed);

/* Wait until all that was sent is worked off. What was not sent is dropped. */
void check_feed_finish(struct check_feed **feed);

#endif
