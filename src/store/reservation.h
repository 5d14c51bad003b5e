/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits of reserved rentals at rest (market/reserved.h). A contract has at most one that is
 * open, and is of kind KIND_RESERVED for as long as it has; what is in it is the balance of its
 * account. */

#ifndef BERTH_STORE_RESERVATION_H
#define BERTH_STORE_RESERVATION_H

#include "market/reserved.h"
#include "store/contract.h"
#include "store/db.h"

struct reservation_row {
    int64_t id, contract_id, owner_id;
    struct instant begun, closed;      /* closed: 0 while it is open */
    struct money gpu_hour, disk_month; /* without the discount */
    int64_t gpu_from, disk_from;       /* the meters' totals when it began */
    int64_t discount_ppm;
    int64_t hours; /* that it covered when it was last paid into */
    struct money paid;
    int64_t payments;
    struct money last_paid;
    struct instant last_paid_at;
    struct money kept, given_back;
    struct instant ends; /* to be looked at then */
};

NODISCARD bool reservation_insert(struct db *db, struct reservation_row *row, struct error *err);

/* The one that is open. */
NODISCARD bool reservation_load(struct db *db, int64_t contract_id, struct reservation_row *ret,
                                bool *ret_has, struct error *err);

/* Everything but whose it is and when it began. */
NODISCARD bool reservation_update(struct db *db, const struct reservation_row *row,
                                  struct error *err);

NODISCARD bool reservation_set_ends(struct db *db, int64_t contract_id, struct instant ends,
                                    struct error *err);

/* Contracts whose deposit is to be looked at. */
NODISCARD bool reservation_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                               size_t *ret_count, struct error *err);

/* What is in the deposit, as posted. */
NODISCARD bool reservation_left(struct db *db, const struct contract_row *contract,
                                struct money *ret, struct error *err);

/* Set the contract's kind, the price of its GPUs and its discount. */
NODISCARD bool reservation_mark(struct db *db, const struct contract_row *contract,
                                struct error *err);

#endif
