/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of our own: they take no signals, which are for the main thread. */

#ifndef BERTH_SYS_THREAD_H
#define BERTH_SYS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

/* The caller joins it. */
NODISCARD bool thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context,
                            struct error *err);

/* A condition whose waits end by CLOCK_MONOTONIC. */
void thread_cond(pthread_cond_t *ret_cond);

/* When one that lasts `us` from now ends. */
struct timespec thread_after(int64_t us);

#endif
