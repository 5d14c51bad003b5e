/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_failing.h"

#include <signal.h>
#include <unistd.h>

#include "store/driver.h"
#include "store/support.h"

static const struct db_driver *real;
static struct db_driver failing;
static int left = -1, numbers_left = -1;

static int64_t calls, last_call; /* none of them: 0 */

void support_die_at(int64_t count)
{
    calls = 0;
    last_call = count;
}

int64_t support_calls(void)
{
    return calls;
}

static void count_call(void)
{
    if (++calls == last_call)
        (void)kill(getpid(), SIGKILL);
}

static bool begin(struct db *db, enum transaction transaction, struct error *err)
{
    count_call();
    return real->begin(db, transaction, err);
}

static bool commit(struct db *db, struct error *err)
{
    count_call();
    bool is_done = real->commit(db, err);
    count_call();
    return is_done;
}

static bool is_due(void)
{
    count_call();
    return left >= 0 && left-- == 0;
}

static bool exec(struct db *db, const char *sql, struct db_args args, int64_t *ret_count,
                 struct error *err)
{
    return is_due() ? db_fail(db, DB_FAILURE_FINAL, ERROR_IO, err, "the disk is gone")
                    : real->exec(db, sql, args, ret_count, err);
}

static bool exec_for_id(struct db *db, const char *sql, struct db_args args, int64_t *ret_id,
                        struct error *err)
{
    return is_due() ? db_fail(db, DB_FAILURE_FINAL, ERROR_IO, err, "the disk is gone")
                    : real->exec_for_id(db, sql, args, ret_id, err);
}

static bool query(struct db *db, const char *sql, struct db_args args, void **ret_cursor,
                  struct error *err)
{
    return is_due() ? db_fail(db, DB_FAILURE_FINAL, ERROR_IO, err, "the disk is gone")
                    : real->query(db, sql, args, ret_cursor, err);
}

static bool settle(struct db *db, struct error *err)
{
    return is_due() ? db_fail(db, DB_FAILURE_FINAL, ERROR_IO, err, "the disk is gone")
                    : real->settle(db, err);
}

static bool column_int(void *cursor, int column, int64_t *ret_value)
{
    if (!real->column_int(cursor, column, ret_value))
        return false;
    if (numbers_left >= 0 && numbers_left-- == 0)
        *ret_value = -77;
    return true;
}

static bool column_ints(void *cursor, int count, int64_t *ret_values)
{
    if (!real->column_ints(cursor, count, ret_values))
        return false;
    for (int i = 0; i < count; i++)
        if (numbers_left >= 0 && numbers_left-- == 0)
            ret_values[i] = -77;
    return true;
}

void support_fail_after(struct db *db, int count)
{
    left = count;
    if (db->driver == &failing)
        return;
    real = db->driver;
    failing = *real;
    failing.begin = begin;
    failing.commit = commit;
    failing.exec = exec;
    failing.exec_for_id = real->exec_for_id != NULL ? exec_for_id : NULL;
    failing.query = query;
    failing.settle = real->settle != NULL ? settle : NULL;
    failing.column_int = column_int;
    failing.column_ints = column_ints;
    db->driver = &failing;
}

int support_fail_each(struct db *db, support_work *work, void *context)
{
    struct error err;
    bool is_done = false;
    int count = 0;

    for (; !is_done; count += !is_done) {
        check_row("statement %d", count);
        support_fail_after(db, count);
        is_done = work(db, context, &err);
        support_fail_after(db, -1);
        if (!is_done)
            CHECK_INT(err.code, ERROR_IO);
        CHECK(is_done == !db->has_failed);
        db_rollback(db);
        CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
    }
    return count;
}

int support_garble_each(struct db *db, support_work *work, void *context)
{
    struct error err;
    int count = 0;

    for (;; count++) {
        check_row("number %d", count);
        support_fail_after(db, -1);
        numbers_left = count;
        bool is_done = work(db, context, &err);
        bool is_over = numbers_left >= 0;
        numbers_left = -1;
        CHECK(is_done || !is_over);
        db_rollback(db);
        CHECK_OK(db_begin(db, TRANSACTION_WRITE, &err), &err);
        if (is_over)
            return count;
    }
}
