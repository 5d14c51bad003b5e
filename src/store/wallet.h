/* SPDX-License-Identifier: Apache-2.0 */
/* What came into a person's account and went out of it, charges for usage aside: deposits, given
 * credit, refunds, transfers, a host's invoices and payouts. Read from the journals. */

#ifndef BERTH_STORE_WALLET_H
#define BERTH_STORE_WALLET_H

#include "base/arena.h"
#include "market/journal.h"
#include "store/db.h"

struct wallet_entry {
    int64_t journal_id;
    enum journal_kind kind;
    int64_t ref_id; /* a deposit, user, contract, invoice or payout, by kind */
    struct instant at;
    struct money amount; /* above zero */
    bool is_out;         /* a transfer to somebody else */
};

/* Those of [from, until], oldest first. */
NODISCARD bool wallet_list(struct db *db, int64_t user_id, struct instant from,
                           struct instant until, struct arena *arena, struct wallet_entry **ret,
                           size_t *ret_count, struct error *err);

#endif
