/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recovery.h"

#include "store/driver.h"
#include "store/rows.h"

static bool recovery_read(struct db_rows *row, void *context, struct error *err)
{
    struct recovery_row *recovery = context;

    (void)err;
    recovery->id = db_column_int(row, 0);
    recovery->began = db_column_instant(row, 1);
    recovery->books_end = db_column_instant(row, 2);
    return true;
}

bool recovery_load(struct db *db, struct recovery_row *ret, bool *ret_has, struct error *err)
{
    return db_query_one(db,
                        "SELECT id, began_us, books_end_us FROM recovery "
                        "WHERE ended_us = 9223372036854775807",
                        DB_NO_ARGS, recovery_read, ret, ret_has, err);
}

bool recovery_insert(struct db *db, const struct recovery_row *row, struct error *err)
{
    return db_exec(db, "INSERT INTO recovery (began_us, books_end_us) VALUES ($1, $2)",
                   DB_ARGS(db_instant(row->began), db_instant(row->books_end)), err);
}

bool recovery_close(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE recovery SET ended_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

static bool nothing_read(struct db_rows *row, void *context, struct error *err)
{
    (void)row;
    (void)context;
    (void)err;
    return true;
}

/* Each sequence by a query of its own: a function that sets it has no other place to stand. */
static bool leap_postgres(struct db *db, int64_t by, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(
        db,
        "SELECT setval((quote_ident(schemaname) || '.' || quote_ident(sequencename))::regclass, "
        "COALESCE(last_value, 0) + $1) FROM pg_sequences "
        "WHERE schemaname = current_schema()",
        DB_ARGS(db_int(by)));

    while (db_next(&rows, err))
        if (!nothing_read(&rows, NULL, err))
            return false;
    return !rows.has_failed;
}

bool recovery_leap(struct db *db, int64_t by, struct error *err)
{
    if (!(db->is_postgres
              ? leap_postgres(db, by, err)
              : db_exec(db, "UPDATE sqlite_sequence SET seq = seq + $1", DB_ARGS(db_int(by)), err)))
        return false;
    return db_exec(db, "UPDATE machine SET desired_rev = desired_rev + $1", DB_ARGS(db_int(by)),
                   err);
}

bool recovery_machine_say(struct db *db, int64_t recovery_id, int64_t machine_id,
                          struct instant now, struct instant after, bool *ret_is_new,
                          struct error *err)
{
    int64_t count;

    if (!db_count(
            db,
            "INSERT INTO recovery_machine (recovery_id, machine_id, reported_us) "
            "VALUES ($1, $2, $3) ON CONFLICT (recovery_id, machine_id) DO UPDATE "
            "SET reported_us = excluded.reported_us WHERE recovery_machine.reported_us < $4",
            DB_ARGS(db_int(recovery_id), db_int(machine_id), db_instant(now), db_instant(after)),
            &count, err))
        return false;
    *ret_is_new = count > 0;
    return true;
}

bool recovery_instances_clear(struct db *db, int64_t recovery_id, int64_t machine_id,
                              struct error *err)
{
    return db_exec(db, "DELETE FROM recovery_instance WHERE recovery_id = $1 AND machine_id = $2",
                   DB_ARGS(db_int(recovery_id), db_int(machine_id)), err);
}

bool recovery_instance_insert(struct db *db, int64_t recovery_id,
                              const struct recovery_instance *instance, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO recovery_instance "
                   "(recovery_id, machine_id, instance_id, gen, phase) "
                   "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                   DB_ARGS(db_int(recovery_id), db_int(instance->machine_id),
                           db_int(instance->instance_id), db_int(instance->gen),
                           db_int(instance->phase)),
                   err);
}

static bool id_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, item, err);
}

