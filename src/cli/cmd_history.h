/* SPDX-License-Identifier: Apache-2.0 */
/* berth why-score: a machine's reliability, worked out anew from what happened to it. */

#ifndef BERTH_CLI_CMD_HISTORY_H
#define BERTH_CLI_CMD_HISTORY_H

#include "cli/command.h"

bool cmd_why_score(struct cli *cli, struct error *err);

#endif
