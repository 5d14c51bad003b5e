/* SPDX-License-Identifier: Apache-2.0 */
/* berth migrate: what is stopped goes to another machine, with its files and settings. */

#ifndef BERTH_CLI_CMD_MIGRATE_H
#define BERTH_CLI_CMD_MIGRATE_H

#include "cli/command.h"

extern const struct args_option cmd_migrate_instance_options[];

command_run cmd_migrate_instance;

#endif
