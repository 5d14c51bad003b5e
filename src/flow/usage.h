/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance has used, and what of it is charged. Inside src/flow/.
 *
 * GPU time is what its intervals cover. While one is open, every accepted heartbeat confirms it up
 * to that heartbeat, without a write of its own: the session's last heartbeat is the cursor of
 * all open intervals of that machine. Disk runs with the clock from the making to the destroy,
 * but for a host that has been offline for longer than the contract charges it. Traffic is counted
 * by the host and waits in the contract until the meters are read. */

#ifndef BERTH_FLOW_USAGE_H
#define BERTH_FLOW_USAGE_H

#include "base/arena.h"
#include "market/accrual.h"
#include "market/connected.h"
#include "market/credit.h"
#include "store/burn.h"
#include "store/contract.h"
#include "store/interval.h"
#include "store/machine.h"

/* What new contracts charge, unless the operator has it skipped (--storage-when-offline). */
#define USAGE_DISK_OFFLINE_US (72 * US_PER_HOUR)

/* What an open interval says, as market/connected.h has it. `end`: nothing is charged past it. */
struct connected usage_connected(const struct interval_row *interval, struct instant last_heartbeat,
                                 struct instant end);

/* Up to when disk is charged, at `at`, on a machine that is not online since `offline_since`. */
struct instant usage_disk_until(struct instant offline_since, int64_t charged_us,
                                struct instant at);

/* The same of a contract on a machine, online or not. */
struct instant usage_disk_of(const struct machine_row *machine, const struct contract_row *contract,
                             struct instant at);

/* Count a meter into a balance as of `credit->as_of`. `end` as above: credit's or the contract's,
 * whichever comes first. */
void usage_add(struct credit *credit, const struct burn_row *burn, struct instant end);

/* The same as a line, of what runs by the clock, and where it bends by itself: INSTANT_NEVER where
 * it does not. An interval that is open counts as running until it is closed, were it that nobody
 * has heard of the host: that the lease has run out is known when it has been dealt with. */
struct accrual usage_accrual(const struct burn_row *burn, struct instant at,
                             struct instant *ret_bend);

struct usage {
    struct instant now;
    struct instant gpu_from;   /* GPU time to add: from then on, */
    int64_t gpu_us;            /* so much in one piece */
    struct instant disk_until; /* usage_disk_until(now) */
    bool is_last;              /* the instance is being destroyed: close its meters */
    bool is_decided;           /* an operator said so: however much it is, it is charged */
    bool is_parked;            /* an output: the GPU time is not charged, and gpu_us is 0 */
};

/* Less GPU time than that at once is charged without a question; more is parked where the servers'
 * own outage does not explain the rest (flow/parked.h). */
#define USAGE_TICK_US US_PER_HOUR

/* Read all four meters and charge what is new, in one journal for each day (UTC) that has ended
 * since the last posting and one for now. Changes what is metered in `*contract` and stores it. */
NODISCARD bool usage_post(struct db *db, struct usage *usage, struct contract_row *contract,
                          struct error *err);

/* Whether what ran until the last midnight has been confirmed since, where it can be: nothing that
 * can wait is posted, and no bill made, before. So a day's bill is the same whenever it is posted.
 */
#define USAGE_SETTLE_US (60 * US_PER_SECOND)
bool usage_is_settled(struct instant now);

#endif
