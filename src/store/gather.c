/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gather.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sys/thread.h"

struct job {
    struct store_joint what;
    struct timespec patience_ends; /* of CLOCK_MONOTONIC */
    struct job *next;
};

struct gather {
    gather_write *write;
    void *context; /* of write */
    pthread_t threads[GATHER_THREADS_MAX];
    size_t thread_count;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t has_work;
    struct job *first, **last;
    uint64_t length; /* bounded by the requests that are being answered */
    bool is_stopping;
};

struct batch {
    struct job *jobs[STORE_BATCH_MAX];
    void *contexts[STORE_BATCH_MAX];
    bool is_stored[STORE_BATCH_MAX];
    size_t count;
};

static bool waits_for_company(const struct gather *gather)
{
    return gather->first != NULL && !gather->is_stopping && gather->length < STORE_BATCH_MAX;
}

/* False: there is nothing left, and it is to stop. */
static bool take(struct gather *gather, struct batch *batch)
{
    batch->count = 0;
    (void)pthread_mutex_lock(&gather->lock);
    while (gather->first == NULL && !gather->is_stopping)
        (void)pthread_cond_wait(&gather->has_work, &gather->lock);
    while (waits_for_company(gather) && pthread_cond_timedwait(&gather->has_work, &gather->lock,
                                                               &gather->first->patience_ends) == 0)
        continue;
    while (gather->first != NULL && batch->count < STORE_BATCH_MAX) {
        struct job *job = gather->first;
        batch->jobs[batch->count] = job;
        batch->contexts[batch->count++] = job->what.context;
        gather->first = job->next;
    }
    if (gather->first == NULL)
        gather->last = &gather->first;
    else
        (void)pthread_cond_signal(&gather->has_work);
    gather->length -= batch->count;
    bool goes_on = batch->count > 0 || !gather->is_stopping;
    (void)pthread_mutex_unlock(&gather->lock);
    return goes_on;
}

static bool joint_work(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;

    for (size_t i = 0; i < batch->count; i++)
        batch->is_stored[i] = false;
    return batch->jobs[0]->what.joint(db, batch->contexts, batch->count, batch->is_stored, err);
}

/* A joint write that failed says nothing of any one of them, but for one reason. */
static void store_batch(struct gather *gather, struct batch *batch)
{
    struct error joint_err, err;
    bool is_joint = gather->write(gather->context, joint_work, batch, &joint_err);
    bool is_hopeless = !is_joint && joint_err.code == ERROR_UNREACHABLE;

    for (size_t i = 0; i < batch->count; i++) {
        const struct store_joint *what = &batch->jobs[i]->what;
        bool is_stored = is_joint && batch->is_stored[i];
        if (is_hopeless)
            err = joint_err;
        else if (!is_stored)
            is_stored = gather->write(gather->context, what->work, what->context, &err);
        what->done(what->context, is_stored, &err);
        free(batch->jobs[i]);
    }
}

static void *run(void *context)
{
    struct gather *gather = context;
    struct batch batch;

    while (take(gather, &batch))
        if (batch.count > 0)
            store_batch(gather, &batch);
    return NULL;
}

void gather_submit(struct gather *gather, const struct store_joint *what)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL)
        abort();
    *job =
        (struct job){ .what = *what, .patience_ends = thread_after(STORE_PATIENCE_MS * US_PER_MS) };
    (void)pthread_mutex_lock(&gather->lock);
    assert(!gather->is_stopping);
    assert(gather->first == NULL || gather->first->what.joint == what->joint);
    *gather->last = job;
    gather->last = &job->next;
    gather->length++;
    /* The first wakes one that will wait for company; a full batch wakes one that does. */
    if (gather->length == 1 || gather->length == STORE_BATCH_MAX)
        (void)pthread_cond_broadcast(&gather->has_work);
    (void)pthread_mutex_unlock(&gather->lock);
}

uint64_t gather_queue_length(struct gather *gather)
{
    (void)pthread_mutex_lock(&gather->lock);
    uint64_t length = gather->length;
    (void)pthread_mutex_unlock(&gather->lock);
    return length;
}

bool gather_start(gather_write *write, void *context, size_t thread_count,
                  struct gather **ret_gather, struct error *err)
{
    struct gather *gather = calloc(1, sizeof *gather);

    assert(thread_count > 0 && thread_count <= GATHER_THREADS_MAX);
    if (gather == NULL)
        abort();
    *gather = (struct gather){ .write = write, .context = context };
    gather->last = &gather->first;
    (void)pthread_mutex_init(&gather->lock, NULL);
    thread_cond(&gather->has_work);
    while (gather->thread_count < thread_count) {
        if (!thread_start(&gather->threads[gather->thread_count], run, gather, err)) {
            gather_stop(&gather);
            return false;
        }
        gather->thread_count++;
    }
    *ret_gather = gather;
    return true;
}

void gather_stop(struct gather **gather)
{
    if (*gather == NULL)
        return;
    (void)pthread_mutex_lock(&(*gather)->lock);
    (*gather)->is_stopping = true;
    (void)pthread_cond_broadcast(&(*gather)->has_work);
    (void)pthread_mutex_unlock(&(*gather)->lock);
    for (size_t i = 0; i < (*gather)->thread_count; i++)
        (void)pthread_join((*gather)->threads[i], NULL);
    assert((*gather)->first == NULL);
    (void)pthread_mutex_destroy(&(*gather)->lock);
    (void)pthread_cond_destroy(&(*gather)->has_work);
    free(*gather);
    *gather = NULL;
}
