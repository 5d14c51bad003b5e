/* SPDX-License-Identifier: Apache-2.0 */
/* What was taken back, kept as evidence beside the price epochs. */

#ifndef BERTH_STORE_REFUND_H
#define BERTH_STORE_REFUND_H

#include "market/refund.h"
#include "store/db.h"

struct refund_row {
    const char *ticket;
    int64_t contract_id;
    enum component component;
    struct refund refund;
    struct money gross, host; /* what went back, and came from the host */
    struct instant at;
};

NODISCARD bool refund_insert(struct db *db, const struct refund_row *row, struct error *err);

/* Of what a contract was charged for the component and has not had back: what was not paid from
 * given credit. */
NODISCARD bool refund_paid_bought(struct db *db, int64_t contract_id, enum component component,
                                  struct money *ret, struct error *err);

/* What was taken back of the account's contracts since then. */
NODISCARD bool refund_sum(struct db *db, int64_t renter_id, struct instant since, struct money *ret,
                          struct error *err);

#endif
