/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of a machine's disk and network (sys/proof_disk.h, sys/proof_slice.h): at first, once a
 * week, and again soon where it was slower than it says. What it has shown is what it counts for
 * from then on (market/machine.h); twice slower than it says is as good as a wrong answer
 * (market/audit.h). Inside src/flow/. */

#ifndef BERTH_FLOW_AUDIT_TRIAL_H
#define BERTH_FLOW_AUDIT_TRIAL_H

#include "base/arena.h"
#include "flow/audit.h"
#include "flow/audit_ask.h"
#include "store/machine.h"
#include "store/machine_proof.h"

enum { AUDIT_TRIAL_DISK_GB = 4 }; /* who has less to give away has no room for the file */

/* Which is next, if it is time for one: what was odd; else what was not shown for a week, or not
 * answered for a day. */
NODISCARD bool audit_trial_choose(struct db *db, const struct machine_row *row,
                                  const struct machine_facts *facts, struct instant now,
                                  struct arena *arena, struct audit_terms *ret, bool *ret_is_one,
                                  struct error *err);

/* Takes up to half a second: a file is made anew. */
bool audit_trial_is_right(const struct machine_proof_row *proof,
                          const struct audit_opening *opening);

/* What its time shows, where it is right: `proof->net_us` is known. */
NODISCARD bool audit_trial_time(struct db *db, const struct machine_row *row, int64_t rtt_us,
                                struct machine_proof_row *proof, struct arena *arena,
                                struct error *err);

/* What the machine has from now on shown; of another kind of proof nothing changes. */
void audit_trial_shown(const struct machine_proof_row *proof, struct machine_shown *shown);

#endif
