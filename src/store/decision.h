/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about who runs on a machine, kept so that they can be explained: append-only. */

#ifndef BERTH_STORE_DECISION_H
#define BERTH_STORE_DECISION_H

#include "base/arena.h"
#include "base/instant.h"
#include "store/db.h"
#include "sys/crypto.h"

struct decision_row {
    int64_t id, machine_id;
    struct instant at;
    int64_t rule_version;
    const char *cause;  /* what happened: "created", "stopped by its owner" */
    struct hash inputs; /* of all that it was made from: the same again is the same decision */
    int64_t value_before, value_after;   /* what the bids that run come to, in ticks by the hour */
    const char *ran_before, *runs_after; /* contracts, as ids in order: "7 9" */
};

NODISCARD bool decision_insert(struct db *db, const struct decision_row *decision, int64_t *ret_id,
                               struct error *err);

/* The machine's last one; and any. */
NODISCARD bool decision_last(struct db *db, int64_t machine_id, struct arena *arena,
                             struct decision_row *ret, bool *ret_has, struct error *err);
NODISCARD bool decision_load(struct db *db, int64_t id, struct arena *arena,
                             struct decision_row *ret, bool *ret_has, struct error *err);

#endif
