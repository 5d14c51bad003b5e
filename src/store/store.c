/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/db_postgres.h"
#include "store/db_sqlite.h"
#include "store/gather.h"
#include "store/migrate.h"
#include "store/notify.h"
#include "store/pool.h"
#include "store/writer.h"
#include "sys/crypto.h"
#include "sys/file.h"

struct store {
    const struct log *log;
    bool is_guest;                       /* on SQLite, of a server's process */
    struct pool *pool;                   /* readers on SQLite, all on PostgreSQL */
    struct writer *writer;               /* on SQLite */
    struct gather *gathers[STORE_KINDS]; /* on PostgreSQL */
    struct notify *notify;
    struct db_watch watch;
    atomic_uint_fast64_t reads, writes, commits, retries, failures;
};

bool store_is_url(const char *location)
{
    return strncmp(location, "postgres://", strlen("postgres://")) == 0 ||
           strncmp(location, "postgresql://", strlen("postgresql://")) == 0;
}

static bool read_has_schema(struct db_rows *row, void *context, struct error *err)
{
    bool *has_schema = context;

    (void)err;
    *has_schema = db_column_int(row, 0) != 0;
    return true;
}

static bool find_postgres(const char *url, struct error *err)
{
    bool has_row = false, has_schema = false;
    struct db *db;

    if (!db_postgres_open(url, &db, err))
        return false;
    bool is_read =
        db_begin(db, TRANSACTION_READ, err) &&
        db_query_one(db, "SELECT CASE WHEN to_regclass('migration') IS NULL THEN 0 ELSE 1 END",
                     DB_NO_ARGS, read_has_schema, &has_schema, &has_row, err) &&
        db_commit(db, err);
    db_close(&db);
    return is_read &&
           (has_schema ||
            error_set(err, ERROR_NOT_FOUND, "there are no books in that database of PostgreSQL"));
}

static bool find_sqlite(const char *directory, struct error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/berth.sqlite", directory) >= (int)sizeof path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (access(path, F_OK) == 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        return error_set(err, ERROR_NOT_FOUND, "there are no books in %.256s: no file berth.sqlite",
                         directory);
    return error_system(err, errno, "look for %s", path);
}

bool store_find(const char *location, struct error *err)
{
    return (store_is_url(location) ? find_postgres : find_sqlite)(location, err);
}

static bool open_reader(const char *path, struct db **ret_db, struct error *err)
{
    return db_sqlite_open(path, DB_SQLITE_READER, ret_db, err);
}

static bool migrate_to_now(struct store *store, struct db *db, struct error *err)
{
    size_t applied;

    if (!migrate(db, migrate_schema(), &applied, err))
        return false;
    if (applied > 0)
        log_write(store->log, LOG_INFO, "store: migrated", "%zu applied, now at %zu", applied,
                  migrate_schema().count);
    return true;
}

static bool open_sqlite(struct store *store, const char *directory, struct error *err)
{
    auto_buf struct buf path = buf_of(PATH_MAX);
    struct db *db;

    buf_printf(&path, "%s/berth.sqlite", directory);
    if (path.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (!file_make_dir(directory, 0700, err) ||
        !db_sqlite_open(path.bytes, store->is_guest ? DB_SQLITE_GUEST : DB_SQLITE_WRITER, &db, err))
        return false;
    if (!migrate_to_now(store, db, err)) {
        db_close(&db);
        return false;
    }
    store->pool = pool_start(open_reader, path.bytes, STORE_READERS_MAX);
    if (!notify_start(NULL, store->log, &store->notify, err)) {
        db_close(&db);
        return false;
    }
    db->watch = &store->watch;
    return writer_start(db, store->notify, &store->writer, err);
}

static bool write_gathered(void *context, store_work *work, void *work_context, struct error *err)
{
    return store_write(context, work, work_context, err);
}

/* Together they leave connections for others, even when all agents come at once. */
static bool start_gathers(struct store *store, struct error *err)
{
    static const size_t threads[STORE_KINDS] = {
        [STORE_HEARTBEATS] = 4,
        [STORE_HELLOS] = 2,
        [STORE_POLLS] = 2,
    };

    for (int kind = 0; kind < STORE_KINDS; kind++)
        if (!gather_start(write_gathered, store, threads[kind], &store->gathers[kind], err))
            return false;
    return true;
}

static bool open_postgres(struct store *store, const char *url, struct error *err)
{
    struct db *db;

    store->pool = pool_start(db_postgres_open, url, STORE_CONNECTIONS_MAX);
    if (!pool_take(store->pool, POOL_WAIT_MS, &db, err))
        return false;
    bool is_migrated = migrate_to_now(store, db, err);
    pool_give(store->pool, db);
    return is_migrated && notify_start(url, store->log, &store->notify, err) &&
           start_gathers(store, err);
}

static bool open_as(const char *location, bool is_guest, const struct log *log,
                    struct store **ret_store, struct error *err)
{
    struct store *store = calloc(1, sizeof *store);

    if (store == NULL)
        abort();
    store->log = store->watch.log = log;
    store->is_guest = is_guest;
    if (!(store_is_url(location) ? open_postgres : open_sqlite)(store, location, err)) {
        store_close(&store);
        return error_context(err, "open the store");
    }
    *ret_store = store;
    return true;
}

bool store_open(const char *location, const struct log *log, struct store **ret_store,
                struct error *err)
{
    return open_as(location, false, log, ret_store, err);
}

bool store_open_beside(const char *location, const struct log *log, struct store **ret_store,
                       struct error *err)
{
    return open_as(location, true, log, ret_store, err);
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    writer_stop(&(*store)->writer);
    for (int kind = 0; kind < STORE_KINDS; kind++)
        gather_stop(&(*store)->gathers[kind]);
    notify_stop(&(*store)->notify);
    pool_stop(&(*store)->pool);
    free(*store);
    *store = NULL;
}

/* Wait before the next attempt: up to 1, 2, 4, ... 128 ms, so that those who met part ways. */
static void wait_for_others(int attempt)
{
    uint32_t random;
    int64_t longest_ns = INT64_C(1000000) << (attempt < 7 ? attempt : 7);

    crypto_random(&random, sizeof random);
    struct timespec wait = { .tv_nsec = longest_ns * (random % 1024) / 1024 };
    (void)nanosleep(&wait, NULL);
}

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_FAILED };

