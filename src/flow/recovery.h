/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery: the books were set back to an earlier moment (a backup was restored), and machines run
 * what was decided in the time that is lost.
 *
 * While it lasts nothing is decided: machines are told nothing, so they go on with what they were
 * told last; nobody rents, stops or destroys; credit and lifetimes end nothing. Machines report
 * what they run, and that is held against the books. When an operator has seen the difference and
 * says so, generations go on behind those that machines have seen, and the market goes on. What
 * runs and is in no book is stopped then and set aside, never deleted (control.md 4.3, rule 6). */

#ifndef BERTH_FLOW_RECOVERY_H
#define BERTH_FLOW_RECOVERY_H

#include "base/arena.h"
#include "flow/flow.h"
#include "proto/heartbeat.h"
#include "store/recovery.h"

/* Ids and revisions that the lost time may have given out. */
#define RECOVERY_LEAP INT64_C(1000000)

/* How often a machine's report is written down. */
enum { RECOVERY_REPORT_SECONDS = 10 };

/* Begin one, unless one has begun. */
NODISCARD bool flow_recovery_begin(const struct flow *flow, struct error *err);

NODISCARD bool flow_recovery_is_open(const struct flow *flow, bool *ret, struct error *err);

/* What a machine runs, from a heartbeat that was accepted. Of one whose engine does not answer
 * nothing is believed. Outside of a recovery nothing happens. */
NODISCARD bool flow_recovery_note(const struct flow *flow, int64_t machine_id,
                                  const struct heartbeat *heartbeat, struct error *err);

struct recovery_view {
    bool is_open;
    struct instant began, books_end; /* books_end: the last sign of life in them */
    struct recovery_counts counts;
    int64_t *silent; /* machines that have not reported */
    size_t silent_count;
    struct recovery_instance *unknown, *missing; /* see store/recovery.h */
    size_t unknown_count, missing_count;
};

/* `*ret` lives in the arena. */
NODISCARD bool flow_recovery_show(const struct flow *flow, struct arena *arena,
                                  struct recovery_view *ret, struct error *err);

enum recovery_outcome {
    RECOVERY_ENDED,
    RECOVERY_NONE,    /* none is open */
    RECOVERY_WAITING, /* machines have not reported, and nobody said to go on without them */
};
NODISCARD bool flow_recovery_end(const struct flow *flow, bool goes_without_silent,
                                 enum recovery_outcome *ret, struct error *err);

#endif
