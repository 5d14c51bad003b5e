/* SPDX-License-Identifier: Apache-2.0 */
/* Teams: accounts that several people act for (api.md 3.1).
 *
 * A team is an account of its own: its credit, machines, instances and keys are nobody's but its.
 * It has no password and no mailbox; its mails go to its owner. A member acts for it with a key of
 * the team that is theirs, which can do what both the key and the member's role allow: that is
 * asked with every call (flow/account.c), so a member who is removed is out at once.
 *
 * Nobody gives what they do not have: a role that somebody makes, changes or invites to is within
 * what the one who does it may. The owner's role is the one that made the team; it stays. */

#ifndef BERTH_FLOW_TEAM_H
#define BERTH_FLOW_TEAM_H

#include "base/arena.h"
#include "flow/account.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/team.h"

enum {
    TEAMS_MAX = 20,         /* that one account owns */
    TEAM_MEMBERS_MAX = 200, /* of a team */
    TEAM_ROLES_MAX = 50,
    TEAM_INVITES_MAX = 50, /* that wait to be accepted */
    TEAM_NAME_MAX = 64,    /* bytes of a team's and of a role's name */
    TEAM_INVITE_SECONDS = 7 * 24 * 3600,
};

#define TEAM_OWNER_ROLE "owner"

enum team_outcome {
    TEAM_DONE,
    TEAM_NONE,        /* the caller acts for no team */
    TEAM_IS_ONE,      /* a team makes and joins none */
    TEAM_BAD_NAME,    /* empty, too long, or with what would break a line */
    TEAM_TAKEN,       /* the name */
    TEAM_TOO_MANY,    /* of whatever it is */
    TEAM_NO_CREDIT,   /* to begin with: not so much bought credit */
    TEAM_NOT_OWNER,   /* that is the owner's to do, or to be left alone */
    TEAM_OWNER_STAYS, /* nobody takes the owner out */
    TEAM_IN_USE,      /* it has instances, machines, earnings or debt; or a role has members */
    TEAM_UNKNOWN,     /* no such team, role or member */
    TEAM_BAD_RIGHTS,  /* no permission object */
    TEAM_EXCEEDS,     /* more than the caller may */
    TEAM_BAD_EMAIL,
    TEAM_INVITED, /* an invitation is on its way there */
    TEAM_MEMBER,  /* is one already */
    TEAM_BAD_CODE,
    TEAM_OTHER_EMAIL, /* the invitation is for another one than the account's */
    TEAM_UNVERIFIED,  /* mail never arrived at the account's email */
    TEAM_THROTTLED,
};

struct team_reply {
    enum team_outcome outcome;
    int64_t wait_us;
    int64_t team_id, key_id;
    char team_name[TEAM_NAME_MAX + 1], role[TEAM_NAME_MAX + 1];
    char api_key[TOKEN_TEXT_SIZE]; /* for whoever joined or made it; shown this once */
};

/* Whether a team or a role may be called that: 1 to TEAM_NAME_MAX bytes, no control characters. */
bool team_name_is_good(const char *name);

/* It gets that much of the caller's bought credit. */
NODISCARD bool flow_team_create(const struct flow *flow, const struct caller *caller,
                                const char *name, struct money credit, struct team_reply *ret,
                                struct error *err);

/* The one that the caller acts for. What is left of its bought credit goes to its owner. */
NODISCARD bool flow_team_destroy(const struct flow *flow, const struct caller *caller,
                                 struct team_reply *ret, struct error *err);

/* Those that the caller is a member of. */
NODISCARD bool flow_team_list(const struct flow *flow, const struct caller *caller,
                              struct arena *arena, struct team_member_row **ret, size_t *ret_count,
                              struct error *err);

/* One more key with which the caller acts for a team of theirs. */
NODISCARD bool flow_team_key(const struct flow *flow, const struct caller *caller, int64_t team_id,
                             struct team_reply *ret, struct error *err);

/* No member of it any more. */
NODISCARD bool flow_team_leave(const struct flow *flow, const struct caller *caller,
                               int64_t team_id, struct team_reply *ret, struct error *err);

/* Within a transaction, for the flows of teams: a key of a member's, its secret in `ret`. */
NODISCARD bool team_open_key(struct db *db, int64_t team_id, int64_t user_id, const char *name,
                             struct instant now, struct team_reply *ret, struct error *err);

/* And the end of a membership, with all its keys. */
NODISCARD bool team_drop_member(struct db *db, int64_t team_id, int64_t user_id, struct instant now,
                                int64_t *ret_count, struct error *err);

#endif
