/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db_postgres.h"

#include <stdio.h>
#include <string.h>

#include "store/support.h"
#include "store/support_postgres.h"

static const char insert[] = "INSERT INTO account (code, created_us) VALUES ($1, 1)";

static int64_t count_of(struct db *db)
{
    struct error err;
    int64_t count = -1;

    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    {
        auto_db_rows struct db_rows rows = db_query(db, "SELECT count(*) FROM account", DB_NO_ARGS);
        CHECK(db_next(&rows, &err));
        count = db_column_int(&rows, 0);
    }
    CHECK_OK(db_commit(db, &err), &err);
    return count;
}

static const char *setting(struct db *db, const char *sql)
{
    static char text[64];
    auto_db_rows struct db_rows rows = db_query(db, sql, DB_NO_ARGS);
    struct error err;

    CHECK(db_next(&rows, &err));
    (void)snprintf(text, sizeof text, "%s", db_column_text(&rows, 0));
    return text;
}

static void test_every_setting_is_ours(void **state)
{
    static const struct row {
        const char *sql, *value;
    } rows[] = {
        { "SHOW synchronous_commit", "on" },
        { "SHOW statement_timeout", "30s" },
        { "SHOW lock_timeout", "10s" },
        { "SHOW idle_in_transaction_session_timeout", "1min" },
        { "SHOW transaction_isolation", "repeatable read" },
        { "SHOW application_name", "berthd" },
    };
    struct db *db = support_connect(*state);
    struct error err;

    CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].sql);
        CHECK_TEXT(setting(db, rows[i].sql), rows[i].value);
    }
    db_rollback(db);
    db_close(&db);
}

/* A statement whose preparation was skipped, after a failure, is prepared again. */
static void test_a_skipped_preparation_is_made_up_for(void **state)
{
    struct db *db = support_connect(*state);
    struct error err;

    for (int i = 0; i < 3; i++) {
        check_row("round %d", i);
        CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
        CHECK_OK(db_exec(db, "INSERT INTO account (code, created_us) VALUES (1, NULL)", DB_NO_ARGS,
                         &err),
                 &err);
        CHECK_OK(db_exec(db, insert, DB_ARGS(db_int(5)), &err), &err);
        CHECK_FAILS(db_commit(db, &err), &err, ERROR_CONFLICT);
    }
    CHECK_INT(count_of(db), 0);
    CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_exec(db, insert, DB_ARGS(db_int(5)), &err), &err);
    CHECK_OK(db_commit(db, &err), &err);
    CHECK_INT(count_of(db), 1);
    db_close(&db);
}

/* A bad statement fails each time it is tried, and not the good ones after it. */
static void test_a_bad_statement_stays_bad(void **state)
{
    struct db *db = support_connect(*state);
    struct error err;
    int64_t count;

    for (int i = 0; i < 3; i++) {
        CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
        CHECK_FAILS(db_count(db, "DELETE FROM nothing", DB_NO_ARGS, &count, &err), &err, ERROR_IO);
        CHECK(strstr(err.text, "42P01") != NULL);
        db_rollback(db);
        CHECK_INT(count_of(db), 0);
    }
    db_close(&db);
}

static void test_rolling_back_what_was_only_queued(void **state)
{
    struct db *db = support_connect(*state);
    struct error err;

    for (int i = 0; i < 3; i++) {
        CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
        for (int64_t code = 0; code < i; code++)
            CHECK_OK(db_exec(db, insert, DB_ARGS(db_int(code)), &err), &err);
        db_rollback(db);
        CHECK_INT(count_of(db), 0);
    }
    db_close(&db);
}

/* Two that change the same row: the second is told to try again. So are two that insert the same,
 * and somebody may have meant that. */
