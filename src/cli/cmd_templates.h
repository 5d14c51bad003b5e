/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: what is started again and again. */

#ifndef BERTH_CLI_CMD_TEMPLATES_H
#define BERTH_CLI_CMD_TEMPLATES_H

#include "cli/command.h"

bool cmd_search_templates(struct cli *cli, struct error *err);
bool cmd_create_template(struct cli *cli, struct error *err);
bool cmd_update_template(struct cli *cli, struct error *err);
bool cmd_delete_template(struct cli *cli, struct error *err);

extern const struct args_option cmd_create_template_options[];
extern const struct args_option cmd_delete_template_options[];

#endif
