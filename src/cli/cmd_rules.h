/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to rentals by themselves, and for how long they go on. */

#ifndef BERTH_CLI_CMD_RULES_H
#define BERTH_CLI_CMD_RULES_H

#include "cli/command.h"

extern const struct args_option cmd_set_rules_options[];
extern const struct args_option cmd_extend_machine_options[];

bool cmd_set_rules(struct cli *cli, struct error *err);
bool cmd_extend_machine(struct cli *cli, struct error *err);

#endif
