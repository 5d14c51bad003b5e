/* SPDX-License-Identifier: Apache-2.0 */
/* When something falls due next, for whoever sleeps until then. Asked up to ten times a second
 * while anything happens, so each is the first entry of an index that has those alone that count:
 * none is passed over, however many do not. Whether a contract is being charged for time is said by
 * itself (contract.is_charged), which triggers keep by its intervals, whoever opens or closes one;
 * "berthd check" compares them. */

#ifndef BERTH_STORE_DUE_H
#define BERTH_STORE_DUE_H

#include "store/db.h"

enum due_row {
    DUE_HEARTBEAT,   /* the oldest last heartbeat of a machine that is online */
    DUE_CREDIT_END,  /* an account's t_zero */
    DUE_DEPOSIT_END, /* a reserved rental's deposit is used up */
    DUE_END,         /* a running contract's lifetime */
    DUE_WARNING,     /* a renter is to hear that a lifetime ends */
    DUE_STOPPED,     /* a contract has been stopped for as long as its owner allows */
    DUE_POST_RUNS,   /* the oldest posting of a contract that is being charged for time */
    DUE_POST_EXISTS, /* and of one that exists */
    DUE_OP_EXPIRES,  /* an operation that no host has begun */
    DUE_OP_CREATED,  /* the oldest operation that is kept */
    DUE_DECISION,    /* about who runs on a machine */
};

/* INSTANT_NEVER where there is none. */
NODISCARD bool due_next(struct db *db, enum due_row row, struct instant *ret, struct error *err);

#endif
