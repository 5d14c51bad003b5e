/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_standing.h"

#include "store/rows.h"

bool machine_set_checked(struct db *db, const struct machine_row *machine, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine SET verification = $2, verify_set = $3, verify_failed_us = $4, "
                   "verify_us = $5 WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_int(machine->verification),
                           db_int(machine->is_verification_set), db_instant(machine->failed),
                           db_instant(machine->look_at)),
                   err);
}

bool machine_set_said(struct db *db, int64_t id, enum verification verification, bool is_set,
                      int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE machine SET verification = $2, verify_set = $3, verify_failed_us = 0, "
                    "verify_us = 0 WHERE id = $1",
                    DB_ARGS(db_int(id), db_int(verification), db_int(is_set)), ret_count, err);
}

bool machine_set_hardware(struct db *db, const struct machine_row *machine, struct error *err)
{
    return db_exec(db, "UPDATE machine SET hardware_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_instant(machine->hardware_since)), err) &&
           machine_set_bench(db, machine, err);
}

bool machine_looks_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                       size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE is_online = 1 AND verify_us <= $1 "
                         "AND removed_us = 0 ORDER BY verify_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool machine_set_look(struct db *db, int64_t id, struct instant at, struct error *err)
{
    return db_exec(db, "UPDATE machine SET verify_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(at)), err);
}

static bool number_read(struct db_rows *row, void *context, struct error *err)
{
    int64_t *number = context;

    (void)err;
    *number = db_column_int(row, 0);
    return true;
}

bool machine_proofs_good(struct db *db, int64_t machine_id, struct instant since,
                         int64_t *ret_count, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT COUNT(*) FROM (SELECT id, state, asked_us FROM machine_proof "
                        "WHERE machine_id = $1 AND trial = 0 ORDER BY id DESC LIMIT 200) AS late "
                        "WHERE state = 4 AND asked_us >= $2 AND id > COALESCE((SELECT MAX(id) "
                        "FROM machine_proof WHERE machine_id = $1 AND state = 5), 0)",
                        DB_ARGS(db_int(machine_id), db_instant(since)), number_read, ret_count,
                        &has, err);
}

bool machine_last_failed_start(struct db *db, int64_t machine_id, struct instant *ret,
                               struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT COALESCE(MAX(start_us), 0) FROM machine_event "
                        "WHERE machine_id = $1 AND kind = 3 AND severity_ppm > 0",
                        DB_ARGS(db_int(machine_id)), number_read, &ret->microseconds, &has, err);
}

bool machine_audit_sooner(struct db *db, int64_t id, struct instant at, struct error *err)
{
    return db_exec(db, "UPDATE machine SET audit_us = $2 WHERE id = $1 AND audit_us > $2",
                   DB_ARGS(db_int(id), db_instant(at)), err);
}
