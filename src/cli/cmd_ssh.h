/* SPDX-License-Identifier: Apache-2.0 */
/* Ways into an instance: ssh, copy, open, ssh-url, scp-url. */

#ifndef BERTH_CLI_CMD_SSH_H
#define BERTH_CLI_CMD_SSH_H

#include "cli/command.h"

/* Wait until the instance runs, then become OpenSSH's own ssh. */
bool cmd_ssh(struct cli *cli, struct error *err);
/* The same, become rsync; between two instances, run it twice. */
bool cmd_copy(struct cli *cli, struct error *err);
bool cmd_open(struct cli *cli, struct error *err);
bool cmd_ssh_url(struct cli *cli, struct error *err);
bool cmd_scp_url(struct cli *cli, struct error *err);

extern const struct args_option cmd_ssh_options[];
extern const struct args_option cmd_copy_options[];
extern const struct args_option cmd_open_options[];

#endif
