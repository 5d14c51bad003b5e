/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs of machines. One uuid is live on one machine at a time. A machine without GPUs has one row
 * that stands for the whole of it, so that claims work alike everywhere. */

#ifndef BERTH_STORE_GPU_H
#define BERTH_STORE_GPU_H

#include "base/arena.h"
#include "store/db.h"

struct gpu_row {
    int64_t id, machine_id;
    const char *uuid;
    bool is_whole_machine;
    int64_t position;      /* in the machine's own order */
    int64_t claimed_by;    /* the contract that holds it now, or 0 */
    int64_t claimed_kind;  /* of which kind that is, or 0 */
    int64_t last_claim_of; /* the contract that held it last, or 0 */
};

/* A uuid that is live elsewhere is ERROR_CONFLICT. */
NODISCARD bool gpu_insert(struct db *db, const struct gpu_row *gpu, int64_t *ret_id,
                          struct error *err);
NODISCARD bool gpu_list(struct db *db, int64_t machine_id, struct arena *arena,
                        struct gpu_row **ret, size_t *ret_count, struct error *err);
/* How many gpu_list() would list. */
NODISCARD bool gpu_count(struct db *db, int64_t machine_id, int64_t *ret_count, struct error *err);
NODISCARD bool gpu_find(struct db *db, const char *uuid, int64_t *ret_machine_id, bool *ret_has,
                        struct error *err);
NODISCARD bool gpu_retire(struct db *db, int64_t id, struct instant now, struct error *err);
NODISCARD bool gpu_move(struct db *db, int64_t id, int64_t position, struct error *err);

#endif
