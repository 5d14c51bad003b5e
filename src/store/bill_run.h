/* SPDX-License-Identifier: Apache-2.0 */
/* What the weekly bills of a range of hosts are made from, in few statements for all of them
 * (flow/bill.h). A range is all hosts by id from `first` to `last` who have a machine that is
 * billed up to before `cut`. */

#ifndef BERTH_STORE_BILL_RUN_H
#define BERTH_STORE_BILL_RUN_H

#include "base/arena.h"
#include "store/db.h"
#include "store/payout_method.h"

struct bill_range {
    int64_t first, last;
    struct instant cut;
};

/* Contracts with usage from before the cut that is not posted, by machine. */
struct bill_unposted {
    int64_t contract_id, machine_id, renter_id;
};
NODISCARD bool bill_run_unposted(struct db *db, const struct bill_range *range, struct arena *arena,
                                 struct bill_unposted **ret, size_t *ret_count, struct error *err);

struct bill_host {
    int64_t id;
    struct instant last;  /* up to where its last invoice goes; 0: it has none */
    struct money owed;    /* by the host, less what is held */
    struct money payable; /* to the host, less what is held */
    bool has_payout;      /* of this cut */
    bool is_unposted;     /* usage from before the cut is missing in the books */
    bool has_method;
    struct payout_method_row method;
};

/* The hosts, by id, with their machines and themselves locked: nothing is posted beside it, nor
 * paid. To be called first in a transaction. */
NODISCARD bool bill_run_hosts(struct db *db, const struct bill_range *range, struct arena *arena,
                              struct bill_host **ret, size_t *ret_count, struct error *err);

#endif
