/* SPDX-License-Identifier: Apache-2.0 */
/* The same hardware under one identity after the other. */

#ifndef BERTH_STORE_MACHINE_PAST_H
#define BERTH_STORE_MACHINE_PAST_H

#include "store/db.h"

NODISCARD bool machine_set_fingerprint(struct db *db, int64_t id,
                                       const uint8_t fingerprint[static 32], struct error *err);

/* The newest machine of the same owner, removed, that had a GPU that this one has, or its
 * fingerprint. 0: there is none. */
NODISCARD bool machine_find_past(struct db *db, int64_t id, int64_t *ret_id, struct error *err);

NODISCARD bool machine_set_past(struct db *db, int64_t id, int64_t predecessor_id,
                                struct error *err);

#endif
