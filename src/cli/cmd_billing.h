/* SPDX-License-Identifier: Apache-2.0 */
/* What was charged, what came in, what a host earned, and credit for others. */

#ifndef BERTH_CLI_CMD_BILLING_H
#define BERTH_CLI_CMD_BILLING_H

#include "cli/command.h"

extern const struct args_option cmd_show_charges_options[], cmd_show_invoices_options[],
    cmd_show_earnings_options[], cmd_transfer_credit_options[];

command_run cmd_show_charges, cmd_show_invoices, cmd_show_statements, cmd_show_earnings,
    cmd_transfer_credit;

command_run cmd_search_invoices;

#endif
