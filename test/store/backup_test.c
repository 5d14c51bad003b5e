/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "store/db_sqlite.h"
#include "store/support.h"

/* One row into each of two tables, or into none. */
static bool add_pair(struct db *db, void *context, struct error *err)
{
    const int *number = context;
    char name[32];

    (void)snprintf(name, sizeof name, "n%d", *number);
    return db_exec(db,
                   "INSERT INTO server_liveness (server_proc, start_us, alive_until_us) "
                   "VALUES ($1, 1, 2)",
                   DB_ARGS(db_text(name)), err) &&
           db_exec(db, "INSERT INTO users (email, username, created_us) VALUES ($1, 'u', 1)",
                   DB_ARGS(db_text(name)), err);
}

struct counts {
    int64_t lives, users;
};

static bool read_counts(struct db_rows *row, void *context, struct error *err)
{
    struct counts *counts = context;

    (void)err;
    counts->lives = db_column_int(row, 0);
    counts->users = db_column_int(row, 1);
    return true;
}

static struct counts count(const char *path)
{
    struct counts counts = { -1, -1 };
    struct db *db;
    struct error err;
    bool has;

    CHECK_OK(db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err), &err);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    CHECK_OK(db_query_one(db,
                          "SELECT (SELECT count(*) FROM server_liveness), "
                          "(SELECT count(*) FROM users)",
                          DB_NO_ARGS, read_counts, &counts, &has, &err),
             &err);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
    return counts;
}

struct crowd {
    struct support *support;
    atomic_bool is_over;
    atomic_int written;
};

static void *write_on(void *context)
{
    struct crowd *crowd = context;
    struct error err;

    for (int i = 0; !atomic_load(&crowd->is_over); i++) {
        if (!store_write(crowd->support->store, add_pair, &i, &err))
            break;
        atomic_fetch_add(&crowd->written, 1);
    }
    return NULL;
}

/* Whatever is written meanwhile, the copy is of one moment: of each pair both are in it, or none.
 */
static void test_a_copy_is_of_one_moment(void **state)
{
    struct crowd crowd = { .support = *state };
    char path[256];
    pthread_t thread;
    struct error err;

    CHECK_INT(pthread_create(&thread, NULL, write_on, &crowd), 0);
    while (atomic_load(&crowd.written) < 20)
        (void)usleep(1000);
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&crowd.written);
        (void)snprintf(path, sizeof path, "%s/copy%d", crowd.support->directory, i);
        CHECK_OK(backup_sqlite(crowd.support->location, path, &err), &err);
        struct counts counts = count(path);
        CHECK_INT(counts.lives, counts.users);
        CHECK(counts.users >= before);
    }
    atomic_store(&crowd.is_over, true);
    (void)pthread_join(thread, NULL);
}

static void test_nothing_is_written_over(void **state)
{
    struct support *support = *state;
    char path[256];
    struct error err;
    int number = 1;

    support_write(support, add_pair, &number);
    (void)snprintf(path, sizeof path, "%s/copy", support->directory);
    CHECK_OK(backup_sqlite(support->location, path, &err), &err);
    number = 2;
    support_write(support, add_pair, &number);
    CHECK_FAILS(backup_sqlite(support->location, path, &err), &err, ERROR_CONFLICT);
    CHECK_INT(count(path).users, 1);
    CHECK_FAILS(backup_sqlite("/nowhere", path, &err), &err, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_of_one_moment),
        cmocka_unit_test(test_nothing_is_written_over),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
