/* SPDX-License-Identifier: Apache-2.0 */
/* A machine turns its key (control.md 3.6): the new one signs that it is there, the one before that
 * it is to follow. The session ends with that, so what other servers know of it is stale at once;
 * sessions are opened by either key for a day, so that a machine which did not hear the answer is
 * let in, and by the new one alone from then on.
 *
 * Only the newest key can be followed: who has an old one cannot bring another in. None is followed
 * while the one before it is good, for that one's day would be over early: a host that holds it
 * alone would be locked out, and who has stolen the newest could hurry. And while there may be two
 * of a machine, or it is not what it was, none is followed: it would lock the right one out. */

#ifndef BERTH_FLOW_MACHINE_KEY_H
#define BERTH_FLOW_MACHINE_KEY_H

#include "flow/flow.h"
#include "flow/session.h"
#include "proto/hello.h"
#include "store/machine.h"

#define MACHINE_KEY_FORMER_US (24 * US_PER_HOUR) /* how long the one before is good */

enum machine_key_outcome {
    MACHINE_KEY_TURNED,   /* or was before: the session is over where this did it */
    MACHINE_KEY_FENCED,   /* another session has taken over */
    MACHINE_KEY_REPLAY,   /* this sequence number, or a later one, was used */
    MACHINE_KEY_UNSIGNED, /* by the new key, or by the machine's newest */
    MACHINE_KEY_IN_USE,   /* it is, or was, another machine's, or this one's before */
    MACHINE_KEY_TOO_SOON, /* the key before the newest is still good */
    MACHINE_KEY_SUSPECT,  /* of a machine in quarantine, or with a twin: not now */
};

/* The owner's audit log has each turn by this name. */
#define MACHINE_KEY_ROUTE "agent.key"

/* Something happened to the machine's keys: for its owner's audit log. */
NODISCARD bool machine_key_log(struct db *db, const struct machine_row *machine, const char *route,
                               struct instant now, struct error *err);

/* `seq` is of the stream of operations. */
struct machine_key_call {
    int64_t machine_id, session_epoch, seq;
    struct key_request request;
};
struct machine_key_reply {
    enum machine_key_outcome outcome;
    struct instant open_from; /* where it is too soon: from when on it is not */
};
NODISCARD bool flow_machine_key(const struct flow *flow, const struct machine_key_call *call,
                                struct machine_key_reply *ret, struct error *err);

#endif
