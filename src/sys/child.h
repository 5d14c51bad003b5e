/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs, run without a shell and with a deadline.
 *
 * The argument vector goes to execvp() as it is: nobody's data is ever parsed by a shell.
 * Descriptors above 2 are closed in the child. */

#ifndef BERTH_SYS_CHILD_H
#define BERTH_SYS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct child_run {
    const char *const *arguments; /* NULL-terminated; the first is the program */
    const char *input;            /* for its standard input; NULL: empty */
    int64_t timeout_ms;           /* then SIGKILL and ERROR_TIMEOUT */
};

/* Run to the end. `output` takes standard output and error together, up to its limit (the
 * rest is dropped); `*ret_status` is the exit status, or 128 + the signal. */
NODISCARD bool child_run(const struct child_run *run, struct buf *output, int *ret_status,
                         struct error *err);

/* Start and leave running: a process group of its own, standard input /dev/null, output and
 * error to `log_fd`. The caller reaps it. */
NODISCARD bool child_start(const char *const *arguments, int log_fd, pid_t *ret_pid,
                           struct error *err);

#endif
