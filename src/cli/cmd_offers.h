/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a machine and renting it: search offers, create instance. What says what to find and what
 * to rent stands in search_options.def and rental_options.def, since other commands take it too. */

#ifndef BERTH_CLI_CMD_OFFERS_H
#define BERTH_CLI_CMD_OFFERS_H

#include "cli/command.h"

bool cmd_search_offers(struct cli *cli, struct error *err);
bool cmd_create_instance(struct cli *cli, struct error *err);

extern const struct args_option cmd_search_offers_options[];
extern const struct args_option cmd_create_instance_options[];

/* The query object that the words from `first` on and the search options make. */
NODISCARD bool offers_write_search(struct cli *cli, size_t first, struct buf *body,
                                   struct error *err);

/* The body of a rental that the rental options make. */
NODISCARD bool offers_write_rental(struct cli *cli, struct buf *body, struct error *err);

#endif
