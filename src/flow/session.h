/* SPDX-License-Identifier: Apache-2.0 */
/* An agent connects: a fresh nonce, its signature over it, and from there a new epoch. Whoever
 * holds an older epoch can no longer write anything. */

#ifndef BERTH_FLOW_SESSION_H
#define BERTH_FLOW_SESSION_H

#include "flow/flow.h"
#include "proto/hello.h"
#include "store/session.h"

enum { NONCE_SECONDS = 60 };

/* `*ret_has` is false for an unknown machine. */
NODISCARD bool flow_session_nonce(const struct flow *flow, int64_t machine_id,
                                  uint8_t ret_nonce[static 32], bool *ret_has, struct error *err);

enum session_outcome {
    SESSION_OPEN,
    SESSION_REFUSED,     /* unknown machine, nonce or signature: which one is not said */
    SESSION_QUARANTINED, /* open, but other hardware than before: rents nothing until cleared */
    SESSION_GPU_IN_USE,  /* a GPU of it is live on another machine */
    SESSION_SIMULATED,
    SESSION_BAD_FACTS,
};

struct session_open_reply {
    enum session_outcome outcome;
    struct session_reply reply; /* where open */
};

/* `server_proc` names this process among servers, for others to see who holds the agent. */
NODISCARD bool flow_session_open(const struct flow *flow, const struct session_request *request,
                                 const char *server_proc, struct session_open_reply *ret,
                                 struct error *err);

struct machine_identity {
    uint8_t public_key[32];
    int64_t session_epoch; /* 0: none yet */
};

/* For checking signatures of requests. `*ret_has` is false for an unknown machine. */
NODISCARD bool flow_machine_identity(const struct flow *flow, int64_t machine_id,
                                     struct machine_identity *ret, bool *ret_has,
                                     struct error *err);

enum take_outcome {
    TAKE_DONE,
    TAKE_FENCED, /* another session has taken over: answer 409 */
    TAKE_REPLAY, /* this sequence number, or a later one, was used */
};

/* Within a transaction of another flow; see flow_session_take(). */
NODISCARD bool session_try(struct db *db, int64_t machine_id, int64_t epoch,
                           enum session_stream stream, int64_t seq, enum take_outcome *ret,
                           struct error *err);

/* Use up a sequence number of a stream (heartbeats and results of operations do it themselves). */
NODISCARD bool flow_session_take(const struct flow *flow, int64_t machine_id, int64_t epoch,
                                 enum session_stream stream, int64_t seq, enum take_outcome *ret,
                                 struct error *err);

#endif
