/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking: login, logout, show user. */

#ifndef BERTH_CLI_CMD_LOGIN_H
#define BERTH_CLI_CMD_LOGIN_H

#include "cli/command.h"

extern const struct args_option cmd_login_options[];

bool cmd_login(struct cli *cli, struct error *err);
bool cmd_logout(struct cli *cli, struct error *err);
bool cmd_show_user(struct cli *cli, struct error *err);

#endif