struct closure {
    store_work *work;
    void *context;
    enum transaction transaction;
    enum store_turn turn;
};

/* Who has lost this often to others' commits gets a transaction in which nobody else writes, on any
 * server of the database: a long one would else lose to short ones for ever. All others share a
 * lock; it asks for that alone, is served in the order of asking, and has it before its
 * transaction looks at anything: LOCK takes no snapshot, and a shared one is cheap. Migrations are
 * written by nobody meanwhile. */
enum { ATTEMPTS_TOGETHER = 3 };
#define LOCK_TOGETHER "LOCK TABLE migration IN ROW SHARE MODE"
#define LOCK_ALONE    "LOCK TABLE migration IN EXCLUSIVE MODE"

/* Whoever waits for such a lock has no snapshot yet, and sees what the one before has stored. Only
 * who has the turn writes to this table; readers do not notice. */
#define LOCK_BILLS "LOCK TABLE host_invoice IN SHARE ROW EXCLUSIVE MODE"

/* What others have inserted meanwhile is there for the next attempt to see; one that has seen
 * everything and inserts it all the same always will. */
enum { DUPLICATE_ATTEMPTS_MAX = ATTEMPTS_TOGETHER + 1 };

static bool take_turn(struct db *db, const struct closure *closure, int attempt, struct error *err)
{
    if (!db->is_postgres || closure->transaction != TRANSACTION_WRITE)
        return true;
    if (!(attempt > ATTEMPTS_TOGETHER ? db_exec(db, LOCK_ALONE, DB_NO_ARGS, err)
                                      : db_exec(db, LOCK_TOGETHER, DB_NO_ARGS, err)))
        return false;
    return closure->turn != STORE_TURN_BILLS || db_exec(db, LOCK_BILLS, DB_NO_ARGS, err);
}

/* One transaction. */
static enum attempt try(struct store *store, struct db *db, const struct closure *closure,
                        int attempt, struct error *err)
{
    bool is_committing = false;

    if (db_begin(db, closure->transaction, err)) {
        if (take_turn(db, closure, attempt, err) && closure->work(db, closure->context, err)) {
            is_committing = true;
            if (db_commit(db, err)) {
                if (closure->transaction == TRANSACTION_WRITE)
                    notify_push(store->notify, db);
                return ATTEMPT_DONE;
            }
        } else {
            db_rollback(db);
        }
    }
    if (!db->has_failed || db->failure == DB_FAILURE_FINAL ||
        (db->failure == DB_FAILURE_DUPLICATE && attempt >= DUPLICATE_ATTEMPTS_MAX))
        return ATTEMPT_FAILED;
    if (db->failure == DB_FAILURE_LOST && is_committing &&
        closure->transaction == TRANSACTION_WRITE) {
        (void)error_context(err, "it is not known whether this was stored");
        return ATTEMPT_FAILED;
    }
    return ATTEMPT_AGAIN;
}

static bool run(struct store *store, const struct closure *closure, struct error *err)
{
    for (int attempt = 1; attempt <= STORE_ATTEMPTS_MAX; attempt++) {
        struct db *db;

        if (attempt > 1)
            store->retries++;
        if (attempt > 1 && attempt <= ATTEMPTS_TOGETHER)
            wait_for_others(attempt - 1);
        if (!pool_take(store->pool, POOL_WAIT_MS, &db, err))
            return false;
        db->watch = &store->watch;
        enum attempt result = try(store, db, closure, attempt, err);
        if (db->is_broken)
            pool_give_broken(store->pool, db);
        else
            pool_give(store->pool, db);
        if (result != ATTEMPT_AGAIN)
            return result == ATTEMPT_DONE;
    }
    return error_context(err, "gave up after %d attempts", STORE_ATTEMPTS_MAX);
}

