/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that close themselves. */

#ifndef BERTH_SYS_FD_H
#define BERTH_SYS_FD_H

#include <unistd.h>

/* For a local variable that owns a descriptor: it is closed on every way out of
 * the block. Initialise it, to -1 if there is nothing to own yet. */
#define auto_close __attribute__((cleanup(fd_release)))

static inline void fd_release(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

#endif
