/* SPDX-License-Identifier: Apache-2.0 */
/* berth why-verified: what is asked of a machine, and which line it fails. */

#ifndef BERTH_CLI_CMD_VERIFIED_H
#define BERTH_CLI_CMD_VERIFIED_H

#include "cli/command.h"

bool cmd_why_verified(struct cli *cli, struct error *err);

#endif
