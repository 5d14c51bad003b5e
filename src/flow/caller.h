/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking: made once at the door, from an API key or an agent's signature, and passed down
 * from there. */

#ifndef BERTH_FLOW_CALLER_H
#define BERTH_FLOW_CALLER_H

#include <stdbool.h>
#include <stdint.h>

/* Permission categories of a key, api.md 2.11. SCOPE_MISC covers what every key may do. */
enum scope {
    SCOPE_NONE = 0, /* the route asks for none */
    SCOPE_INSTANCE_READ = 1 << 0,
    SCOPE_INSTANCE_WRITE = 1 << 1,
    SCOPE_USER_READ = 1 << 2,
    SCOPE_USER_WRITE = 1 << 3,
    SCOPE_BILLING_READ = 1 << 4,
    SCOPE_BILLING_WRITE = 1 << 5,
    SCOPE_MACHINE_READ = 1 << 6,
    SCOPE_MACHINE_WRITE = 1 << 7,
    SCOPE_MISC = 1 << 8,
    SCOPE_TEAM_READ = 1 << 9,
    SCOPE_TEAM_WRITE = 1 << 10,
    SCOPE_ALL = (1 << 11) - 1,
};

/* Kinds of callers, as bits: for routes to name who may call them. */
enum caller_kind {
    CALLER_ANYONE = 1 << 0,   /* no key needed; one that is given must be good */
    CALLER_USER = 1 << 1,     /* renters and hosts: everybody with an account */
    CALLER_INSTANCE = 1 << 2, /* an instance's own key, for its own instance only */
    CALLER_ADMIN = 1 << 3,
    CALLER_AGENT = 1 << 4, /* a machine, by its signature */
};

/* The proven caller. All zero: nobody in particular. */
struct caller {
    enum caller_kind kind; /* one bit */
    int64_t user_id;       /* 0 for nobody and for agents */
    int64_t key_id;
    int64_t scopes;      /* of the key: a set of enum scope */
    int64_t narrowed;    /* those of which it has some routes only: see its rights */
    bool is_admin;       /* an operator: may call what users may, too */
    int64_t instance_id; /* of an instance's own key: it may touch that one only; else 0 */
    int64_t machine_id;  /* of an agent; else 0 */
    int64_t session_epoch;
    int64_t login_id;      /* of a session that somebody logged in to; else 0 */
    int64_t login_seen_us; /* when that was last written down */
    bool has_tfa;          /* the account has a second factor */
    bool is_stepped;       /* and this session has shown it lately */
    int64_t actor_id;      /* who acts, where the account is a team's: a member; else user_id */
};

/* The member who acts for a team; 0: the account's own. */
static inline int64_t caller_member(const struct caller *caller)
{
    return caller->actor_id != caller->user_id ? caller->actor_id : 0;
}

#endif
