/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/thread.h"

#include <signal.h>

#include "base/instant.h"

bool thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context,
                  struct error *err)
{
    sigset_t all, before;

    /* A new thread has the mask of the one that made it. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int errnum = pthread_create(ret_thread, NULL, run, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errnum == 0 || error_system(err, errnum, "start a thread");
}

void thread_cond(pthread_cond_t *ret_cond)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(ret_cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct timespec thread_after(int64_t us)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t nanoseconds = end.tv_nsec + us % US_PER_SECOND * 1000;
    end.tv_sec += us / US_PER_SECOND + nanoseconds / 1000000000;
    end.tv_nsec = nanoseconds % 1000000000;
    return end;
}
