/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of the account. */

#ifndef BERTH_CLI_CMD_WEBHOOKS_H
#define BERTH_CLI_CMD_WEBHOOKS_H

#include "cli/command.h"

extern const struct args_option cmd_create_webhook_options[];

bool cmd_show_webhooks(struct cli *cli, struct error *err);
bool cmd_create_webhook(struct cli *cli, struct error *err);
bool cmd_delete_webhook(struct cli *cli, struct error *err);
bool cmd_test_webhook(struct cli *cli, struct error *err);
bool cmd_reset_webhook(struct cli *cli, struct error *err);

#endif
