/* SPDX-License-Identifier: Apache-2.0 */
/* launch instance: search and rent in one request. update instance: run something else in the place
 * of what runs. */

#ifndef BERTH_CLI_CMD_LAUNCH_H
#define BERTH_CLI_CMD_LAUNCH_H

#include "cli/command.h"

extern const struct args_option cmd_launch_instance_options[];
extern const struct args_option cmd_update_instance_options[];

command_run cmd_launch_instance, cmd_update_instance;

#endif
