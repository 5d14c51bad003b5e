/* SPDX-License-Identifier: Apache-2.0 */
/* Options whose value is a price in dollars: --price-gpu 0.35. */

#ifndef BERTH_CLI_PRICE_OPTIONS_H
#define BERTH_CLI_PRICE_OPTIONS_H

#include "base/encode.h"
#include "cli/command.h"

struct price_option {
    const char *option, *member; /* of the request */
};

/* Those that were given, as members of the object that `json` is in. Wrong usage: what is no
 * amount, or is negative. `rows` end with a NULL option. */
NODISCARD bool price_options_write(struct cli *cli, const struct price_option *rows,
                                   struct encoder *json, struct error *err);

#endif
