/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_prepay.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/money.h"
#include "cli/client.h"
#include "cli/print.h"

enum { BODY_MAX = 256, PATH_SIZE = 96 };

/* What is there, and what would come back. */
static void write_deposit(const json_t *reply, struct buf *out)
{
    double deposit = print_real_of(reply, "deposit");

    if (deposit <= 0) {
        print_line(out, "Deposit", "none");
    } else {
        print_line(out, "Deposit", "$%.2f", deposit);
        print_line(out, "Price", "%.2f %% off, while it lasts",
                   100 * print_real_of(reply, "discount_rate"));
        print_line(out, "Paid for", "%.3f months", print_real_of(reply, "discount_months"));
        print_line(out, "Back now", "$%.2f, if you destroyed it",
                   print_real_of(reply, "refundable_deposit"));
    }
    print_line(out, "Saved", "$%.2f so far", print_real_of(reply, "total_discount"));
}

static void write_plans(const struct cli *cli, const json_t *plans)
{
    static const struct table_column columns[] = { { "Months", true, 0, 0 },
                                                   { "$ to pay now", true, 0, 0 },
                                                   { "% off", true, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < json_array_size(plans); i++) {
        const json_t *plan = json_array_get(plans, i);

        table_number(&table, plan, "months", 1, 0);
        table_number(&table, plan, "amount", 1, 2);
        table_number(&table, plan, "discount_rate", 100, 2);
    }
    buf_printf(cli->out, "\n");
    table_write(&table, cli->style, cli->out);
}

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
    if (cli_print_raw(cli, reply))
        return true;
    write_deposit(reply, cli->out);
    if (json_array_size(json_member(reply, "plans")) > 0)
        write_plans(cli, json_member(reply, "plans"));
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
