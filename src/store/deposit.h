/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits that have arrived, by the name that their provider has for them: each counts once. */

#ifndef BERTH_STORE_DEPOSIT_H
#define BERTH_STORE_DEPOSIT_H

#include "store/db.h"

struct deposit_row {
    int64_t id, user_id;
    const char *provider;  /* "manual" */
    const char *object_id; /* the provider's name for it, or the operator's ticket */
    struct money amount;
};

/* `*ret_is_new` false: it arrived before, as `deposit->id`; ERROR_CONFLICT where that was another
 * user's, or another amount. */
NODISCARD bool deposit_arrive(struct db *db, struct deposit_row *deposit, struct instant now,
                              bool *ret_is_new, struct error *err);

#endif
