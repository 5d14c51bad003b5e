/* SPDX-License-Identifier: Apache-2.0 */
#include "store/op.h"

#include <stdint.h>

#include "store/rows.h"
#include "sys/trace.h"

#define OP_COLUMNS                                                                                 \
    "id, contract_id, machine_id, owner_id, op_id, token_hash, is_exec, min_gen, command, "        \
    "filter, tail, is_daemon_log, created_us, expires_us, progress, since, exit_code, "            \
    "source_id, source_machine_id, source_host, source_port, image, login, is_paused, "            \
    "request_id, cloud_id, cloud_flags, is_to_cloud"

static bool op_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct op_row *op = item;
    int64_t progress;

    op->is_exec = db_column_int(row, 6) != 0;
    op->tail = db_column_int(row, 10);
    op->is_daemon_log = db_column_int(row, 11) != 0;
    op->created = db_column_instant(row, 12);
    op->expires = db_column_instant(row, 13);
    if (!rows_number(row, 0, 1, INT64_MAX, &op->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &op->contract_id, err) ||
        !rows_number(row, 2, 1, INT64_MAX, &op->machine_id, err) ||
        !rows_number(row, 3, 1, INT64_MAX, &op->owner_id, err) ||
        !rows_text(row, 4, arena, &op->op_id, err) ||
        !rows_bytes(row, 5, op->token_hash.bytes, sizeof op->token_hash.bytes, err) ||
        !rows_number(row, 7, 1, INT64_MAX, &op->min_gen, err) ||
        !rows_text_or_null(row, 8, arena, &op->command, err) ||
        !rows_text_or_null(row, 9, arena, &op->filter, err) ||
        !rows_number(row, 14, OP_PENDING, OP_IS_UNKNOWN, &progress, err) ||
        !rows_text_or_null(row, 15, arena, &op->since, err) ||
        !rows_number(row, 16, -1, 255, &op->exit_code, err) ||
        !rows_text_or_null(row, 19, arena, &op->source_host, err) ||
        !rows_text_or_null(row, 21, arena, &op->image, err) ||
        !rows_text_or_null(row, 22, arena, &op->login, err) ||
        !rows_text(row, 24, arena, &op->request_id, err) ||
        !rows_text_or_null(row, 26, arena, &op->cloud_flags, err))
        return false;
    op->cloud_id = db_column_is_null(row, 25) ? 0 : db_column_int(row, 25);
    op->is_to_cloud = db_column_int(row, 27) != 0;
    op->source_id = db_column_is_null(row, 17) ? 0 : db_column_int(row, 17);
    op->source_machine_id = db_column_is_null(row, 18) ? 0 : db_column_int(row, 18);
    op->source_port = db_column_is_null(row, 20) ? 0 : db_column_int(row, 20);
    op->is_paused = db_column_int(row, 23) != 0;
    op->progress = (enum op_progress)progress;
    return true;
}

static bool op_read_whole(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct op_row *op = item;

    return op_read(row, arena, item, err) && rows_text_or_null(row, 28, arena, &op->output, err);
}

static struct db_value number_or_null(int64_t number)
{
    return number != 0 ? db_int(number) : db_null();
}

bool op_insert(struct db *db, const struct op_row *op, int64_t *ret_id, struct error *err)
{
    return db_insert(
        db,
        "INSERT INTO op (contract_id, machine_id, owner_id, op_id, token_hash, "
        "is_exec, min_gen, command, filter, tail, is_daemon_log, created_us, "
        "expires_us, since, source_id, source_machine_id, source_host, source_port, "
        "image, login, is_paused, request_id, cloud_id, cloud_flags, is_to_cloud) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
        "$16, $17, $18, $19, $20, $21, $22, $23, $24, $25) RETURNING id",
        DB_ARGS(db_int(op->contract_id), db_int(op->machine_id), db_int(op->owner_id),
                db_text(op->op_id), db_bytes(op->token_hash.bytes, sizeof op->token_hash.bytes),
                db_int(op->is_exec), db_int(op->min_gen), db_text(op->command), db_text(op->filter),
                db_int(op->tail), db_int(op->is_daemon_log), db_instant(op->created),
                db_instant(op->expires), db_text(op->since), number_or_null(op->source_id),
                number_or_null(op->source_machine_id), db_text(op->source_host),
                number_or_null(op->source_port), db_text(op->image), db_text(op->login),
                db_int(op->is_paused), db_text(trace_get()), number_or_null(op->cloud_id),
                db_text(op->cloud_flags), db_int(op->is_to_cloud)),
        ret_id, err);
}