bool store_read(struct store *store, store_work *work, void *context, struct error *err)
{
    struct closure closure = { work, context, TRANSACTION_READ, STORE_TURN_NONE };

    store->reads++;
    return run(store, &closure, err);
}

struct keep_work {
    store_work *work;
    void *context;
    struct store_answer *answer;
};

static struct kept_name name_of(const struct store_answer *answer)
{
    return (struct kept_name){ answer->name, answer->name_length };
}

/* The version is that of the transaction which the answer was found in. */
static bool keep_work(struct db *db, void *context, struct error *err)
{
    const struct keep_work *keep = context;
    int64_t version;

    keep->answer->is_lasting = false;
    if (!keep->work(db, keep->context, err))
        return false;
    if (db->driver->version == NULL || !keep->answer->is_lasting)
        return true;
    if (!db->driver->version(db, &version, err))
        return false;
    kept_put(&db->kept, version, name_of(keep->answer), keep->answer->bytes);
    return true;
}

/* On the connection that was given back last, which is the one that store_read() would take. */
static bool find_kept(struct store *store, const struct store_answer *answer)
{
    struct error ignored;
    struct db *db;
    int64_t version;

    if (!pool_take(store->pool, POOL_WAIT_MS, &db, &ignored))
        return false;
    db->has_failed = false;
    bool is_found = db->kept != NULL && db->driver->version(db, &version, &ignored) &&
                    kept_find(db->kept, version, name_of(answer), answer->bytes);
    pool_give(store->pool, db);
    return is_found;
}

bool store_read_kept(struct store *store, store_work *work, void *context,
                     struct store_answer *answer, struct error *err)
{
    struct keep_work keep = { work, context, answer };

    static_assert((int)STORE_NAME_MAX == (int)KEPT_NAME_MAX, "one size");
    return (store_is_local(store) && find_kept(store, answer)) ||
           store_read(store, keep_work, &keep, err);
}

static bool write_on(struct store *store, const struct closure *closure, bool is_patient,
                     struct error *err)
{
    if (store->writer != NULL)
        return writer_run(store->writer,
                          &(struct writer_job){ closure->work, closure->context, is_patient, NULL },
                          err);
    store->writes++;
    bool is_stored = run(store, closure, err);
    store->commits += is_stored;
    store->failures += !is_stored;
    return is_stored;
}

static struct closure write_of(store_work *work, void *context)
{
    return (struct closure){ work, context, TRANSACTION_WRITE, STORE_TURN_NONE };
}

bool store_write(struct store *store, store_work *work, void *context, struct error *err)
{
    struct closure closure = write_of(work, context);

    return write_on(store, &closure, false, err);
}

bool store_write_in_turn(struct store *store, enum store_turn turn, store_work *work, void *context,
                         struct error *err)
{
    struct closure closure = { work, context, TRANSACTION_WRITE, turn };

    return write_on(store, &closure, false, err);
}

bool store_write_patiently(struct store *store, store_work *work, void *context, struct error *err)
{
    struct closure closure = write_of(work, context);

    return write_on(store, &closure, true, err);
}

void store_write_later(struct store *store, store_work *work, void *context, store_done *done)
{
    struct closure closure = write_of(work, context);
    struct error err;

    if (store->writer != NULL) {
        writer_submit(store->writer, &(struct writer_job){ work, context, true, done });
        return;
    }
    bool is_stored = write_on(store, &closure, true, &err);
    done(context, is_stored, &err);
}

void store_write_jointly(struct store *store, const struct store_joint *what)
{
    if (store->gathers[what->kind] != NULL)
        gather_submit(store->gathers[what->kind], what);
    else
        store_write_later(store, what->work, what->context, what->done);
}

void store_subscribe(struct store *store, store_listener *listener, void *context)
{
    notify_subscribe(store->notify, listener, context);
}

void store_watch(struct store *store, int64_t slow_us)
{
    store->watch.slow_us = slow_us;
}

bool store_is_local(const struct store *store)
{
    return store->writer != NULL;
}

struct store_totals store_totals(struct store *store)
{
    struct store_totals totals = {
        .reads = store->reads,
        .writes = store->writes,
        .commits = store->commits,
        .retries = store->retries,
        .failures = store->failures,
        .statements = store->watch.statements,
        .slow_statements = store->watch.slow,
    };

    if (store->writer != NULL)
        writer_totals(store->writer, &totals);
    for (int kind = 0; kind < STORE_KINDS; kind++)
        if (store->gathers[kind] != NULL)
            totals.queue_length += gather_queue_length(store->gathers[kind]);
    return totals;
}