bool recovery_silent(struct db *db, int64_t recovery_id, struct arena *arena, int64_t **ret_ids,
                     size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "machine", sizeof(int64_t), id_read };

    return rows_load(db, &reader,
                     "SELECT m.id FROM machine m WHERE m.removed_us = 0 AND NOT EXISTS "
                     "(SELECT 1 FROM recovery_machine r WHERE r.recovery_id = $1 "
                     "AND r.machine_id = m.id) ORDER BY m.id",
                     DB_ARGS(db_int(recovery_id)), arena, (void **)ret_ids, ret_count, err);
}

static bool counts_read(struct db_rows *row, void *context, struct error *err)
{
    struct recovery_counts *counts = context;

    (void)err;
    counts->machines = db_column_int(row, 0);
    counts->reported = db_column_int(row, 1);
    counts->matched = db_column_int(row, 2);
    return true;
}

bool recovery_count(struct db *db, int64_t recovery_id, struct recovery_counts *ret,
                    struct error *err)
{
    bool has;

    return db_query_one(
        db,
        "SELECT (SELECT count(*) FROM machine WHERE removed_us = 0), "
        "(SELECT count(*) FROM recovery_machine r JOIN machine m ON m.id = r.machine_id "
        "WHERE r.recovery_id = $1 AND m.removed_us = 0), "
        "(SELECT count(*) FROM recovery_instance i JOIN contract c ON c.id = i.instance_id "
        "AND c.machine_id = i.machine_id WHERE i.recovery_id = $1 AND c.destroyed_us = 0)",
        DB_ARGS(db_int(recovery_id)), counts_read, ret, &has, err);
}

static bool instance_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct recovery_instance *instance = item;

    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, &instance->machine_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &instance->instance_id, err) &&
           rows_number(row, 2, 0, INT64_MAX, &instance->gen, err) &&
           rows_number(row, 3, -1, INT64_MAX, &instance->phase, err);
}

static const struct rows_reader instances = { "instance", sizeof(struct recovery_instance),
                                              instance_read };

bool recovery_unknown(struct db *db, int64_t recovery_id, struct arena *arena,
                      struct recovery_instance **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &instances,
                     "SELECT i.machine_id, i.instance_id, i.gen, i.phase FROM recovery_instance i "
                     "WHERE i.recovery_id = $1 AND NOT EXISTS (SELECT 1 FROM contract c "
                     "WHERE c.id = i.instance_id AND c.machine_id = i.machine_id) "
                     "ORDER BY i.machine_id, i.instance_id",
                     DB_ARGS(db_int(recovery_id)), arena, (void **)ret, ret_count, err);
}

bool recovery_missing(struct db *db, int64_t recovery_id, struct arena *arena,
                      struct recovery_instance **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &instances,
                     "SELECT c.machine_id, c.id, c.gen, -1 FROM contract c "
                     "JOIN recovery_machine r ON r.machine_id = c.machine_id "
                     "WHERE r.recovery_id = $1 AND c.destroyed_us = 0 AND NOT EXISTS "
                     "(SELECT 1 FROM recovery_instance i WHERE i.recovery_id = $1 "
                     "AND i.machine_id = c.machine_id AND i.instance_id = c.id) "
                     "ORDER BY c.machine_id, c.id",
                     DB_ARGS(db_int(recovery_id)), arena, (void **)ret, ret_count, err);
}

bool recovery_raise_generations(struct db *db, int64_t recovery_id, struct error *err)
{
    return db_exec(db,
                   "UPDATE contract SET gen = (SELECT i.gen FROM recovery_instance i "
                   "WHERE i.recovery_id = $1 AND i.machine_id = contract.machine_id "
                   "AND i.instance_id = contract.id) + 1 "
                   "WHERE destroyed_us = 0 AND EXISTS (SELECT 1 FROM recovery_instance i "
                   "WHERE i.recovery_id = $1 AND i.machine_id = contract.machine_id "
                   "AND i.instance_id = contract.id AND i.gen > contract.gen)",
                   DB_ARGS(db_int(recovery_id)), err);
}
