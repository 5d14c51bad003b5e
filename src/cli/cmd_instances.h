/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the caller's instances. */

#ifndef BERTH_CLI_CMD_INSTANCES_H
#define BERTH_CLI_CMD_INSTANCES_H

#include "cli/command.h"

bool cmd_show_instances(struct cli *cli, struct error *err);
bool cmd_show_instance(struct cli *cli, struct error *err);
bool cmd_why(struct cli *cli, struct error *err);

extern const struct args_option cmd_show_instances_options[];

/* The instance of that id, which the caller owns; ERROR_NOT_FOUND where there is none. */
NODISCARD bool instance_fetch(struct cli *cli, long long id, json_t **ret_instance,
                              struct error *err);

/* Where it is reached by SSH: its own port on the host, else the market's relay. False while that
 * is not known. `host` points into the instance. */
bool instance_ssh_address(const json_t *instance, const char **ret_host, int *ret_port);

#endif
