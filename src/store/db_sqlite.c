/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db_sqlite.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "store/prepared.h"

struct statement {
    sqlite3_stmt *handle;
    int places[DB_ARGS_MAX]; /* where SQLite keeps $1, $2, ...: by their order in the text */
};

struct sqlite {
    struct db db;
    sqlite3 *handle;
    struct prepared prepared;
};

/* Distributions change the defaults, so none is relied on. */
static const char settings_of_all[] = "PRAGMA foreign_keys=ON;"
                                      "PRAGMA recursive_triggers=ON;" /* REPLACE deletes, too */
                                      "PRAGMA trusted_schema=OFF;"
                                      "PRAGMA ignore_check_constraints=OFF;"
                                      "PRAGMA defer_foreign_keys=OFF;"
                                      "PRAGMA secure_delete=OFF;"
                                      "PRAGMA cell_size_check=ON;"
                                      "PRAGMA automatic_index=ON;"
                                      "PRAGMA reverse_unordered_selects=OFF;"
                                      "PRAGMA locking_mode=NORMAL;"
                                      "PRAGMA temp_store=MEMORY;"
                                      "PRAGMA mmap_size=0;";

/* The page size holds from the first table on, auto_vacuum likewise. 16 MB of cache for the
 * writer; a checkpoint every 16 MB of log, and the log file is cut to 64 MB after it. */
static const char settings_of_writer[] = "PRAGMA page_size=4096;"
                                         "PRAGMA auto_vacuum=NONE;"
                                         "PRAGMA encoding='UTF-8';"
                                         "PRAGMA journal_mode=WAL;"
                                         "PRAGMA synchronous=FULL;"
                                         "PRAGMA fullfsync=OFF;"
                                         "PRAGMA checkpoint_fullfsync=OFF;"
                                         "PRAGMA cache_size=-16384;"
                                         "PRAGMA wal_autocheckpoint=4096;"
                                         "PRAGMA journal_size_limit=67108864;";

static const char settings_of_reader[] = "PRAGMA synchronous=FULL;"
                                         "PRAGMA cache_size=-4096;"
                                         "PRAGMA wal_autocheckpoint=0;"
                                         "PRAGMA query_only=ON;";

enum { BUSY_TIMEOUT_MS = 10000 };

static struct sqlite *sqlite_of(struct db *db)
{
    return (struct sqlite *)db;
}

/* The statement has failed, with `code`: what that means here. */
static bool fail(struct sqlite *sqlite, int code, const char *sql, struct error *err)
{
    enum db_failure failure = DB_FAILURE_FINAL;
    enum error_code meaning = ERROR_IO;

    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        meaning = ERROR_CONFLICT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        meaning = ERROR_TIMEOUT;
        failure = DB_FAILURE_RETRY;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        meaning = ERROR_CORRUPT;
        break;
    case SQLITE_TOOBIG:
        meaning = ERROR_OUT_OF_RANGE;
        break;
    default:
        break;
    }
    return db_fail(&sqlite->db, failure, meaning, err, "%s, at: %.120s",
                   sqlite3_errmsg(sqlite->handle), sql);
}

static bool prepare(struct sqlite *sqlite, const char *sql, struct statement **ret_statement,
                    struct error *err)
{
    /* Types do not matter here: one statement serves them all. */
    struct prepared_entry *entry = prepared_find(&sqlite->prepared, sql, DB_NO_ARGS);

    if (entry == NULL)
        return db_fail(&sqlite->db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err,
                       "too many statements");
    if (entry->statement == NULL) {
        struct statement *statement = calloc(1, sizeof *statement);
        const char *rest;

        if (statement == NULL)
            abort();
        int code = sqlite3_prepare_v3(sqlite->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &statement->handle, &rest);
        if (code != SQLITE_OK) {
            free(statement);
            return fail(sqlite, code, sql, err);
        }
        assert(*rest == '\0'); /* one statement a call: the second would never run */
        for (int i = 0; i < DB_ARGS_MAX; i++) {
            char name[16];

            (void)snprintf(name, sizeof name, "$%d", i + 1);
            statement->places[i] = sqlite3_bind_parameter_index(statement->handle, name);
        }
        entry->statement = statement;
    }
    *ret_statement = entry->statement;
    return true;
}

static int bind_value(sqlite3_stmt *handle, int place, const struct db_value *value,
                      sqlite3_destructor_type lifetime)
{
    switch (value->type) {
    case DB_NULL:
        return sqlite3_bind_null(handle, place);
    case DB_INT:
        return sqlite3_bind_int64(handle, place, value->integer);
    case DB_TEXT:
        return sqlite3_bind_text64(handle, place, value->bytes, value->length, lifetime,
                                   SQLITE_UTF8);
    case DB_BYTES:
        return sqlite3_bind_blob64(handle, place, value->length > 0 ? value->bytes : "",
                                   value->length, lifetime);
    }
    abort();
}

