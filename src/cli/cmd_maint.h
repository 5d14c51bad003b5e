/* SPDX-License-Identifier: Apache-2.0 */
/* When machines are announced to be away, or taken back. */

#ifndef BERTH_CLI_CMD_MAINT_H
#define BERTH_CLI_CMD_MAINT_H

#include "cli/command.h"

bool cmd_schedule_maint(struct cli *cli, struct error *err);
bool cmd_cancel_maint(struct cli *cli, struct error *err);
bool cmd_host_reclaim(struct cli *cli, struct error *err);
bool cmd_show_maints(struct cli *cli, struct error *err);

extern const struct args_option cmd_show_maints_options[];
extern const struct args_option cmd_schedule_maint_options[];
extern const struct args_option cmd_host_reclaim_options[];

#endif
