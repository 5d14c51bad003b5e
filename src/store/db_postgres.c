/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db_postgres.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "store/prepared.h"

enum {
    SENT_MAX = 128,    /* statements whose results we have not read */
    COLUMNS_MAX = 128, /* of a result */
    VERSION_MIN = 130000,
};

/* The types of parameters; 0 lets the server find out, from where it stands, what a null is. */
enum { OID_UNKNOWN = 0, OID_BYTES = 17, OID_INT = 20, OID_TEXT = 25 };

struct statement {
    char name[24];
    bool is_prepared;
};

struct sent {
    struct statement *statement;
    bool is_prepare;
    int64_t *ret_id; /* NULL: nobody waits for one */
};

struct postgres {
    struct db db;
    PGconn *connection;
    struct prepared prepared;
    struct sent sent[SENT_MAX]; /* in order; results come in this order */
    size_t sent_count, read_count;

    /* The result that is being read. */
    PGresult *result;
    int row;
    unsigned char *unescaped[COLUMNS_MAX]; /* of this row; owned */
};

/* Durable means durable, and nothing waits for ever. */
static const char settings[] = "SET synchronous_commit = on;"
                               "SET client_encoding = 'UTF8';"
                               "SET standard_conforming_strings = on;"
                               "SET statement_timeout = '30s';"
                               "SET lock_timeout = '10s';"
                               "SET idle_in_transaction_session_timeout = '60s'";

static struct postgres *postgres_of(struct db *db)
{
    return (struct postgres *)db;
}

static bool fail_lost(struct postgres *pg, struct error *err)
{
    pg->db.is_broken = true;
    pg->sent_count = pg->read_count = 0;
    return db_fail(&pg->db, DB_FAILURE_LOST, ERROR_UNREACHABLE, err, "%s",
                   PQerrorMessage(pg->connection));
}