/* The statement with its parameters set, ready to step. */
static bool start(struct sqlite *sqlite, const char *sql, struct db_args args,
                  sqlite3_destructor_type lifetime, struct statement **ret_statement,
                  struct error *err)
{
    struct statement *statement = NULL;

    if (!prepare(sqlite, sql, &statement, err))
        return false;
    assert(sqlite3_bind_parameter_count(statement->handle) == (int)args.count);
    for (size_t i = 0; i < args.count; i++) {
        assert(statement->places[i] > 0);
        int code = bind_value(statement->handle, statement->places[i], &args.values[i], lifetime);
        if (code != SQLITE_OK)
            return fail(sqlite, code, sql, err);
    }
    *ret_statement = statement;
    return true;
}

/* Let go of what was bound, which may be large, or already gone. */
static void stop(struct statement *statement)
{
    (void)sqlite3_reset(statement->handle);
    (void)sqlite3_clear_bindings(statement->handle);
}

static bool exec(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
                 struct error *err)
{
    struct sqlite *sqlite = sqlite_of(db);
    struct statement *statement;
    int code;

    if (!start(sqlite, sql, args, SQLITE_STATIC, &statement, err))
        return false;
    do
        code = sqlite3_step(statement->handle);
    while (code == SQLITE_ROW);
    bool is_done = code == SQLITE_DONE || fail(sqlite, code, sql, err);
    stop(statement);
    if (is_done && ret_count != NULL)
        *ret_count = sqlite3_changes64(sqlite->handle);
    return is_done;
}

static bool query(struct db *db, const char *sql, struct db_args args, void **ret_cursor,
                  struct error *err)
{
    struct statement *statement;

    if (!start(sqlite_of(db), sql, args, SQLITE_TRANSIENT, &statement, err))
        return false;
    *ret_cursor = statement;
    return true;
}

static bool step(struct db *db, void *cursor, bool *ret_has_row, struct error *err)
{
    struct statement *statement = cursor;
    int code = sqlite3_step(statement->handle);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail(sqlite_of(db), code, sqlite3_sql(statement->handle), err);
    *ret_has_row = code == SQLITE_ROW;
    return true;
}

static void finish(struct db *db, void *cursor)
{
    (void)db;
    stop(cursor);
}

