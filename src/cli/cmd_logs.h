/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance says: logs, execute. */

#ifndef BERTH_CLI_CMD_LOGS_H
#define BERTH_CLI_CMD_LOGS_H

#include "cli/command.h"

bool cmd_logs(struct cli *cli, struct error *err);
bool cmd_execute(struct cli *cli, struct error *err);

extern const struct args_option cmd_logs_options[];
extern const struct args_option cmd_execute_options[];

#endif
