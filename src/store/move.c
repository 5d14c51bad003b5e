/* SPDX-License-Identifier: Apache-2.0 */
#include "store/move.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/parse.h"

enum { TABLES_MAX = 512, NAME_MAX_LENGTH = 63, LINE_MAX_SIZE = 256 << 20, SQL_MAX = 64 * 1024 };
enum { FLUSH_SIZE = 256 * 1024, BUSY_MS = 10000 };

#define MOVED_NAME "berth.sqlite.moved"

struct table {
    char name[NAME_MAX_LENGTH + 1];
    bool is_moved;
    int64_t rows;
};

struct move {
    sqlite3 *from;
    PGconn *to;
    struct table *tables;
    size_t count;
};

static bool fail_from(struct move *move, const char *what, struct error *err)
{
    return error_set(err, ERROR_IO, "SQLite: %s: %s", what,
                     move->from != NULL ? sqlite3_errmsg(move->from) : "out of memory");
}

static bool fail_to(struct move *move, const char *what, struct error *err)
{
    char text[200];

    (void)snprintf(text, sizeof text, "%s", PQerrorMessage(move->to));
    text[strcspn(text, "\n")] = '\0';
    return error_set(err, ERROR_IO, "PostgreSQL: %s: %s", what, text);
}

static bool run_to(struct move *move, const char *sql, struct error *err)
{
    PGresult *result = PQexec(move->to, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || fail_to(move, sql, err);
}

/* One number; 0 where there is none. */
static bool number_to(struct move *move, const char *sql, int64_t *ret, struct error *err)
{
    PGresult *result = PQexec(move->to, sql);
    uint64_t number = 0;

    bool is_read = PQresultStatus(result) == PGRES_TUPLES_OK &&
                   (PQntuples(result) == 0 || PQgetisnull(result, 0, 0) ||
                    (parse_u64(PQgetvalue(result, 0, 0), &number) && number <= INT64_MAX));
    PQclear(result);
    *ret = (int64_t)number;
    return is_read || fail_to(move, sql, err);
}

static bool number_from(struct move *move, const char *sql, int64_t *ret, struct error *err)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(move->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail_from(move, sql, err);
    int code = sqlite3_step(statement);
    *ret = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE || fail_from(move, sql, err);
}

/* The schema's tables, but for the list of what was applied: each side has its own. */
static bool list_tables(struct move *move, struct error *err)
{
    static const char sql[] = "SELECT name FROM sqlite_master WHERE type = 'table' "
                              "AND name NOT LIKE 'sqlite_%' AND name <> 'migration' ORDER BY name";
    sqlite3_stmt *statement = NULL;
    int code;

    if (sqlite3_prepare_v2(move->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail_from(move, sql, err);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && move->count < TABLES_MAX) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        (void)snprintf(move->tables[move->count++].name, NAME_MAX_LENGTH + 1, "%s", name);
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_DONE || fail_from(move, "list tables", err);
}

static struct table *find_table(struct move *move, const char *name)
{
    for (size_t i = 0; i < move->count; i++) {
        if (strcmp(move->tables[i].name, name) == 0)
            return &move->tables[i];
    }
    return NULL;
}

/* Whether all that its rows point at is there; a table that points at itself is read in order. */
static bool is_ready(struct move *move, const struct table *table, bool *ret, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    char sql[128];
    int code;

    (void)snprintf(sql, sizeof sql, "PRAGMA foreign_key_list(%s)", table->name);
    *ret = true;
    if (sqlite3_prepare_v2(move->from, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail_from(move, sql, err);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct table *other =
            find_table(move, (const char *)sqlite3_column_text(statement, 2));
        if (other != NULL && other != table && !other->is_moved)
            *ret = false;
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_DONE || fail_from(move, sql, err);
}

/* As COPY reads a field: a backslash begins whatever is special. */
static void write_text(const char *text, size_t length, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < length; i++) {
        const char *escaped = text[i] == '\\'   ? "\\\\"
                              : text[i] == '\n' ? "\\n"
                              : text[i] == '\r' ? "\\r"
                              : text[i] == '\t' ? "\\t"
                                                : NULL;
        if (escaped == NULL)
            continue;
        buf_append(out, text + from, i - from);
        buf_append(out, escaped, 2);
        from = i + 1;
    }
    buf_append(out, text + from, length - from);
}

static void write_bytes(const uint8_t *bytes, size_t length, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";

    buf_append(out, "\\\\x", 3);
    for (size_t i = 0; i < length; i++) {
        const char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };
        buf_append(out, pair, 2);
    }
}

static bool write_row(struct move *move, sqlite3_stmt *row, struct buf *out, struct error *err)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        size_t length = (size_t)sqlite3_column_bytes(row, i);

        buf_append(out, "\t", i > 0 ? 1 : 0);
        switch (sqlite3_column_type(row, i)) {
        case SQLITE_INTEGER:
            buf_printf(out, "%" PRId64, (int64_t)sqlite3_column_int64(row, i));
            break;
        case SQLITE_TEXT:
            write_text((const char *)sqlite3_column_text(row, i), length, out);
            break;
        case SQLITE_BLOB:
            write_bytes(sqlite3_column_blob(row, i), length, out);
            break;
        case SQLITE_NULL:
            buf_append(out, "\\N", 2);
            break;
        default:
            return error_set(err, ERROR_CORRUPT, "column %s holds what no column may",
                             sqlite3_column_name(row, i));
        }
    }
    buf_append(out, "\n", 1);
    (void)move;
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "a row is too large");
}

