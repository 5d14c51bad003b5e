/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of what renters run up by the clock: of each contract, and their sums (market/accrual.h).
 * The database itself notes which contracts are to be looked at anew, whoever changes what their
 * line is made of. */

#ifndef BERTH_STORE_ACCRUED_H
#define BERTH_STORE_ACCRUED_H

#include "base/arena.h"
#include "base/instant.h"
#include "market/accrual.h"
#include "store/db.h"

struct accrued_part {
    int64_t contract_id;
    struct accrual accrual;
    struct instant seen; /* the line is what it was made of then ... */
    struct instant due;  /* ... and bends by itself here; 0: it has changed since */
};

/* For a contract whose meters begin: due at once. */
NODISCARD bool accrued_open(struct db *db, int64_t contract_id, struct error *err);
NODISCARD bool accrued_save(struct db *db, const struct accrued_part *part, struct error *err);
NODISCARD bool accrued_drop(struct db *db, int64_t contract_id, struct error *err);

/* An owner's that are due at `now`, by contract; and all of them. */
NODISCARD bool accrued_list_due(struct db *db, int64_t owner_id, struct instant now,
                                struct arena *arena, struct accrued_part **ret, size_t *ret_count,
                                struct error *err);
NODISCARD bool accrued_list(struct db *db, int64_t owner_id, struct arena *arena,
                            struct accrued_part **ret, size_t *ret_count, struct error *err);

/* The sum as it was stored last; nothing where it never was. */
NODISCARD bool accrued_sum(struct db *db, int64_t owner_id, struct accrual *ret, struct error *err);
NODISCARD bool accrued_set_sum(struct db *db, int64_t owner_id, const struct accrual *sum,
                               struct error *err);

#endif
