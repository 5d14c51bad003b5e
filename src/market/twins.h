/* SPDX-License-Identifier: Apache-2.0 */
/* Two machines with one key, as of a disk that was copied: each takes the session from the other,
 * so a boot that was over comes back. A machine that boots never does that, and one that is
 * restored from what was saved of its memory does it once. */

#ifndef BERTH_MARKET_TWINS_H
#define BERTH_MARKET_TWINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

enum { TWINS_TURNS = 3 };
#define TWINS_WITHIN_US (300 * US_PER_SECOND)

struct twins {
    int64_t turns; /* boots that came back, since `since` */
    struct instant since;
};

/* A session of another boot than the one before; `is_back`: of the one before that. True: there are
 * two of this machine. */
bool twins_boot(struct twins *twins, bool is_back, struct instant now);

#endif
