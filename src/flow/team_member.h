/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts for a team: invited by mail, in with the code that comes back, and out when removed
 * (flow/team.h).
 *
 * An invitation is for one email: the code is good for the account that has it, and mail arrives
 * there. It names a role by its number; where that role is gone by then, it is good for nothing. */

#ifndef BERTH_FLOW_TEAM_MEMBER_H
#define BERTH_FLOW_TEAM_MEMBER_H

#include "flow/team.h"

NODISCARD bool flow_team_member_list(const struct flow *flow, const struct caller *caller,
                                     struct arena *arena, struct team_member_row **ret,
                                     size_t *ret_count, enum team_outcome *ret_outcome,
                                     struct error *err);
NODISCARD bool flow_team_invite(const struct flow *flow, const struct caller *caller,
                                const char *email, const char *role, struct team_reply *ret,
                                struct error *err);

/* The caller is a member from now on, with a key to act for the team. */
NODISCARD bool flow_team_accept(const struct flow *flow, const struct caller *caller,
                                const char *code, const char *address, struct team_reply *ret,
                                struct error *err);

/* Their keys open nothing any more. */
NODISCARD bool flow_team_remove(const struct flow *flow, const struct caller *caller,
                                int64_t user_id, enum team_outcome *ret, struct error *err);

#endif
