/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_bids.h"

#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/schedule_options.h"

enum { PATH_SIZE = 128, BODY_LENGTH_MAX = 4096 };

const struct args_option cmd_change_bid_options[] = {
    { "price", 0, "DOLLARS",
      "an hour for the whole instance; not given: the lowest that runs now" },
    { "max-price", 0, "DOLLARS", "raise it up to here rather than stop; 0: do not" },
#include "cli/schedule_options.def"
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_set_min_bid_options[] = {
    { "price", 0, "DOLLARS", "an hour and GPU; 0: any bid" },
    { NULL, 0, NULL, NULL },
};

static bool write_price(struct cli *cli, struct encoder *json, const char *option,
                        const char *member, struct error *err)
{
    const char *text = args_get(&cli->args, option);
    struct error reason;
    struct money price;

    if (text == NULL)
        return true;
    if (!money_parse(text, &price, &reason))
        return cli_usage(cli, err, "--%s: %s", option, reason.text);
    encode_field_money(json, member, price);
    return true;
}

bool bids_write(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *grace = args_get(&cli->args, "grace");
    uint64_t seconds;

    if (!args_has(&cli->args, "bid-price") && (grace != NULL || args_has(&cli->args, "max-price")))
        return cli_usage(cli, err, "--max-price and --grace are for bids: give --bid-price");
    if (!write_price(cli, json, "bid-price", "price", err) ||
        !write_price(cli, json, "max-price", "max_price", err))
        return false;
    if (grace == NULL)
        return true;
    if (!parse_u64(grace, &seconds) || seconds > 120)
        return cli_usage(cli, err, "--grace is 0 to 120 seconds");
    encode_field_int(json, "grace", (int64_t)seconds);
    return true;
}

bool cmd_change_bid(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    char path[PATH_SIZE];
    long long id;

    encode_object(&json);
    encode_field_text(&json, "client_id", "me");
    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        !write_price(cli, &json, "price", "price", err) ||
        !write_price(cli, &json, "max-price", "max_price", err))
        return false;
    encode_end(&json);
    (void)snprintf(path, sizeof path, "/api/v0/instances/bid_price/%lld/", id);
    if (args_has(&cli->args, "schedule"))
        return schedule_add(cli, id, path, &body, err);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Instance %lld bids $%.3f an hour. ", id,
               json_number_value(json_member(reply, "price")));
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_append(cli->out, "\n", 1);
    return true;
}

bool cmd_set_min_bid(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    if (!args_has(&cli->args, "price"))
        return cli_usage(cli, err, "--price says what the lowest bid is");
    encode_object(&json);
    encode_field_text(&json, "client_id", "me");
    if (!write_price(cli, &json, "price", "price", err))
        return false;
    encode_end(&json);
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/minbid/", id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "machine %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "Per gpu min bid price changed\n");
    return true;
}
