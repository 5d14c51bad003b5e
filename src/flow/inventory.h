/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPUs a machine has, as rows that can be claimed. Inside src/flow/. */

#ifndef BERTH_FLOW_INVENTORY_H
#define BERTH_FLOW_INVENTORY_H

#include "base/arena.h"
#include "market/machine.h"
#include "store/db.h"
#include "store/gpu.h"

/* Whether none of its GPUs is live on another machine. `machine_id` 0: any is another. */
NODISCARD bool inventory_is_free(struct db *db, int64_t machine_id,
                                 const struct machine_facts *facts, bool *ret_is_free,
                                 struct error *err);

/* A row for each GPU; for a machine without, one that stands for the whole of it. */
NODISCARD bool inventory_insert(struct db *db, int64_t machine_id,
                                const struct machine_facts *facts, struct error *err);

/* Whether the rows are those of the facts, in whatever order. */
bool inventory_matches(const struct gpu_row *gpus, size_t gpu_count,
                       const struct machine_facts *facts);

/* Replace the rows by those of the facts. Nothing may hold a claim. */
NODISCARD bool inventory_replace(struct db *db, int64_t machine_id, const struct gpu_row *gpus,
                                 size_t gpu_count, const struct machine_facts *facts,
                                 struct instant now, struct error *err);

#endif
