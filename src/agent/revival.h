/* SPDX-License-Identifier: Apache-2.0 */
/* When to start what is to be kept running again, once it has ended by itself.
 *
 * A second after a run that was long; where runs are short, each pause is twice the one before, up
 * to five minutes, so that a program which cannot work costs its host next to nothing. Kept in
 * memory: a new agent begins with the shortest pause. */

#ifndef BERTH_AGENT_REVIVAL_H
#define BERTH_AGENT_REVIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/seen.h"

enum { REVIVAL_FIRST_MS = 1000, REVIVAL_MAX_MS = 300000, REVIVAL_LONG_RUN_MS = 600000 };

struct revival {
    char run[128];  /* the start token of the last run that was seen */
    int64_t up_us;  /* when it was first seen */
    int64_t count;  /* of short runs that have ended in a row */
    bool has_ended; /* that run has */
    int64_t due_us; /* when to start again, where it has; else -1 */
};

/* Zeros are a good beginning. To be told whatever is seen, as often as it is; NULL: nothing. */
void revival_see(struct revival *revival, const struct seen *seen, int64_t now_us);

#endif
