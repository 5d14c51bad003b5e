/* SPDX-License-Identifier: Apache-2.0 */
/* One-shot operations on an instance: its logs, a command. Asked for by the renter, carried out by
 * the agent at most once, and fetched by an unguessable token. */

#ifndef BERTH_FLOW_OP_H
#define BERTH_FLOW_OP_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "flow/session.h"
#include "proto/desired.h"
#include "proto/heartbeat.h"

enum {
    OP_EXPIRES_SECONDS = 60,     /* not begun by then: never */
    OP_KEPT_SECONDS = 24 * 3600, /* results, before they are removed */
    OP_TAIL_DEFAULT = 1000,
    OP_FILTER_LENGTH_MAX = 1024,
};

enum op_outcome {
    OP_ACCEPTED,
    OP_NO_INSTANCE,
    OP_NOT_REACHABLE, /* the host is offline */
    OP_NOT_RUNNING,   /* exec in an instance that does not run */
    OP_BAD_COMMAND,   /* empty or too long; a filter or a tail likewise; no time */
    OP_TOO_MANY,      /* operations waiting on this machine */
};

struct op_request {
    int64_t instance_id;
    enum op_kind kind;
    const char *command; /* exec */
    const char *filter;  /* logs; NULL: all */
    int64_t tail;        /* logs; 0: OP_TAIL_DEFAULT */
    const char
        *since; /* logs: DESIRED_SINCE_ALL, or the time of a line (proto/desired.h); or NULL */
    bool is_daemon_log;
};

struct op_reply {
    enum op_outcome outcome;
    char token[TOKEN_TEXT_SIZE]; /* for flow_op_fetch(): who has it may read the result */
};

NODISCARD bool flow_op_create(const struct flow *flow, const struct caller *caller,
                              const struct op_request *request, struct op_reply *ret,
                              struct error *err);

enum op_state { OP_STATE_PENDING, OP_STATE_DONE, OP_STATE_FAILED, OP_STATE_UNKNOWN, OP_STATE_NONE };

struct op_view {
    enum op_state state; /* OP_STATE_NONE: no such token */
    const char *output;  /* in the arena */
    int64_t exit_code;   /* of a command that has ended; -1: none is known */
};

NODISCARD bool flow_op_fetch(const struct flow *flow, const char *token, struct arena *arena,
                             struct op_view *ret, struct error *err);

/* A result from the agent, with its sequence number in the stream "op". A result that is known
 * already, or of an unknown operation, changes nothing and is TAKE_DONE. */
NODISCARD bool flow_op_result(const struct flow *flow, int64_t machine_id, int64_t epoch,
                              int64_t seq, const struct op_result *result, enum take_outcome *ret,
                              struct error *err);

/* Expire what was not begun in time; remove results past OP_KEPT_SECONDS. */
NODISCARD bool flow_op_expire(const struct flow *flow, struct error *err);

#endif
