/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_orders.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_offers.h"
#include "sys/clock.h"

enum { BODY_LENGTH_MAX = 1 << 20, PATH_SIZE = 64, DAYS_MAX = 365 };

const struct args_option cmd_create_order_options[] = {
    { "alert", 0, NULL, "only tell, and rent nothing" },
    { "days", 0, "N", "wait so long, 1 to 365 (30)" },
    RENTAL_IMAGE_OPTION(0),
    RENTAL_DISK_OPTION(0),
#include "cli/rental_options.def"
#include "cli/search_options.def"
    { NULL, 0, NULL, NULL },
};

static const struct table_column order_columns[] = {
    { "ID", true, 0, 0 },          { "State", false, 0, 0 },   { "Does", false, 1, 0 },
    { "Offer", true, 2, 0 },       { "Instance", true, 1, 0 }, { "Waits until", false, 3, 0 },
    { "Looks for", false, 0, 60 }, { "Note", false, 2, 40 },
};

static bool write_days(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *text = args_get(&cli->args, "days");
    uint64_t days;

    if (text == NULL)
        return true;
    if (!parse_u64(text, &days) || days < 1 || days > DAYS_MAX)
        return cli_usage(cli, err, "--days is a number from 1 to %d", DAYS_MAX);
    encode_key(json, "days");
    encode_uint(json, days);
    return true;
}

static bool looks_for_bids(const struct cli *cli)
{
    const char *type = args_get(&cli->args, "type");

    return args_has(&cli->args, "interruptible") || args_has(&cli->args, "bid") ||
           (type != NULL && (strcmp(type, "bid") == 0 || strcmp(type, "interruptible") == 0));
}

static bool write_order(struct cli *cli, struct buf *body, struct error *err)
{
    auto_buf struct buf query = buf_of(BODY_LENGTH_MAX / 2);
    auto_buf struct buf launch = buf_of(BODY_LENGTH_MAX / 2);
    struct encoder json = encoder_of(body);
    bool alerts = args_has(&cli->args, "alert");

    if (alerts == args_has(&cli->args, "image"))
        return cli_usage(cli, err, "--image: what to start when found; or --alert: only tell");
    if (args_has(&cli->args, "bid-price") != (looks_for_bids(cli) && !alerts))
        return cli_usage(cli, err, "--bid-price, for what --interruptible finds");
    if (!offers_write_search(cli, 0, &query, err) ||
        (!alerts && !offers_write_rental(cli, &launch, err)))
        return false;
    encode_object(&json);
    encode_key(&json, "query");
    encode_raw(&json, query.bytes, query.length);
    if (!alerts) {
        encode_key(&json, "launch");
        encode_raw(&json, launch.bytes, launch.length);
    }
    if (!write_days(cli, &json, err))
        return false;
    encode_field_text(&json, "label", args_get(&cli->args, "label"));
    encode_end(&json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the order is too long");
}

bool cmd_create_order(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;

    if (!write_order(cli, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/orders/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *order = json_member(reply, "order");
    buf_printf(cli->out, "Order %lld waits; it %s what it finds first.\n",
               (long long)print_int_of(order, "id"),
               json_is_true(json_member(order, "starts")) ? "rents and starts" : "tells of");
    cli_note(cli, "`berth show orders` says what came of it.");
    return true;
}

/* "gpu_name eq RTX 4090, num_gpus gte 2": all but what every search has. */
static void describe(const json_t *query, struct buf *out)
{
    static const char *const left_out[] = { "verified", "external", "rentable",         "order",
                                            "limit",    "type",     "allocated_storage" };
    const char *name, *operator;
    json_t *value, *operand;
    const char *separator = "";

    buf_append(out, "", 0);
    json_object_foreach((json_t *)query, name, value)
    {
        bool is_left_out = !json_is_object(value);

        for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
            is_left_out = is_left_out || strcmp(left_out[i], name) == 0;
        if (is_left_out)
            continue;
        json_object_foreach(value, operator, operand)
        {
            auto_free char *text = json_dumps(operand, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));

            buf_printf(out, "%s%s %s %s", separator, name, operator, text != NULL ? text : "");
            separator = ", ";
        }
    }
}

static void add_order(struct table *table, const json_t *order)
{
    auto_buf struct buf query = buf_of(BODY_LENGTH_MAX);
    double now_us = (double)clock_now(&clock_system).microseconds;
    double left_s = print_real_of(order, "expires_at") - now_us / (double)US_PER_SECOND;
    bool waits = strcmp(print_text_of(order, "state"), "waiting") == 0;
    char age[AGE_TEXT_SIZE];

    describe(json_member(order, "query"), &query);
    table_number(table, order, "id", 1, 0);
    table_text(table, order, "state");
    table_cell(table, "%s", json_is_true(json_member(order, "starts")) ? "rents" : "tells");
    table_number(table, order, "offer_id", 1, 0);
    table_number(table, order, "instance_id", 1, 0);
    table_cell(table, "%s", waits ? print_age((int64_t)left_s, age) : "-");
    table_cell(table, "%s", query.bytes);
    table_text(table, order, "note");
    if (!waits)
        table_dim(table);
}

bool cmd_show_orders(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(order_columns, sizeof order_columns / sizeof order_columns[0]);
    const json_t *orders;

    if (!client_call(cli->client, "GET", "/api/v0/orders/", NULL, &reply, err) ||
        !json_need_array(reply, "orders", SIZE_MAX, &orders, err))
        return false;
    if (cli_print_raw(cli, orders))
        return true;
    if (json_array_size(orders) == 0)
        cli_note(cli, "No standing orders. `berth help create order` says how to make one.");
    for (size_t i = 0; i < json_array_size(orders); i++)
        add_order(&table, json_array_get(orders, i));
    if (json_array_size(orders) > 0)
        table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_delete_order(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an order", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/orders/%lld/", id);
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return error_context(err, "cancel order %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "Order %lld waits no more.\n", id);
    return true;
}
