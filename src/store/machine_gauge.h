/* SPDX-License-Identifier: Apache-2.0 */
/* How machines' GPUs were when their agents last said so, as rows. */

#ifndef BERTH_STORE_MACHINE_GAUGE_H
#define BERTH_STORE_MACHINE_GAUGE_H

#include "base/arena.h"
#include "store/db.h"

struct machine_gauge_row {
    int64_t machine_id;
    struct instant told;
    const char *gpus; /* proto/gpu_gauge.h, as JSON */
};

/* In place of what was there. */
NODISCARD bool machine_gauge_put(struct db *db, const struct machine_gauge_row *gauge,
                                 struct error *err);

NODISCARD bool machine_gauge_load(struct db *db, int64_t machine_id, struct arena *arena,
                                  struct machine_gauge_row *ret, bool *ret_has, struct error *err);

#endif
