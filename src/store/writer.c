/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/db_sqlite.h"
#include "sys/thread.h"
#include "sys/trace.h"

/* One write that waits: on the stack of its caller, or, where `done` is to hear of it, on its own.
 */
struct job {
    store_work *work;
    void *context;
    store_done *done;
    bool is_patient;
    char trace[TRACE_SIZE];        /* its caller's */
    struct timespec patience_ends; /* of CLOCK_MONOTONIC */
    struct job *next;
    pthread_cond_t is_finished;
    bool has_finished;
    bool is_ok;
    struct error error;
};

struct writer {
    struct db *db; /* owned; of whoever is at work */
    struct notify *notify;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows, and the results of the jobs */
    pthread_cond_t has_work;
    bool is_at_work;
    pthread_t worker; /* while one is */
    struct job *first, **last;
    uint64_t queue_length;  /* bounded by the number of threads that call: each waits */
    uint64_t hurried_count; /* those of them in a hurry */
    bool is_stopping;
    uint64_t writes, commits, failures;
};

/* Run one within the transaction; it, and the transaction with it, may fail. */
static bool run_job(struct writer *writer, struct job *job)
{
    struct db *db = writer->db;
    char before[TRACE_SIZE];

    job->error.code = ERROR_NONE;
    memcpy(before, trace_get(), sizeof before);
    trace_set(job->trace);
    job->is_ok = job->work(db, job->context, &job->error);
    trace_set(before);
    assert(!db->has_rows_open);
    if (job->is_ok && db->has_failed) {
        job->is_ok = false;
        job->error = db->error;
    }
    assert(job->is_ok || job->error.code != ERROR_NONE);
    return job->is_ok;
}

enum group {
    GROUP_STORED,
    GROUP_REFUSED, /* one of them failed, and nothing is stored */
    GROUP_LOST,    /* the transaction itself failed */
};

/* All in one transaction, which is what nearly always succeeds. */
static enum group run_plainly(struct writer *writer, struct job **jobs, size_t count,
                              struct error *err)
{
    if (!db_begin(writer->db, TRANSACTION_WRITE, err))
        return GROUP_LOST;
    for (size_t i = 0; i < count; i++)
        if (!run_job(writer, jobs[i])) {
            db_rollback(writer->db);
            return GROUP_REFUSED;
        }
    return db_commit(writer->db, err) ? GROUP_STORED : GROUP_LOST;
}

/* One that fails rolls back to its savepoint. False: the transaction is lost, for all. */
static bool run_apart(struct writer *writer, struct job *job, struct error *err)
{
    size_t change_count = writer->db->change_count;

    if (!db_sqlite_savepoint(writer->db, err))
        return false;
    if (run_job(writer, job))
        return db_sqlite_release(writer->db, err);
    writer->db->change_count = change_count;
    return db_sqlite_undo(writer->db, err);
}

/* Again, now that one of them is known to fail: each for itself, as savepoints cost. */
static enum group run_carefully(struct writer *writer, struct job **jobs, size_t count,
                                struct error *err)
{
    if (!db_begin(writer->db, TRANSACTION_WRITE, err))
        return GROUP_LOST;
    for (size_t i = 0; i < count; i++)
        if (!run_apart(writer, jobs[i], err)) {
            db_rollback(writer->db);
            return GROUP_LOST;
        }
    return db_commit(writer->db, err) ? GROUP_STORED : GROUP_LOST;
}

static bool waits_for_company(const struct writer *writer)
{
    return writer->first != NULL && writer->hurried_count == 0 && !writer->is_stopping &&
           writer->queue_length < WRITER_COMPANY;
}

/* Under the lock. */
static void begin_work(struct writer *writer)
{
    assert(!writer->is_at_work);
    writer->is_at_work = true;
    writer->worker = pthread_self();
}

/* For the thread: what waits, once nobody is at work. None: it is to stop. */
static size_t take(struct writer *writer, struct job *jobs[static STORE_BATCH_MAX])
{
    size_t count = 0;

    (void)pthread_mutex_lock(&writer->lock);
    while (writer->is_at_work || (writer->first == NULL && !writer->is_stopping))
        (void)pthread_cond_wait(&writer->has_work, &writer->lock);
    while (waits_for_company(writer) && pthread_cond_timedwait(&writer->has_work, &writer->lock,
                                                               &writer->first->patience_ends) == 0)
        continue;
    while (writer->first != NULL && count < STORE_BATCH_MAX) {
        writer->hurried_count -= writer->first->is_patient ? 0 : 1;
        jobs[count++] = writer->first;
        writer->first = writer->first->next;
    }
    if (writer->first == NULL)
        writer->last = &writer->first;
    writer->queue_length -= count;
    if (count > 0)
        begin_work(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    return count;
}

/* Whether they are stored is in each of them. */
static bool store_group(struct writer *writer, struct job **jobs, size_t count)
{
    struct error err;
    enum group result = run_plainly(writer, jobs, count, &err);

    if (result == GROUP_REFUSED && count > 1)
        result = run_carefully(writer, jobs, count, &err);
    for (size_t i = 0; i < count && result == GROUP_LOST; i++)
        if (jobs[i]->is_ok || jobs[i]->error.code == ERROR_NONE) {
            jobs[i]->is_ok = false;
            jobs[i]->error = err;
        }
    if (result == GROUP_STORED)
        notify_push(writer->notify, writer->db);
    return result == GROUP_STORED;
}

/* Under the lock. */
static void end_work(struct writer *writer, struct job **jobs, size_t count, bool has_committed)
{
    writer->is_at_work = false;
    writer->writes += count;
    writer->commits += has_committed;
    for (size_t i = 0; i < count; i++)
        writer->failures += !jobs[i]->is_ok;
}

/* Those that nobody waits for come last: they may take a while. From here on the other callers own
 * their jobs, and their stacks, again. */
static void wake(struct writer *writer, struct job **jobs, size_t count, bool has_committed)
{
    struct job *later[STORE_BATCH_MAX];
    size_t later_count = 0;

    (void)pthread_mutex_lock(&writer->lock);
    end_work(writer, jobs, count, has_committed);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->done != NULL) {
            later[later_count++] = jobs[i];
            continue;
        }
        jobs[i]->has_finished = true;
        (void)pthread_cond_signal(&jobs[i]->is_finished);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    for (size_t i = 0; i < later_count; i++) {
        later[i]->done(later[i]->context, later[i]->is_ok, &later[i]->error);
        free(later[i]);
    }
}

