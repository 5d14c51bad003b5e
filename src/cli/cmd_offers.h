/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a machine and renting it: search offers, create instance. What says what to find and what
 * to rent stands in search_options.def and rental_options.def, since other commands take it too. */

#ifndef BERTH_CLI_CMD_OFFERS_H
#define BERTH_CLI_CMD_OFFERS_H

#include "base/encode.h"
#include "cli/command.h"
#include "cli/query.h"

bool cmd_search_offers(struct cli *cli, struct error *err);
bool cmd_create_instance(struct cli *cli, struct error *err);

extern const struct args_option cmd_search_offers_options[];
extern const struct args_option cmd_create_instance_options[];

/* Those of every rental that rental_options.def leaves out. */
#define RENTAL_IMAGE_OPTION(letter)                                                                \
    {                                                                                              \
        "image", letter, "IMAGE", "what to run, such as ubuntu:22.04"                              \
    }
#define RENTAL_DISK_OPTION(letter)                                                                 \
    {                                                                                              \
        "disk", letter, "GB", "disk; it can grow later and never shrinks (10)"                     \
    }

/* The query object that the words from `first` on and the search options make. */
NODISCARD bool offers_write_search(struct cli *cli, size_t first, struct buf *body,
                                   struct error *err);

/* The words from `first` on as members of the open object, the defaults in front of them. */
NODISCARD bool offers_write_conditions(struct cli *cli, size_t first, enum query_defaults defaults,
                                       struct encoder *json, struct error *err);

/* A number of GB, or `fallback`; how to sort; how many. */
NODISCARD bool offers_write_gb(struct cli *cli, const char *option, const char *fallback,
                               struct encoder *json, struct error *err);
NODISCARD bool offers_write_order(struct cli *cli, struct encoder *json, struct error *err);
NODISCARD bool offers_write_limit(struct cli *cli, struct encoder *json, struct error *err);

/* What is to run at each start: a file's text, or a command. */
NODISCARD bool offers_write_onstart(struct cli *cli, struct encoder *json, struct error *err);

/* The members of a rental that the rental options make, into the open object; and a body of them
 * alone. */
NODISCARD bool offers_write_members(struct cli *cli, struct encoder *json, struct error *err);
NODISCARD bool offers_write_rental(struct cli *cli, struct buf *body, struct error *err);

#endif
