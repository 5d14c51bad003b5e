/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_report.h"

#include "store/rows.h"

#define REPORT_COLUMNS "id, machine_id, user_id, problem, message, created_us, reply, replied_us"

static bool report_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_report_row *report = item;

    report->created = db_column_instant(row, 5);
    report->replied = db_column_instant(row, 7);
    return rows_number(row, 0, 1, INT64_MAX, &report->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &report->machine_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &report->user_id, err) &&
           rows_text(row, 3, arena, &report->problem, err) &&
           rows_text(row, 4, arena, &report->message, err) &&
           rows_text(row, 6, arena, &report->reply, err);
}

static const struct rows_reader reader = { "report", sizeof(struct machine_report_row),
                                           report_read };

bool machine_report_insert(struct db *db, const struct machine_report_row *report,
                           struct error *err)
{
    return db_exec(db,
                   "INSERT INTO machine_report (machine_id, user_id, problem, message, created_us) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   DB_ARGS(db_int(report->machine_id), db_int(report->user_id),
                           db_text(report->problem), db_text(report->message),
                           db_instant(report->created)),
                   err);
}

bool machine_report_list(struct db *db, int64_t machine_id, size_t max, struct arena *arena,
                         struct machine_report_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " REPORT_COLUMNS " FROM machine_report WHERE machine_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(machine_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool machine_report_list_by(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                            struct machine_report_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " REPORT_COLUMNS " FROM machine_report WHERE user_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(user_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool machine_report_reply(struct db *db, int64_t host_id, int64_t id, const char *reply,
                          struct instant now, int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE machine_report SET reply = $3, replied_us = $4 WHERE id = $2 AND "
                    "machine_id IN (SELECT id FROM machine WHERE owner_id = $1)",
                    DB_ARGS(db_int(host_id), db_int(id), db_text(reply), db_instant(now)),
                    ret_count, err);
}

bool machine_report_count(struct db *db, int64_t machine_id, struct instant since, int64_t *ret_all,
                          int64_t *ret_recent, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT COUNT(*), COUNT(CASE WHEN created_us >= $2 THEN 1 END) "
                 "FROM machine_report WHERE machine_id = $1",
                 DB_ARGS(db_int(machine_id), db_instant(since)));

    if (!db_next(&rows, err))
        return false;
    *ret_all = db_column_int(&rows, 0);
    *ret_recent = db_column_int(&rows, 1);
    return true;
}

bool machine_report_has(struct db *db, int64_t user_id, int64_t machine_id, struct instant since,
                        bool *ret_has, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT COUNT(*) FROM machine_report WHERE user_id = $1 AND machine_id = $2 "
                 "AND created_us >= $3",
                 DB_ARGS(db_int(user_id), db_int(machine_id), db_instant(since)));

    if (!db_next(&rows, err))
        return false;
    *ret_has = db_column_int(&rows, 0) > 0;
    return true;
}
