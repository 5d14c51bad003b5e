/* SPDX-License-Identifier: Apache-2.0 */
/* The four meters of a contract at rest, with the evidence for their rates (money.md 1.5).
 *
 * They are loaded and saved together. Saving compares the version with that of the loading, so
 * two that loaded the same meters cannot both post: the second is ERROR_CONFLICT, and on
 * PostgreSQL its closure runs again. */

#ifndef BERTH_STORE_METERS_H
#define BERTH_STORE_METERS_H

#include "base/instant.h"
#include "market/meter.h"
#include "store/db.h"

struct meters {
    int64_t contract_id;
    int64_t version;
    bool is_closed; /* by the destroy: never advances again */
    struct instant closed;
    struct meter of[COMPONENT_COUNT]; /* at component - 1 */
};

/* For a new contract: `of` are open and unused. Begins the first epoch of each. */
NODISCARD bool meters_open(struct db *db, int64_t contract_id,
                           const struct meter of[static COMPONENT_COUNT], struct instant now,
                           struct error *err);

/* ERROR_NOT_FOUND: the contract has none; ERROR_CORRUPT: they break their own rules. */
NODISCARD bool meters_load(struct db *db, int64_t contract_id, struct meters *ret_meters,
                           struct error *err);

NODISCARD bool meters_save(struct db *db, struct meters *meters, struct error *err);

/* Save for the last time. Everything must be posted. */
NODISCARD bool meters_close(struct db *db, struct meters *meters, struct instant now,
                            struct error *err);

/* From here on at another rate: ends one epoch and begins the next. The meter must be posted up to
 * its total. Does not save. */
NODISCARD bool meters_reprice(struct db *db, struct meters *meters, enum component component,
                              struct money rate, struct instant now, struct error *err);

/* The same of another size of disk. */
NODISCARD bool meters_resize(struct db *db, struct meters *meters, int64_t disk_gb,
                             struct instant now, struct error *err);

/* The epochs of one meter, oldest first. More than `max` is ERROR_OUT_OF_RANGE. */
NODISCARD bool meters_load_epochs(struct db *db, int64_t contract_id, enum component component,
                                  struct meter_epoch *ret_epochs, size_t max, size_t *ret_count,
                                  struct error *err);

#endif
