/* SPDX-License-Identifier: Apache-2.0 */
/* What store_write() has said yes to is there, whole, after everything that can go wrong: a
 * process that is killed, a power cut at any moment, a disk that fails at any operation. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "store/driver.h"
#include "store/support.h"
#include "store/support_ready.h"
#include "store/support_vfs.h"

enum { WRITERS = 4 };

/* A write is a pair of rows. Half a pair must never be seen. */
static bool add_pair(struct db *db, void *context, struct error *err)
{
    const int64_t *number = context;

    for (int64_t half = 1; half <= 2; half++)
        if (!db_exec(db, "INSERT INTO account (code, owner_id, created_us) VALUES ($1, $2, 1)",
                     DB_ARGS(db_int(half), db_int(*number)), err))
            return false;
    return true;
}

struct pairs {
    int64_t rows, pairs;
};

static bool count_pairs(struct db *db, void *context, struct error *err)
{
    struct pairs *pairs = context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT count(*), count(DISTINCT owner_id) FROM account WHERE code IN (1, 2)",
                 DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    pairs->rows = db_column_int(&rows, 0);
    pairs->pairs = db_column_int(&rows, 1);
    return true;
}

static bool has_pair(struct db *db, void *context, struct error *err)
{
    int64_t *number = context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT count(*) FROM account WHERE owner_id = $1", DB_ARGS(db_int(*number)));

    if (!db_next(&rows, err))
        return false;
    *number = db_column_int(&rows, 0);
    return true;
}

/* Writers that write until they cannot, and note down what was acknowledged. */
struct writers {
    struct store *store;
    int acknowledged_fd; /* a pipe, or -1 */
    atomic_int_fast64_t next;
    int64_t last; /* 0: no end */
    atomic_bool has_failed;
    atomic_uchar acknowledged[4096];
};

static void *write_on(void *context)
{
    struct writers *writers = context;

    while (!writers->has_failed) {
        int64_t number = ++writers->next;
        struct error err;

        if (writers->last != 0 && number > writers->last)
            break;
        if (!store_write(writers->store, add_pair, &number, &err)) {
            writers->has_failed = true;
        } else if (writers->acknowledged_fd >= 0) {
            if (write(writers->acknowledged_fd, &number, sizeof number) != sizeof number)
                _exit(1);
        } else {
            writers->acknowledged[number] = 1;
        }
    }
    return NULL;
}

static void run_writers(struct writers *writers)
{
    pthread_t threads[WRITERS];

    for (size_t i = 0; i < WRITERS; i++)
        if (pthread_create(&threads[i], NULL, write_on, writers) != 0)
            abort();
    for (size_t i = 0; i < WRITERS; i++)
        (void)pthread_join(threads[i], NULL);
}

/* The child of a kill: writes until it dies. */
static _Noreturn void write_until_killed(const struct support *support, int64_t first, int fd)
{
    static struct writers writers;
    struct log log = log_silent();
    struct error err;

    writers.acknowledged_fd = fd;
    writers.next = first;
    if (!store_open(support->location, &log, &writers.store, &err))
        _exit(2);
    run_writers(&writers);
    _exit(3);
}

/* What was acknowledged before the kill, which comes after so many. */
struct acknowledged {
    int64_t numbers[1 << 16];
    size_t count;
};

static void kill_after(pid_t pid, int fd, size_t count, struct acknowledged *acknowledged)
{
    int64_t number;

    while (read(fd, &number, sizeof number) == sizeof number) {
        CHECK(acknowledged->count < sizeof acknowledged->numbers / sizeof number);
        acknowledged->numbers[acknowledged->count++] = number;
        if (acknowledged->count == count)
            CHECK(kill(pid, SIGKILL) == 0);
    }
}

static void check_acknowledged(struct support *support, const struct acknowledged *acknowledged,
                               int64_t *largest)
{
    for (size_t i = 0; i < acknowledged->count; i++) {
        int64_t rows = acknowledged->numbers[i];

        check_row("write %lld", (long long)rows);
        *largest = rows > *largest ? rows : *largest;
        support_read(support, has_pair, &rows);
        CHECK_INT(rows, 2);
    }
}

static void test_a_killed_process_loses_nothing(void **state)
{
    enum { KILLS = 8, ACKNOWLEDGED_MAX = 60 };
    static struct acknowledged acknowledged;
    struct support *support = *state;
    int64_t first = 0;

    for (int i = 0; i < KILLS; i++) {
        int pipes[2], status;

        store_close(&support->store);
        CHECK(pipe(pipes) == 0);
        pid_t pid = fork();
        if (pid == 0)
            write_until_killed(support, first, pipes[1]);
        (void)close(pipes[1]);
        acknowledged.count = 0;
        kill_after(pid, pipes[0], 1 + check_random(ACKNOWLEDGED_MAX), &acknowledged);
        (void)close(pipes[0]);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        support_reopen(support);
        check_acknowledged(support, &acknowledged, &first);
        first += 1000; /* past what was written and not acknowledged */
        struct pairs pairs;
        support_read(support, count_pairs, &pairs);
        CHECK_INT(pairs.rows, 2 * pairs.pairs);
    }
}

/* One life on a disk with a fault: open, write, close. */
static struct writers *live(struct support *support, const struct vfs_plan *plan, int64_t last)
{
    static struct writers writers;
    struct error err;

