/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's standing is stored as, and what of its past decides it (market/requirement.h).
 */

#ifndef BERTH_STORE_MACHINE_STANDING_H
#define BERTH_STORE_MACHINE_STANDING_H

#include "store/machine.h"

/* verification, is_verification_set, failed and look_at of `machine->id`. */
NODISCARD bool machine_set_checked(struct db *db, const struct machine_row *machine,
                                   struct error *err);
/* hardware_since and bench: it is another machine by what counts. */
NODISCARD bool machine_set_hardware(struct db *db, const struct machine_row *machine,
                                    struct error *err);

/* Those online whose look_at has come, the longest ago first. */
NODISCARD bool machine_looks_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                 size_t *ret_count, struct error *err);
NODISCARD bool machine_set_look(struct db *db, int64_t id, struct instant at, struct error *err);

/* What an operator says of it; or not `is_set`: its lines decide again, and are looked at now. */
NODISCARD bool machine_set_said(struct db *db, int64_t id, enum verification verification,
                                bool is_set, int64_t *ret_count, struct error *err);

/* Right answers since the last wrong one and since then, of the last two hundred that it gave. */
NODISCARD bool machine_proofs_good(struct db *db, int64_t machine_id, struct instant since,
                                   int64_t *ret_count, struct error *err);

/* When a start failed last that counted; 0: none did. */
NODISCARD bool machine_last_failed_start(struct db *db, int64_t machine_id, struct instant *ret,
                                         struct error *err);

/* It is asked for a proof then, unless it is sooner. */
NODISCARD bool machine_audit_sooner(struct db *db, int64_t id, struct instant at,
                                    struct error *err);

#endif
