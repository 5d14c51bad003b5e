/* SPDX-License-Identifier: Apache-2.0 */
/* The journals with their legs, and the chain over them: I-3, I-8, I-15 and I-19; legs that belong
 * to none are I-2. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_JOURNALS_H
#define BERTH_FLOW_CHECK_JOURNALS_H

#include "flow/check_accounts.h"
#include "store/seal.h"

/* All zeros but for the first two at the beginning. */
struct check_journals {
    struct check_run *run;
    struct check_accounts *accounts;
    struct seal previous; /* the chain, as it is recomputed along with the journals */
    struct seal_batch batch;
    struct journal journal; /* of which the legs are coming together */
    int64_t legs_of;        /* whose they are; */
    size_t legs_seen;       /* more than there may be are counted, not kept */
};

/* A check_feed_work: `context` is a struct check_journals. */
void check_journals_work(void *context, const struct check_block *block);

/* After the last block. */
void check_journals_end(struct check_journals *journals);

#endif
