/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's memory between two tenants. What one has left there, the next one could read.
 *
 * Which instance had a GPU last is noted on disk before it starts. Another one starts on it only
 * when its memory has been cleared since: by the host's own program (--gpu-scrub PROGRAM, which
 * gets the GPU's uuid and exits with 0), or by ours (agent/scrub_cuda.h). Either runs as nobody, in
 * a process of its own, and for so long and no longer. A GPU that could not be cleared is put
 * aside, with the reason: nothing starts on it until the host removes the note, after a look. */

#ifndef BERTH_AGENT_SCRUB_H
#define BERTH_AGENT_SCRUB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "proto/desired.h"

#define SCRUB_VERB "gpu-scrub"

enum { SCRUB_TIMEOUT_MS = 60000, SCRUB_REASON_MAX = 200 };

struct scrub {
    const char *dir;     /* exists; one file a GPU is kept in it */
    const char *self;    /* berth-host, which is started to do it */
    const char *program; /* the host's own; or NULL */
    int64_t timeout_ms;
};

/* Have a GPU ready for an instance. ERROR_CONFLICT: it has been put aside, now or before; trying
 * again does not help. */
NODISCARD bool scrub_ready(const struct scrub *scrub, const char *uuid, int64_t instance_id,
                           struct error *err);

/* The same for all GPUs of an instance, one after the other. NULL: nobody clears any. */
NODISCARD bool scrub_all(const struct scrub *scrub, const struct desired_instance *desired,
                         struct error *err);

/* main() of `berth-host gpu-scrub UUID [PROGRAM]`: becomes nobody, and does it. */
_Noreturn void scrub_main(int count, char *arguments[]);

#endif