static bool send_rows(struct move *move, sqlite3_stmt *rows, int64_t *ret_count, struct error *err)
{
    auto_buf struct buf out = buf_of(LINE_MAX_SIZE);
    int code;

    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        if (!write_row(move, rows, &out, err))
            return false;
        ++*ret_count;
        if (out.length < FLUSH_SIZE)
            continue;
        if (PQputCopyData(move->to, out.bytes, (int)out.length) != 1)
            return fail_to(move, "send rows", err);
        out.length = 0;
    }
    if (code != SQLITE_DONE)
        return fail_from(move, "read rows", err);
    return out.length == 0 || PQputCopyData(move->to, out.bytes, (int)out.length) == 1 ||
           fail_to(move, "send rows", err);
}

/* After a failure, too: the connection is ours again only then. */
static bool end_copy(struct move *move, bool is_sent, struct error *err)
{
    bool is_done = PQputCopyEnd(move->to, is_sent ? NULL : "given up") == 1;
    PGresult *result;

    while ((result = PQgetResult(move->to)) != NULL) {
        is_done = is_done && PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    return !is_sent || is_done || fail_to(move, "take rows", err);
}

/* "COPY name (a, b) FROM STDIN", with the columns in SQLite's order. */
static void write_copy(const char *name, sqlite3_stmt *rows, struct buf *out)
{
    buf_printf(out, "COPY \"%s\" (", name);
    for (int i = 0; i < sqlite3_column_count(rows); i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", sqlite3_column_name(rows, i));
    buf_printf(out, ") FROM STDIN");
}

static bool move_table(struct move *move, struct table *table, struct error *err)
{
    auto_buf struct buf copy = buf_of(SQL_MAX);
    sqlite3_stmt *rows = NULL;
    char sql[128];

    /* By rowid, or by the primary key of one without: rows point only at rows before them. */
    (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY 1", table->name);
    if (sqlite3_prepare_v2(move->from, sql, -1, &rows, NULL) != SQLITE_OK)
        return fail_from(move, sql, err);
    write_copy(table->name, rows, &copy);
    PGresult *begin = PQexec(move->to, copy.bytes);
    bool has_begun = PQresultStatus(begin) == PGRES_COPY_IN;
    PQclear(begin);
    bool is_sent =
        has_begun ? send_rows(move, rows, &table->rows, err) : fail_to(move, copy.bytes, err);
    (void)sqlite3_finalize(rows);
    if (has_begun)
        is_sent = end_copy(move, is_sent, err) && is_sent;
    table->is_moved = true;
    return is_sent || error_context(err, "table %s", table->name);
}

/* Those that others point at come first. */
static bool move_tables(struct move *move, struct error *err)
{
    for (size_t done = 0; done < move->count;) {
        size_t before = done;

        for (size_t i = 0; i < move->count; i++) {
            bool can_go;
            if (move->tables[i].is_moved)
                continue;
            if (!is_ready(move, &move->tables[i], &can_go, err))
                return false;
            if (!can_go)
                continue;
            if (!move_table(move, &move->tables[i], err))
                return false;
            done++;
        }
        if (done == before)
            return error_set(err, ERROR_CORRUPT, "tables point at each other in a circle");
    }
    return true;
}

static bool check_empty(struct move *move, struct error *err)
{
    for (size_t i = 0; i < move->count; i++) {
        char sql[128];
        int64_t count;

        (void)snprintf(sql, sizeof sql, "SELECT 1 FROM \"%s\" LIMIT 1", move->tables[i].name);
        if (!number_to(move, sql, &count, err))
            return false;
        if (count != 0)
            return error_set(err, ERROR_CONFLICT, "the target is not empty: %s has rows",
                             move->tables[i].name);
    }
    return true;
}

/* Triggers guard what people do; these rows were guarded when they came. */
static bool set_triggers(struct move *move, const char *verb, struct error *err)
{
    for (size_t i = 0; i < move->count; i++) {
        char sql[160];

        (void)snprintf(sql, sizeof sql, "ALTER TABLE \"%s\" %s TRIGGER USER", move->tables[i].name,
                       verb);
        if (!run_to(move, sql, err))
            return false;
    }
    return true;
}

static bool check_counts(struct move *move, struct move_counts *ret, struct error *err)
{
    *ret = (struct move_counts){ .tables = (int64_t)move->count };
    for (size_t i = 0; i < move->count; i++) {
        const struct table *table = &move->tables[i];
        int64_t from, to;
        char sql[128];

        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", table->name);
        if (!number_from(move, sql, &from, err) || !number_to(move, sql, &to, err))
            return false;
        if (from != to || from != table->rows)
            return error_set(err, ERROR_CORRUPT,
                             "%s has %" PRId64 " rows there, and %" PRId64 " here", table->name,
                             from, to);
        ret->rows += to;
    }
    return true;
}

/* Ids that were given out are given out to nobody else, even of rows that are gone. */
static bool set_sequences(struct move *move, struct error *err)
{
    for (size_t i = 0; i < move->count; i++) {
        char sql[320];
        int64_t last, ignored;

        (void)snprintf(sql, sizeof sql, "SELECT seq FROM sqlite_sequence WHERE name = '%s'",
                       move->tables[i].name);
        if (!number_from(move, sql, &last, err))
            return false;
        if (last == 0)
            continue;
        (void)snprintf(sql, sizeof sql,
                       "SELECT setval(pg_get_serial_sequence('\"%s\"', 'id'), %" PRId64 ")",
                       move->tables[i].name, last);
        if (!number_to(move, sql, &ignored, err))
            return false;
    }
    return true;
}

static bool open_both(struct move *move, const char *directory, const char *url, struct error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/berth.sqlite", directory) >= (int)sizeof path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (sqlite3_open_v2(path, &move->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(move->from, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(move->from, "PRAGMA query_only=ON; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return fail_from(move, path, err);
    move->to = PQconnectdb(url);
    return (PQstatus(move->to) == CONNECTION_OK && PQsetClientEncoding(move->to, "UTF8") == 0) ||
           fail_to(move, "connect", err);
}

static bool move_all(struct move *move, struct move_counts *ret, struct error *err)
{
    return list_tables(move, err) && run_to(move, "BEGIN", err) && check_empty(move, err) &&
           set_triggers(move, "DISABLE", err) && move_tables(move, err) &&
           set_triggers(move, "ENABLE", err) && set_sequences(move, err) &&
           check_counts(move, ret, err) && run_to(move, "COMMIT", err);
}

bool move_to_postgres(const char *directory, const char *url, struct move_counts *ret,
                      struct error *err)
{
    auto_arena struct arena arena = arena_of(TABLES_MAX * sizeof(struct table) + 4096);
    struct move move = { .tables = arena_alloc(&arena, TABLES_MAX, sizeof(struct table)) };
    struct move_counts counts;

    if (move.tables == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for tables");
    /* What was not committed goes with the connection. */
    bool is_moved = open_both(&move, directory, url, err) && move_all(&move, &counts, err);
    (void)sqlite3_close(move.from);
    PQfinish(move.to);
    if (is_moved)
        *ret = counts;
    return is_moved || error_context(err, "move the books");
}

/* SQLite finds what belongs to a file by its name: all of them are renamed, the books first. */
static const char *const endings[] = { "", "-wal", "-shm" };

static bool path_of(char path[static PATH_MAX], const char *directory, const char *name,
                    const char *ending, struct error *err)
{
    return snprintf(path, PATH_MAX, "%s/%s%s", directory, name, ending) < PATH_MAX ||
           error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
}

bool move_retire(const char *directory, struct error *err)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char from[PATH_MAX], to[PATH_MAX];

        if (!path_of(from, directory, "berth.sqlite", endings[i], err) ||
            !path_of(to, directory, MOVED_NAME, endings[i], err))
            return false;
        if (rename(from, to) != 0 && (errno != ENOENT || *endings[i] == '\0'))
            return error_system(err, errno, "rename %s", from);
    }
    return true;
}

bool move_has_left(const char *directory)
{
    char here[PATH_MAX], left[PATH_MAX];
    struct error ignored;

    return path_of(here, directory, "berth.sqlite", "", &ignored) &&
           path_of(left, directory, MOVED_NAME, "", &ignored) && access(here, F_OK) != 0 &&
           access(left, F_OK) == 0;
}
