/* SPDX-License-Identifier: Apache-2.0 */
/* Paying ahead for an instance. */

#ifndef BERTH_CLI_CMD_PREPAY_H
#define BERTH_CLI_CMD_PREPAY_H

#include "cli/command.h"

bool cmd_prepay(struct cli *cli, struct error *err);
bool cmd_show_deposit(struct cli *cli, struct error *err);

#endif
