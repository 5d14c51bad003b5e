/* SPDX-License-Identifier: Apache-2.0 */
/* A volume made of another one on the same machine: its host copies all that is in it.
 *
 * The new one is made, and paid for, as any (flow/volume.h); what is copied is what is there while
 * the host copies, and whoever writes meanwhile may find that or not. Until it has been copied no
 * instance mounts the new one, and the old one cannot be deleted. A copy that comes to nothing
 * takes the new volume with it: nobody pays for half of one. */

#ifndef BERTH_FLOW_VOLUME_CLONE_H
#define BERTH_FLOW_VOLUME_CLONE_H

#include "flow/volume.h"
#include "proto/desired.h"
#include "store/op.h"

enum { VOLUME_CLONE_SECONDS_MAX = 12 * 3600 }; /* from the request to the end of the copy */

enum volume_clone_outcome {
    VOLUME_CLONE_BEGUN,
    VOLUME_CLONE_NO_SOURCE,
    VOLUME_CLONE_REFUSED,   /* no volume can be made: `made.outcome` */
    VOLUME_CLONE_ELSEWHERE, /* the offer is of another machine */
    VOLUME_CLONE_TOO_SMALL, /* smaller than the source: `source_gb` */
    VOLUME_CLONE_FILLING,   /* the source is a copy that is not complete itself */
    VOLUME_CLONE_BUSY,      /* too much goes on on that host */
};

struct volume_clone_request {
    int64_t source_id, offer_id;
    int64_t size_gb; /* 0: as the source */
};
struct volume_clone_reply {
    enum volume_clone_outcome outcome;
    struct volume_reply made;
    int64_t source_gb;
    char token[TOKEN_TEXT_SIZE]; /* for flow_op_fetch(): what it says in the end */
};
NODISCARD bool flow_volume_clone(const struct flow *flow, const struct caller *caller,
                                 const struct volume_clone_request *request,
                                 struct volume_clone_reply *ret, struct error *err);

/* Give up on copies that nobody began in time: a part of flow_op_expire(). */
NODISCARD bool flow_volume_clone_expire(const struct flow *flow, struct error *err);

/* Inside src/flow. */
bool volume_clone_is(const struct op_row *op);

/* The host's word on it has come. */
NODISCARD bool volume_clone_ended(struct db *db, const struct op_row *op, bool is_done,
                                  struct instant now, struct error *err);

/* What the host has to know of one that goes on. */
NODISCARD bool volume_clone_fill_op(struct db *db, const struct op_row *row, struct arena *arena,
                                    struct desired_op *op, struct error *err);

NODISCARD bool volume_is_filling(struct db *db, int64_t volume_id, struct instant now, bool *ret,
                                 struct error *err);

/* One that is made of this volume now; 0: none. And end the copying into this one. */
NODISCARD bool volume_clone_of(struct change *change, int64_t volume_id, int64_t *ret_id,
                               struct error *err);
NODISCARD bool volume_clone_cancel(struct change *change, int64_t volume_id, struct error *err);

#endif