static void test_a_conflict_says_so(void **state)
{
    static const char change[] = "UPDATE account SET created_us = created_us + 1";
    struct db *a = support_connect(*state), *b = support_connect(*state);
    struct error err;

    CHECK_OK(db_begin(a, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_exec(a, insert, DB_ARGS(db_int(99)), &err), &err);
    CHECK_OK(db_commit(a, &err), &err);

    CHECK_OK(db_begin(a, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_begin(b, TRANSACTION_WRITE, &err), &err);
    {
        auto_db_rows struct db_rows rows = db_query(b, "SELECT id FROM account", DB_NO_ARGS);
        CHECK(db_next(&rows, &err));
    }
    CHECK_OK(db_exec(a, change, DB_NO_ARGS, &err), &err);
    CHECK_OK(db_commit(a, &err), &err);
    CHECK_OK(db_exec(b, change, DB_NO_ARGS, &err), &err);
    CHECK_FAILS(db_commit(b, &err), &err, ERROR_CONFLICT);
    CHECK_INT(b->failure, DB_FAILURE_RETRY);

    CHECK_OK(db_begin(b, TRANSACTION_WRITE, &err), &err);
    CHECK_OK(db_exec(b, insert, DB_ARGS(db_int(99)), &err), &err);
    CHECK_FAILS(db_commit(b, &err), &err, ERROR_CONFLICT);
    CHECK_INT(b->failure, DB_FAILURE_DUPLICATE);
    db_close(&a);
    db_close(&b);
}

/* A connection that is gone is known as such, whenever it shows. */
static void test_a_lost_connection_is_lost(void **state)
{
    struct support *support = *state;
    struct error err;
    int64_t count;

    store_close(&support->store);
    for (int when = 0; when < 4; when++) {
        struct db *db = support_connect(support);

        check_row("when %d", when);
        if (when > 0)
            CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
        if (when > 1)
            CHECK_OK(db_exec(db, insert, DB_ARGS(db_int(1)), &err), &err);
        if (when > 2)
            CHECK_OK(db_count(db, insert, DB_ARGS(db_int(2)), &count, &err), &err);
        CHECK(support_kill_postgres());
        if (when == 0)
            (void)!db_begin(db, TRANSACTION_WRITE, &err);
        if (db->is_in_transaction)
            CHECK_FAILS(db_commit(db, &err), &err, ERROR_UNREACHABLE);
        CHECK_INT(db->failure, DB_FAILURE_LOST);
        CHECK(db->is_broken);
        db_close(&db);
    }
    struct db *db = support_connect(support);
    CHECK_INT(count_of(db), 0);
    db_close(&db);
}

/* The store finds new connections, and loses nothing that it has said yes to. */
static bool add_work(struct db *db, void *context, struct error *err)
{
    const int64_t *code = context;
    int64_t count;

    return db_count(db, insert, DB_ARGS(db_int(*code)), &count, err);
}

static bool count_work(struct db *db, void *context, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, "SELECT count(*) FROM account", DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    *(int64_t *)context = db_column_int(&rows, 0);
    return true;
}

static void test_a_store_outlives_its_server(void **state)
{
    struct support *support = *state;
    int64_t count;

    for (int64_t i = 1; i <= 3; i++) {
        support_write(support, add_work, &i);
        CHECK(support_kill_postgres());
        support_read(support, count_work, &count);
        CHECK_INT(count, i);
    }
}

static void test_what_is_no_server_is_refused(void **state)
{
    struct support *support = *state;
    struct db *db = NULL;
    struct error err;

    CHECK_FAILS(db_postgres_open("postgresql:///none?host=/nowhere", &db, &err), &err,
                ERROR_UNREACHABLE);
    CHECK_FAILS(db_postgres_open("postgresql://?nonsense", &db, &err), &err, ERROR_UNREACHABLE);
    postgres_server_script(support->location, "CREATE DATABASE latin TEMPLATE template0 "
                                              "ENCODING 'LATIN1' LOCALE 'C'");
    char url[300];
    const char *host = strstr(support->location, "?host=");
    (void)snprintf(url, sizeof url, "postgresql:///latin%s", host);
    CHECK_FAILS(db_postgres_open(url, &db, &err), &err, ERROR_INVALID);
    postgres_server_script(support->location, "DROP DATABASE latin");
    CHECK(db == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_is_ours),
        cmocka_unit_test(test_a_skipped_preparation_is_made_up_for),
        cmocka_unit_test(test_a_bad_statement_stays_bad),
        cmocka_unit_test(test_rolling_back_what_was_only_queued),
        cmocka_unit_test(test_a_conflict_says_so),
        cmocka_unit_test(test_a_lost_connection_is_lost),
        cmocka_unit_test(test_a_store_outlives_its_server),
        cmocka_unit_test(test_what_is_no_server_is_refused),
    };
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}
