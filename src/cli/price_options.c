/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/price_options.h"

bool price_options_write(struct cli *cli, const struct price_option *rows, struct encoder *json,
                         struct error *err)
{
    for (; rows->option != NULL; rows++) {
        const char *text = args_get(&cli->args, rows->option);
        struct money price;
        struct error reason;

        if (text == NULL)
            continue;
        if (!money_parse(text, &price, &reason))
            return cli_usage(cli, err, "--%s: %s", rows->option, reason.text);
        if (price.nanodollars < 0)
            return cli_usage(cli, err, "--%s: a price is not negative", rows->option);
        encode_field_money(json, rows->member, price);
    }
    return true;
}
