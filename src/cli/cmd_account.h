/* SPDX-License-Identifier: Apache-2.0 */
/* API keys, and variables that every instance gets. */

#ifndef BERTH_CLI_CMD_ACCOUNT_H
#define BERTH_CLI_CMD_ACCOUNT_H

#include "cli/command.h"

extern const struct args_option cmd_create_api_key_options[];
extern const struct args_option cmd_set_user_options[];

bool cmd_set_user(struct cli *cli, struct error *err);
bool cmd_set_api_key(struct cli *cli, struct error *err);

command_run cmd_show_api_keys, cmd_show_api_key, cmd_create_api_key, cmd_delete_api_key,
    cmd_reset_api_key;
command_run cmd_show_env_vars, cmd_create_env_var, cmd_update_env_var, cmd_delete_env_var;

#endif
