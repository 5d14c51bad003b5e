/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/db_sqlite.h"
#include "store/support.h"
#include "sys/file.h"

/* The schema of the program, and what a later program would add. */
struct longer {
    struct migration items[256];
    size_t count;
};

static struct longer longer_by(const char *const *texts, size_t count)
{
    struct longer longer = { .count = migrate_schema().count };

    memcpy(longer.items, migrate_schema().items, longer.count * sizeof longer.items[0]);
    for (size_t i = 0; i < count; i++) {
        longer.items[longer.count] =
            (struct migration){ (int64_t)longer.count + 1, "more", texts[i] };
        longer.count++;
    }
    return longer;
}

static struct migration_list list_of(const struct longer *longer)
{
    return (struct migration_list){ longer->items, longer->count };
}

static bool has_table(struct support *support, const char *select)
{
    struct db *db = support_connect(support);
    struct error err;

    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    bool has = db_exec(db, select, DB_NO_ARGS, &err) && db_commit(db, &err);
    if (!has && db->is_in_transaction)
        db_rollback(db);
    db_close(&db);
    return has;
}

static void test_the_schema_is_numbered_from_one(void **state)
{
    (void)state;
    CHECK(migrate_schema().count > 0);
    for (size_t i = 0; i < migrate_schema().count; i++)
        CHECK_INT(migrate_schema().items[i].version, (int64_t)i + 1);
}

static void test_what_is_missing_is_applied_once(void **state)
{
    static const char *const more[] = { "CREATE TABLE more_a (id ID, b TEXT) STRICT;",
                                        "CREATE TABLE more_b (id ID) STRICT;\n"
                                        "INSERT INTO more_a (b) VALUES ('x');" };
    struct longer longer = longer_by(more, 2);
    struct support *support = *state;
    struct db *db = support_connect(support);
    struct error err;
    size_t applied = 99;

    CHECK_OK(migrate(db, migrate_schema(), &applied, &err), &err);
    CHECK_INT((int64_t)applied, 0);
    CHECK_OK(migrate(db, list_of(&longer), &applied, &err), &err);
    CHECK_INT((int64_t)applied, 2);
    CHECK_OK(migrate(db, list_of(&longer), &applied, &err), &err);
    CHECK_INT((int64_t)applied, 0);
    db_close(&db);
    CHECK(has_table(support, "SELECT id FROM more_b"));
}

static void test_what_was_edited_is_refused(void **state)
{
    static const char *const before[] = { "CREATE TABLE more (id ID) STRICT;" };
    static const char *const after[] = { "CREATE TABLE more (id ID) STRICT; ",
                                         "CREATE TABLE late (id ID) STRICT;" };
    struct longer applied_list = longer_by(before, 1), edited = longer_by(after, 2);
    struct support *support = *state;
    struct db *db = support_connect(support);
    struct error err;
    size_t applied = 0;

    CHECK_OK(migrate(db, list_of(&applied_list), &applied, &err), &err);
    CHECK_FAILS(migrate(db, list_of(&edited), &applied, &err), &err, ERROR_CONFLICT);
    CHECK(strstr(err.text, "edited") != NULL);
    CHECK_INT((int64_t)applied, 1);
    db_close(&db);
    CHECK(!has_table(support, "SELECT id FROM late"));
}

static void test_a_newer_database_is_refused(void **state)
{
    static const char *const more[] = { "CREATE TABLE more (id ID) STRICT;" };
    struct longer longer = longer_by(more, 1);
    struct support *support = *state;
    struct db *db = support_connect(support);
    struct store *store = NULL;
    struct error err;
    size_t applied;

    CHECK_OK(migrate(db, list_of(&longer), &applied, &err), &err);
    CHECK_FAILS(migrate(db, migrate_schema(), &applied, &err), &err, ERROR_CONFLICT);
    CHECK(strstr(err.text, "newer") != NULL);
    db_close(&db);
    CHECK_FAILS(store_open(support->location, &support->log, &store, &err), &err, ERROR_CONFLICT);
    CHECK(store == NULL);
}

static void test_a_gap_is_refused(void **state)
{
    struct support *support = *state;
    struct error err;
    struct db *db = support_connect(support);
    size_t applied;

    support_script(support, "DELETE FROM migration WHERE version = 1;");
    CHECK_FAILS(migrate(db, migrate_schema(), &applied, &err), &err, ERROR_CORRUPT);
    db_close(&db);
}

