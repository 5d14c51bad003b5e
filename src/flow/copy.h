/* SPDX-License-Identifier: Apache-2.0 */
/* Copies from one instance to another, of one account: an operation of the target's host, which
 * logs in to both with a key that is good for that copy alone (sys/copy_secret.h). How far it is
 * and how it ended is the target's status_msg. */

#ifndef BERTH_FLOW_COPY_H
#define BERTH_FLOW_COPY_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "proto/desired.h"
#include "store/op.h"
#include "sys/crypto.h"

enum { COPY_SECONDS_MAX = 12 * 3600 }; /* from the request to its end */

enum copy_outcome {
    COPY_BEGUN,
    COPY_NO_SOURCE,
    COPY_NO_TARGET,
    COPY_ONE_INSTANCE, /* both sides are the same */
    COPY_BAD_PATH,     /* none, too long, or with a control character */
    COPY_NOT_REACHABLE,
    COPY_BUSY, /* another copy to the target goes on, or too much of its host does */
};

struct copy_request {
    int64_t source_id, target_id;
    const char *source_path, *target_path; /* from the root; as rsync reads them */
    const char *source_host;               /* where the source's SSH is */
    int64_t source_port;
};

struct copy_reply {
    enum copy_outcome outcome;
    char token[TOKEN_TEXT_SIZE]; /* for flow_op_fetch(): what it says in the end */
};

NODISCARD bool flow_copy_begin(const struct flow *flow, const struct caller *caller,
                               const struct copy_request *request, struct copy_reply *ret,
                               struct error *err);

/* End what goes on to the caller's instance; `*ret_count` is how many those were. */
NODISCARD bool flow_copy_cancel(const struct flow *flow, const struct caller *caller,
                                int64_t target_id, int64_t *ret_count, struct error *err);

/* Within transactions: a copy that goes on has ended, so its key opens nothing any more. */
NODISCARD bool copy_ended(struct db *db, const struct op_row *op, struct error *err);

/* What the hosts of both ends have to know of one that goes on. */
void copy_fill_op(const struct flow *flow, const struct op_row *row, struct arena *arena,
                  struct desired_op *op);
NODISCARD bool copy_add_ends(struct db *db, const struct flow *flow, int64_t contract_id,
                             struct instant now, struct arena *arena,
                             struct desired_instance *instance, struct error *err);

#endif
