/* SPDX-License-Identifier: Apache-2.0 */
/* berth take snapshot: an instance's files as an image in a registry. */

#ifndef BERTH_CLI_CMD_SNAPSHOT_H
#define BERTH_CLI_CMD_SNAPSHOT_H

#include "cli/command.h"

extern const struct args_option cmd_take_snapshot_options[];

command_run cmd_take_snapshot;

#endif
