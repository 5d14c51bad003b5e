/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workers.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

static atomic_int ran;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void count(void *context, void *subject)
{
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    atomic_fetch_add(&ran, *(int *)context * *(int *)subject);
}

static void test_what_is_taken_is_run_and_the_rest_is_refused(void **state)
{
    struct workers *workers = NULL;
    int one = 1, taken = 0;
    struct error err;

    (void)state;
    atomic_store(&ran, 0);
    CHECK_OK(workers_open(2, 3, &workers, &err), &err);
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < 100; i++)
        taken += workers_submit(workers, count, &one, &one);
    /* Three wait; up to two more were in the threads' hands already. */
    CHECK(taken >= 3 && taken <= 5);
    CHECK(workers_waiting(workers) >= 1);
    (void)pthread_mutex_unlock(&gate);
    workers_close(&workers);
    CHECK(workers == NULL);
    CHECK_INT(atomic_load(&ran), taken);
}

static void test_many_jobs_from_many_threads_all_run(void **state)
{
    enum { JOBS = 10000 };
    struct workers *workers = NULL;
    int one = 1;
    struct error err;

    (void)state;
    atomic_store(&ran, 0);
    CHECK_OK(workers_open(4, 16, &workers, &err), &err);
    for (int i = 0; i < JOBS; i++) {
        while (!workers_submit(workers, count, &one, &one))
            continue;
    }
    workers_close(&workers);
    CHECK_INT(atomic_load(&ran), JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_is_run_and_the_rest_is_refused),
        cmocka_unit_test(test_many_jobs_from_many_threads_all_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
