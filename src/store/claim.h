/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds which GPU. A unique index allows one unreleased claim a GPU: two renters cannot win. */

#ifndef BERTH_STORE_CLAIM_H
#define BERTH_STORE_CLAIM_H

#include "base/arena.h"
#include "store/db.h"

/* Held already is ERROR_CONFLICT. */
NODISCARD bool claim_insert(struct db *db, int64_t gpu_id, int64_t contract_id, struct instant now,
                            struct error *err);

/* All that the contract holds; `*ret_count` says how many those were. */
NODISCARD bool claim_release(struct db *db, int64_t contract_id, struct instant now,
                             int64_t *ret_count, struct error *err);

/* The uuids it holds, in the machine's order; none for a whole machine without GPUs. */
NODISCARD bool claim_uuids(struct db *db, int64_t contract_id, struct arena *arena,
                           const char ***ret, size_t *ret_count, struct error *err);

#endif
