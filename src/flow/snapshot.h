/* SPDX-License-Identifier: Apache-2.0 */
/* A renter wants an instance's files as an image in a registry: an operation of its host, which
 * ends when the image is there. The login to that registry is sealed while it waits. */

#ifndef BERTH_FLOW_SNAPSHOT_H
#define BERTH_FLOW_SNAPSHOT_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "flow/op.h"
#include "store/op.h"

enum {
    SNAPSHOT_SECONDS_MAX = 2 * 3600, /* from the request to its end */
    SNAPSHOT_IMAGE_LENGTH_MAX = 512,
    SNAPSHOT_LOGIN_LENGTH_MAX = 4096,
};

enum snapshot_outcome {
    SNAPSHOT_BEGUN,
    SNAPSHOT_NO_INSTANCE,
    SNAPSHOT_NOT_REACHABLE,
    SNAPSHOT_NOT_RUNNING,
    SNAPSHOT_BAD_IMAGE, /* no reference, one by a digest, or too long: `err` says it */
    SNAPSHOT_BAD_LOGIN, /* none, or too long: likewise */
    SNAPSHOT_BUSY,      /* too much waits on its machine */
};

struct snapshot_request {
    int64_t instance_id;
    const char *image; /* as market/image.h reads it */
    const char *login; /* as market/launch.h reads it; or NULL */
    bool is_paused;
};

struct snapshot_reply {
    enum snapshot_outcome outcome;
    struct error why;            /* of what is bad */
    char token[TOKEN_TEXT_SIZE]; /* for flow_op_fetch(): what it says in the end */
};

NODISCARD bool flow_snapshot(const struct flow *flow, const struct caller *caller,
                             const struct snapshot_request *request, struct snapshot_reply *ret,
                             struct error *err);

/* Inside src/flow/: what the host has to know of one that waits. Its login is opened. */
NODISCARD bool snapshot_fill_op(struct db *db, const struct flow *flow, const struct op_row *row,
                                struct arena *arena, struct desired_op *op, struct error *err);

#endif
