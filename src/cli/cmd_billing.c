/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_billing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/money.h"
#include "base/parse.h"
#include "sys/clock.h"

enum {
    BODY_MAX = 4096,
    FILTER_MAX = 2048,
    ROWS_MAX = 500,
    DAYS_DEFAULT = 30,
    DAY_S = 86400,
    DATE_SIZE = sizeof "2026-11-22"
};

#define RANGE_OPTIONS                                                                              \
    { "start-date", 's', "DATE", "from this day on, 2026-11-22 or Unix seconds (30 days ago)" },   \
        { "end-date", 'e', "DATE", "up to this day (today)" },                                     \
        { "limit", 'l', "N", "at most N rows, up to 500 (100)" },                                  \
        { "latest-first", 0, NULL, "the newest on top" },                                          \
    {                                                                                              \
        "next-token", 't', "TOKEN", "the page behind this one"                                     \
    }

const struct args_option cmd_show_charges_options[] = {
    RANGE_OPTIONS,
    { "csv", 0, NULL, "every position as comma-separated values" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_show_invoices_options[] = {
    RANGE_OPTIONS,
    { "charges", 'c', NULL, "what was charged, in place of what came and went" },
    { "only-charges", 0, NULL, "the same" },
    { "invoices", 'i', NULL, "what came and went; so it is without it" },
    { "only-credits", 'p', NULL, "the same" },
    { "charge-type", 0, "TYPES", "with -c: instance, volume, serverless, with commas between" },
    { "ct", 0, "TYPES", "the same" },
    { "invoice-type", 0, "TYPES", "transfers, stripe, reserved, ..., with commas between" },
    { "it", 0, "TYPES", "the same" },
    { "instance-label", 0, "TEXT", "with -c: of instances called so" },
    { "format", 'f', "FORMAT", "nothing: there is one table" },
    { "quiet", 'q', NULL, "ids only" },
    { "verbose", 'v', NULL, "nothing: a wide terminal has all columns" },
    { "csv", 0, NULL, "with -c: every position as comma-separated values" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_show_earnings_options[] = {
    { "start-date", 's', "DATE", "from this day on, 2026-11-22 or Unix seconds (30 days ago)" },
    { "end-date", 'e', "DATE", "up to this day (today)" },
    { "machine-id", 'm', "ID", "of one machine" },
    { "quiet", 'q', NULL, "days only" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_transfer_credit_options[] = {
    { "skip", 0, NULL, "needs no confirmation; nothing does here" },
    { "recipient", 'r', "WHO", "in place of the first word" },
    { "amount", 'a', "DOLLARS", "in place of the second" },
    { NULL, 0, NULL, NULL },
};

/* Days since 1970-01-01 of a date that there is; years begin in March. */
static int64_t day_of(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t march_month = month <= 2 ? month + 9 : month - 3;
    int64_t era = march_year / 400, of_era = march_year % 400;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * march_month + 2) / 5 +
           day - 1 - 719468;
}

/* Two or four digits and what stands behind them. */
static bool take_number(const char **at, int digits, char behind, int64_t *ret)
{
    int64_t number = 0;

    for (int i = 0; i < digits; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    if (**at != behind)
        return false;
    *at += behind != '\0';
    *ret = number;
    return true;
}

/* "2026-11-22", or seconds. */
static bool parse_date(const char *text, int64_t *ret_s)
{
    int64_t year, month, day;
    uint64_t seconds;

    if (parse_u64(text, &seconds)) {
        *ret_s = (int64_t)(seconds < INT64_C(1) << 40 ? seconds : INT64_C(1) << 40);
        return true;
    }
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month) ||
        !take_number(&text, 2, '\0', &day) || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return false;
    *ret_s = day_of(year, month, day) * DAY_S;
    return true;
}

/* From the first second of the one day to the last of the other. */
static bool read_range(struct cli *cli, int64_t *ret_from, int64_t *ret_until, struct error *err)
{
    int64_t now_s = clock_now(&clock_system).microseconds / US_PER_SECOND;
    const char *from = args_get(&cli->args, "start-date");
    const char *until = args_get(&cli->args, "end-date");

    *ret_until = now_s;
    if (until != NULL && !parse_date(until, ret_until))
        return cli_usage(cli, err, "'%.32s' is no date: 2026-11-22", until);
    *ret_until = *ret_until / DAY_S * DAY_S + DAY_S - 1;
    *ret_from = *ret_until - (int64_t)DAYS_DEFAULT * DAY_S;
    if (from != NULL && !parse_date(from, ret_from))
        return cli_usage(cli, err, "'%.32s' is no date: 2026-11-22", from);
    return true;
}

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    buf_printf(path, "&%s=", name);
    client_escape(path, value);
}

/* What types are called on the command line, and by the market. */
struct type_name {
    const char *name, *stored;
};

static const struct type_name charge_types[] = { { "instance", "instance" },
                                                 { "i", "instance" },
                                                 { "volume", "volume" },
                                                 { "v", "volume" },
                                                 { "serverless", "serverless" },
                                                 { "s", "serverless" },
                                                 { NULL, NULL } };
static const struct type_name invoice_types[] = {
    { "transfers", "transfer" },
    { "stripe", "stripe_payments" },
    { "bitpay", "bitpay" },
    { "coinbase", "coinbase" },
    { "crypto.com", "crypto.com" },
    { "reserved", "instance_prepay" },
    { "paypal", "paypal_manual" },
    { "payout_paypal", "paypal_manual" },
    { "wise", "wise_manual" },
    { "payout_wise", "wise_manual" },
    { NULL, NULL },
};

static const char *stored_type(const struct type_name *types, const char *text, size_t length)
{
    for (; types->name != NULL; types++) {
        if (strlen(types->name) == length && strncmp(types->name, text, length) == 0)
            return types->stored;
    }
    return NULL;
}

/* One of the two names of an option, where the command has it. */
static const char *either(struct cli *cli, const char *name, const char *other)
{
    for (const struct args_option *option = cli->args.options; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return args_has(&cli->args, name) ? args_get(&cli->args, name)
                                              : args_get(&cli->args, other);
    }
    return NULL;
}

/* "transfers,stripe": only these. */
static bool add_types(struct cli *cli, bool is_charges, struct buf *filter, struct error *err)
{
    const char *text =
        is_charges ? either(cli, "charge-type", "ct") : either(cli, "invoice-type", "it");
    const struct type_name *types = is_charges ? charge_types : invoice_types;

    if (text == NULL)
        return true;
    buf_printf(filter, ",\"%s\":{\"in\":[", is_charges ? "type" : "service");
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        const char *stored = stored_type(types, at, length);

        if (stored == NULL)
            return cli_usage(cli, err, "'%.32s' is no type that there is", at);
        buf_printf(filter, "%s\"%s\"", at > text ? "," : "", stored);
        at += length;
        if (*at == '\0')
            break;
    }
    buf_printf(filter, "]}");
    return true;
}

/* `column` is what the range is about: "day" or "when". */
static bool ask_page(struct cli *cli, const char *route, const char *column, json_t **ret_reply,
                     struct error *err)
{
    const char *limit = args_get(&cli->args, "limit"), *token = args_get(&cli->args, "next-token");
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE);
    auto_buf struct buf filter = buf_of(FILTER_MAX);
    int64_t from, until;
    uint64_t number = 100;

    if (limit != NULL && (!parse_u64(limit, &number) || number == 0 || number > ROWS_MAX))
        return cli_usage(cli, err, "--limit is a number from 1 to %d", ROWS_MAX);
    if (!read_range(cli, &from, &until, err))
        return false;
    buf_printf(&filter, "{\"%s\":{\"gte\":%" PRId64 ",\"lte\":%" PRId64 "}", column, from, until);
    if (!add_types(cli, strcmp(column, "day") == 0, &filter, err))
        return false;
    buf_printf(&filter, "}");
    buf_printf(&path, "%s?limit=%" PRIu64, route, number);
    add_parameter(&path, "select_filters", filter.bytes);
    add_parameter(&path, "latest_first", args_has(&cli->args, "latest-first") ? "true" : "false");
    if (token != NULL)
        add_parameter(&path, "after_token", token);
    return client_call(cli->client, "GET", path.bytes, NULL, ret_reply, err);
}

/* Seconds as a day. */
static const char *date_of(int64_t seconds, char text[static INSTANT_TEXT_SIZE])
{
    (void)instant_format((struct instant){ seconds * US_PER_SECOND }, text);
    text[DATE_SIZE - 1] = '\0';
    return text;
}

static void note_next(const struct cli *cli, const json_t *reply)
{
    const char *token = json_string_value(json_member(reply, "next_token"));

    if (token != NULL)
        cli_note(cli, "There is more: --next-token %s", token);
}

static const struct table_column charge_columns[] = {
    { "From", false, 1, 0 },   { "Until", false, 0, 0 }, { "Source", false, 0, 0 },
    { "Label", false, 2, 24 }, { "What", false, 0, 0 },  { "Amount", true, 0, 0 },
};

static void add_charge(struct table *table, const json_t *charge)
{
    const json_t *items = json_member(charge, "items"), *metadata = json_member(charge, "metadata");
    char from[INSTANT_TEXT_SIZE], until[INSTANT_TEXT_SIZE];

    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);

        table_cell(table, "%s", date_of(print_int_of(item, "start"), from));
        table_cell(table, "%s", date_of(print_int_of(item, "end"), until));
        table_text(table, charge, "source");
        table_text(table, metadata, "label");
        table_text(table, item, "description");
        table_number(table, item, "amount", 1, 6);
    }
}

