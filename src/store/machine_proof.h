/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges to prove compute, one for each GPU, and what came of them. */

#ifndef BERTH_STORE_MACHINE_PROOF_H
#define BERTH_STORE_MACHINE_PROOF_H

#include "base/arena.h"
#include "market/audit.h"
#include "store/db.h"

struct machine_proof_row {
    int64_t id, machine_id;
    const char *gpu_uuid;
    int64_t n, rounds;
    uint8_t seed[32], draw[32], token_hash[32];
    uint8_t commitment[32]; /* zeros before AUDIT_COMMITTED */
    enum audit_state state;
    struct instant asked, sent, committed, done; /* 0: not yet */
};

NODISCARD bool machine_proof_insert(struct db *db, const struct machine_proof_row *proof,
                                    int64_t *ret_id, struct error *err);

/* Those that were asked and not sent, oldest first. */
NODISCARD bool machine_proof_asked(struct db *db, int64_t machine_id, size_t max,
                                   struct arena *arena, struct machine_proof_row **ret,
                                   size_t *ret_count, struct error *err);

NODISCARD bool machine_proof_find(struct db *db, const uint8_t token_hash[static 32],
                                  struct arena *arena, struct machine_proof_row *ret, bool *ret_has,
                                  struct error *err);

/* state, instants, token and commitment of `proof->id`, if it is still in state `from`. */
NODISCARD bool machine_proof_move(struct db *db, const struct machine_proof_row *proof,
                                  enum audit_state from, int64_t *ret_count, struct error *err);

/* Those asked before `before` that have no end yet: they are unanswered. */
NODISCARD bool machine_proof_expire(struct db *db, struct instant before, struct instant now,
                                    struct error *err);

/* The machine's, newest first. */
NODISCARD bool machine_proof_list(struct db *db, int64_t machine_id, size_t max,
                                  struct arena *arena, struct machine_proof_row **ret,
                                  size_t *ret_count, struct error *err);

#endif
