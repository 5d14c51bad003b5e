/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct job {
    worker_job *run;
    void *context, *subject;
};

struct workers {
    pthread_mutex_t lock; /* guards all below but the threads */
    pthread_cond_t has_job;
    struct job *jobs; /* a ring of `job_max` */
    size_t job_max, first, count;
    bool is_closing;
    unsigned thread_count;
    pthread_t threads[];
};

static void *work(void *argument)
{
    struct workers *workers = argument;

    for (;;) {
        (void)pthread_mutex_lock(&workers->lock);
        while (workers->count == 0 && !workers->is_closing)
            (void)pthread_cond_wait(&workers->has_job, &workers->lock);
        if (workers->count == 0) {
            (void)pthread_mutex_unlock(&workers->lock);
            return NULL;
        }
        struct job job = workers->jobs[workers->first];
        workers->first = (workers->first + 1) % workers->job_max;
        workers->count--;
        (void)pthread_mutex_unlock(&workers->lock);
        job.run(job.context, job.subject);
    }
}

bool workers_open(unsigned thread_count, unsigned job_max, struct workers **ret_workers,
                  struct error *err)
{
    assert(thread_count > 0 && job_max > 0);
    struct workers *workers =
        calloc(1, sizeof *workers + thread_count * sizeof workers->threads[0]);

    if (workers == NULL)
        abort();
    workers->jobs = calloc(job_max, sizeof workers->jobs[0]);
    if (workers->jobs == NULL)
        abort();
    workers->job_max = job_max;
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->has_job, NULL);
    for (; workers->thread_count < thread_count; workers->thread_count++) {
        int failure = pthread_create(&workers->threads[workers->thread_count], NULL, work, workers);

        if (failure != 0) {
            workers_close(&workers);
            return error_system(err, failure, "start a worker thread");
        }
    }
    *ret_workers = workers;
    return true;
}

bool workers_submit(struct workers *workers, worker_job *job, void *context, void *subject)
{
    (void)pthread_mutex_lock(&workers->lock);
    bool is_taken = !workers->is_closing && workers->count < workers->job_max;
    if (is_taken) {
        size_t last = (workers->first + workers->count) % workers->job_max;

        workers->jobs[last] = (struct job){ job, context, subject };
        workers->count++;
        (void)pthread_cond_signal(&workers->has_job);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return is_taken;
}

size_t workers_waiting(struct workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    size_t count = workers->count;
    (void)pthread_mutex_unlock(&workers->lock);
    return count;
}

void workers_close(struct workers **address)
{
    struct workers *workers = *address;

    if (workers == NULL)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_closing = true;
    (void)pthread_cond_broadcast(&workers->has_job);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    (void)pthread_cond_destroy(&workers->has_job);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers->jobs);
    free(workers);
    *address = NULL;
}
