/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh database for every test: the same suite on SQLite and on a real PostgreSQL.
 *
 *     static void test_a_name_is_taken_once(void **state)
 *     {
 *         struct support *support = *state;
 *         CHECK_OK(store_write(support->store, ...), &err);
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_name_is_taken_once) };
 *         return SUPPORT_RUN(tests);
 *     }
 *
 * Each test gets a store that is open, migrated and empty; what it leaves is thrown away. What
 * must end before the store does, whatever becomes of the test, its row ends:
 * cmocka_unit_test_teardown(test_..., stop_threads), to which the state is the same. The
 * PostgreSQL is started by the test program itself: on a socket in a folder of its own, and dead
 * with the program whatever becomes of that. Where none is installed, its tests are skipped by
 * name, or fail if BERTH_REQUIRE_ENGINE=1. */

#ifndef BERTH_TEST_STORE_SUPPORT_H
#define BERTH_TEST_STORE_SUPPORT_H

#include "check.h"
#include "store/store.h"

struct support {
    struct store *store; /* may be closed and opened again */
    struct log log;      /* silent */
    bool is_postgres;
    char location[256];  /* for store_open() */
    char directory[128]; /* for files of the test */
    char name[32];       /* "sqlite" or "postgresql" */
    const struct CMUnitTest *test;
};

/* How much memory the PostgreSQL that is started next has for its tables, "256MB"; it has little
 * where nobody says. */
void support_buffers(const char *size);

/* Which databases a suite is for. */
enum support_databases { SUPPORT_SQLITE = 1, SUPPORT_POSTGRES = 2, SUPPORT_BOTH = 3 };

#define SUPPORT_RUN(tests) SUPPORT_RUN_ON(SUPPORT_BOTH, tests)
#define SUPPORT_RUN_ON(databases, tests)                                                           \
    support_run((databases), (tests), sizeof(tests) / sizeof((tests)[0]))

/* The number of tests that failed: for main() to return. */
int support_run(enum support_databases databases, const struct CMUnitTest *tests, size_t count);

/* Close the store and open it again, as a restart would. */
void support_reopen(struct support *support);

/* One write or read; fails the test unless it succeeds. */
void support_write(struct support *support, store_work *work, void *context);
void support_read(struct support *support, store_work *work, void *context);

/* Statements in the language of schema files (store/dialect.h), by hand and without foreign keys
 * on SQLite: to plant what the program never would. */
void support_script(struct support *support, const char *sql);

/* Another connection, beside the store: for the tests of src/store/ itself. db_close() it. */
struct db *support_connect(struct support *support);

/* Stop PostgreSQL as a crash would, and start it again. */
bool support_kill_postgres(void);

#endif
