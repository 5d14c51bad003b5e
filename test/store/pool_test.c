/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"

/* Connections that only count themselves. */
static atomic_int opened, closed;
static bool refuses;

static void close_counted(struct db *db)
{
    closed++;
    free(db);
}

static const struct db_driver driver = { .close = close_counted };

static bool open_counted(const char *location, struct db **ret_db, struct error *err)
{
    CHECK_TEXT(location, "here");
    if (refuses)
        return error_set(err, ERROR_UNREACHABLE, "closed today");
    *ret_db = calloc(1, sizeof **ret_db);
    (*ret_db)->driver = &driver;
    opened++;
    return true;
}

static struct pool *start(size_t size)
{
    opened = closed = 0;
    refuses = false;
    return pool_start(open_counted, "here", size);
}

static void test_connections_are_opened_when_needed_and_kept(void **state)
{
    struct pool *pool = start(3);
    struct db *a, *b, *again;
    struct error err;

    (void)state;
    CHECK_INT(opened, 0);
    CHECK_OK(pool_take(pool, 0, &a, &err), &err);
    CHECK_OK(pool_take(pool, 0, &b, &err), &err);
    CHECK(a != b);
    CHECK_INT(opened, 2);
    pool_give(pool, a);
    CHECK_OK(pool_take(pool, 0, &again, &err), &err);
    CHECK(again == a);
    CHECK_INT(opened, 2);
    pool_give(pool, a);
    pool_give(pool, b);
    CHECK_INT(closed, 0);
    pool_stop(&pool);
    CHECK(pool == NULL);
    CHECK_INT(closed, 2);
}

static void test_there_are_so_many_and_no_more(void **state)
{
    struct pool *pool = start(POOL_SIZE_MAX);
    struct db *taken[POOL_SIZE_MAX], *more = NULL;
    struct error err;

    (void)state;
    for (size_t i = 0; i < POOL_SIZE_MAX; i++)
        CHECK_OK(pool_take(pool, 0, &taken[i], &err), &err);
    CHECK_FAILS(pool_take(pool, 20, &more, &err), &err, ERROR_TIMEOUT);
    CHECK(more == NULL);
    for (size_t i = 0; i < POOL_SIZE_MAX; i++)
        pool_give(pool, taken[i]);
    pool_stop(&pool);
    CHECK_INT(closed, POOL_SIZE_MAX);
}

struct giver {
    struct pool *pool;
    struct db *db;
};

static void *give_later(void *context)
{
    struct giver *giver = context;

    (void)usleep(20000);
    pool_give(giver->pool, giver->db);
    return NULL;
}

static void test_who_waits_gets_what_comes_free(void **state)
{
    struct giver giver = { .pool = start(1) };
    pthread_t thread;
    struct error err;
    struct db *db;

    (void)state;
    CHECK_OK(pool_take(giver.pool, 0, &giver.db, &err), &err);
    CHECK(pthread_create(&thread, NULL, give_later, &giver) == 0);
    CHECK_OK(pool_take(giver.pool, POOL_WAIT_MS, &db, &err), &err);
    CHECK(db == giver.db);
    CHECK(pthread_join(thread, NULL) == 0);
    pool_give(giver.pool, db);
    pool_stop(&giver.pool);
}

static void test_one_that_cannot_be_opened_takes_no_place(void **state)
{
    struct pool *pool = start(1);
    struct error err;
    struct db *db;

    (void)state;
    refuses = true;
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(pool_take(pool, 0, &db, &err), &err, ERROR_UNREACHABLE);
    refuses = false;
    CHECK_OK(pool_take(pool, 0, &db, &err), &err);
    pool_give(pool, db);
    pool_stop(&pool);
}

static void test_a_broken_one_takes_the_idle_ones_with_it(void **state)
{
    struct pool *pool = start(3);
    struct db *taken[3], *db;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(pool_take(pool, 0, &taken[i], &err), &err);
    pool_give(pool, taken[0]);
    pool_give_broken(pool, taken[1]);
    CHECK_INT(closed, 2);
    CHECK_OK(pool_take(pool, 0, &db, &err), &err);
    CHECK_INT(opened, 4);
    pool_give(pool, db);
    pool_give(pool, taken[2]);
    pool_stop(&pool);
    CHECK_INT(closed, 4);
}

static void test_what_lies_idle_for_long_is_closed(void **state)
{
    struct pool *pool = start(3);
    struct db *taken[3];
    struct error err;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(pool_take(pool, 0, &taken[i], &err), &err);
    for (size_t i = 0; i < 3; i++)
        pool_give_at(pool, taken[i], (int64_t)i);
    /* The busy one comes back: the one that was given first has waited, but not for long enough. */
    CHECK_OK(pool_take(pool, 0, &taken[2], &err), &err);
    pool_give_at(pool, taken[2], POOL_IDLE_US - 1);
    CHECK_INT(closed, 0);
    CHECK_OK(pool_take(pool, 0, &taken[2], &err), &err);
    pool_give_at(pool, taken[2], POOL_IDLE_US);
    CHECK_INT(closed, 1);
    CHECK_OK(pool_take(pool, 0, &taken[2], &err), &err);
    pool_give_at(pool, taken[2], POOL_IDLE_US + 1);
    CHECK_INT(closed, 2);
    /* Which itself never lies idle for long enough, and is the one that is taken. */
    CHECK_OK(pool_take(pool, 0, &taken[0], &err), &err);
    CHECK(taken[0] == taken[2]);
    pool_give_at(pool, taken[0], 10 * POOL_IDLE_US);
    CHECK_INT(closed, 2);
    /* There is room for as many as ever. */
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(pool_take(pool, 0, &taken[i], &err), &err);
    CHECK_INT(opened, 5);
    for (size_t i = 0; i < 3; i++)
        pool_give(pool, taken[i]);
    pool_stop(&pool);
    CHECK_INT(closed, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_are_opened_when_needed_and_kept),
        cmocka_unit_test(test_there_are_so_many_and_no_more),
        cmocka_unit_test(test_who_waits_gets_what_comes_free),
        cmocka_unit_test(test_one_that_cannot_be_opened_takes_no_place),
        cmocka_unit_test(test_a_broken_one_takes_the_idle_ones_with_it),
        cmocka_unit_test(test_what_lies_idle_for_long_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
