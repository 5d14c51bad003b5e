/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gpu.h"

#include <stdint.h>

#include "store/rows.h"

static bool gpu_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct gpu_row *gpu = item;

    gpu->is_whole_machine = db_column_int(row, 3) != 0;
    gpu->position = db_column_int(row, 4);
    gpu->claimed_by = db_column_int(row, 5);
    gpu->last_claim_of = db_column_int(row, 6);
    gpu->claimed_kind = db_column_int(row, 7);
    return rows_number(row, 0, 1, INT64_MAX, &gpu->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &gpu->machine_id, err) &&
           rows_text(row, 2, arena, &gpu->uuid, err);
}

static const struct rows_reader reader = { "GPU", sizeof(struct gpu_row), gpu_read };

bool gpu_insert(struct db *db, const struct gpu_row *gpu, int64_t *ret_id, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO gpu (machine_id, uuid, is_whole_machine, position) "
                     "VALUES ($1, $2, $3, $4) RETURNING id",
                     DB_ARGS(db_int(gpu->machine_id), db_text(gpu->uuid),
                             db_int(gpu->is_whole_machine), db_int(gpu->position)),
                     ret_id, err);
}

bool gpu_list(struct db *db, int64_t machine_id, struct arena *arena, struct gpu_row **ret,
              size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT g.id, g.machine_id, g.uuid, g.is_whole_machine, g.position, "
                     "COALESCE(c.contract_id, 0), "
                     /* Whoever has it is the last who had it. */
                     "COALESCE(c.contract_id, (SELECT p.contract_id FROM gpu_claim p "
                     "                         WHERE p.gpu_id = g.id "
                     "                         ORDER BY p.id DESC LIMIT 1), 0), "
                     "COALESCE(k.kind, 0) FROM gpu g "
                     "LEFT JOIN gpu_claim c ON c.gpu_id = g.id AND c.released_us IS NULL "
                     "LEFT JOIN contract k ON k.id = c.contract_id "
                     "WHERE g.machine_id = $1 AND g.retired_us IS NULL "
                     "ORDER BY g.position, g.id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

static bool count_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

bool gpu_count(struct db *db, int64_t machine_id, int64_t *ret_count, struct error *err)
{
    static const struct rows_reader count = { "count of GPUs", sizeof(int64_t), count_read };
    bool has;

    return rows_load_one(db, &count,
                         "SELECT COUNT(*) FROM gpu WHERE machine_id = $1 AND retired_us IS NULL",
                         DB_ARGS(db_int(machine_id)), NULL, ret_count, &has, err);
}

static bool machine_id_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, item, err);
}

bool gpu_find(struct db *db, const char *uuid, int64_t *ret_machine_id, bool *ret_has,
              struct error *err)
{
    static const struct rows_reader machine_id = { "GPU", sizeof(int64_t), machine_id_read };

    return rows_load_one(db, &machine_id,
                         "SELECT machine_id FROM gpu WHERE uuid = $1 AND retired_us IS NULL",
                         DB_ARGS(db_text(uuid)), NULL, ret_machine_id, ret_has, err);
}

bool gpu_retire(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE gpu SET retired_us = $2 WHERE id = $1 AND retired_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool gpu_move(struct db *db, int64_t id, int64_t position, struct error *err)
{
    return db_exec(db, "UPDATE gpu SET position = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_int(position)), err);
}
