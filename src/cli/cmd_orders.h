/* SPDX-License-Identifier: Apache-2.0 */
/* Standing orders: searches that wait, and rent or tell once. */

#ifndef BERTH_CLI_CMD_ORDERS_H
#define BERTH_CLI_CMD_ORDERS_H

#include "cli/command.h"

bool cmd_create_order(struct cli *cli, struct error *err);
bool cmd_show_orders(struct cli *cli, struct error *err);
bool cmd_delete_order(struct cli *cli, struct error *err);

extern const struct args_option cmd_create_order_options[];

#endif
