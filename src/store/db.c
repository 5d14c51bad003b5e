/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/driver.h"

enum { STATEMENT_SHOWN_MAX = 400 }; /* bytes */

struct db_value db_text(const char *text)
{
    if (text == NULL)
        return db_null();
    return (struct db_value){ .type = DB_TEXT, .bytes = text, .length = strlen(text) };
}

struct db_value db_bytes(const void *bytes, size_t length)
{
    return (struct db_value){ .type = DB_BYTES, .bytes = bytes, .length = length };
}

bool db_fail(struct db *db, enum db_failure failure, enum error_code code, struct error *err,
             const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* Databases write over several lines; an error is one. */
    for (char *byte = text; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ')
            *byte = ' ';
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' ';)
        text[--length] = '\0';
    (void)error_set(err, code, "%s", text);
    if (!db->has_failed) {
        db->has_failed = true;
        db->failure = failure;
        db->error = *err;
    }
    return false;
}

/* Whether another statement may run: the transaction has not failed. */
static bool is_usable(struct db *db, struct db_args args, struct error *err)
{
    assert(db->is_in_transaction);
    assert(!db->has_rows_open);
    assert(args.count <= DB_ARGS_MAX);
    if (db->has_failed)
        *err = db->error;
    return !db->has_failed;
}

static int64_t begin_watch(const struct db *db)
{
    struct timespec now;

    if (db->watch == NULL)
        return 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* On PostgreSQL what nobody waits for is sent and has taken no time: it shows in the next that
 * somebody waits for, or in COMMIT. */
static void end_watch(struct db *db, const char *sql, size_t arg_count, int64_t began_us)
{
    struct db_watch *watch = db->watch;

    if (watch == NULL)
        return;
    int64_t slow_us = watch->slow_us, took_us = begin_watch(db) - began_us;
    watch->statements++;
    if (slow_us == 0 || took_us < slow_us)
        return;
    watch->slow++;
    log_write(watch->log, LOG_WARNING, "slow statement", "%lld ms, %zu values: %.*s",
              (long long)(took_us / US_PER_MS), arg_count, STATEMENT_SHOWN_MAX, sql);
}

bool db_exec(struct db *db, const char *sql, struct db_args args, struct error *err)
{
    return db_count(db, sql, args, NULL, err);
}

bool db_take(struct db *db, const char *sql, int64_t id, struct error *err)
{
    if (!is_usable(db, DB_NO_ARGS, err))
        return false;
    return !taken_add(&db->taken, sql, id) || db_exec(db, sql, DB_ARGS(db_int(id)), err);
}

bool db_count(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
              struct error *err)
{
    int64_t began_us = begin_watch(db);

    if (!is_usable(db, args, err))
        return false;
    bool is_done = db->driver->exec(db, sql, args, ret_count, err);
    end_watch(db, sql, args.count, began_us);
    return is_done;
}

struct db_rows db_query(struct db *db, const char *sql, struct db_args args)
{
    struct db_rows rows = {
        .db = db, .sql = sql, .arg_count = args.count, .began_us = begin_watch(db)
    };

    rows.has_failed = !is_usable(db, args, &rows.error) ||
                      !db->driver->query(db, sql, args, &rows.cursor, &rows.error);
    db->has_rows_open = !rows.has_failed;
    return rows;
}

bool db_next(struct db_rows *rows, struct error *err)
{
    bool has_row = false;

    if (!rows->has_failed && rows->cursor != NULL) {
        rows->has_failed = !rows->db->driver->step(rows->db, rows->cursor, &has_row, &rows->error);
        if (rows->has_failed || !has_row)
            db_rows_close(rows);
    }
    if (rows->has_failed)
        *err = rows->error;
    return has_row && !rows->has_failed;
}

void db_rows_close(struct db_rows *rows)
{
    if (rows->cursor == NULL)
        return;
    rows->db->driver->finish(rows->db, rows->cursor);
    rows->db->has_rows_open = false;
    rows->cursor = NULL;
    end_watch(rows->db, rows->sql, rows->arg_count, rows->began_us);
}

bool db_column_is_null(struct db_rows *rows, int column)
{
    assert(rows->cursor != NULL);
    return rows->db->driver->column_is_null(rows->cursor, column);
}

int64_t db_column_int(struct db_rows *rows, int column)
{
    int64_t value = 0;

    assert(rows->cursor != NULL);
    if (!rows->db->driver->column_int(rows->cursor, column, &value))
        rows->has_failed = !db_fail(rows->db, DB_FAILURE_FINAL, ERROR_CORRUPT, &rows->error,
                                    "column %d is not a 64-bit integer", column);
    return value;
}

void db_column_ints(struct db_rows *rows, int count, int64_t null, int64_t *ret)
{
    assert(rows->cursor != NULL);
    for (int i = 0; i < count; i++)
        ret[i] = null;
    if (!rows->db->driver->column_ints(rows->cursor, count, ret))
        rows->has_failed = !db_fail(rows->db, DB_FAILURE_FINAL, ERROR_CORRUPT, &rows->error,
                                    "one of %d columns is not a 64-bit integer", count);
}

const char *db_column_text(struct db_rows *rows, int column)
{
    size_t length;

    if (db_column_is_null(rows, column))
        return "";
    return rows->db->driver->column_bytes(rows->cursor, column, true, &length);
}

const void *db_column_bytes(struct db_rows *rows, int column, size_t *ret_length)
{
    *ret_length = 0;
    if (db_column_is_null(rows, column))
        return "";
    return rows->db->driver->column_bytes(rows->cursor, column, false, ret_length);
}

struct money db_column_money(struct db_rows *rows, int column)
{
    return (struct money){ .nanodollars = db_column_int(rows, column) };
}

struct instant db_column_instant(struct db_rows *rows, int column)
{
    return (struct instant){ .microseconds = db_column_int(rows, column) };
}

bool db_query_one(struct db *db, const char *sql, struct db_args args, db_row_read *read,
                  void *context, bool *ret_has_row, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, args);
    bool has_row = db_next(&rows, err);

    if (has_row && !read(&rows, context, err))
        return false;
    if (rows.has_failed) {
        *err = rows.error;
        return false;
    }
    *ret_has_row = has_row;
    return true;
}

