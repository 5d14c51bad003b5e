/* SPDX-License-Identifier: Apache-2.0 */
/* A machine as the market sees it, put together from its rows. Inside src/flow/. */

#ifndef BERTH_FLOW_HARDWARE_H
#define BERTH_FLOW_HARDWARE_H

#include "base/arena.h"
#include "market/machine.h"
#include "store/db.h"
#include "store/gpu.h"
#include "store/machine.h"

struct hardware {
    struct machine_facts facts;
    struct machine machine; /* borrows its texts from `facts` and the row */
    struct gpu_row *gpus;   /* one that stands for the whole machine where it has none */
    size_t gpu_count;       /* of `gpus` */
};

/* Facts as they are stored. What does not decode is ERROR_CORRUPT. */
NODISCARD bool hardware_facts(const char *json, struct machine_facts *ret, struct error *err);

/* What the machine is at `now`; with who holds which GPU and how much disk is rented, as of this
 * transaction. `row` must outlive it. */
NODISCARD bool hardware_load(struct db *db, const struct machine_row *row, struct instant now,
                             struct arena *arena, struct hardware **ret, struct error *err);

/* Nobody holds any of it. */
bool hardware_is_idle(const struct hardware *hardware);

/* It has that GPU, and nobody holds it. */
bool hardware_is_free(const struct hardware *hardware, const char *uuid);

#endif
