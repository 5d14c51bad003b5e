/* SPDX-License-Identifier: Apache-2.0 */
/* What hosts have said of taking their machines back. Rows are added, and never changed. */

#ifndef BERTH_STORE_RECLAIM_H
#define BERTH_STORE_RECLAIM_H

#include "base/arena.h"
#include "store/db.h"

struct reclaim_row {
    int64_t id, machine_id;
    struct instant at, due; /* when it was said, and when everything on the machine ends */
    const char *reason;
};

NODISCARD bool reclaim_insert(struct db *db, const struct reclaim_row *reclaim, int64_t *ret_id,
                              struct error *err);

/* The latest of a machine. */
NODISCARD bool reclaim_last(struct db *db, int64_t machine_id, struct arena *arena,
                            struct reclaim_row *ret, bool *ret_has, struct error *err);

#endif