static void *run(void *context)
{
    struct writer *writer = context;
    struct job *jobs[STORE_BATCH_MAX];
    size_t count;

    while ((count = take(writer, jobs)) > 0)
        wake(writer, jobs, count, store_group(writer, jobs, count));
    return NULL;
}

/* Under the lock. */
static void enqueue(struct writer *writer, struct job *job)
{
    assert(!writer->is_stopping);
    *writer->last = job;
    writer->last = &job->next;
    writer->hurried_count += job->is_patient ? 0 : 1;
    writer->queue_length++;
    if (!writer->is_at_work && (writer->queue_length == 1 || !waits_for_company(writer)))
        (void)pthread_cond_signal(&writer->has_work);
}

void writer_submit(struct writer *writer, const struct writer_job *what)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL)
        abort();
    *job = (struct job){ .work = what->work,
                         .context = what->context,
                         .done = what->done,
                         .is_patient = what->is_patient,
                         .patience_ends = thread_after(STORE_PATIENCE_MS * US_PER_MS) };
    memcpy(job->trace, trace_get(), sizeof job->trace);
    (void)pthread_mutex_lock(&writer->lock);
    enqueue(writer, job);
    (void)pthread_mutex_unlock(&writer->lock);
}

/* While nobody writes and nothing waits: here and now, which wakes no thread. Under the lock, which
 * it lets go of meanwhile. */
static void run_here(struct writer *writer, struct job *job)
{
    begin_work(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    bool has_committed = store_group(writer, &job, 1);
    (void)pthread_mutex_lock(&writer->lock);
    end_work(writer, &job, 1, has_committed);
    if (writer->first != NULL)
        (void)pthread_cond_signal(&writer->has_work);
}

static void wait_for(struct writer *writer, struct job *job)
{
    job->patience_ends = thread_after(STORE_PATIENCE_MS * US_PER_MS);
    (void)pthread_cond_init(&job->is_finished, NULL);
    enqueue(writer, job);
    while (!job->has_finished)
        (void)pthread_cond_wait(&job->is_finished, &writer->lock);
    (void)pthread_cond_destroy(&job->is_finished);
}

bool writer_run(struct writer *writer, const struct writer_job *what, struct error *err)
{
    struct job job = { .work = what->work,
                       .context = what->context,
                       .is_patient = what->is_patient };

    memcpy(job.trace, trace_get(), sizeof job.trace);
    (void)pthread_mutex_lock(&writer->lock);
    /* It would wait for itself. */
    assert(!pthread_equal(pthread_self(), writer->thread));
    assert(!writer->is_at_work || !pthread_equal(pthread_self(), writer->worker));
    if (!writer->is_at_work && writer->first == NULL && !what->is_patient)
        run_here(writer, &job);
    else
        wait_for(writer, &job);
    (void)pthread_mutex_unlock(&writer->lock);
    if (!job.is_ok)
        *err = job.error;
    return job.is_ok;
}

bool writer_start(struct db *db, struct notify *notify, struct writer **ret_writer,
                  struct error *err)
{
    struct writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        abort();
    *writer = (struct writer){ .db = db, .notify = notify };
    writer->last = &writer->first;
    (void)pthread_mutex_init(&writer->lock, NULL);
    thread_cond(&writer->has_work);
    if (!thread_start(&writer->thread, run, writer, err)) {
        db_close(&db);
        free(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

void writer_stop(struct writer **writer)
{
    if (*writer == NULL)
        return;
    (void)pthread_mutex_lock(&(*writer)->lock);
    (*writer)->is_stopping = true;
    (void)pthread_cond_signal(&(*writer)->has_work);
    (void)pthread_mutex_unlock(&(*writer)->lock);
    (void)pthread_join((*writer)->thread, NULL);
    (void)pthread_mutex_destroy(&(*writer)->lock);
    (void)pthread_cond_destroy(&(*writer)->has_work);
    db_close(&(*writer)->db);
    free(*writer);
    *writer = NULL;
}

void writer_totals(struct writer *writer, struct store_totals *totals)
{
    (void)pthread_mutex_lock(&writer->lock);
    totals->writes = writer->writes;
    totals->commits = writer->commits;
    totals->failures = writer->failures;
    totals->queue_length = writer->queue_length;
    (void)pthread_mutex_unlock(&writer->lock);
}
