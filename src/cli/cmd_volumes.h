/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: space on a machine that outlives the instances that mount it. */

#ifndef BERTH_CLI_CMD_VOLUMES_H
#define BERTH_CLI_CMD_VOLUMES_H

#include "base/encode.h"
#include "cli/command.h"

bool cmd_search_volumes(struct cli *cli, struct error *err);
bool cmd_create_volume(struct cli *cli, struct error *err);
bool cmd_show_volumes(struct cli *cli, struct error *err);
bool cmd_delete_volume(struct cli *cli, struct error *err);
bool cmd_clone_volume(struct cli *cli, struct error *err);
bool cmd_list_volume(struct cli *cli, struct error *err);
bool cmd_unlist_volume(struct cli *cli, struct error *err);

extern const struct args_option cmd_search_volumes_options[];
extern const struct args_option cmd_create_volume_options[];
extern const struct args_option cmd_show_volumes_options[];
extern const struct args_option cmd_clone_volume_options[];
extern const struct args_option cmd_list_volume_options[];

/* What create instance says of a volume: rows of struct args_option. */
#define VOLUME_OPTIONS                                                                             \
    { "create-volume", 0, "OFFER", "make a volume of this offer, and mount it" },                  \
        { "link-volume", 0, "ID", "mount a volume of the same machine" },                          \
        { "volume-size", 0, "GB", "with --create-volume: how large (15)" },                        \
        { "mount-path", 0, "PATH", "where to mount it" },                                          \
    {                                                                                              \
        "volume-label", 0, "NAME", "with --create-volume: what to call it"                         \
    }

/* The member volume_info that they make, if any, into the open object. */
NODISCARD bool volumes_write_info(struct cli *cli, struct encoder *json, struct error *err);

#endif
