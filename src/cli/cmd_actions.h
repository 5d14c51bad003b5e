/* SPDX-License-Identifier: Apache-2.0 */
/* Acting on the caller's instances. */

#ifndef BERTH_CLI_CMD_ACTIONS_H
#define BERTH_CLI_CMD_ACTIONS_H

#include "cli/command.h"

/* On each of the ids in turn, up to the first that fails. */
bool cmd_start_instance(struct cli *cli, struct error *err);
bool cmd_stop_instance(struct cli *cli, struct error *err);
bool cmd_reboot_instance(struct cli *cli, struct error *err);
bool cmd_destroy_instance(struct cli *cli, struct error *err);

bool cmd_label_instance(struct cli *cli, struct error *err);
bool cmd_grow_instance(struct cli *cli, struct error *err);

extern const struct args_option cmd_destroy_instance_options[];
extern const struct args_option cmd_reboot_instance_options[];

#endif
