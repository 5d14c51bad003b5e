/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys: those of the account, and those of single instances. */

#ifndef BERTH_CLI_CMD_KEYS_H
#define BERTH_CLI_CMD_KEYS_H

#include "cli/command.h"

bool cmd_show_ssh_keys(struct cli *cli, struct error *err);
bool cmd_create_ssh_key(struct cli *cli, struct error *err);
bool cmd_update_ssh_key(struct cli *cli, struct error *err);
bool cmd_delete_ssh_key(struct cli *cli, struct error *err);
bool cmd_attach_ssh(struct cli *cli, struct error *err);
bool cmd_detach_ssh(struct cli *cli, struct error *err);

#endif
