/* SPDX-License-Identifier: Apache-2.0 */
/* Teams, their members and roles. What acts for a team is a key of it, given like any other. */

#ifndef BERTH_CLI_CMD_TEAMS_H
#define BERTH_CLI_CMD_TEAMS_H

#include "cli/command.h"

extern const struct args_option cmd_create_team_options[], cmd_invite_member_options[],
    cmd_team_role_options[];

bool cmd_create_team(struct cli *cli, struct error *err);
bool cmd_destroy_team(struct cli *cli, struct error *err);
bool cmd_show_teams(struct cli *cli, struct error *err);
bool cmd_create_team_key(struct cli *cli, struct error *err);
bool cmd_leave_team(struct cli *cli, struct error *err);
bool cmd_show_members(struct cli *cli, struct error *err);
bool cmd_invite_member(struct cli *cli, struct error *err);
bool cmd_accept_invite(struct cli *cli, struct error *err);
bool cmd_remove_member(struct cli *cli, struct error *err);
bool cmd_create_team_role(struct cli *cli, struct error *err);
bool cmd_show_team_roles(struct cli *cli, struct error *err);
bool cmd_show_team_role(struct cli *cli, struct error *err);
bool cmd_update_team_role(struct cli *cli, struct error *err);
bool cmd_remove_team_role(struct cli *cli, struct error *err);

#endif
