/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction on the database, whichever database it is.
 *
 * SQL is written once, in the dialect that SQLite 3.40 and PostgreSQL 15 share: parameters
 * are $1, $2, ...; ids come from INSERT ... RETURNING id; money is BIGINT and is computed in C.
 * Nothing outside src/store/ holds SQL. Statements are prepared once a connection and kept,
 * so `sql` must be a string literal.
 *
 * On PostgreSQL, db_exec() is queued in the pipeline and its failure may show at a later
 * call or at the commit: the transaction is lost all the same, so nothing changes for the
 * caller. db_query() and db_count() wait for their result. */

#ifndef BERTH_STORE_DB_H
#define BERTH_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/money.h"

struct db;

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BYTES };

struct db_value {
    enum db_type type;
    int64_t integer;
    const char *bytes; /* text or bytes, borrowed until the call returns */
    size_t length;
};

static inline struct db_value db_int(int64_t integer)
{
    return (struct db_value){ .type = DB_INT, .integer = integer };
}

static inline struct db_value db_money(struct money amount)
{
    return db_int(amount.nanodollars);
}

static inline struct db_value db_instant(struct instant instant)
{
    return db_int(instant.microseconds);
}

struct db_value db_text(const char *text); /* NULL binds null */
struct db_value db_bytes(const void *bytes, size_t length);

static inline struct db_value db_null(void)
{
    return (struct db_value){ .type = DB_NULL };
}

/* The parameters of a statement, $1 first: DB_ARGS(db_int(id), db_text(label)). */
struct db_args {
    const struct db_value *values;
    size_t count;
};
#define DB_ARGS(...)                                                                               \
    ((struct db_args){ (const struct db_value[]){ __VA_ARGS__ },                                   \
                       sizeof((const struct db_value[]){ __VA_ARGS__ }) /                          \
                           sizeof(struct db_value) })
#define DB_NO_ARGS ((struct db_args){ 0 })

/* Run a statement without a result. A broken constraint is ERROR_CONFLICT. */
NODISCARD bool db_exec(struct db *db, const char *sql, struct db_args args, struct error *err);

/* The same, waiting to learn how many rows it changed: for compare-and-swap. */
NODISCARD bool db_count(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
                        struct error *err);

/* Take a row for the rest of this transaction, with an update that changes nothing and has its id
 * for its only parameter. Nothing is sent where the transaction has taken it before. */
NODISCARD bool db_take(struct db *db, const char *sql, int64_t id, struct error *err);

/* Rows, one after another:
 *
 *     auto_db_rows struct db_rows rows = db_query(db, sql, args);
 *     while (db_next(&rows, err)) { ... db_column_int(&rows, 0) ... }
 *     if (rows.has_failed) return error_context(...);
 *
 * No other statement may run on the connection until the rows are closed or read to the
 * end. Column texts live until the next db_next(). */
struct db_rows {
    struct db *db;
    void *cursor; /* the driver's */
    bool has_failed;
    struct error error; /* why, for db_next() to report */
    const char *sql;    /* for who looks how long it takes: it, its values, and since when */
    size_t arg_count;
    int64_t began_us;
};
#define auto_db_rows __attribute__((cleanup(db_rows_close)))

struct db_rows db_query(struct db *db, const char *sql, struct db_args args);
NODISCARD bool db_next(struct db_rows *rows, struct error *err);
void db_rows_close(struct db_rows *rows);

bool db_column_is_null(struct db_rows *rows, int column);
int64_t db_column_int(struct db_rows *rows, int column);      /* null reads as 0 */
const char *db_column_text(struct db_rows *rows, int column); /* null reads as "" */
const void *db_column_bytes(struct db_rows *rows, int column, size_t *ret_length);
struct money db_column_money(struct db_rows *rows, int column);
struct instant db_column_instant(struct db_rows *rows, int column);

/* The one row of a query: false with has_row false on success without a row. `read` copies the
 * columns out. */
typedef bool db_row_read(struct db_rows *row, void *context, struct error *err);
NODISCARD bool db_query_one(struct db *db, const char *sql, struct db_args args, db_row_read *read,
                            void *context, bool *ret_has_row, struct error *err);

/* INSERT ... RETURNING id. */
NODISCARD bool db_insert(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                         struct error *err);

/* The same without waiting for the id, so that many share one way there and back: `*ret_id` is set
 * when db_settle() has returned true, and stays as it was where ON CONFLICT DO NOTHING left no row.
 * It must live until then, or until the closure has returned false. */
NODISCARD bool db_insert_later(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                               struct error *err);
NODISCARD bool db_settle(struct db *db, struct error *err);

/* Tell this process's and, on PostgreSQL, every other server's listeners, once the
 * transaction has committed, that the thing has changed (see store/store.h). */
enum db_topic {
    TOPIC_MACHINE,
    TOPIC_CONTRACT,
    TOPIC_USER,
    TOPIC_OUTBOX,
    TOPIC_ORDER,
    TOPIC_RELAY,
};
#define TOPIC_LAST TOPIC_RELAY
NODISCARD bool db_notify(struct db *db, enum db_topic topic, int64_t id, struct error *err);

#endif
