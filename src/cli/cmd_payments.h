/* SPDX-License-Identifier: Apache-2.0 */
/* Buying credit, and saved cards. */

#ifndef BERTH_CLI_CMD_PAYMENTS_H
#define BERTH_CLI_CMD_PAYMENTS_H

#include "cli/command.h"

bool cmd_add_credit(struct cli *cli, struct error *err);
bool cmd_show_deposits(struct cli *cli, struct error *err);
bool cmd_add_card(struct cli *cli, struct error *err);
bool cmd_show_cards(struct cli *cli, struct error *err);
bool cmd_remove_card(struct cli *cli, struct error *err);

#endif
