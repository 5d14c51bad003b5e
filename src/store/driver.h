/* SPDX-License-Identifier: Apache-2.0 */
/* What a database driver gives to db.c, and what db.c keeps for it. Inside src/store/ only.
 *
 * A connection runs one transaction at a time, on one thread. The first statement that fails
 * loses the transaction: db.c then refuses all that follows with the same error, so that SQLite,
 * which would carry on, behaves as PostgreSQL does, and nobody commits half a flow. */

#ifndef BERTH_STORE_DRIVER_H
#define BERTH_STORE_DRIVER_H

#include <stdatomic.h>

#include "store/account_ids.h"
#include "store/db.h"
#include "store/kept.h"
#include "store/taken.h"
#include "sys/log.h"

enum {
    DB_ARGS_MAX = 64,         /* parameters of a statement */
    DB_STATEMENTS_MAX = 1024, /* prepared on a connection: all that the program has, and more */
    DB_CHANGES_MAX = 1024,    /* db_notify() of one commit, before they become "anything" */
};

/* All see one snapshot. Of writes that change the same row at the same time one wins, and the
 * others have failed. While an exclusive one runs, on any server, other exclusive ones wait to
 * begin. */
enum transaction { TRANSACTION_READ, TRANSACTION_WRITE, TRANSACTION_EXCLUSIVE };

/* How a failed transaction may be treated; beside the error, which is for people. */
enum db_failure {
    DB_FAILURE_FINAL,     /* running it again would fail again */
    DB_FAILURE_RETRY,     /* it lost against another transaction, and left nothing behind */
    DB_FAILURE_DUPLICATE, /* it inserts what is there; perhaps another was only faster */
    DB_FAILURE_LOST,      /* the connection is gone; left nothing behind unless it was committing */
};

struct db_driver {
    /* A NULL `ret_count` need not wait for the result. */
    bool (*exec)(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
                 struct error *err);
    /* An id that a row brings comes to `*ret_id` when settle() returns. NULL, both: statements are
     * carried out at once, and query() is as good. */
    bool (*exec_for_id)(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                        struct error *err);
    bool (*settle)(struct db *db, struct error *err);
    bool (*query)(struct db *db, const char *sql, struct db_args args, void **ret_cursor,
                  struct error *err);
    bool (*step)(struct db *db, void *cursor, bool *ret_has_row, struct error *err);
    void (*finish)(struct db *db, void *cursor);

    bool (*column_is_null)(void *cursor, int column);
    /* False: not a number. A null leaves the value alone. */
    bool (*column_int)(void *cursor, int column, int64_t *ret_value);
    /* The first `count` of them at once; a null is left alone here, too. */
    bool (*column_ints)(void *cursor, int count, int64_t *ret_values);
    const void *(*column_bytes)(void *cursor, int column, bool is_text, size_t *ret_length);

    bool (*begin)(struct db *db, enum transaction transaction, struct error *err);
    bool (*commit)(struct db *db, struct error *err);
    void (*rollback)(struct db *db);
    bool (*script)(struct db *db, const char *text, struct error *err);
    /* Another number whenever somebody else has committed since the one before; within a
     * transaction that of what it sees. NULL: the database does not say. */
    bool (*version)(struct db *db, int64_t *ret_version, struct error *err);
    void (*close)(struct db *db);
};

struct db_change {
    enum db_topic topic;
    int64_t id;
};

/* Who looks how long statements take. Of one that took longer than `slow_us` (0: none does) it logs
 * the text, which never holds a value, and how many values went with it. */
struct db_watch {
    const struct log *log;
    atomic_int_fast64_t slow_us;
    atomic_uint_fast64_t statements, slow;
};

/* The driver's connection begins with this. */
struct db {
    const struct db_driver *driver;
    struct db_watch *watch; /* or NULL; outlives it */
    bool is_postgres;
    bool is_in_transaction;
    bool has_rows_open;
    bool is_broken; /* the connection is of no more use */

    bool has_failed; /* the transaction is lost, by this: */
    enum db_failure failure;
    struct error error;

    struct db_change changes[DB_CHANGES_MAX]; /* to tell of after the commit */
    size_t change_count;
    unsigned changes_lost; /* a bit a topic: more than could be kept */

    struct account_ids accounts; /* for ledger.c */
    struct taken taken;          /* for db_take() */
    struct kept *kept;           /* for store_read_kept() */
};

/* For drivers: remember that the transaction is lost, fill `err`, return false. */
bool db_fail(struct db *db, enum db_failure failure, enum error_code code, struct error *err,
             const char *format, ...) PRINTF_LIKE(5, 6);

/* The first `count` columns of a row at once, where null reads as `null`: for audit.c, which reads
 * whole tables. */
void db_column_ints(struct db_rows *rows, int count, int64_t null, int64_t *ret);

/* Transactions, for store.c, writer.c and migrate.c. db_begin() forgets the changes and the
 * failure of the one before. A failed commit has rolled back. */
NODISCARD bool db_begin(struct db *db, enum transaction transaction, struct error *err);
NODISCARD bool db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

/* Several statements in one text, without parameters: migrations and settings. */
NODISCARD bool db_script(struct db *db, const char *text, struct error *err);
void db_close(struct db **db);

#endif
