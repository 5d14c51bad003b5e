/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/thread.h"

#include <signal.h>

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