bool op_find(struct db *db, const struct hash *token_hash, struct arena *arena, struct op_row *ret,
             bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read_whole };

    return rows_load_one(db, &reader, "SELECT " OP_COLUMNS ", output FROM op WHERE token_hash = $1",
                         DB_ARGS(db_bytes(token_hash->bytes, sizeof token_hash->bytes)), arena, ret,
                         ret_has, err);
}

bool op_list_pending(struct db *db, int64_t machine_id, struct instant now, size_t max,
                     struct arena *arena, struct op_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read };

    return rows_load(db, &reader,
                     "SELECT " OP_COLUMNS " FROM op WHERE machine_id = $1 AND progress = 0 "
                     "AND expires_us > $2 ORDER BY id LIMIT $3",
                     DB_ARGS(db_int(machine_id), db_instant(now), db_int((int64_t)max)), arena, ret,
                     ret_count, err);
}

bool op_list_copies_of(struct db *db, int64_t contract_id, struct instant now, size_t max,
                       struct arena *arena, struct op_row **ret, size_t *ret_count,
                       struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read };

    return rows_load(db, &reader,
                     "SELECT " OP_COLUMNS " FROM op WHERE (contract_id = $1 OR source_id = $1) "
                     "AND progress = 0 AND source_id IS NOT NULL AND expires_us > $2 "
                     "ORDER BY id LIMIT $3",
                     DB_ARGS(db_int(contract_id), db_instant(now), db_int((int64_t)max)), arena,
                     ret, ret_count, err);
}

bool op_list_clouds(struct db *db, int64_t owner_id, struct instant now, size_t max,
                    struct arena *arena, struct op_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read };

    return rows_load(db, &reader,
                     "SELECT " OP_COLUMNS " FROM op WHERE owner_id = $1 AND progress = 0 "
                     "AND cloud_id IS NOT NULL AND expires_us > $2 ORDER BY id LIMIT $3",
                     DB_ARGS(db_int(owner_id), db_instant(now), db_int((int64_t)max)), arena, ret,
                     ret_count, err);
}

bool op_find_lapsed_clone(struct db *db, struct instant now, struct arena *arena,
                          struct op_row *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read };

    return rows_load_one(db, &reader,
                         "SELECT " OP_COLUMNS " FROM op WHERE progress = 0 AND expires_us <= $1 "
                         "AND source_machine_id IS NOT NULL AND source_host IS NULL "
                         "ORDER BY id LIMIT 1",
                         DB_ARGS(db_instant(now)), arena, ret, ret_has, err);
}

bool op_find_pending(struct db *db, int64_t machine_id, const char *op_id, struct arena *arena,
                     struct op_row *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(struct op_row), op_read };

    return rows_load_one(db, &reader,
                         "SELECT " OP_COLUMNS " FROM op WHERE machine_id = $1 AND op_id = $2 "
                         "AND progress = 0",
                         DB_ARGS(db_int(machine_id), db_text(op_id)), arena, ret, ret_has, err);
}

static bool count_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

bool op_count_pending(struct db *db, int64_t machine_id, int64_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "operation", sizeof(int64_t), count_read };
    bool has;

    return rows_load_one(db, &reader,
                         "SELECT COUNT(*) FROM op WHERE machine_id = $1 AND progress = 0",
                         DB_ARGS(db_int(machine_id)), NULL, ret_count, &has, err);
}

bool op_finish(struct db *db, int64_t machine_id, const char *op_id, const struct op_end *end,
               int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE op SET progress = $3, output = $4, finished_us = $5, exit_code = $6 "
                    "WHERE machine_id = $1 AND op_id = $2 AND progress = 0",
                    DB_ARGS(db_int(machine_id), db_text(op_id), db_int(end->progress),
                            db_text(end->output), db_instant(end->at), db_int(end->exit_code)),
                    ret_count, err);
}

bool op_expire(struct db *db, struct instant now, struct instant kept_since, struct error *err)
{
    return db_exec(db,
                   "UPDATE op SET progress = 2, finished_us = $1, "
                   "output = 'The host did not begin it in time.' "
                   "WHERE progress = 0 AND expires_us <= $1",
                   DB_ARGS(db_instant(now)), err) &&
           db_exec(db, "DELETE FROM op WHERE created_us < $1", DB_ARGS(db_instant(kept_since)),
                   err);
}