/* A cell of comma-separated values; what a spreadsheet would compute is made plain text. */
static void write_cell(struct buf *out, const char *text, char behind)
{
    buf_printf(out, text[0] != '\0' && strchr("=+-@", text[0]) != NULL ? "\"'" : "\"");
    for (const char *at = text; *at != '\0'; at++)
        buf_printf(out, *at == '"' ? "\"\"" : "%c", *at);
    buf_printf(out, "\"%c", behind);
}

static void write_csv(struct buf *out, const json_t *charges)
{
    buf_printf(out, "start,end,source,label,type,description,amount\n");
    for (size_t i = 0; i < json_array_size(charges); i++) {
        const json_t *charge = json_array_get(charges, i), *items = json_member(charge, "items");

        for (size_t k = 0; k < json_array_size(items); k++) {
            const json_t *item = json_array_get(items, k);

            buf_printf(out, "%" PRId64 ",%" PRId64 ",", print_int_of(item, "start"),
                       print_int_of(item, "end"));
            write_cell(out, print_text_of(charge, "source"), ',');
            write_cell(out, print_text_of(json_member(charge, "metadata"), "label"), ',');
            write_cell(out, print_text_of(item, "type"), ',');
            write_cell(out, print_text_of(item, "description"), ',');
            buf_printf(out, "%.9f\n", print_real_of(item, "amount"));
        }
    }
}

