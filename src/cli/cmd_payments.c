/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_payments.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/money.h"
#include "base/parse.h"

enum { BODY_MAX = 1024, PATH_SIZE = 96, PAYOUTS_MAX = 100 };

#define DEPOSITS_PATH "/api/v0/billing/deposits/"
#define CARDS_PATH    "/api/v0/billing/cards/"

/* The page goes to standard output alone, for a browser to be given. */
static bool print_page(struct cli *cli, const char *url, const char *again)
{
    if (url[0] == '\0') {
        cli_note(cli, "The page is not there yet: %s again in a moment.", again);
        cli->exit_status = 1;
        return true;
    }
    cli_note(cli, "Open this in a browser:");
    buf_printf(cli->out, "%s\n", url);
    return true;
}

bool cmd_add_credit(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    struct money amount;

    if (!money_parse(cli->args.words[0], &amount, err))
        return cli_usage(cli, err, "'%.32s' is no amount of dollars: 25.00", cli->args.words[0]);
    encode_object(&json);
    encode_field_text(&json, "amount", cli->args.words[0]);
    encode_end(&json);
    if (!client_call(cli->client, "POST", DEPOSITS_PATH, &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *deposit = json_member(reply, "deposit");
    const char *reason = print_text_of(deposit, "reason");
    if (strcmp(print_text_of(deposit, "state"), "failed") == 0)
        return error_set(err, ERROR_UNAVAILABLE, "the payment provider refused it: %.64s", reason);
    return print_page(cli, print_text_of(deposit, "url"), "add credit");
}

bool cmd_show_deposits(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        { "ID", true, 0, 0 },     { "When", false, 0, 0 },   { "Amount", true, 0, 0 },
        { "State", false, 0, 0 }, { "Reason", false, 1, 0 }, { "Page", false, 2, 80 },
    };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", DEPOSITS_PATH, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "deposits");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char when[INSTANT_TEXT_SIZE];
        struct instant made = { print_int_of(row, "created_at") * US_PER_SECOND };

        table_number(&table, row, "id", 1, 0);
        table_cell(&table, "%.10s", instant_format(made, when));
        table_number(&table, row, "amount", 1, 2);
        table_text(&table, row, "state");
        table_text(&table, row, "reason");
        table_text(&table, row, "url");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_add_card(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;

    buf_append(&body, "{}", 2);
    if (!client_call(cli->client, "POST", CARDS_PATH, &body, &reply, err))
        return false;
    return cli_print_raw(cli, reply) || print_page(cli, print_text_of(reply, "url"), "add card");
}

bool cmd_show_cards(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Card", false, 0, 0 },
                                                   { "Ends in", false, 0, 0 },
                                                   { "Good until", false, 1, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", CARDS_PATH, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "cards");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "brand");
        table_text(&table, row, "last4");
        table_cell(&table, "%lld-%02lld", (long long)print_int_of(row, "exp_year"),
                   (long long)print_int_of(row, "exp_month"));
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_remove_card(struct cli *cli, struct error *err)
{
    char path[PATH_SIZE];
    auto_json json_t *reply = NULL;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "card", &id, err))
        return false;
    (void)snprintf(path, sizeof path, CARDS_PATH "%lld/", id);
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        cli_note(cli, "Card %lld is not charged any more.", id);
    return true;
}

static const char *day_of(const json_t *row, const char *name, char text[static INSTANT_TEXT_SIZE])
{
    (void)instant_format((struct instant){ print_int_of(row, name) * US_PER_SECOND }, text);
    text[10] = '\0';
    return text;
}

/* Above the table: what it will be. */
static void print_next(const struct cli *cli, const json_t *reply)
{
    const json_t *method = json_member(reply, "method");
    char day[INSTANT_TEXT_SIZE];

    if (method == NULL)
        cli_note(cli, "Where you are paid is not known: berth set payout-country US");
    else if (!json_is_true(json_member(method, "ready")))
        cli_note(cli, "No payout can be made yet (%s): berth set payout-country",
                 print_text_of(method, "reason"));
    if (method != NULL && json_is_number(json_member(method, "held_until")))
        cli_note(cli, "It was changed: no payout is made before %s.",
                 day_of(method, "held_until", day));
    if (method != NULL && print_text_of(method, "paypal")[0] != '\0')
        print_line(cli->out, "PayPal", "%s", print_text_of(method, "paypal"));
    print_line(cli->out, "Next", "$%.2f on %s", print_real_of(reply, "preview"),
               day_of(reply, "next_cut", day));
    print_line(cli->out, "Paid from", "$%.2f on", print_real_of(reply, "minimum"));
}

const struct args_option cmd_show_payouts_options[] = {
    { "limit", 'l', "N", "at most N payouts, up to 100 (100)" },
    { "next-token", 't', "TOKEN", "the page behind this one" },
    { NULL, 0, NULL, NULL },
};

static bool call_payouts(struct cli *cli, json_t **ret_reply, struct error *err)
{
    const char *limit = args_get(&cli->args, "limit"), *token = args_get(&cli->args, "next-token");
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE);
    uint64_t number = PAYOUTS_MAX;

    if (limit != NULL && (!parse_u64(limit, &number) || number == 0 || number > PAYOUTS_MAX))
        return cli_usage(cli, err, "--limit is a number up to 100");
    buf_printf(&path, "/api/v0/billing/payouts/?limit=%" PRIu64, number);
    if (token != NULL) {
        buf_printf(&path, "&after_token=");
        client_escape(&path, token);
    }
    return client_call(cli->client, "GET", path.bytes, NULL, ret_reply, err);
}

bool cmd_show_payouts(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        { "ID", true, 0, 0 },       { "Week to", false, 0, 0 }, { "Amount", true, 0, 0 },
        { "State", false, 0, 0 },   { "Paid", false, 0, 0 },    { "By", false, 1, 0 },
        { "Reason", false, 1, 40 },
    };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!call_payouts(cli, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    print_next(cli, reply);
    const json_t *rows = json_member(reply, "payouts");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char day[INSTANT_TEXT_SIZE];

        table_number(&table, row, "id", 1, 0);
        table_cell(&table, "%s", day_of(row, "cut", day));
        table_number(&table, row, "amount", 1, 2);
        table_text(&table, row, "state");
        table_cell(&table, "%s",
                   print_real_of(row, "paid_at") > 0 ? day_of(row, "paid_at", day) : "-");
        table_text(&table, row, "provider");
        table_text(&table, row, "reason");
    }
    table_write(&table, cli->style, cli->out);
    if (*print_text_of(reply, "next_token") != '\0')
        cli_note(cli, "There is more: --next-token %s", print_text_of(reply, "next_token"));
    return true;
}

