/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of compute and of memory: the server's clock over the answer, the verdict, and what
 * it does to the machine's standing (market/audit.h). */

#ifndef BERTH_FLOW_AUDIT_H
#define BERTH_FLOW_AUDIT_H

#include "base/arena.h"
#include "flow/flow.h"
#include "flow/session.h"
#include "proto/challenge.h"
#include "store/machine_proof.h"

enum { AUDIT_LIST_MAX = 200 };

/* The agent takes what it was asked: the clock runs from here. */
NODISCARD bool flow_audit_take(const struct flow *flow, int64_t machine_id, int64_t epoch,
                               int64_t seq, struct challenge_list *ret_list, enum take_outcome *ret,
                               struct error *err);

/* Nonces are given one after the other, each once. */
NODISCARD bool flow_audit_nonce(const struct flow *flow, const struct challenge_ask *ask,
                                struct challenge_nonce *ret_nonce, bool *ret_is_taken,
                                struct error *err);

/* `*ret_is_taken` is false for a token that is unknown, spent, too late or out of turn. */
NODISCARD bool flow_audit_commit(const struct flow *flow, const struct challenge_commit *commit,
                                 struct challenge_draw *ret_draw, bool *ret_is_taken,
                                 struct error *err);

struct audit_opening {
    const char *token;
    const uint8_t *bytes;
    size_t length;
};
NODISCARD bool flow_audit_open(const struct flow *flow, const struct audit_opening *opening,
                               struct challenge_verdict *ret, bool *ret_is_taken,
                               struct error *err);

/* The public log of a machine, newest first; and what is odd about it now (enum audit_suspicion).
 * `*ret_has` false: there is no such machine. */
struct audit_record {
    struct machine_proof_row *proofs;
    size_t count;
    int64_t odd;
};
NODISCARD bool flow_audit_list(const struct flow *flow, int64_t machine_id, struct arena *arena,
                               struct audit_record *ret, bool *ret_has, struct error *err);

#endif
