/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, one line each, on standard error.
 *
 * To a terminal: "14:03:22 info  agent connected  machine 7, epoch 41". To anything else:
 * one JSON object a line, {"time","level","event","detail"}, and "request" while
 * this thread works for one (sys/trace.h), which journald keeps. `event`
 * is a fixed text to search for; `detail` is formatted, and whatever it holds is escaped,
 * so that nobody outside can forge a line. Secrets are never passed here.
 *
 * Thread-safe: one write(2) a line, no lock. */

#ifndef BERTH_SYS_LOG_H
#define BERTH_SYS_LOG_H

#include "base/compiler.h"
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log {
    int fd;
    enum log_level level_min;
    bool is_terminal;
};

/* Standard error, from LOG_INFO up (or what BERTH_LOG says: debug, info, warning, error). */
struct log log_standard(void);

/* Drops everything: for tests. */
struct log log_silent(void);

void log_write(const struct log *log, enum log_level level, const char *event, const char *format,
               ...) PRINTF_LIKE(4, 5);

/* LOG_ERROR with the error's code and text. */
void log_failure(const struct log *log, const char *event, const struct error *err);

#endif
