/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats of machines that nobody rents, and that say what the one before said: many in one
 * statement. */

#ifndef BERTH_STORE_QUIET_BEAT_H
#define BERTH_STORE_QUIET_BEAT_H

#include "store/db.h"

enum { QUIET_BEATS_MAX = 64 };

struct quiet_beat {
    int64_t machine_id, epoch, seq;
    struct instant now;
    int64_t disk_free_gb, quarantined_count; /* as it says, with a sound engine */
    bool is_taken;                           /* comes back: it is stored, and that was all */
    int64_t desired_rev;                     /* comes back where it is */
};

/* On PostgreSQL alone. Those that are not taken are not stored: something is new, the session is
 * over, or its number was used. */
NODISCARD bool quiet_beat_take(struct db *db, struct quiet_beat *beats, size_t count,
                               struct error *err);

#endif
