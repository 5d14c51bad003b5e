/* SPDX-License-Identifier: Apache-2.0 */
/* What goes through a network that has to be shown (sys/proof_slice.h): slices to who has the
 * token, as long as it has not committed to what it got, and slices from there, then. Nothing is
 * stored. */

#ifndef BERTH_FLOW_AUDIT_SLICE_H
#define BERTH_FLOW_AUDIT_SLICE_H

#include "flow/flow.h"
#include "proto/challenge.h"
#include "sys/proof_slice.h"

/* `*ret_is_taken` is false for a token that is unknown, spent, too late or out of turn, and for a
 * slice that is none of the challenge's. */
NODISCARD bool flow_audit_slice(const struct flow *flow, const struct challenge_ask *ask,
                                uint8_t ret[static SLICE_DOWN_SIZE], bool *ret_is_taken,
                                struct error *err);
NODISCARD bool flow_audit_fill(const struct flow *flow, const struct challenge_slice *slice,
                               struct challenge_receipt *ret, bool *ret_is_taken,
                               struct error *err);

#endif