static bool read_id(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool db_insert(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
               struct error *err)
{
    bool has_row;
    int64_t id = 0;

    if (!db_query_one(db, sql, args, read_id, &id, &has_row, err))
        return false;
    if (!has_row)
        return db_fail(db, DB_FAILURE_FINAL, ERROR_CONFLICT, err, "nothing was inserted");
    *ret_id = id;
    return true;
}

bool db_insert_later(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                     struct error *err)
{
    bool has_row;

    if (db->driver->exec_for_id == NULL)
        return db_query_one(db, sql, args, read_id, ret_id, &has_row, err);
    return is_usable(db, args, err) && db->driver->exec_for_id(db, sql, args, ret_id, err);
}

bool db_settle(struct db *db, struct error *err)
{
    return is_usable(db, DB_NO_ARGS, err) &&
           (db->driver->settle == NULL || db->driver->settle(db, err));
}

bool db_notify(struct db *db, enum db_topic topic, int64_t id, struct error *err)
{
    if (!is_usable(db, DB_NO_ARGS, err))
        return false;
    for (size_t i = db->change_count; i > 0; i--)
        if (db->changes[i - 1].topic == topic && db->changes[i - 1].id == id)
            return true;
    if (db->change_count < DB_CHANGES_MAX)
        db->changes[db->change_count++] = (struct db_change){ topic, id };
    else
        db->changes_lost |= 1u << topic;
    return true;
}

bool db_begin(struct db *db, enum transaction transaction, struct error *err)
{
    assert(!db->is_in_transaction);
    db->has_failed = false;
    db->change_count = 0;
    db->changes_lost = 0;
    taken_begin(&db->taken);
    if (!db->driver->begin(db, transaction, err))
        return false;
    db->is_in_transaction = true;
    return true;
}

bool db_commit(struct db *db, struct error *err)
{
    assert(db->is_in_transaction);
    assert(!db->has_rows_open);
    int64_t began_us = begin_watch(db);
    bool is_done = !db->has_failed && db->driver->commit(db, err);
    end_watch(db, "COMMIT", 0, began_us);
    if (!is_done) {
        assert(db->has_failed);
        *err = db->error;
        db_rollback(db);
        return false;
    }
    db->is_in_transaction = false;
    account_ids_keep(&db->accounts);
    return true;
}

void db_rollback(struct db *db)
{
    assert(db->is_in_transaction);
    assert(!db->has_rows_open);
    db->driver->rollback(db);
    db->is_in_transaction = false;
    account_ids_forget(&db->accounts);
    db->change_count = 0;
    db->changes_lost = 0;
}

bool db_script(struct db *db, const char *text, struct error *err)
{
    if (db->is_in_transaction && !is_usable(db, DB_NO_ARGS, err))
        return false;
    return db->driver->script(db, text, err);
}

void db_close(struct db **db)
{
    if (*db == NULL)
        return;
    assert(!(*db)->is_in_transaction);
    kept_release(&(*db)->kept);
    (*db)->driver->close(*db);
    *db = NULL;
}
