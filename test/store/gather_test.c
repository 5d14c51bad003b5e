/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gather.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { JOBS = 3 * STORE_BATCH_MAX };

/* A database that notes what it was asked. */
struct bench {
    struct gather *gather;
    atomic_int joint_count, alone_count;
    enum error_code joint_fails, alone_fails; /* ERROR_NONE: they do not */
};

struct job {
    struct bench *bench;
    int64_t number;
    bool is_loud; /* the joint work leaves it */
    atomic_int heard_count;
    bool is_stored;
    enum error_code code;
    size_t company; /* with how many it was given to the joint work */
};

static bool ends(enum error_code code, struct error *err)
{
    return code == ERROR_NONE || error_set(err, code, "as the test wants it");
}

static bool joint(struct db *db, void *const *contexts, size_t count, bool *ret_is_stored,
                  struct error *err)
{
    struct job *first = contexts[0];

    (void)db;
    atomic_fetch_add(&first->bench->joint_count, 1);
    for (size_t i = 0; i < count; i++) {
        struct job *job = contexts[i];
        job->company = count;
        CHECK(!ret_is_stored[i]);
        ret_is_stored[i] = !job->is_loud;
    }
    return ends(first->bench->joint_fails, err);
}

static bool alone(struct db *db, void *context, struct error *err)
{
    struct job *job = context;

    (void)db;
    atomic_fetch_add(&job->bench->alone_count, 1);
    return ends(job->bench->alone_fails, err);
}

static bool write_once(void *context, store_work *work, void *work_context, struct error *err)
{
    (void)context;
    return work(NULL, work_context, err);
}

/* The first try conflicts, as it may: outputs are set afresh. */
static bool write_twice(void *context, store_work *work, void *work_context, struct error *err)
{
    struct error ignored;

    (void)context;
    (void)work(NULL, work_context, &ignored);
    return work(NULL, work_context, err);
}

static void hear(void *context, bool is_stored, const struct error *err)
{
    struct job *job = context;

    job->is_stored = is_stored;
    job->code = is_stored ? ERROR_NONE : err->code;
    atomic_fetch_add(&job->heard_count, 1);
}

static void start(struct bench *bench, gather_write *write)
{
    struct error err;

    CHECK_OK(gather_start(write, bench, GATHER_THREADS_MAX, &bench->gather, &err), &err);
}

static void submit(struct bench *bench, struct job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct job){ .bench = bench, .number = (int64_t)i, .is_loud = i % 10 == 3 };
        gather_submit(bench->gather,
                      &(struct store_joint){ STORE_HEARTBEATS, alone, joint, &jobs[i], hear });
    }
}

static void check_heard(const struct job *jobs, size_t count, bool is_stored)
{
    for (size_t i = 0; i < count; i++) {
        check_row("%zu", i);
        CHECK_INT(jobs[i].heard_count, 1);
        CHECK_INT(jobs[i].is_stored, is_stored);
    }
}

static void test_many_are_one_write_and_what_is_left_is_written_alone(void **state)
{
    struct bench bench = { 0 };
    static struct job jobs[JOBS];

    (void)state;
    start(&bench, write_once);
    submit(&bench, jobs, JOBS);
    gather_stop(&bench.gather); /* nobody is forgotten who was there when the end came */
    check_heard(jobs, JOBS, true);
    CHECK(bench.joint_count >= 3 && bench.joint_count < JOBS / 4);
    CHECK_INT(bench.alone_count, (JOBS + 6) / 10);
    for (size_t i = 0; i < JOBS; i++)
        CHECK(jobs[i].company <= STORE_BATCH_MAX);
}

static void test_one_alone_waits_no_longer_than_it_has_patience(void **state)
{
    struct bench bench = { 0 };
    static struct job job;

    (void)state;
    start(&bench, write_once);
    submit(&bench, &job, 1);
    for (int i = 0; atomic_load(&job.heard_count) == 0 && i < 5000; i++)
        (void)usleep(1000);
    check_heard(&job, 1, true);
    CHECK_INT((int64_t)gather_queue_length(bench.gather), 0);
    gather_stop(&bench.gather);
}

static void test_a_second_try_begins_afresh(void **state)
{
    struct bench bench = { 0 };
    static struct job jobs[20];

    (void)state;
    start(&bench, write_twice);
    submit(&bench, jobs, 20);
    gather_stop(&bench.gather);
    check_heard(jobs, 20, true);
    CHECK_INT(bench.alone_count, 2 * 2);
}

static void test_when_all_fail_together_each_is_tried_alone(void **state)
{
    struct bench bench = { .joint_fails = ERROR_IO };
    static struct job jobs[20];

    (void)state;
    start(&bench, write_once);
    submit(&bench, jobs, 20);
    gather_stop(&bench.gather);
    check_heard(jobs, 20, true);
    CHECK_INT(bench.alone_count, 20);
}

static void test_without_a_database_nobody_is_tried_alone(void **state)
{
    struct bench bench = { .joint_fails = ERROR_UNREACHABLE };
    static struct job jobs[20];

    (void)state;
    start(&bench, write_once);
    submit(&bench, jobs, 20);
    gather_stop(&bench.gather);
    check_heard(jobs, 20, false);
    CHECK_INT(jobs[7].code, ERROR_UNREACHABLE);
    CHECK_INT(bench.alone_count, 0);
}

static void test_who_fails_alone_is_told_why(void **state)
{
    struct bench bench = { .alone_fails = ERROR_FORBIDDEN };
    static struct job jobs[10];

    (void)state;
    start(&bench, write_once);
    submit(&bench, jobs, 10);
    gather_stop(&bench.gather);
    for (size_t i = 0; i < 10; i++) {
        CHECK_INT(jobs[i].is_stored, i != 3);
        CHECK_INT(jobs[i].code, i == 3 ? ERROR_FORBIDDEN : ERROR_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_are_one_write_and_what_is_left_is_written_alone),
        cmocka_unit_test(test_one_alone_waits_no_longer_than_it_has_patience),
        cmocka_unit_test(test_a_second_try_begins_afresh),
        cmocka_unit_test(test_when_all_fail_together_each_is_tried_alone),
        cmocka_unit_test(test_without_a_database_nobody_is_tried_alone),
        cmocka_unit_test(test_who_fails_alone_is_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
