/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scheduled_job.h"

#include "store/rows.h"

#define JOB_COLUMNS                                                                                \
    "id, owner_id, contract_id, deed, body, frequency, day, hour, start_us, end_us, next_us"

static bool job_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct job_row *job = item;
    int64_t deed;

    job->schedule.start = db_column_instant(row, 8);
    job->schedule.end = db_column_instant(row, 9);
    job->next = db_column_instant(row, 10);
    if (!rows_number(row, 0, 1, INT64_MAX, &job->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &job->owner_id, err) ||
        !rows_number(row, 2, 1, INT64_MAX, &job->contract_id, err) ||
        !rows_number(row, 3, JOB_REBOOT, JOB_BID, &deed, err) ||
        !rows_text(row, 4, arena, &job->body, err) ||
        !rows_text(row, 5, arena, &job->frequency, err) ||
        !rows_number(row, 6, SCHEDULE_ANY, 6, &job->schedule.day, err) ||
        !rows_number(row, 7, SCHEDULE_ANY, 23, &job->schedule.hour, err))
        return false;
    job->deed = (enum job_deed)deed;
    return schedule_is_valid(&job->schedule) ||
           error_set(err, ERROR_CORRUPT, "scheduled job %lld", (long long)job->id);
}

static const struct rows_reader reader = { "scheduled job", sizeof(struct job_row), job_read };

bool job_insert(struct db *db, const struct job_row *job, int64_t *ret_id, struct error *err)
{
    return db_insert(
        db,
        "INSERT INTO scheduled_job (owner_id, contract_id, deed, body, frequency, day, "
        "hour, start_us, end_us, next_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10) RETURNING id",
        DB_ARGS(db_int(job->owner_id), db_int(job->contract_id), db_int(job->deed),
                db_text(job->body), db_text(job->frequency), db_int(job->schedule.day),
                db_int(job->schedule.hour), db_instant(job->schedule.start),
                db_instant(job->schedule.end), db_instant(job->next)),
        ret_id, err);
}

bool job_update(struct db *db, const struct job_row *job, int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE scheduled_job SET body = $3, frequency = $4, day = $5, hour = $6, "
                    "start_us = $7, end_us = $8, next_us = $9 WHERE owner_id = $1 AND id = $2",
                    DB_ARGS(db_int(job->owner_id), db_int(job->id), db_text(job->body),
                            db_text(job->frequency), db_int(job->schedule.day),
                            db_int(job->schedule.hour), db_instant(job->schedule.start),
                            db_instant(job->schedule.end), db_instant(job->next)),
                    ret_count, err);
}

bool job_delete(struct db *db, int64_t owner_id, int64_t id, int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM scheduled_job WHERE owner_id = $1 AND id = $2",
                    DB_ARGS(db_int(owner_id), db_int(id)), ret_count, err);
}

bool job_list(struct db *db, int64_t owner_id, size_t max, struct arena *arena,
              struct job_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " JOB_COLUMNS " FROM scheduled_job WHERE owner_id = $1 "
                     "ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(owner_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool job_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                    struct job_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(
        db, &reader, "SELECT " JOB_COLUMNS " FROM scheduled_job WHERE owner_id = $1 AND id = $2",
        DB_ARGS(db_int(owner_id), db_int(id)), arena, ret, ret_has, err);
}

bool job_find(struct db *db, int64_t owner_id, int64_t contract_id, enum job_deed deed,
              struct arena *arena, struct job_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " JOB_COLUMNS " FROM scheduled_job WHERE owner_id = $1 AND "
                         "contract_id = $2 AND deed = $3",
                         DB_ARGS(db_int(owner_id), db_int(contract_id), db_int(deed)), arena, ret,
                         ret_has, err);
}

bool job_due(struct db *db, struct instant now, size_t max, struct arena *arena,
             struct job_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " JOB_COLUMNS " FROM scheduled_job WHERE next_us <= $1 "
                     "ORDER BY next_us, id LIMIT $2",
                     DB_ARGS(db_instant(now), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool job_claim(struct db *db, const struct job_row *job, struct instant next, int64_t *ret_count,
               struct error *err)
{
    return db_count(db, "UPDATE scheduled_job SET next_us = $3 WHERE id = $1 AND next_us = $2",
                    DB_ARGS(db_int(job->id), db_instant(job->next), db_instant(next)), ret_count,
                    err);
}
