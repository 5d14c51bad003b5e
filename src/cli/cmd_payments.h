/* SPDX-License-Identifier: Apache-2.0 */
/* Buying credit, saved cards, and how hosts are paid. */

#ifndef BERTH_CLI_CMD_PAYMENTS_H
#define BERTH_CLI_CMD_PAYMENTS_H

#include "cli/command.h"

bool cmd_add_credit(struct cli *cli, struct error *err);
bool cmd_show_deposits(struct cli *cli, struct error *err);
bool cmd_add_card(struct cli *cli, struct error *err);
bool cmd_show_cards(struct cli *cli, struct error *err);
bool cmd_remove_card(struct cli *cli, struct error *err);
bool cmd_set_autopay(struct cli *cli, struct error *err);
extern const struct args_option cmd_show_payouts_options[];
bool cmd_show_payouts(struct cli *cli, struct error *err);
bool cmd_set_payout_country(struct cli *cli, struct error *err);

#endif
