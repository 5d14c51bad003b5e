/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claim.h"

#include <stdint.h>

#include "store/rows.h"

bool claim_insert(struct db *db, int64_t gpu_id, int64_t contract_id, struct instant now,
                  struct error *err)
{
    return db_exec(db,
                   "INSERT INTO gpu_claim (gpu_id, contract_id, claimed_us) VALUES ($1, $2, $3)",
                   DB_ARGS(db_int(gpu_id), db_int(contract_id), db_instant(now)), err);
}

bool claim_release(struct db *db, int64_t contract_id, struct instant now, int64_t *ret_count,
                   struct error *err)
{
    return db_count(db,
                    "UPDATE gpu_claim SET released_us = $2 "
                    "WHERE contract_id = $1 AND released_us IS NULL",
                    DB_ARGS(db_int(contract_id), db_instant(now)), ret_count, err);
}

static bool uuid_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    return rows_text(row, 0, arena, item, err);
}

bool claim_uuids(struct db *db, int64_t contract_id, struct arena *arena, const char ***ret,
                 size_t *ret_count, struct error *err)
{
    static const struct rows_reader uuid = { "claim", sizeof(const char *), uuid_read };

    return rows_load(db, &uuid,
                     "SELECT g.uuid FROM gpu_claim c JOIN gpu g ON g.id = c.gpu_id "
                     "WHERE c.contract_id = $1 AND c.released_us IS NULL "
                     "AND g.is_whole_machine = 0 ORDER BY g.position, g.id",
                     DB_ARGS(db_int(contract_id)), arena, ret, ret_count, err);
}