/* With a country: say it. In the US, or without one, the page for the rest. */
bool cmd_set_payout_country(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX), nothing = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *done = NULL, *reply = NULL;
    const char *country = cli->args.word_count > 0 ? cli->args.words[0] : NULL;

    encode_object(&json);
    encode_field_text(&json, "country", country);
    if (cli->args.word_count > 1)
        encode_field_text(&json, "paypal", cli->args.words[1]);
    encode_end(&json);
    if (country != NULL &&
        !client_call(cli->client, "PUT", "/api/v0/billing/payouts/method/", &body, &done, err))
        return false;
    if (country != NULL && strcmp(country, "US") != 0) {
        if (!cli_print_raw(cli, done))
            cli_note(cli, "By whom you are paid, and when: berth show payouts");
        return true;
    }
    buf_append(&nothing, "{}", 2);
    return client_call(cli->client, "POST", "/api/v0/billing/payouts/onboarding/", &nothing, &reply,
                       err) &&
           (cli_print_raw(cli, reply) ||
            print_page(cli, print_text_of(reply, "url"), "set payout-country"));
}

bool cmd_set_autopay(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    struct money threshold, amount;

    if (!money_parse(cli->args.words[0], &threshold, err) ||
        !money_parse(cli->args.words[1], &amount, err))
        return cli_usage(cli, err, "a threshold and an amount of dollars: 5.00 25.00");
    encode_object(&json);
    encode_field_text(&json, "threshold", cli->args.words[0]);
    encode_field_text(&json, "amount", cli->args.words[1]);
    encode_end(&json);
    if (!client_call(cli->client, "PUT", "/api/v0/billing/autopay/", &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        cli_note(cli, "%s",
                 amount.nanodollars > 0
                     ? "From now on the newest card is charged when credit runs low."
                     : "No card is charged to top up.");
    return true;
}
