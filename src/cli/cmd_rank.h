/* SPDX-License-Identifier: Apache-2.0 */
/* Why offers stand where they do: for renters, and for hosts about their own. */

#ifndef BERTH_CLI_CMD_RANK_H
#define BERTH_CLI_CMD_RANK_H

#include "cli/command.h"

/* `search offers --explain`. */
bool rank_explain(struct cli *cli, struct error *err);

bool cmd_host_rank(struct cli *cli, struct error *err);

extern const struct args_option cmd_host_rank_options[];

#endif
