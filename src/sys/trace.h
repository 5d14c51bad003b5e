/* SPDX-License-Identifier: Apache-2.0 */
/* What request this thread is working for: X-Request-Id, from the door to whatever comes of it
 * (docs/decisions/0036-requests-from-end-to-end.md).
 *
 * Every line of the log has it while it is set; rows that outlive the request keep a copy, and who
 * takes such a row up sets it again. It says whose doing something was, and decides nothing: no
 * outcome may depend on it. */

#ifndef BERTH_SYS_TRACE_H
#define BERTH_SYS_TRACE_H

#include "base/compiler.h"

enum { TRACE_SIZE = 65 };

/* Copied; what is too long is cut. NULL and "": for no request. */
void trace_set(const char *id);

/* "" where there is none. Valid until this thread's next trace_set(). */
const char *trace_get(void);

#endif
