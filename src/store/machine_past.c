/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_past.h"

#include "store/rows.h"

bool machine_set_fingerprint(struct db *db, int64_t id, const uint8_t fingerprint[static 32],
                             struct error *err)
{
    return db_exec(db, "UPDATE machine SET fingerprint = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_bytes(fingerprint, 32)), err);
}

bool machine_find_past(struct db *db, int64_t id, int64_t *ret_id, struct error *err)
{
    size_t count;

    if (!rows_load_ids(db,
                       "SELECT p.id FROM machine p JOIN machine m ON m.id = $1 "
                       "AND p.owner_id = m.owner_id WHERE p.id < m.id AND p.removed_us > 0 AND "
                       "(p.fingerprint = m.fingerprint OR EXISTS (SELECT 1 FROM gpu g JOIN gpu h "
                       "ON g.uuid = h.uuid WHERE g.machine_id = p.id AND h.machine_id = m.id "
                       "AND h.retired_us IS NULL)) ORDER BY p.id DESC LIMIT 1",
                       DB_ARGS(db_int(id)), ret_id, 1, &count, err))
        return false;
    *ret_id = count > 0 ? *ret_id : 0;
    return true;
}

bool machine_set_past(struct db *db, int64_t id, int64_t predecessor_id, struct error *err)
{
    return db_exec(db, "UPDATE machine SET predecessor_id = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_int(predecessor_id)), err);
}
