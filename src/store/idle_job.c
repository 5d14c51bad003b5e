/* SPDX-License-Identifier: Apache-2.0 */
#include "store/idle_job.h"

#include <stdint.h>

#include "store/rows.h"

bool idle_job_set(struct db *db, const struct idle_job_row *job, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO idle_job (machine_id, ticks, up_tb, down_tb, spec, image, "
                   "created_us, gpus) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                   "ON CONFLICT (machine_id) DO UPDATE SET ticks = excluded.ticks, "
                   "up_tb = excluded.up_tb, down_tb = excluded.down_tb, spec = excluded.spec, "
                   "image = excluded.image, created_us = excluded.created_us, "
                   "gpus = excluded.gpus",
                   DB_ARGS(db_int(job->machine_id), db_int(job->ticks), db_money(job->up_tb),
                           db_money(job->down_tb), db_text(job->spec), db_text(job->image),
                           db_instant(job->created), db_int(job->gpus)),
                   err);
}

static bool idle_job_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct idle_job_row *job = item;

    job->up_tb = db_column_money(row, 2);
    job->down_tb = db_column_money(row, 3);
    job->created = db_column_instant(row, 6);
    return rows_number(row, 0, 1, INT64_MAX, &job->machine_id, err) &&
           rows_number(row, 1, 0, INT64_MAX, &job->ticks, err) &&
           rows_number(row, 7, 0, INT64_MAX, &job->gpus, err) &&
           rows_text(row, 4, arena, &job->spec, err) && rows_text(row, 5, arena, &job->image, err);
}

bool idle_job_load(struct db *db, int64_t machine_id, struct arena *arena, struct idle_job_row *ret,
                   bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "idle job", sizeof(struct idle_job_row),
                                               idle_job_read };

    return rows_load_one(db, &reader,
                         "SELECT machine_id, ticks, up_tb, down_tb, spec, image, created_us, gpus "
                         "FROM idle_job WHERE machine_id = $1",
                         DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}

bool idle_job_remove(struct db *db, int64_t machine_id, int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM idle_job WHERE machine_id = $1", DB_ARGS(db_int(machine_id)),
                    ret_count, err);
}
