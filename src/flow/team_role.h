/* SPDX-License-Identifier: Apache-2.0 */
/* What a team's members may do: roles, each a name and a permission object (flow/team.h). */

#ifndef BERTH_FLOW_TEAM_ROLE_H
#define BERTH_FLOW_TEAM_ROLE_H

#include "flow/team.h"

/* Without the owner's. TEAM_NONE or TEAM_DONE. */
NODISCARD bool flow_team_role_list(const struct flow *flow, const struct caller *caller,
                                   struct arena *arena, struct team_role_row **ret,
                                   size_t *ret_count, enum team_outcome *ret_outcome,
                                   struct error *err);

/* `rights`: a permission object as JSON, whose routes there are (server/rights.h). */
NODISCARD bool flow_team_role_create(const struct flow *flow, const struct caller *caller,
                                     const char *name, const char *rights, enum team_outcome *ret,
                                     struct error *err);

/* Whoever has it has the new rights from their next call on. */
NODISCARD bool flow_team_role_update(const struct flow *flow, const struct caller *caller,
                                     int64_t id, const char *name, const char *rights,
                                     enum team_outcome *ret, struct error *err);
NODISCARD bool flow_team_role_delete(const struct flow *flow, const struct caller *caller,
                                     const char *name, enum team_outcome *ret, struct error *err);

/* Whether the caller may give that: it is all within what the caller may do whole. */
bool team_role_is_within(const struct team_role_row *role, const struct caller *caller);

#endif