/* `label`: of instances called so alone; NULL: of all. */
static bool show_charges(struct cli *cli, const char *label, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(charge_columns, sizeof charge_columns / sizeof charge_columns[0]);
    double total = 0;

    if (!ask_page(cli, "/api/v0/charges/", "day", &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *charges = json_member(reply, "results");
    note_next(cli, reply);
    if (args_has(&cli->args, "csv")) {
        write_csv(cli->out, charges);
        return true;
    }
    for (size_t i = 0; i < json_array_size(charges); i++) {
        const json_t *charge = json_array_get(charges, i);

        if (label != NULL &&
            strcmp(print_text_of(json_member(charge, "metadata"), "label"), label) != 0)
            continue;
        add_charge(&table, charge);
        total += print_real_of(charge, "amount");
    }
    table_write(&table, cli->style, cli->out);
    print_line(cli->out, "Total", "$%.6f", total);
    return true;
}

bool cmd_show_charges(struct cli *cli, struct error *err)
{
    return show_charges(cli, NULL, err);
}

static const struct table_column invoice_columns[] = {
    { "ID", true, 1, 0 },      { "When", false, 0, 0 },         { "Type", false, 0, 0 },
    { "Source", false, 0, 0 }, { "Description", false, 2, 32 }, { "State", false, 2, 0 },
    { "Amount", true, 0, 0 },
};

/* As people read it: what came in is above zero, and so is what was paid out or sent. */
static void add_invoice(struct table *table, const json_t *row)
{
    const json_t *metadata = json_member(row, "metadata");
    bool is_out = strcmp(print_text_of(row, "type"), "payout") == 0 ||
                  strcmp(print_text_of(row, "type"), "transfer") == 0;
    char when[INSTANT_TEXT_SIZE];

    table_number(table, metadata, "invoice_id", 1, 0);
    table_cell(table, "%s", date_of(print_int_of(row, "start"), when));
    table_text(table, row, "type");
    table_text(table, row, "source");
    table_text(table, row, "description");
    table_text(table, metadata, "state");
    table_number(table, row, "amount", is_out ? 1 : -1, 2);
}

bool cmd_show_invoices(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(invoice_columns, sizeof invoice_columns / sizeof invoice_columns[0]);

    if (args_has(&cli->args, "charges") || args_has(&cli->args, "only-charges"))
        return show_charges(cli, args_get(&cli->args, "instance-label"), err);
    if (!ask_page(cli, "/api/v1/invoices/", "when", &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "results");
    for (size_t i = 0; args_has(&cli->args, "quiet") && i < json_array_size(rows); i++)
        buf_printf(cli->out, "%" PRId64 "\n",
                   print_int_of(json_member(json_array_get(rows, i), "metadata"), "invoice_id"));
    if (args_has(&cli->args, "quiet"))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_invoice(&table, json_array_get(rows, i));
    table_write(&table, cli->style, cli->out);
    note_next(cli, reply);
    return true;
}

static const struct table_column statement_columns[] = {
    { "Number", false, 0, 0 },
    { "Month", false, 0, 0 },
    { "Total", true, 0, 0 },
    { "Made", false, 0, 0 },
};

bool cmd_show_statements(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(statement_columns, sizeof statement_columns / sizeof statement_columns[0]);
    char made[INSTANT_TEXT_SIZE];

    if (!client_call(cli->client, "GET", "/api/v0/charges/statements/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "results");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        if (args_has(&cli->args, "quiet")) {
            print_clean(cli->out, print_text_of(row, "number"));
            buf_printf(cli->out, "\n");
            continue;
        }
        table_text(&table, row, "number");
        table_text(&table, row, "month");
        table_number(&table, row, "total", 1, 2);
        table_cell(&table, "%s", date_of(print_int_of(row, "made"), made));
    }
    if (!args_has(&cli->args, "quiet"))
        table_write(&table, cli->style, cli->out);
    if (json_array_size(rows) == 0)
        cli_note(cli, "No month of yours is over and settled yet.");
    return true;
}

static const struct table_column earning_columns[] = {
    { "", false, 0, 0 },      { "GPU", true, 0, 0 },      { "Storage", true, 0, 0 },
    { "Upload", true, 1, 0 }, { "Download", true, 1, 0 },
};

static void add_earnings(struct table *table, const json_t *row, const char *name)
{
    char date[INSTANT_TEXT_SIZE];

    if (strcmp(name, "day") == 0)
        table_cell(table, "%s", date_of(print_int_of(row, name) * DAY_S, date));
    else
        table_cell(table, "machine %" PRId64, print_int_of(row, name));
    table_number(table, row, "gpu_earn", 1, 6);
    table_number(table, row, "sto_earn", 1, 6);
    table_number(table, row, "bwu_earn", 1, 6);
    table_number(table, row, "bwd_earn", 1, 6);
}

bool cmd_show_earnings(struct cli *cli, struct error *err)
{
    const char *machine = args_get(&cli->args, "machine-id");
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(earning_columns, sizeof earning_columns / sizeof earning_columns[0]);
    char path[160];
    long long id = 0;
    int64_t from, until;

    if ((machine != NULL && !cli_id(cli, machine, "machine", &id, err)) ||
        !read_range(cli, &from, &until, err))
        return false;
    (void)snprintf(path, sizeof path,
                   "/api/v0/users/me/machine-earnings/?owner=me&sday=%" PRId64 "&eday=%" PRId64
                   "&machid=%lld",
                   from / DAY_S, until / DAY_S, id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *days = json_member(reply, "per_day");
    const json_t *machines = json_member(reply, "per_machine");
    for (size_t i = 0; i < json_array_size(days); i++)
        add_earnings(&table, json_array_get(days, i), "day");
    for (size_t i = 0; !args_has(&cli->args, "quiet") && i < json_array_size(machines); i++)
        add_earnings(&table, json_array_get(machines, i), "machine_id");
    table_write(&table, cli->style, cli->out);
    print_line(cli->out, "Not yet paid out", "$%.2f",
               print_real_of(json_member(reply, "current"), "balance"));
    return true;
}

bool cmd_transfer_credit(struct cli *cli, struct error *err)
{
    const char *recipient = args_get(&cli->args, "recipient");
    const char *amount = args_get(&cli->args, "amount");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    struct money dollars;
    size_t used = 0;

    if (recipient == NULL && cli->args.word_count > used)
        recipient = cli->args.words[used++];
    if (amount == NULL && cli->args.word_count > used)
        amount = cli->args.words[used++];
    if (recipient == NULL || amount == NULL || used != cli->args.word_count)
        return cli_usage(cli, err, "give a recipient and an amount");
    if (!money_parse(amount, &dollars, err) || dollars.nanodollars <= 0)
        return cli_usage(cli, err, "'%.32s' is no amount above zero", amount);
    encode_object(&json);
    encode_field_text(&json, "sender", "me");
    encode_field_text(&json, "recipient", recipient);
    encode_field_money(&json, "amount", dollars);
    encode_end(&json);
    if (!client_call(cli->client, "PUT", "/api/v0/commands/transfer_credit/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Sent %s to ", amount);
    print_clean(cli->out, recipient);
    buf_printf(cli->out, "\n");
    return true;
}

/* 'amount_cents>100': a name, an operator and the rest. */
static bool add_condition(struct cli *cli, const char *word, json_t *filters, struct error *err)
{
    static const char *const operators[][2] = { { ">=", "gte" }, { "<=", "lte" }, { "!=", "neq" },
                                                { "==", "eq" },  { ">", "gt" },   { "<", "lt" },
                                                { "=", "eq" } };
    size_t length = strcspn(word, "<>!=");

    for (size_t i = 0; length > 0 && i < sizeof operators / sizeof operators[0]; i++) {
        size_t size = strlen(operators[i][0]);

        if (strncmp(word + length, operators[i][0], size) != 0)
            continue;
        auto_json json_t *name = json_stringn(word, length);
        json_t *conditions = json_object_get(filters, json_string_value(name));

        if (conditions == NULL) {
            conditions = json_object();
            (void)json_object_set_new(filters, json_string_value(name), conditions);
        }
        (void)json_object_set_new(conditions, operators[i][1], json_string(word + length + size));
        return true;
    }
    return cli_usage(cli, err, "'%.64s' is no condition such as amount_cents>100", word);
}

bool cmd_search_invoices(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE - 1);
    auto_json json_t *filters = json_object(), *reply = NULL;

    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!add_condition(cli, cli->args.words[i], filters, err))
            return false;
    }
    auto_free char *text = json_dumps(filters, JSON_COMPACT);
    buf_printf(&path, "/api/v0/invoices/?");
    add_parameter(&path, "select_cols", "[\"*\"]");
    add_parameter(&path, "select_filters", text);
    if (path.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the query is too long");
    if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    print_json(cli->out, reply);
    return true;
}
