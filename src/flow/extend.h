/* SPDX-License-Identifier: Apache-2.0 */
/* A host gives the contracts on a machine more lifetime, at the price that they have or a lower
 * one: the end of a contract moves out, never in, and its price stays that of its making. */

#ifndef BERTH_FLOW_EXTEND_H
#define BERTH_FLOW_EXTEND_H

#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"

enum extend_outcome {
    EXTEND_DONE,
    EXTEND_NO_MACHINE,
    EXTEND_BAD_END,      /* not ahead of now */
    EXTEND_PRICE_HIGHER, /* than the listing's, or than what a contract on it was made at */
    EXTEND_BAD_PRICE,
};

struct extend_request {
    int64_t machine_id;
    struct instant end;
    bool has_gpu_hour; /* else the price stays */
    struct money gpu_hour;
};

struct extend_reply {
    enum extend_outcome outcome;
    int64_t extended; /* contracts that now end later */
};

NODISCARD bool flow_extend(const struct flow *flow, const struct caller *caller,
                           const struct extend_request *request, struct extend_reply *ret,
                           struct error *err);

/* Inside src/flow/: move the ends of all contracts on the machine out to that of `terms`, but of
 * those for which its prices are higher. `*ret_dearer` counts these. */
NODISCARD bool extend_contracts(struct change *change, const struct listing *terms,
                                int64_t *ret_extended, int64_t *ret_dearer, struct error *err);

#endif
