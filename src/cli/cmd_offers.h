/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a machine and renting it: search offers, create instance. */

#ifndef BERTH_CLI_CMD_OFFERS_H
#define BERTH_CLI_CMD_OFFERS_H

#include "cli/command.h"

bool cmd_search_offers(struct cli *cli, struct error *err);
bool cmd_create_instance(struct cli *cli, struct error *err);

extern const struct args_option cmd_search_offers_options[];
extern const struct args_option cmd_create_instance_options[];

#endif
