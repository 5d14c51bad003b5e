/* SPDX-License-Identifier: Apache-2.0 */
#include "store/volume.h"

#include <stdint.h>

#include "store/rows.h"

#define VOLUME "kind = 5"
#define LIVE   "removed_us IS NULL AND is_volume = 1"

bool volume_offer_insert(struct db *db, const struct offer_row *offer, int64_t *ret_id,
                         struct error *err)
{
    const struct offer_terms *terms = &offer->terms;

    return db_insert(db,
                     "INSERT INTO offer (machine_id, host_id, num_gpus, gpu_hour, min_bid_hour, "
                     "disk_month, up_tb, down_tb, disk_gb, discount_max_ppm, start_us, end_us, "
                     "is_volume) VALUES ($1, $2, 0, 0, 0, $3, 0, 0, $4, 0, $5, $6, 1) RETURNING id",
                     DB_ARGS(db_int(offer->machine_id), db_int(offer->host_id),
                             db_money(terms->disk_month), db_int(terms->disk_gb),
                             db_instant(terms->start), db_instant(terms->end)),
                     ret_id, err);
}

bool volume_offer_load(struct db *db, int64_t id, struct offer_row *ret, bool *ret_has,
                       struct error *err)
{
    return rows_load_one(db, &offer_reader,
                         "SELECT " OFFER_COLUMNS " FROM offer WHERE id = $1 AND " LIVE,
                         DB_ARGS(db_int(id)), NULL, ret, ret_has, err);
}

bool volume_offer_on(struct db *db, int64_t machine_id, struct offer_row *ret, bool *ret_has,
                     struct error *err)
{
    return rows_load_one(db, &offer_reader,
                         "SELECT " OFFER_COLUMNS " FROM offer WHERE machine_id = $1 AND " LIVE,
                         DB_ARGS(db_int(machine_id)), NULL, ret, ret_has, err);
}

bool volume_offer_remove(struct db *db, int64_t machine_id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE offer SET removed_us = $2 WHERE machine_id = $1 AND " LIVE,
                   DB_ARGS(db_int(machine_id), db_instant(now)), err);
}

bool volume_offer_machines(struct db *db, struct instant now, int64_t after, int64_t *ret_ids,
                           size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT o.machine_id FROM offer o JOIN machine m ON m.id = o.machine_id "
                         "WHERE o.removed_us IS NULL AND o.is_volume = 1 AND o.end_us > $1 "
                         "AND o.machine_id > $2 AND m.is_online = 1 AND m.is_quarantined = 0 "
                         "ORDER BY o.machine_id LIMIT $3",
                         DB_ARGS(db_instant(now), db_int(after), db_int((int64_t)max)), ret_ids,
                         max, ret_count, err);
}

static bool number_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

static const struct rows_reader number_reader = { "volume", sizeof(int64_t), number_read };

bool volume_offer_sold(struct db *db, int64_t offer_id, int64_t *ret_gb, struct error *err)
{
    bool has;

    return rows_load_one(db, &number_reader,
                         "SELECT CAST(COALESCE(SUM(disk_gb), 0) AS BIGINT) FROM contract "
                         "WHERE offer_id = $1 AND state <> 9 AND " VOLUME,
                         DB_ARGS(db_int(offer_id)), NULL, ret_gb, &has, err);
}

bool volume_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                       struct contract_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &contract_reader,
                         "SELECT " CONTRACT_COLUMNS " FROM contract "
                         "WHERE owner_id = $1 AND id = $2 AND destroyed_us = 0 AND " VOLUME,
                         DB_ARGS(db_int(owner_id), db_int(id)), arena, ret, ret_has, err);
}

bool volume_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                       struct contract_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &contract_reader,
                     "SELECT " CONTRACT_COLUMNS
                     " FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND " VOLUME
                     " ORDER BY id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool volume_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count, struct error *err)
{
    bool has;

    return rows_load_one(db, &number_reader,
                         "SELECT COUNT(*) FROM contract "
                         "WHERE owner_id = $1 AND destroyed_us = 0 AND " VOLUME,
                         DB_ARGS(db_int(owner_id)), NULL, ret_count, &has, err);
}

bool volume_mount(struct db *db, int64_t contract_id, int64_t volume_id, struct error *err)
{
    return db_exec(db, "INSERT INTO volume_mount (contract_id, volume_id) VALUES ($1, $2)",
                   DB_ARGS(db_int(contract_id), db_int(volume_id)), err);
}

bool volume_mounted_by(struct db *db, int64_t volume_id, struct arena *arena, int64_t **ret,
                       size_t *ret_count, struct error *err)
{
    return rows_load(db, &number_reader,
                     "SELECT c.id FROM volume_mount v JOIN contract c ON c.id = v.contract_id "
                     "WHERE v.volume_id = $1 AND c.destroyed_us = 0 ORDER BY c.id",
                     DB_ARGS(db_int(volume_id)), arena, ret, ret_count, err);
}
