/* SPDX-License-Identifier: Apache-2.0 */
/* When a machine is announced to be away: windows that its host has set. */

#ifndef BERTH_STORE_MAINTENANCE_H
#define BERTH_STORE_MAINTENANCE_H

#include "base/arena.h"
#include "store/db.h"

struct maintenance_row {
    int64_t id, machine_id;
    struct instant start, end;
    const char *category; /* "power", "internet", ... */
    struct instant created;
};

NODISCARD bool maintenance_insert(struct db *db, const struct maintenance_row *window,
                                  int64_t *ret_id, struct error *err);

/* Of one machine, neither cancelled nor over at `now`, the next one first. */
NODISCARD bool maintenance_list(struct db *db, int64_t machine_id, struct instant now,
                                struct arena *arena, struct maintenance_row **ret,
                                size_t *ret_count, struct error *err);

/* All that are not over. */
NODISCARD bool maintenance_cancel(struct db *db, int64_t machine_id, struct instant now,
                                  int64_t *ret_count, struct error *err);

#endif
