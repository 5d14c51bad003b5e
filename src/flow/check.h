/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd check`: whether everything that is stored keeps to the invariants (money.md 1.14).
 *
 * It recomputes what can be recomputed: balances from transfers, meters from their epochs, charges
 * from meters, hashes from journals. It reads one moment of a market that may be running, in
 * pages, and changes nothing. */

#ifndef BERTH_FLOW_CHECK_H
#define BERTH_FLOW_CHECK_H

#include "store/store.h"
#include "sys/crypto.h"

struct check_counts {
    uint64_t accounts, transfers, journals, contracts, meters, intervals, claims;
    uint64_t seals, unsealed;       /* batches of the chain, and journals behind the last of them */
    int64_t sealed;                 /* the last journal that it covers */
    char head[HEX_SIZE(HASH_SIZE)]; /* its newest hash: whoever notes it down can tell later */
    uint64_t findings;
};

/* `rule` is "I-1" to "I-21", or "state" for what contracts may be. `text` names the rows. Called by
 * one thread at a time, which need not be the caller's. */
typedef void check_found(void *context, const char *rule, const char *text);

/* Calls `found` with every violation. True if all could be read, violations or not. Should the
 * database go away in the middle, it begins again, and `found` hears everything again. */
NODISCARD bool flow_check(struct store *store, check_found *found, void *context,
                          struct check_counts *ret_counts, struct error *err);

#endif
