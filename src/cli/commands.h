/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands, grouped by theme: see cli/command.h. */

#ifndef BERTH_CLI_COMMANDS_H
#define BERTH_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command commands[];
extern const size_t command_count;

#endif
