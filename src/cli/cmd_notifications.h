/* SPDX-License-Identifier: Apache-2.0 */
/* What the account is told of, and how. */

#ifndef BERTH_CLI_CMD_NOTIFICATIONS_H
#define BERTH_CLI_CMD_NOTIFICATIONS_H

#include "cli/command.h"

extern const struct args_option cmd_set_notifications_options[];

bool cmd_show_notifications(struct cli *cli, struct error *err);
bool cmd_set_notifications(struct cli *cli, struct error *err);

#endif