static bool is_state(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* The server has refused: what that means here. */
static bool fail_with(struct postgres *pg, const PGresult *result, struct error *err)
{
    static const struct row {
        const char *state; /* or how it begins */
        enum error_code code;
        enum db_failure failure;
    } rows[] = {
        { "23505", ERROR_CONFLICT, DB_FAILURE_DUPLICATE }, /* a unique index */
        { "23", ERROR_CONFLICT, DB_FAILURE_FINAL },        /* a constraint */
        { "40001", ERROR_CONFLICT, DB_FAILURE_RETRY },     /* not as if one after another */
        { "40P01", ERROR_CONFLICT, DB_FAILURE_RETRY },     /* a deadlock */
        { "55P03", ERROR_TIMEOUT, DB_FAILURE_RETRY },      /* waited too long for a lock */
        { "57014", ERROR_TIMEOUT, DB_FAILURE_FINAL },      /* took too long */
        { "22003", ERROR_OUT_OF_RANGE, DB_FAILURE_FINAL }, /* a number that is too large */
        { "XX001", ERROR_CORRUPT, DB_FAILURE_FINAL },
        { "XX002", ERROR_CORRUPT, DB_FAILURE_FINAL },
        { "08", ERROR_UNREACHABLE, DB_FAILURE_LOST },
        { "57P", ERROR_UNREACHABLE, DB_FAILURE_LOST },
        { "25P03", ERROR_UNREACHABLE, DB_FAILURE_LOST }, /* idle in its transaction */
        { "", ERROR_IO, DB_FAILURE_FINAL },
    };
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const struct row *row = rows;

    if (state == NULL || message == NULL)
        return fail_lost(pg, err);
    while (!is_state(state, row->state))
        row++;
    if (row->failure == DB_FAILURE_LOST)
        pg->db.is_broken = true;
    return db_fail(&pg->db, row->failure, row->code, err, "%s %s%s%s", state, message,
                   detail != NULL ? ": " : "", detail != NULL ? detail : "");
}

/* A row's id, for who waits for one; without a row it stays as it is. */
static bool give_id(struct postgres *pg, const struct sent *sent, const PGresult *result,
                    struct error *err)
{
    uint64_t id;

    if (sent->ret_id == NULL || PQntuples(result) == 0)
        return true;
    if (!parse_u64(PQgetvalue(result, 0, 0), &id) || id > INT64_MAX)
        return db_fail(&pg->db, DB_FAILURE_FINAL, ERROR_CORRUPT, err, "an id that is none");
    *sent->ret_id = (int64_t)id;
    return true;
}

/* The result of the first statement that was sent and not read yet. */
static bool receive(struct postgres *pg, PGresult **ret_result, struct error *err)
{
    assert(pg->read_count < pg->sent_count);
    struct sent sent = pg->sent[pg->read_count++];
    PGresult *result = PQgetResult(pg->connection);

    if (pg->read_count == pg->sent_count)
        pg->read_count = pg->sent_count = 0;
    if (result == NULL)
        return fail_lost(pg, err);

    ExecStatusType status = PQresultStatus(result);
    bool is_ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (status == PGRES_PIPELINE_ABORTED) {
        assert(pg->db.has_failed);
        *err = pg->db.error;
    } else if (!is_ok) {
        (void)fail_with(pg, result, err);
    }
    if (!is_ok && sent.is_prepare)
        sent.statement->is_prepared = false;
    if (PQstatus(pg->connection) == CONNECTION_BAD) {
        PQclear(result);
        return fail_lost(pg, err);
    }
    PGresult *end = PQgetResult(pg->connection);
    assert(end == NULL);
    is_ok = is_ok && give_id(pg, &sent, result, err);
    if (!is_ok || ret_result == NULL)
        PQclear(result);
    else
        *ret_result = result;
    return is_ok;
}

/* Have the server answer, and read all but the last `rest_count` results. */
static bool drain(struct postgres *pg, size_t rest_count, struct error *err)
{
    bool is_ok = true;

    if (pg->sent_count - pg->read_count <= rest_count)
        return true;
    if (PQsendFlushRequest(pg->connection) != 1 || PQflush(pg->connection) < 0)
        return fail_lost(pg, err);
    while (pg->sent_count - pg->read_count > rest_count && !pg->db.is_broken)
        if (!receive(pg, NULL, err))
            is_ok = false;
    return is_ok;
}

struct parameters {
    Oid types[DB_ARGS_MAX];
    const char *values[DB_ARGS_MAX];
    int lengths[DB_ARGS_MAX];
    int formats[DB_ARGS_MAX];
    uint64_t integers[DB_ARGS_MAX];
};

static void set_parameters(struct parameters *parameters, struct db_args args)
{
    static const Oid types[] = {
        [DB_NULL] = OID_UNKNOWN,
        [DB_INT] = OID_INT,
        [DB_TEXT] = OID_TEXT,
        [DB_BYTES] = OID_BYTES,
    };

    for (size_t i = 0; i < args.count; i++) {
        const struct db_value *value = &args.values[i];

        parameters->types[i] = types[value->type];
        parameters->formats[i] = 1;
        parameters->lengths[i] = (int)value->length;
        parameters->values[i] = value->length > 0 ? value->bytes : "";
        if (value->type == DB_NULL)
            parameters->values[i] = NULL;
        if (value->type == DB_INT) {
            parameters->integers[i] = htobe64((uint64_t)value->integer);
            parameters->values[i] = (const char *)&parameters->integers[i];
            parameters->lengths[i] = sizeof parameters->integers[i];
        }
    }
}

static bool find(struct postgres *pg, const char *sql, struct db_args args,
                 struct statement **ret_statement, struct error *err)
{
    struct prepared_entry *entry = prepared_find(&pg->prepared, sql, args);

    if (entry == NULL)
        return db_fail(&pg->db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err, "too many statements");
    if (entry->statement == NULL) {
        struct statement *statement = calloc(1, sizeof *statement);

        if (statement == NULL)
            abort();
        (void)snprintf(statement->name, sizeof statement->name, "s%zu", pg->prepared.count);
        entry->statement = statement;
    }
    *ret_statement = entry->statement;
    return true;
}

/* Queue the statement, and before it its preparation if this is its first time. */
static bool send_statement(struct postgres *pg, const char *sql, struct db_args args,
                           struct error *err)
{
    struct parameters parameters;
    struct statement *statement = NULL;
    int count = (int)args.count;

    for (size_t i = 0; i < args.count; i++)
        if (args.values[i].length > INT32_MAX)
            return db_fail(&pg->db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err, "too long");
    if (pg->sent_count + 2 > SENT_MAX && !drain(pg, 0, err))
        return false;
    if (!find(pg, sql, args, &statement, err))
        return false;
    set_parameters(&parameters, args);
    if (!statement->is_prepared) {
        if (PQsendPrepare(pg->connection, statement->name, sql, count, parameters.types) != 1)
            return fail_lost(pg, err);
        statement->is_prepared = true;
        pg->sent[pg->sent_count++] = (struct sent){ statement, true, NULL };
    }
    if (PQsendQueryPrepared(pg->connection, statement->name, count, parameters.values,
                            parameters.lengths, parameters.formats, 0) != 1)
        return fail_lost(pg, err);
    pg->sent[pg->sent_count++] = (struct sent){ statement, false, NULL };
    return true;
}

static bool send_and_wait(struct postgres *pg, const char *sql, struct db_args args,
                          PGresult **ret_result, struct error *err)
{
    if (!send_statement(pg, sql, args, err))
        return false;
    if (PQsendFlushRequest(pg->connection) != 1 || PQflush(pg->connection) < 0)
        return fail_lost(pg, err);
    while (pg->sent_count - pg->read_count > 1)
        if (!receive(pg, NULL, err) && pg->db.is_broken)
            return false;
    return receive(pg, ret_result, err);
}

/* A Sync ends what was skipped after a failure; all that was sent has been answered then. */
static bool synchronize(struct postgres *pg, struct error *err)
{
    bool is_ok = true;

    if (PQpipelineSync(pg->connection) != 1)
        return fail_lost(pg, err);
    while (pg->sent_count > 0 && !pg->db.is_broken)
        is_ok = receive(pg, NULL, err) && is_ok;
    if (pg->db.is_broken)
        return false;
    PGresult *result = PQgetResult(pg->connection);
    bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return is_sync ? is_ok : fail_lost(pg, err);
}

static bool exec(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
                 struct error *err)
{
    struct postgres *pg = postgres_of(db);
    PGresult *result;
    uint64_t count;

    if (ret_count == NULL)
        return send_statement(pg, sql, args, err);
    if (!send_and_wait(pg, sql, args, &result, err))
        return false;
    *ret_count = parse_u64(PQcmdTuples(result), &count) ? (int64_t)count : 0;
    PQclear(result);
    return true;
}

static bool exec_for_id(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                        struct error *err)
{
    struct postgres *pg = postgres_of(db);

    if (!send_statement(pg, sql, args, err))
        return false;
    pg->sent[pg->sent_count - 1].ret_id = ret_id;
    return true;
}

static bool settle(struct db *db, struct error *err)
{
    return drain(postgres_of(db), 0, err);
}

/* Whoever waited for ids has gone. */
static void forget_ids(struct postgres *pg)
{
    for (size_t i = pg->read_count; i < pg->sent_count; i++)
        pg->sent[i].ret_id = NULL;
}

static bool query(struct db *db, const char *sql, struct db_args args, void **ret_cursor,
                  struct error *err)
{
    struct postgres *pg = postgres_of(db);

    if (!send_and_wait(pg, sql, args, &pg->result, err))
        return false;
    assert(PQnfields(pg->result) <= COLUMNS_MAX);
    pg->row = -1;
    *ret_cursor = pg;
    return true;
}

static void forget_row(struct postgres *pg)
{
    for (int column = 0; column < PQnfields(pg->result); column++) {
        PQfreemem(pg->unescaped[column]);
        pg->unescaped[column] = NULL;
    }
}

static bool step(struct db *db, void *cursor, bool *ret_has_row, struct error *err)
{
    struct postgres *pg = cursor;

    (void)db;
    (void)err;
    forget_row(pg);
    *ret_has_row = ++pg->row < PQntuples(pg->result);
    return true;
}

static void finish(struct db *db, void *cursor)
{
    struct postgres *pg = cursor;

    (void)db;
    forget_row(pg);
    PQclear(pg->result);
    pg->result = NULL;
}

static bool column_is_null(void *cursor, int column)
{
    struct postgres *pg = cursor;

    assert(column >= 0 && column < PQnfields(pg->result));
    return PQgetisnull(pg->result, pg->row, column) == 1;
}

static bool column_int(void *cursor, int column, int64_t *ret_value)
{
    struct postgres *pg = cursor;
    uint64_t size;

    if (column_is_null(cursor, column))
        return true;
    const char *text = PQgetvalue(pg->result, pg->row, column);
    bool is_negative = *text == '-';
    if (strcmp(text, "t") == 0 || strcmp(text, "f") == 0) {
        *ret_value = *text == 't'; /* SQLite has no other truth than 1 */
        return true;
    }
    if (!parse_u64(text + is_negative, &size) || size > (uint64_t)INT64_MAX + is_negative)
        return false;
    *ret_value = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

static bool column_ints(void *cursor, int count, int64_t *ret_values)
{
    for (int i = 0; i < count; i++)
        if (!column_int(cursor, i, &ret_values[i]))
            return false;
    return true;
}

static const void *column_bytes(void *cursor, int column, bool is_text, size_t *ret_length)
{
    struct postgres *pg = cursor;
    const char *text = PQgetvalue(pg->result, pg->row, column);

    *ret_length = (size_t)PQgetlength(pg->result, pg->row, column);
    if (is_text)
        return text;
    PQfreemem(pg->unescaped[column]);
    pg->unescaped[column] = PQunescapeBytea((const unsigned char *)text, ret_length);
    if (pg->unescaped[column] == NULL)
        abort(); /* out of memory */
    return pg->unescaped[column];
}

static bool begin(struct db *db, enum transaction transaction, struct error *err)
{
    struct postgres *pg = postgres_of(db);

    switch (transaction) {
    case TRANSACTION_READ:
        return exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", DB_NO_ARGS, NULL, err);
    case TRANSACTION_WRITE:
        return exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ", DB_NO_ARGS, NULL, err);
    case TRANSACTION_EXCLUSIVE:
        /* Who has waited for the lock must see what the one before has done. */
        return exec(db, "BEGIN ISOLATION LEVEL READ COMMITTED", DB_NO_ARGS, NULL, err) &&
               send_statement(pg, "SELECT pg_advisory_xact_lock(7234017283807667314)", DB_NO_ARGS,
                              err);
    }
    abort();
}

static bool commit(struct db *db, struct error *err)
{
    struct postgres *pg = postgres_of(db);

    forget_ids(pg);
    if (!send_statement(pg, "COMMIT", DB_NO_ARGS, err) || !synchronize(pg, err))
        return false;
    return PQtransactionStatus(pg->connection) == PQTRANS_IDLE ||
           db_fail(db, DB_FAILURE_FINAL, ERROR_IO, err, "the commit did not end the transaction");
}

static void rollback(struct db *db)
{
    struct postgres *pg = postgres_of(db);
    struct error err;

    forget_ids(pg);
    /* Old failures show up here again, and are of no interest. */
    if (!db->is_broken)
        (void)synchronize(pg, &err);
    if (!db->is_broken && PQtransactionStatus(pg->connection) != PQTRANS_IDLE &&
        send_statement(pg, "ROLLBACK", DB_NO_ARGS, &err))
        (void)synchronize(pg, &err);
    if (PQtransactionStatus(pg->connection) != PQTRANS_IDLE)
        db->is_broken = true;
}

static bool script(struct db *db, const char *text, struct error *err)
{
    struct postgres *pg = postgres_of(db);

    if (!synchronize(pg, err))
        return false;
    if (PQexitPipelineMode(pg->connection) != 1)
        return fail_lost(pg, err);
    PGresult *result = PQexec(pg->connection, text);
    ExecStatusType status = PQresultStatus(result);
    bool is_ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                 status == PGRES_EMPTY_QUERY || fail_with(pg, result, err);
    PQclear(result);
    if (PQenterPipelineMode(pg->connection) != 1)
        return fail_lost(pg, err);
    return is_ok;
}

static void close_connection(struct db *db)
{
    struct postgres *pg = postgres_of(db);

    prepared_each(&pg->prepared, free);
    prepared_release(&pg->prepared);
    PQfinish(pg->connection);
    free(pg);
}

static const struct db_driver driver = {
    .exec = exec,
    .exec_for_id = exec_for_id,
    .settle = settle,
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
    .close = close_connection,
};

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static bool check_server(struct postgres *pg, struct error *err)
{
    const char *encoding = PQparameterStatus(pg->connection, "server_encoding");

    if (PQserverVersion(pg->connection) < VERSION_MIN)
        return error_set(err, ERROR_INVALID, "PostgreSQL %d is too old: %d or later",
                         PQserverVersion(pg->connection) / 10000, VERSION_MIN / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return error_set(err, ERROR_INVALID, "the database is not in UTF-8");
    return true;
}

bool db_postgres_open(const char *url, struct db **ret_db, struct error *err)
{
    /* The URL comes after the defaults that it may override, and before what it may not. */
    static const char *const keywords[] = { "connect_timeout", "tcp_user_timeout", "dbname",
                                            "fallback_application_name", NULL };
    const char *const values[] = { "10", "15000", url, "berthd", NULL };
    struct postgres *pg = calloc(1, sizeof *pg);

    if (pg == NULL)
        abort();
    pg->db.driver = &driver;
    pg->db.is_postgres = true;
    pg->prepared = prepared_of(DB_STATEMENTS_MAX);
    pg->connection = PQconnectdbParams(keywords, values, 1);
    bool is_open = PQstatus(pg->connection) == CONNECTION_OK || fail_lost(pg, err);
    if (is_open) {
        (void)PQsetNoticeProcessor(pg->connection, ignore_notice, NULL);
        is_open = PQenterPipelineMode(pg->connection) == 1 || fail_lost(pg, err);
    }
    is_open = is_open && script(&pg->db, settings, err) && check_server(pg, err);
    if (!is_open) {
        close_connection(&pg->db);
        return error_context(err, "connect to PostgreSQL");
    }
    *ret_db = &pg->db;
    return true;
}