static bool column_is_null(void *cursor, int column)
{
    struct statement *statement = cursor;

    assert(column >= 0 && column < sqlite3_column_count(statement->handle));
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

static bool column_int(void *cursor, int column, int64_t *ret_value)
{
    struct statement *statement = cursor;

    assert(column >= 0 && column < sqlite3_column_count(statement->handle));
    int type = sqlite3_column_type(statement->handle, column);
    if (type == SQLITE_INTEGER)
        *ret_value = sqlite3_column_int64(statement->handle, column);
    return type == SQLITE_INTEGER || type == SQLITE_NULL;
}

/* A value is looked up once: a connection without a lock of its own may ask one that is not
 * protected. */
static bool column_ints(void *cursor, int count, int64_t *ret_values)
{
    sqlite3_stmt *handle = ((struct statement *)cursor)->handle;

    assert(count <= sqlite3_column_count(handle));
    for (int i = 0; i < count; i++) {
        sqlite3_value *value = sqlite3_column_value(handle, i);
        int type = sqlite3_value_type(value);

        if (type == SQLITE_INTEGER)
            ret_values[i] = sqlite3_value_int64(value);
        else if (type != SQLITE_NULL)
            return false;
    }
    return true;
}

static const void *column_bytes(void *cursor, int column, bool is_text, size_t *ret_length)
{
    struct statement *statement = cursor;
    const void *bytes = is_text ? (const void *)sqlite3_column_text(statement->handle, column)
                                : sqlite3_column_blob(statement->handle, column);

    *ret_length = (size_t)sqlite3_column_bytes(statement->handle, column);
    if (bytes == NULL && *ret_length > 0)
        abort(); /* out of memory */
    return bytes != NULL ? bytes : "";
}

static bool script(struct db *db, const char *text, struct error *err)
{
    struct sqlite *sqlite = sqlite_of(db);
    int code = sqlite3_exec(sqlite->handle, text, NULL, NULL, NULL);

    return code == SQLITE_OK || fail(sqlite, code, text, err);
}

static bool run(struct db *db, const char *sql, struct error *err)
{
    return exec(db, sql, DB_NO_ARGS, NULL, err);
}

static bool begin(struct db *db, enum transaction transaction, struct error *err)
{
    return run(db, transaction == TRANSACTION_READ ? "BEGIN" : "BEGIN IMMEDIATE", err);
}

static bool commit(struct db *db, struct error *err)
{
    return run(db, "COMMIT", err);
}

static void rollback(struct db *db)
{
    struct error err;

    /* A full disk, for one, has rolled back already. */
    if (sqlite3_get_autocommit(sqlite_of(db)->handle))
        return;
    (void)run(db, "ROLLBACK", &err); /* Whatever went wrong, the transaction is over: */
    assert(sqlite3_get_autocommit(sqlite_of(db)->handle));
}

bool db_sqlite_savepoint(struct db *db, struct error *err)
{
    return run(db, "SAVEPOINT work", err);
}

bool db_sqlite_release(struct db *db, struct error *err)
{
    return run(db, "RELEASE work", err);
}

bool db_sqlite_undo(struct db *db, struct error *err)
{
    if (sqlite3_get_autocommit(sqlite_of(db)->handle)) {
        *err = db->error;
        return false;
    }
    db->has_failed = false;
    account_ids_forget(&db->accounts);
    return run(db, "ROLLBACK TO work", err) && run(db, "RELEASE work", err);
}

static bool version(struct db *db, int64_t *ret_version, struct error *err)
{
    static const char sql[] = "PRAGMA data_version";
    struct sqlite *sqlite = sqlite_of(db);
    struct statement *statement;

    if (!start(sqlite, sql, DB_NO_ARGS, SQLITE_STATIC, &statement, err))
        return false;
    int code = sqlite3_step(statement->handle);
    bool is_done = code == SQLITE_ROW || fail(sqlite, code, sql, err);
    if (is_done)
        *ret_version = sqlite3_column_int64(statement->handle, 0);
    stop(statement);
    return is_done;
}

static void finalize(void *statement)
{
    (void)sqlite3_finalize(((struct statement *)statement)->handle);
    free(statement);
}

static void close_connection(struct db *db)
{
    struct sqlite *sqlite = sqlite_of(db);

    prepared_each(&sqlite->prepared, finalize);
    prepared_release(&sqlite->prepared);
    int code = sqlite3_close(sqlite->handle);
    assert(code == SQLITE_OK);
    free(sqlite);
}

static const struct db_driver driver = {
    .exec = exec,
    .query = query,
    .step = step,
    .finish = finish,
    .column_is_null = column_is_null,
    .column_int = column_int,
    .column_ints = column_ints,
    .column_bytes = column_bytes,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .script = script,
    .version = version,
    .close = close_connection,
};

/* Asking for WAL may be answered by another mode, without an error. */
static bool check_mode(struct sqlite *sqlite, struct error *err)
{
    struct statement *statement;
    bool is_wal = false;

    if (!start(sqlite, "PRAGMA journal_mode", DB_NO_ARGS, SQLITE_STATIC, &statement, err))
        return false;
    if (sqlite3_step(statement->handle) == SQLITE_ROW)
        is_wal =
            sqlite3_stricmp((const char *)sqlite3_column_text(statement->handle, 0), "wal") == 0;
    stop(statement);
    return is_wal || db_fail(&sqlite->db, DB_FAILURE_FINAL, ERROR_IO, err,
                             "the file system cannot keep a write-ahead log");
}

/* Nobody asks how much memory SQLite has in use; counting it takes a lock for each allocation. It
 * can be said before the first connection only, and makes no other difference. */
static void count_no_memory(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool db_sqlite_open(const char *path, enum db_sqlite_mode mode, struct db **ret_db,
                    struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (mode != DB_SQLITE_READER ? SQLITE_OPEN_CREATE : 0);

    if (sqlite == NULL)
        abort();
    (void)pthread_once(&once, count_no_memory);
    sqlite->db.driver = &driver;
    sqlite->prepared = prepared_of(DB_STATEMENTS_MAX);
    int code = sqlite3_open_v2(path, &sqlite->handle, flags, NULL);
    bool is_open = code == SQLITE_OK || fail(sqlite, code, path, err);
    /* Without memory for it there is no handle at all. */
    is_open =
        is_open && sqlite3_busy_timeout(sqlite->handle, BUSY_TIMEOUT_MS) == SQLITE_OK &&
        script(&sqlite->db, settings_of_all, err) &&
        script(&sqlite->db, mode != DB_SQLITE_READER ? settings_of_writer : settings_of_reader,
               err) &&
        (mode != DB_SQLITE_GUEST || script(&sqlite->db, "PRAGMA wal_autocheckpoint=0", err)) &&
        check_mode(sqlite, err);
    if (!is_open) {
        close_connection(&sqlite->db);
        return error_context(err, "open %s", path);
    }
    *ret_db = &sqlite->db;
    return true;
}
