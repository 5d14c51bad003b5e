/* SPDX-License-Identifier: Apache-2.0 */
/* berth why-score: a machine's reliability, worked out anew from what happened to it. */

#ifndef BERTH_CLI_CMD_HISTORY_H
#define BERTH_CLI_CMD_HISTORY_H

#include "cli/command.h"

extern const struct args_option cmd_why_score_options[];
bool cmd_why_score(struct cli *cli, struct error *err);

#endif
