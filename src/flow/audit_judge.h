/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer was worth: whether it is right, what its time shows, and what the machine's
 * standing is then. Inside src/flow/. */

#ifndef BERTH_FLOW_AUDIT_JUDGE_H
#define BERTH_FLOW_AUDIT_JUDGE_H

#include "base/arena.h"
#include "flow/audit.h"
#include "store/machine_proof.h"
#include "sys/proof_verify.h"

/* The number that a nonce is, for who has the proof's first draw. */
uint32_t audit_nonce(const uint8_t draw[static 32], int64_t number);

/* Bytes of what is summed up between parts of an opening, at most. */
enum { AUDIT_SUMS_MAX = 2 * PROOF_N_MAX * sizeof(uint32_t) };

/* Of an opening, or of the part of it whose turn it is; `sums` are those of the parts before, and
 * then of this one, too. Takes milliseconds: for memory a quarter of a second. */
bool audit_is_right(const struct machine_proof_row *proof, const struct audit_opening *opening,
                    struct buf *sums);

/* How many cells of memory, or rows, are to be shown after `trips` answers; 0: it is over. */
int64_t audit_cells_next(const struct machine_proof_row *proof);

/* The end of a proof, whose row is stored: sets the machine's standing and when it is asked again.
 * `proof->net_us` and what follows are filled in before, by audit_time(). */
NODISCARD bool audit_time(struct db *db, struct machine_proof_row *proof, struct arena *arena,
                          struct error *err);
NODISCARD bool audit_end(struct db *db, const struct machine_proof_row *proof, struct instant now,
                         struct arena *arena, struct error *err);

#endif
