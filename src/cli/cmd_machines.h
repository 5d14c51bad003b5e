/* SPDX-License-Identifier: Apache-2.0 */
/* For hosts: their machines, what they are listed for, and how another one joins. */

#ifndef BERTH_CLI_CMD_MACHINES_H
#define BERTH_CLI_CMD_MACHINES_H

#include "cli/command.h"

bool cmd_show_machines(struct cli *cli, struct error *err);
bool cmd_show_machine(struct cli *cli, struct error *err);
bool cmd_list_machine(struct cli *cli, struct error *err);
bool cmd_unlist_machine(struct cli *cli, struct error *err);
bool cmd_host_token(struct cli *cli, struct error *err);

extern const struct args_option cmd_host_token_options[];
extern const struct args_option cmd_show_machines_options[];
extern const struct args_option cmd_list_machine_options[];

/* "2027-01-31", "01/31/2027" or seconds since 1970, as seconds since 1970, UTC. */
NODISCARD bool machines_parse_date(const char *text, int64_t *ret_seconds);

#endif
