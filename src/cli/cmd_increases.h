/* SPDX-License-Identifier: Apache-2.0 */
/* berth show pending-price-increases, berth accept|reject price-increase: what hosts ask of their
 * renters. A market of Berth's never has any; others that speak its API have. */

#ifndef BERTH_CLI_CMD_INCREASES_H
#define BERTH_CLI_CMD_INCREASES_H

#include "cli/command.h"

extern const struct args_option cmd_show_increases_options[];
extern const struct args_option cmd_answer_increase_options[];

command_run cmd_show_increases;
command_run cmd_accept_increase;
command_run cmd_reject_increase;

#endif
