/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the server from within: what its parts share. agent/link.c opens sessions and keeps
 * them, agent/link_enrol.c joins and comes back. */

#ifndef BERTH_AGENT_LINK_INSIDE_H
#define BERTH_AGENT_LINK_INSIDE_H

#include "agent/link.h"
#include "base/json.h"
#include "proto/hello.h"

enum {
    LINK_ANSWER_MS = 15000,
    LINK_REPLY_MAX = 65536,
};

enum link_state { LINK_ENROL, LINK_NONCE, LINK_SESSION, LINK_OPEN };

struct link {
    struct link_options options;
    struct loop *loop;
    struct web *web;
    char *url, *ca_file, *token;
    enum link_state state;
    int64_t session_epoch, heartbeat_ms;
    int64_t heartbeat_seq, poll_seq, op_seq; /* the last ones that were used */
    int64_t applied_rev, told_rev;           /* told: by the answer to a heartbeat */
    bool has_applied;                        /* since the last answer to a poll */
    bool is_first_poll;  /* of this session: the full state, whatever was applied */
    enum link_post post; /* what is on its way in `op` */
    bool is_shut_out;    /* no key of it was let in, and that is said */
    bool is_hurried;     /* a change came while a heartbeat was under way */
    int failure_count;   /* to open a session, since a heartbeat was accepted */
    int miss_count;      /* of heartbeats, in a row */
    uint8_t nonce[32];
    struct web_call *step, *heartbeat, *poll, *op;
    struct loop_timer *step_timer, *heartbeat_timer, *poll_timer, *late_timer;
};

struct link_call {
    const char *method, *path, *stream;
    int64_t seq;
    const struct buf *body; /* or NULL */
    int64_t timeout_ms;
    size_t reply_max;
    web_on_done *on_done;
};

void link_send_plain(struct link *link, const struct link_call *call, const char *const *headers,
                     struct web_call **owner);

/* Back to the nonce, or to enrolment; the next step comes so soon. */
void link_leave_session(struct link *link, int64_t delay_ms);

/* The same after a failure, later with each in a row. */
void link_start_over(struct link *link, const char *why);
void link_fail_step(struct link *link, const struct web_answer *answer);

bool link_parse_reply(const struct web_answer *answer, json_t **ret_root, struct error *err);

#endif
