/* SPDX-License-Identifier: Apache-2.0 */
/* Renters' monthly statements: their numbers, and who is due for one. Their lines are those of
 * store/usage_line.h. Months are those of market/billing.h. */

#ifndef BERTH_STORE_RENTER_INVOICE_H
#define BERTH_STORE_RENTER_INVOICE_H

#include "base/arena.h"
#include "store/db.h"

struct renter_invoice_row {
    int64_t id, owner_id;
    const char *number; /* "INV-2026-000123" */
    int64_t month;      /* one for an owner and month */
    struct money gross; /* what its lines add up to */
    struct money total; /* in whole cents */
    struct instant made;
};

/* Accounts whose usage up to that month is not on statements, and all of it is posted: at most
 * `max`. `end`: when that month ends. */
NODISCARD bool renter_invoice_due(struct db *db, int64_t month, struct instant end,
                                  int64_t *ret_ids, size_t max, size_t *ret_count,
                                  struct error *err);
/* Whether this one still is; and up to which month it is billed. */
NODISCARD bool renter_invoice_is_due(struct db *db, int64_t owner_id, int64_t month,
                                     struct instant end, bool *ret_is_due, int64_t *ret_billed,
                                     struct error *err);
NODISCARD bool renter_invoice_set_billed(struct db *db, int64_t owner_id, int64_t month,
                                         struct error *err);

/* The owner's first day with a line, from that day on; INT64_MAX: there is none. */
NODISCARD bool renter_invoice_next_day(struct db *db, int64_t owner_id, int64_t from_day,
                                       int64_t *ret_day, struct error *err);
/* What the owner's lines of those days, the last one included, come to. */
NODISCARD bool renter_invoice_gross(struct db *db, int64_t owner_id, int64_t from_day,
                                    int64_t until_day, struct money *ret, struct error *err);

NODISCARD bool renter_invoice_insert(struct db *db, const struct renter_invoice_row *invoice,
                                     struct error *err);

/* An owner's, newest month first; and that of a month. */
NODISCARD bool renter_invoice_list(struct db *db, int64_t owner_id, struct arena *arena,
                                   struct renter_invoice_row **ret, size_t *ret_count,
                                   struct error *err);
NODISCARD bool renter_invoice_load(struct db *db, int64_t owner_id, int64_t month,
                                   struct arena *arena, struct renter_invoice_row *ret,
                                   bool *ret_has, struct error *err);

#endif
