/* SPDX-License-Identifier: Apache-2.0 */
/* An agent connects: a nonce, its signature over it, and from there a new epoch. Whoever
 * holds an older epoch can no longer write anything. */

#ifndef BERTH_FLOW_SESSION_H
#define BERTH_FLOW_SESSION_H

#include "flow/flow.h"
#include "flow/nonce.h"
#include "proto/hello.h"
#include "store/session.h"

/* For a machine that is unknown it is one that opens nothing: nobody learns here which there are.
 */
NODISCARD bool flow_session_nonce(const struct flow *flow, int64_t machine_id,
                                  uint8_t ret_nonce[static NONCE_SIZE], struct error *err);

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
    uint8_t public_key[32];     /* the machine's, by which it was opened, where open */
    struct instant key_until;   /* that key is good until then; INSTANT_NEVER: it is the newest */
    bool has_twin;              /* another machine has its key; it was taken off the market */
};

/* `server_proc` names this process among servers, for others to see who holds the agent. */
NODISCARD bool flow_session_open(const struct flow *flow, const struct session_request *request,
                                 const char *server_proc, struct session_open_reply *ret,
                                 struct error *err);

/* The same without waiting for it, with others in one statement where nothing of the machine is
 * new: for when all come back at once. The listener hears of what came of it once that is durable,
 * or, with NULL, why it is not; on whichever thread. Until then the request and the arena are this
 * flow's. */
typedef void session_open_done(void *context, const struct session_open_reply *reply,
                               const struct error *err);
struct session_open_listener {
    session_open_done *done;
    void *context;
};
struct session_open_call {
    const struct session_request *request;
    const char *server_proc;
    struct arena *arena;
    struct session_open_listener listener;
};
void flow_session_open_later(const struct flow *flow, const struct session_open_call *call);

/* For checking signatures of requests. `*ret_has` is false for an unknown machine. */
NODISCARD bool flow_session_identity(const struct flow *flow, int64_t machine_id,
                                     struct session_identity *ret, bool *ret_has,
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

/* The same for a poll, without waiting for it, with others in one statement. With NULL the listener
 * hears why it is not stored. False: the arena has no room. */
typedef void session_poll_done(void *context, const enum take_outcome *outcome,
                               const struct error *err);
struct session_poll_call {
    int64_t machine_id, epoch, seq;
    struct arena *arena;
    session_poll_done *done;
    void *context;
};
NODISCARD bool flow_session_poll_later(const struct flow *flow,
                                       const struct session_poll_call *call);

#endif
