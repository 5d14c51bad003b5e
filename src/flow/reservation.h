/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a reserved rental's deposit as it is charged (market/reserved.h). Inside
 * src/flow/.
 *
 * While the contract is KIND_RESERVED, its GPU time and disk are nobody's burn but the deposit's:
 * no balance counts them, and want of credit does not stop it. Posting usage draws on the deposit;
 * the microsecond with which it is used up is found from the meters' totals, whenever the posting
 * comes (flow/usage.h), and from there on the contract is one on demand at its list prices. */

#ifndef BERTH_FLOW_RESERVATION_H
#define BERTH_FLOW_RESERVATION_H

#include "base/arena.h"
#include "store/contract.h"
#include "store/meters.h"
#include "store/reservation.h"

/* A host that cannot be reached for so long has broken off, not its renter who leaves. */
#define RESERVED_PATIENCE_US US_PER_HOUR

/* The contract's open reservation, which it has: it is KIND_RESERVED. */
NODISCARD bool reservation_of(struct db *db, const struct contract_row *contract,
                              struct reservation_row *ret, struct error *err);

/* The deposit was used up at `at`; the meters are posted up to there. Makes the contract one on
 * demand, and the meters go on at list prices; does not save them. */
NODISCARD bool reservation_used_up(struct db *db, struct contract_row *contract,
                                   struct meters *meters, struct instant at, struct error *err);

/* When its agent is to stop it by itself, should it hear nothing more: when the deposit is used up
 * and its owner's other credit, which then pays for it too, at list prices. INSTANT_NEVER: never.
 */
NODISCARD bool reservation_stop(struct db *db, const struct contract_row *contract,
                                struct instant now, struct arena *arena, struct instant *ret,
                                struct error *err);

/* When to look at the deposit again: when it is used up at what the meters burn now. */
NODISCARD bool reservation_plan_look(struct db *db, const struct contract_row *contract,
                                     const struct meters *meters, struct instant now,
                                     struct error *err);

/* How long GPU time at `rate` could have run besides, up to `now`, by its owner's other credit. */
NODISCARD bool reservation_affords(struct db *db, const struct contract_row *contract,
                                   struct money rate, struct instant now, int64_t *ret_us,
                                   struct error *err);

/* The discount that the contract has had, on GPU time and disk, as posted. */
NODISCARD bool reservation_given(struct db *db, const struct reservation_row *reservation,
                                 const struct meters *meters, struct money ret[static 2],
                                 struct error *err);

/* The contract has ended at `now`, and all is posted. `is_whole`: not by its renter. */
NODISCARD bool reservation_end(struct db *db, struct contract_row *contract, bool is_whole,
                               struct instant now, struct error *err);

#endif
