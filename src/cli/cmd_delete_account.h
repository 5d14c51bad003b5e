/* SPDX-License-Identifier: Apache-2.0 */
/* `berth delete account`: what stands against it, and doing it. */

#ifndef BERTH_CLI_CMD_DELETE_ACCOUNT_H
#define BERTH_CLI_CMD_DELETE_ACCOUNT_H

#include "cli/command.h"

extern const struct args_option cmd_delete_account_options[];

bool cmd_delete_account(struct cli *cli, struct error *err);

#endif
