/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own job for GPUs that nobody rents. */

#ifndef BERTH_CLI_CMD_IDLE_JOB_H
#define BERTH_CLI_CMD_IDLE_JOB_H

#include "cli/command.h"

extern const struct args_option cmd_set_defjob_options[];

bool cmd_set_defjob(struct cli *cli, struct error *err);
bool cmd_show_defjob(struct cli *cli, struct error *err);
bool cmd_remove_defjob(struct cli *cli, struct error *err);

#endif
