/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of our own: they take no signals, which are for the main thread. */

#ifndef BERTH_SYS_THREAD_H
#define BERTH_SYS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

/* The caller joins it. */
NODISCARD bool thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context,
                            struct error *err);

#endif
