/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked for a proof, for which, and when. */

#ifndef BERTH_FLOW_AUDIT_ASK_H
#define BERTH_FLOW_AUDIT_ASK_H

#include "flow/flow.h"
#include "market/audit.h"

enum {
    AUDIT_N = 1024, /* of matrices, at first */
    AUDIT_N_MAX = 8192,
    AUDIT_ROUNDS = 256,
    AUDIT_BATCH_MAX = 50,      /* machines asked in one go */
    AUDIT_MEMORY_PERCENT = 92, /* of a GPU's memory that it has to prove */
};

/* Ask machines whose turn has come: mostly all GPUs of a machine at once; of one that is rented in
 * part those that nobody holds. Ends what was not answered. */
NODISCARD bool flow_audit_ask(const struct flow *flow, size_t *ret_count, struct error *err);

/* The same with other terms, for tests. */
struct audit_terms {
    enum audit_kind kind;
    int64_t n, rounds;
    bool is_live;
};
NODISCARD bool flow_audit_ask_with(const struct flow *flow, struct audit_terms terms,
                                   size_t *ret_count, struct error *err);

/* Once in each AUDIT_CENSUS_US all GPUs that nobody holds are asked in the same moment, by which
 * those are seen that serve for several machines: few have to open anything. */
NODISCARD bool flow_audit_census(const struct flow *flow, struct error *err);

/* Something is new about a machine, or was said against it: it is asked soon. Inside src/flow/. */
NODISCARD bool audit_ask_soon(struct db *db, int64_t machine_id, struct instant now,
                              struct error *err);

#endif