static void test_one_that_fails_leaves_nothing_behind(void **state)
{
    static const char *const more[] = { "CREATE TABLE more_a (id ID) STRICT;",
                                        "CREATE TABLE more_b (id ID) STRICT;\nnot SQL;" };
    static const char *const mended[] = { "CREATE TABLE more_a (id ID) STRICT;",
                                          "CREATE TABLE more_b (id ID) STRICT;" };
    struct longer longer = longer_by(more, 2), good = longer_by(mended, 2);
    struct support *support = *state;
    struct db *db = support_connect(support);
    struct error err;
    size_t applied = 99;

    CHECK(!migrate(db, list_of(&longer), &applied, &err));
    CHECK_INT((int64_t)applied, 99);
    CHECK(has_table(support, "SELECT id FROM more_a"));
    CHECK(!has_table(support, "SELECT id FROM more_b"));
    CHECK_OK(migrate(db, list_of(&good), &applied, &err), &err);
    CHECK_INT((int64_t)applied, 1);
    db_close(&db);
}

struct racer {
    struct db *db;
    struct migration_list list;
    size_t applied;
    bool is_ok;
    struct error err;
};

static void *race(void *context)
{
    struct racer *racer = context;

    racer->is_ok = migrate(racer->db, racer->list, &racer->applied, &racer->err);
    return NULL;
}

static void test_servers_that_start_at_once_migrate_once(void **state)
{
    enum { RACERS = 4 };
    static const char *const more[] = { "CREATE TABLE more_a (id ID) STRICT;",
                                        "CREATE TABLE more_b (id ID) STRICT;",
                                        "CREATE TABLE more_c (id ID) STRICT;" };
    struct longer longer = longer_by(more, 3);
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    size_t applied = 0;

    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){ .db = support_connect(*state), .list = list_of(&longer) };
        CHECK(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (size_t i = 0; i < RACERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < RACERS; i++) {
        CHECK_OK(racers[i].is_ok, &racers[i].err);
        applied += racers[i].applied;
        db_close(&racers[i].db);
    }
    CHECK_INT((int64_t)applied, 3);
}

static bool read_text(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    (void)snprintf(context, 64, "%s", db_column_text(row, 0));
    return true;
}

/* On SQLite, where 36 makes the table anew. Books from before have the same legs after it, in
 * order; and none of them can be changed. */
static void test_legs_that_are_put_in_order_are_the_same(void **state)
{
    enum { BEFORE = 35 };
    struct migration_list before = migrate_schema();
    struct support *support = *state;
    char path[160], legs[64] = "";
    struct db *db;
    struct error err;
    size_t applied;
    bool has;

    if (support->is_postgres)
        return;
    before.count = BEFORE;
    (void)snprintf(path, sizeof path, "%s/old.sqlite", support->directory);
    CHECK_OK(db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err), &err);
    CHECK_OK(migrate(db, before, &applied, &err), &err);
    CHECK_OK(db_script(db,
                       "INSERT INTO account (id, code, created_us) VALUES (1, 1010, 0), "
                       "(2, 6010, 0); "
                       "INSERT INTO journal (id, idem_key, body_hash, kind, occurred_us, "
                       "posted_us, ref_kind, ref_id) VALUES (1, 'a', '', 1, 0, 0, 1, 1), "
                       "(2, 'b', '', 1, 0, 0, 1, 1); "
                       "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) VALUES "
                       "(2, 1, 1, 2, 30, 1), (1, 2, 2, 1, 20, 1), (1, 1, 1, 2, 10, 1);",
                       &err),
             &err);
    CHECK_OK(migrate(db, migrate_schema(), &applied, &err), &err);
    CHECK_INT((int64_t)applied, (int64_t)migrate_schema().count - BEFORE);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    CHECK_OK(db_query_one(db,
                          "SELECT group_concat(journal_id || '/' || leg || ':' || dr || '>' || cr "
                          "|| '=' || amount, ' ') FROM transfer NOT INDEXED",
                          DB_NO_ARGS, read_text, legs, &has, &err),
             &err);
    CHECK_TEXT(legs, "1/1:1>2=10 1/2:2>1=20 2/1:1>2=30");
    CHECK_OK(db_commit(db, &err), &err);
    CHECK(!db_script(db, "UPDATE transfer SET amount = 11", &err));
    CHECK(!db_script(db, "DELETE FROM transfer", &err));
    CHECK(!db_script(db, "INSERT OR REPLACE INTO transfer VALUES (1, 1, 1, 2, 11, 1)", &err));
    CHECK(!db_script(db, "INSERT INTO transfer VALUES (3, 1, 1, 2, 11, 1)", &err));
    db_close(&db);
}

/* Books of an earlier program: a schema, or a file, beside that of the test. */
static struct db *open_old(struct support *support, size_t version)
{
    struct migration_list before = migrate_schema();
    char path[160];
    struct db *db;
    struct error err;
    size_t applied;

