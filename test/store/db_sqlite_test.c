/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db_sqlite.h"

#include <stdio.h>
#include <sys/stat.h>

#include "store/support.h"

static struct db *open_as(struct support *support, enum db_sqlite_mode mode)
{
    char path[300];
    struct error err;
    struct db *db;

    (void)snprintf(path, sizeof path, "%s/berth.sqlite", support->location);
    CHECK_OK(db_sqlite_open(path, mode, &db, &err), &err);
    return db;
}

static int64_t number(struct db *db, const char *sql)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, DB_NO_ARGS);
    struct error err;

    CHECK(db_next(&rows, &err));
    return db_column_int(&rows, 0);
}

static void test_every_setting_is_ours(void **state)
{
    static const struct row {
        const char *pragma;
        int64_t writer, reader;
    } rows[] = {
        { "PRAGMA synchronous", 2, 2 },        { "PRAGMA foreign_keys", 1, 1 },
        { "PRAGMA recursive_triggers", 1, 1 }, { "PRAGMA query_only", 0, 1 },
        { "PRAGMA trusted_schema", 0, 0 },     { "PRAGMA ignore_check_constraints", 0, 0 },
        { "PRAGMA secure_delete", 0, 0 },      { "PRAGMA page_size", 4096, 4096 },
        { "PRAGMA auto_vacuum", 0, 0 },        { "PRAGMA wal_autocheckpoint", 4096, 0 },
        { "PRAGMA cell_size_check", 1, 1 },    { "PRAGMA mmap_size", 0, 0 },
    };
    struct error err;

    for (int mode = DB_SQLITE_WRITER; mode <= DB_SQLITE_READER; mode++) {
        struct db *db = open_as(*state, (enum db_sqlite_mode)mode);

        CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            check_row("%s, mode %d", rows[i].pragma, mode);
            CHECK_INT(number(db, rows[i].pragma),
                      mode == DB_SQLITE_WRITER ? rows[i].writer : rows[i].reader);
        }
        {
            auto_db_rows struct db_rows mode_rows = db_query(db, "PRAGMA journal_mode", DB_NO_ARGS);
            CHECK(db_next(&mode_rows, &err));
            CHECK_TEXT(db_column_text(&mode_rows, 0), "wal");
        }
        CHECK_OK(db_commit(db, &err), &err);
        db_close(&db);
    }
}

static bool add(struct db *db, int64_t code, struct error *err)
{
    return db_exec(db, "INSERT INTO account (code, created_us) VALUES ($1, 1)",
                   DB_ARGS(db_int(code)), err);
}

static off_t file_size(struct support *support, const char *name)
{
    char path[300];
    struct stat status;

    (void)snprintf(path, sizeof path, "%s/%s", support->location, name);
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* More than the log holds before its writer moves it into the file. */
static void write_much(struct db *db)
{
    struct error err;

    CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_exec(db, "INSERT INTO big (data) VALUES (zeroblob(20000000))", DB_NO_ARGS, &err),
             &err);
    CHECK_OK(db_commit(db, &err), &err);
}

/* Two that move the log at once can lose commits in this SQLite (decision 0019). */
static void test_a_guest_leaves_the_log_to_the_writer(void **state)
{
    struct db *writer = open_as(*state, DB_SQLITE_WRITER);
    struct db *guest = open_as(*state, DB_SQLITE_GUEST);
    struct error err;

    CHECK_OK(db_begin(writer, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_exec(writer, "CREATE TABLE big (data BLOB)", DB_NO_ARGS, &err), &err);
    CHECK_OK(db_commit(writer, &err), &err);
    off_t before = file_size(*state, "berth.sqlite");
    write_much(guest);
    CHECK_INT(file_size(*state, "berth.sqlite"), before);
    db_close(&guest); /* nor at its end */
    CHECK_INT(file_size(*state, "berth.sqlite"), before);
    write_much(writer);
    CHECK(file_size(*state, "berth.sqlite") > before + 20000000);
    db_close(&writer);
}

static void test_undoing_leaves_the_rest_of_the_transaction(void **state)
{
    struct db *db = open_as(*state, DB_SQLITE_WRITER);
    struct error err;

    CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_sqlite_savepoint(db, &err), &err);
    CHECK_OK(add(db, 1, &err), &err);
    CHECK_OK(db_sqlite_release(db, &err), &err);

    CHECK_OK(db_sqlite_savepoint(db, &err), &err);
    CHECK_OK(add(db, 2, &err), &err);
    CHECK_FAILS(add(db, 1, &err), &err, ERROR_CONFLICT);
    CHECK_FAILS(add(db, 3, &err), &err, ERROR_CONFLICT);
    CHECK_OK(db_sqlite_undo(db, &err), &err);

    CHECK_OK(db_sqlite_savepoint(db, &err), &err);
    CHECK_OK(add(db, 4, &err), &err);
    CHECK_OK(db_sqlite_release(db, &err), &err);
    CHECK_OK(db_commit(db, &err), &err);

    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    CHECK_INT(number(db, "SELECT sum(code) FROM account"), 5);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

static void test_a_reader_keeps_its_snapshot(void **state)
{
    struct db *writer = open_as(*state, DB_SQLITE_WRITER),
              *reader = open_as(*state, DB_SQLITE_READER);
    struct error err;

    CHECK_OK(db_begin(reader, TRANSACTION_READ, &err), &err);
    CHECK_INT(number(reader, "SELECT count(*) FROM account"), 0);
    CHECK_OK(db_begin(writer, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(add(writer, 1, &err), &err);
    CHECK_OK(db_commit(writer, &err), &err);
    CHECK_INT(number(reader, "SELECT count(*) FROM account"), 0);
    CHECK_OK(db_commit(reader, &err), &err);
    CHECK_OK(db_begin(reader, TRANSACTION_READ, &err), &err);
    CHECK_INT(number(reader, "SELECT count(*) FROM account"), 1);
    CHECK_OK(db_commit(reader, &err), &err);
    db_close(&reader);
    db_close(&writer);
}

static void test_what_is_no_database_is_refused(void **state)
{
    struct support *support = *state;
    struct db *db = NULL;
    struct error err;
    char path[200];

    (void)snprintf(path, sizeof path, "%s/none/at/all", support->directory);
    CHECK_FAILS(db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err), &err, ERROR_IO);
    (void)snprintf(path, sizeof path, "%s/junk", support->directory);
    CHECK_FAILS(db_sqlite_open(path, DB_SQLITE_READER, &db, &err), &err, ERROR_IO);
    FILE *file = fopen(path, "we");
    for (int i = 0; i < 1000; i++)
        (void)fputs("this is not a database\n", file);
    (void)fclose(file);
    CHECK_FAILS(db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err), &err, ERROR_CORRUPT);
    CHECK(db == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_is_ours),
        cmocka_unit_test(test_a_guest_leaves_the_log_to_the_writer),
        cmocka_unit_test(test_undoing_leaves_the_rest_of_the_transaction),
        cmocka_unit_test(test_a_reader_keeps_its_snapshot),
        cmocka_unit_test(test_what_is_no_database_is_refused),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
