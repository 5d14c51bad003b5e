/* SPDX-License-Identifier: Apache-2.0 */
/* Bids: of renters, and the lowest that a host takes. */

#ifndef BERTH_CLI_CMD_BIDS_H
#define BERTH_CLI_CMD_BIDS_H

#include "base/encode.h"
#include "cli/command.h"

extern const struct args_option cmd_change_bid_options[];
extern const struct args_option cmd_set_min_bid_options[];

bool cmd_change_bid(struct cli *cli, struct error *err);
bool cmd_set_min_bid(struct cli *cli, struct error *err);

/* What makes a rental a bid: --bid-price, --max-price and --grace, where they are given. */
bool bids_write(struct cli *cli, struct encoder *json, struct error *err);

#endif
