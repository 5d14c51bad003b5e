/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between an instance and a cloud store of its renter's (api.md 2.9).
 *
 * A connection is a name, a kind of store (market/cloud.h) and what it takes to get in there, which
 * lies sealed by the account's key and is shown to nobody. A copy is an operation of the instance's
 * host: while it goes on, and no longer, the host is told the connection's settings, which it keeps
 * in memory alone, and a secret (sys/copy_secret.h) whose key opens that instance's files. How far
 * it is and how it ended is the instance's status_msg. */

#ifndef BERTH_FLOW_CLOUD_H
#define BERTH_FLOW_CLOUD_H

#include "base/arena.h"
#include "base/json.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "market/cloud.h"
#include "proto/desired.h"
#include "store/cloud.h"
#include "store/op.h"
#include "sys/crypto.h"

enum {
    CLOUDS_MAX = 32,               /* connections of an account */
    CLOUD_COPIES_MAX = 32,         /* of an account at a time */
    CLOUD_SECONDS_MAX = 24 * 3600, /* from the request to its end */
};

enum cloud_outcome {
    CLOUD_DONE,
    CLOUD_BAD_NAME,
    CLOUD_BAD_KIND,
    CLOUD_BAD_CONFIG, /* `why` says what is wrong */
    CLOUD_TOO_MANY,
    CLOUD_UNKNOWN, /* no such connection on the account */
};

struct cloud_request {
    const char *name, *kind;
    const json_t *config; /* an object of texts */
};

NODISCARD bool flow_cloud_create(const struct flow *flow, const struct caller *caller,
                                 const struct cloud_request *request, struct cloud_row *ret_row,
                                 enum cloud_outcome *ret, struct error *why, struct error *err);

/* Without what is sealed. */
NODISCARD bool flow_cloud_list(const struct flow *flow, const struct caller *caller,
                               struct arena *arena, struct cloud_row **ret, size_t *ret_count,
                               struct error *err);

/* What goes on by it ends. */
NODISCARD bool flow_cloud_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                                 enum cloud_outcome *ret, struct error *err);

enum cloud_copy_outcome {
    CLOUD_COPY_BEGUN,
    CLOUD_COPY_NO_INSTANCE,
    CLOUD_COPY_NO_CONNECTION,
    CLOUD_COPY_BAD_PATH,
    CLOUD_COPY_BAD_FLAG, /* none of rclone's that a copy may have */
    CLOUD_COPY_NOT_REACHABLE,
    CLOUD_COPY_BUSY, /* one goes on at that instance, or too many do on the host or the account */
};

struct cloud_copy_request {
    int64_t instance_id, cloud_id;
    const char *instance_path, *cloud_path;
    bool is_to_cloud;
    const char *flags; /* with a blank between them */
};

struct cloud_copy_reply {
    enum cloud_copy_outcome outcome;
    char token[TOKEN_TEXT_SIZE]; /* for flow_op_fetch(): what it says in the end */
};

NODISCARD bool flow_cloud_copy(const struct flow *flow, const struct caller *caller,
                               const struct cloud_copy_request *request,
                               struct cloud_copy_reply *ret, struct error *err);

/* End what goes on at the caller's instance; `*ret_count` is how many those were. */
NODISCARD bool flow_cloud_cancel(const struct flow *flow, const struct caller *caller,
                                 int64_t instance_id, int64_t *ret_count, struct error *err);

/* Within a transaction: what the host has to know of one that goes on. `*ret_has` false: its
 * connection is gone, and it with that. */
NODISCARD bool cloud_fill_op(struct db *db, const struct flow *flow, const struct op_row *row,
                             struct arena *arena, struct desired_op *op, bool *ret_has,
                             struct error *err);

#endif