    before.count = version;
    if (support->is_postgres) {
        db = support_connect(support);
        CHECK_OK(db_script(db, "CREATE SCHEMA before; SET search_path TO before", &err), &err);
    } else {
        (void)snprintf(path, sizeof path, "%s/before.sqlite", support->directory);
        CHECK_OK(db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err), &err);
    }
    CHECK_OK(migrate(db, before, &applied, &err), &err);
    CHECK_INT((int64_t)applied, (int64_t)version);
    return db;
}

/* Contracts alone, whoever they are of: 1 runs, 2 has run, 3 runs anew, 4 never did. */
static void test_contracts_that_run_are_charged_after_it(void **state)
{
    enum { BEFORE = 83 };
    struct support *support = *state;
    struct db *db = open_old(support, BEFORE);
    char charged[64] = "";
    struct error err;
    size_t applied;
    bool has;

    CHECK_OK(db_script(db,
                       support->is_postgres ? "SET session_replication_role = replica"
                                            : "PRAGMA foreign_keys = OFF",
                       &err),
             &err);
    CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    for (int i = 1; i <= 4; i++)
        CHECK_OK(
            db_exec(db,
                    "INSERT INTO contract (owner_id, host_id, machine_id, offer_id, num_gpus, "
                    "gpu_hour, min_bid_hour, disk_month, up_tb, down_tb, offer_disk_gb, "
                    "created_us, end_us, cpu_millis, ram_mb, disk_gb, fee_bps, spec, image, "
                    "runtype, request_hash, state, reason, state_us, disk_metered_us, "
                    "posted_us, counted_us) VALUES (1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, "
                    "1, 0, '', '', '', $1, 7, 1, 0, 0, 0, 0)",
                    DB_ARGS(db_bytes("", 0)), &err),
            &err);
    CHECK_OK(db_exec(db,
                     "INSERT INTO run_interval (contract_id, owner_id, machine_id, start_token, "
                     "run_ms, start_us, metered_us, end_us) VALUES (1, 1, 1, '', 0, 1, 2, NULL), "
                     "(2, 1, 1, '', 0, 1, 2, 2), (3, 1, 1, '', 0, 1, 2, 2), "
                     "(3, 1, 1, '', 0, 3, 4, NULL)",
                     DB_NO_ARGS, &err),
             &err);
    CHECK_OK(db_commit(db, &err), &err);
    if (support->is_postgres)
        CHECK_OK(db_script(db, "SET session_replication_role = origin", &err), &err);
    CHECK_OK(migrate(db, migrate_schema(), &applied, &err), &err);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    CHECK_OK(db_query_one(db,
                          support->is_postgres
                              ? "SELECT string_agg(id || '=' || is_charged, ' ' ORDER BY id) "
                                "FROM contract"
                              : "SELECT group_concat(id || '=' || is_charged, ' ') FROM contract",
                          DB_NO_ARGS, read_text, charged, &has, &err),
             &err);
    CHECK_TEXT(charged, "1=1 2=0 3=1 4=0");
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

static void test_books_are_found_where_they_are_and_made_by_no_look(void **state)
{
    struct support *support = *state;
    char empty[sizeof support->directory + 16];
    struct error err;

    CHECK_OK(store_find(support->location, &err), &err);
    if (support->is_postgres) {
        support_script(support, "DROP TABLE migration;");
        CHECK_FAILS(store_find(support->location, &err), &err, ERROR_NOT_FOUND);
        CHECK_FAILS(store_find("postgres://nobody@127.0.0.1:1/none", &err), &err,
                    ERROR_UNREACHABLE);
        return;
    }
    (void)snprintf(empty, sizeof empty, "%s/empty", support->directory);
    CHECK_FAILS(store_find(empty, &err), &err, ERROR_NOT_FOUND);
    CHECK(access(empty, F_OK) != 0);
    CHECK_OK(file_make_dir(empty, 0700, &err), &err);
    CHECK_FAILS(store_find(empty, &err), &err, ERROR_NOT_FOUND);
    CHECK_INT(rmdir(empty), 0); /* nothing was put there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_books_are_found_where_they_are_and_made_by_no_look),
        cmocka_unit_test(test_the_schema_is_numbered_from_one),
        cmocka_unit_test(test_what_is_missing_is_applied_once),
        cmocka_unit_test(test_what_was_edited_is_refused),
        cmocka_unit_test(test_a_newer_database_is_refused),
        cmocka_unit_test(test_a_gap_is_refused),
        cmocka_unit_test(test_one_that_fails_leaves_nothing_behind),
        cmocka_unit_test(test_servers_that_start_at_once_migrate_once),
        cmocka_unit_test(test_legs_that_are_put_in_order_are_the_same),
        cmocka_unit_test(test_contracts_that_run_are_charged_after_it),
    };
    return SUPPORT_RUN(tests);
}
