/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_prepay.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/money.h"
#include "cli/client.h"
#include "cli/print.h"

enum { BODY_MAX = 256, PATH_SIZE = 96 };

bool cmd_show_deposit(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "instance", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/instances/balance/%lld/?owner=me", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return false;
    print_json(cli->out, reply);
    return true;
}

bool cmd_prepay(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    const char *amount = cli->args.words[1];
    auto_json json_t *reply = NULL;
    struct money dollars;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "instance", &id, err))
        return false;
    if (!money_parse(amount, &dollars, err) || dollars.nanodollars <= 0)
        return cli_usage(cli, err, "'%.64s' is no amount of dollars", amount);
    encode_object(&json);
    encode_field_money(&json, "amount", dollars);
    encode_end(&json);
    (void)snprintf(path, sizeof path, "/api/v0/instances/prepay/%lld/", id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Paid $%s ahead for instance %lld: it covers %.3f months, ", amount, id,
               json_number_value(json_member(reply, "timescale")));
    buf_printf(cli->out, "with %.2f %% off its price.\n",
               100 * json_number_value(json_member(reply, "discount_rate")));
    return true;
}
