/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits by the name that their provider has for them: each is announced or not, and arrives
 * once. */

#ifndef BERTH_STORE_DEPOSIT_H
#define BERTH_STORE_DEPOSIT_H

#include "store/db.h"

/* Stored in deposit.state. */
enum deposit_state {
    DEPOSIT_MADE,
    DEPOSIT_ON_ITS_WAY,
    DEPOSIT_ARRIVED,
    DEPOSIT_FAILED,
    DEPOSIT_CANCELLED,
};

struct deposit_row {
    int64_t id, user_id;
    const char *provider;  /* "manual" */
    const char *object_id; /* the provider's name for it, or the operator's ticket */
    struct money amount;
};

/* On its way. `*ret_is_new` false: that was known, or it has even arrived or been given up, as
 * `deposit->id`; ERROR_CONFLICT where the name stands for another user's, or another amount. */
NODISCARD bool deposit_expect(struct db *db, struct deposit_row *deposit, struct instant now,
                              bool *ret_is_new, struct error *err);

/* `*ret_is_new` false: it arrived before. One that was given up may arrive all the same. */
NODISCARD bool deposit_arrive(struct db *db, struct deposit_row *deposit, struct instant now,
                              bool *ret_is_new, struct error *err);

/* It does not come. Changes nothing unless it was on its way. */
NODISCARD bool deposit_cancel(struct db *db, int64_t id, struct instant now, struct error *err);

#endif