    memset(&writers, 0, sizeof writers);
    writers.acknowledged_fd = -1;
    writers.last = last;
    vfs_install(plan);
    if (store_open(support->location, &support->log, &writers.store, &err)) {
        run_writers(&writers);
        store_close(&writers.store);
    }
    return &writers;
}

static bool check_integrity(struct db *db, void *context, struct error *err)
{
    (void)context;
    auto_db_rows struct db_rows rows = db_query(db, "PRAGMA integrity_check", DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    CHECK_TEXT(db_column_text(&rows, 0), "ok");
    return true;
}

static void check_life(struct support *support, const struct writers *writers, int64_t last)
{
    struct pairs pairs;

    for (int64_t number = 1; number <= last; number++) {
        int64_t rows = number;

        if (!writers->acknowledged[number])
            continue;
        support_read(support, has_pair, &rows);
        CHECK_INT(rows, 2);
    }
    support_read(support, count_pairs, &pairs);
    CHECK_INT(pairs.rows, 2 * pairs.pairs);
    support_read(support, check_integrity, NULL);
}

static void remake(const char *directory)
{
    char command[256];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK(system(command) == 0 && mkdir(directory, 0700) == 0);
}

/* A life begins with nothing, and migrates first, or with a database that is there. Most
 * operations of the former are the migration's, which does the same for each of its many files, in
 * a tenth of a second of computing: so fewer of them are tried, and others with another seed. */
static void begin(const char *home, bool is_empty)
{
    remake(home);
    if (!is_empty)
        ready_sqlite_copy(home);
}

/* BERTH_TORTURE=n: n times as many points. */
static int64_t torture(void)
{
    const char *text = getenv("BERTH_TORTURE");
    uint64_t times = 1;

    return text != NULL && parse_u64(text, &times) && times > 0 ? (int64_t)times : 1;
}

/* How many operations a life without a fault has. */
static int64_t count_operations(struct support *support, bool is_empty, int64_t last)
{
    struct vfs_plan plan = { .fault_at = 0 };

    begin(support->location, is_empty);
    (void)live(support, &plan, last);
    int64_t operations = vfs_operations();
    vfs_remove();
    return operations;
}

/* Writes, a restart with a checkpoint between them, more writes. */
static void cut_power(struct support *support, bool is_empty, int64_t points)
{
    enum { LAST = 40 };
    char wreck[sizeof support->location], home[sizeof support->location];
    int64_t operations = count_operations(support, is_empty, LAST);

    (void)snprintf(home, sizeof home, "%s", support->location);
    (void)snprintf(wreck, sizeof wreck, "%s/wreck", support->directory);
    for (int64_t point = 0; point < points; point++) {
        struct vfs_plan plan = { .fault = VFS_FAULT_POWER,
                                 .fault_at = 1 + (int64_t)check_random((uint64_t)operations),
                                 .wreck = wreck,
                                 .seed = check_random(UINT64_MAX) };

        begin(home, is_empty);
        remake(wreck);
        check_row("operation %lld of %lld, seed %llu", (long long)plan.fault_at,
                  (long long)operations, (unsigned long long)plan.seed);
        struct writers *writers = live(support, &plan, LAST);
        vfs_remove();
        (void)snprintf(support->location, sizeof support->location, "%s", wreck);
        support_reopen(support);
        check_life(support, writers, LAST);
        store_close(&support->store);
        (void)snprintf(support->location, sizeof support->location, "%s", home);
    }
}

static void test_a_power_cut_loses_nothing(void **state)
{
    struct support *support = *state;

    store_close(&support->store);
    cut_power(support, false, 32 * torture());
    cut_power(support, true, 8 * torture());
}

/* The n-th operation fails, once or for good: whoever was told yes finds it, nobody crashes. */
static void fail_disk(struct support *support, bool is_empty, int kind, int64_t step)
{
    enum { LAST = 12 };
    int64_t operations = INT64_MAX;

    for (int64_t at = 1 + (int64_t)check_random((uint64_t)step); at <= operations; at += step) {
        struct vfs_plan plan = { .fault = kind & 1 ? VFS_FAULT_FULL : VFS_FAULT_IO,
                                 .is_lasting = (kind & 2) != 0,
                                 .fault_at = at,
                                 .seed = (uint64_t)at };

        check_row("kind %d, operation %lld", kind, (long long)at);
        begin(support->location, is_empty);
        struct writers *writers = live(support, &plan, LAST);
        if (vfs_operations() < at)
            operations = 0; /* past the last one: clean */
        vfs_remove();
        support_reopen(support);
        check_life(support, writers, LAST);
        store_close(&support->store);
    }
}

static void test_a_failing_disk_loses_nothing(void **state)
{
    struct support *support = *state;
    bool is_whole = torture() > 1;

    store_close(&support->store);
    for (int kind = 0; kind < 4; kind++) {
        fail_disk(support, false, kind, is_whole ? 1 : 5);
        fail_disk(support, true, kind, is_whole ? 11 : 61);
    }
}

int main(void)
{
    const struct CMUnitTest kills[] = {
        cmocka_unit_test(test_a_killed_process_loses_nothing),
    };
    const struct CMUnitTest disks[] = {
        cmocka_unit_test(test_a_power_cut_loses_nothing),
        cmocka_unit_test(test_a_failing_disk_loses_nothing),
    };
    return SUPPORT_RUN(kills) + SUPPORT_RUN_ON(SUPPORT_SQLITE, disks);
}
