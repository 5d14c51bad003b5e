/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/db_postgres.h"
#include "store/db_sqlite.h"
#include "store/dialect.h"
#include "store/support_postgres.h"
#include "store/support_ready.h"
#include "sys/crypto.h"

/* Bytes. A container often has 64 MB of /dev/shm, which one PostgreSQL fills. */
#define MEMORY_MIN (UINT64_C(2) << 30)

/* Of the whole program: cmocka's setups take no context that outlives a test. */
static struct {
    char directory[96]; /* everything that the tests make is in here */
    unsigned test_number;
    bool is_postgres; /* the suite that runs now */
    bool has_postgres;
    struct postgres_server server;
} run;

void support_buffers(const char *size)
{
    run.server.shared_buffers = size;
}

static void remove_tree(const char *path)
{
    char command[192];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0)
        print_error("cannot remove %s\n", path);
}

static void open_store(struct support *support)
{
    struct error err;

    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
}

static int set_up(void **state)
{
    struct support *support = calloc(1, sizeof *support);

    if (support == NULL)
        abort();
    support->test = *state;
    *state = support;
    run.test_number++;
    support->is_postgres = run.is_postgres;
    support->log = log_silent();
    (void)snprintf(support->name, sizeof support->name, "%s",
                   run.is_postgres ? "postgresql" : "sqlite");
    (void)snprintf(support->directory, sizeof support->directory, "%s/%u", run.directory,
                   run.test_number);
    if (mkdir(support->directory, 0700) != 0)
        return -1;
    if (run.is_postgres) {
        char database[32];

        (void)snprintf(database, sizeof database, "test_%u", run.test_number);
        postgres_server_create(&run.server, database, "migrated");
        postgres_server_url(&run.server, database, support->location, sizeof support->location);
    } else {
        (void)snprintf(support->location, sizeof support->location, "%s/data", support->directory);
        ready_sqlite_copy(support->location);
    }
    open_store(support);
    return 0;
}

static int tear_down(void **state)
{
    struct support *support = *state;
    int status = support->test->teardown_func != NULL ? support->test->teardown_func(state) : 0;

    store_close(&support->store);
    if (run.is_postgres) {
        char database[32];

        (void)snprintf(database, sizeof database, "test_%u", run.test_number);
        postgres_server_drop(&run.server, database);
    }
    remove_tree(support->directory);
    free(support);
    return status;
}

static void test_is_skipped(void **state)
{
    (void)state;
    skip();
}

static int run_on(const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *copies = calloc(count, sizeof *copies);
    char(*names)[160] = calloc(count, sizeof *names);
    bool can_run = !run.is_postgres || run.has_postgres;

    if (copies == NULL || names == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        copies[i] = tests[i];
        (void)snprintf(names[i], sizeof names[i], "%s [%s]", tests[i].name,
                       run.is_postgres ? "postgresql" : "sqlite");
        copies[i].name = names[i];
        copies[i].test_func = can_run ? tests[i].test_func : test_is_skipped;
        copies[i].setup_func = can_run ? set_up : NULL;
        copies[i].teardown_func = can_run ? tear_down : NULL;
        copies[i].initial_state = (void *)&tests[i];
    }
    int failed = _cmocka_run_group_tests(run.is_postgres ? "postgresql" : "sqlite", copies, count,
                                         NULL, NULL);
    free(copies);
    free(names);
    return failed;
}

/* In memory where there is room: most tests sync a lot, and none of them means the disk. */
static const char *base_directory(void)
{
    const char *given = getenv("TMPDIR");
    struct statvfs memory;

    /* A socket's path has room for little more than this. */
    if (given != NULL && strlen(given) < 48)
        return given;
    if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &memory) == 0 &&
        memory.f_bavail * memory.f_bsize >= MEMORY_MIN)
        return "/dev/shm";
    return "/tmp";
}

static void make_directory(void)
{
    (void)snprintf(run.directory, sizeof run.directory, "%s/berth-test-%d", base_directory(),
                   (int)getpid());
    remove_tree(run.directory);
    if (mkdir(run.directory, 0711) != 0) {
        perror(run.directory);
        exit(1);
    }
}

/* BERTH_TEST_DATABASE=sqlite: for those who run the same tests over and over. */
static bool wants_postgres(void)
{
    const char *wanted = getenv("BERTH_TEST_DATABASE");

    return wanted == NULL || strcmp(wanted, "sqlite") != 0;
}

int support_run(enum support_databases databases, const struct CMUnitTest *tests, size_t count)
{
    const char *required = getenv("BERTH_REQUIRE_ENGINE");
    int failed = 0;

    crypto_start();
    make_directory();
    run.is_postgres = false;
    if (databases & SUPPORT_SQLITE)
        failed += run_on(tests, count);
    if ((databases & SUPPORT_POSTGRES) && wants_postgres()) {
        run.is_postgres = true;
        run.has_postgres = postgres_server_is_installed(&run.server);
        if (!run.has_postgres && required != NULL && strcmp(required, "1") == 0)
            failed++;
        if (run.has_postgres) {
            char directory[sizeof run.directory + 8];

            (void)snprintf(directory, sizeof directory, "%s/pg", run.directory);
            ready_postgres_start(&run.server, directory);
        }
        failed += run_on(tests, count);
        if (run.has_postgres)
            postgres_server_stop(&run.server);
    }
    remove_tree(run.directory);
    return failed;
}

void support_reopen(struct support *support)
{
    store_close(&support->store);
    open_store(support);
}

void support_write(struct support *support, store_work *work, void *context)
{
    struct error err;

    CHECK_OK(store_write(support->store, work, context, &err), &err);
}

void support_read(struct support *support, store_work *work, void *context)
{
    struct error err;

    CHECK_OK(store_read(support->store, work, context, &err), &err);
}

static void run_on_sqlite(struct support *support, const char *sql)
{
    char path[sizeof support->location + 16];
    sqlite3 *handle;

    (void)snprintf(path, sizeof path, "%s/berth.sqlite", support->location);
    CHECK_INT(sqlite3_open(path, &handle), SQLITE_OK);
    (void)sqlite3_busy_timeout(handle, 5000);
    int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        print_error("%s: %s\n", sql, sqlite3_errmsg(handle));
    (void)sqlite3_close(handle);
    CHECK_INT(code, SQLITE_OK);
}

void support_script(struct support *support, const char *sql)
{
    auto_buf struct buf translated = buf_of(1 << 20);
    struct error err;

    CHECK_OK(dialect_write(sql, support->is_postgres ? DIALECT_POSTGRES : DIALECT_SQLITE,
                           &translated, &err),
             &err);
    if (support->is_postgres)
        postgres_server_script(support->location, translated.bytes);
    else
        run_on_sqlite(support, translated.bytes);
}

struct db *support_connect(struct support *support)
{
    char path[sizeof support->location + 16];
    struct error err;
    struct db *db;

    (void)snprintf(path, sizeof path, "%s/berth.sqlite", support->location);
    CHECK_OK(support->is_postgres ? db_postgres_open(support->location, &db, &err)
                                  : db_sqlite_open(path, DB_SQLITE_WRITER, &db, &err),
             &err);
    return db;
}

bool support_kill_postgres(void)
{
    if (!run.is_postgres)
        return false;
    postgres_server_kill(&run.server);
    postgres_server_restart(&run.server);
    return true;
}
