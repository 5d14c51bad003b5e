/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter runs up by the clock, without a look at everything that runs. Inside src/flow/.
 *
 * Of each renter the sum of the lines of its contracts is kept (market/accrual.h). What changed
 * since it was, which the database notes, and what has reached a bend of its line is looked at
 * anew: so a change costs what it changes, however much else the renter has. */

#ifndef BERTH_FLOW_ACCRUED_H
#define BERTH_FLOW_ACCRUED_H

#include "base/arena.h"
#include "market/accrual.h"
#include "store/accrued.h"
#include "store/burn.h"

/* The renter's line at `now`, to the last change of this transaction. Reads only. */
NODISCARD bool accrued_now(struct db *db, int64_t owner_id, struct instant now, struct arena *arena,
                           struct accrual *ret, struct error *err);

/* The same, and what was looked at anew need not be again. The account is locked. */
NODISCARD bool accrued_keep(struct db *db, int64_t owner_id, struct instant now,
                            struct arena *arena, struct accrual *ret, struct error *err);

/* The line of one contract, of whose meters `burns` are; where it bends next. */
struct accrued_part accrued_of(const struct burn_row *burns, size_t count, int64_t contract_id,
                               struct instant at);

#endif
