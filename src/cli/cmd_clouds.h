/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to cloud stores, and copies by them. */

#ifndef BERTH_CLI_CMD_CLOUDS_H
#define BERTH_CLI_CMD_CLOUDS_H

#include "cli/command.h"

extern const struct args_option cmd_create_connection_options[];
extern const struct args_option cmd_cloud_copy_options[];

command_run cmd_show_connections;
command_run cmd_create_connection;
command_run cmd_delete_connection;
command_run cmd_cloud_copy;

/* What is in such a file, as a JSON object of texts: JSON as it is, or lines `field = value` as
 * rclone's own settings have them, of one store. ERROR_INVALID says which line is none. */
NODISCARD bool connection_settings(const char *text, size_t length, struct buf *out,
                                   struct error *err);

#endif
