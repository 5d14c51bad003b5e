/* SPDX-License-Identifier: Apache-2.0 */
#include "server/bill_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"

/* `value` / `unit` with three decimals, rounded half up. */
static void format_thousandths(int64_t value, int64_t unit, char text[static BILL_TEXT_SIZE])
{
    numerator thousandths = ((numerator)value * 1000 + unit / 2) / unit;

    (void)snprintf(text, BILL_TEXT_SIZE, "%" PRId64 ".%03" PRId64, (int64_t)(thousandths / 1000),
                   (int64_t)(thousandths % 1000));
}

#define BYTES_PER_GB (INT64_C(1) << 30)

static bool is_traffic(const struct statement_item *item)
{
    return item->component == COMPONENT_UP || item->component == COMPONENT_DOWN;
}

void bill_quantity(const struct statement_item *item, char text[static BILL_TEXT_SIZE])
{
    format_thousandths(item->used, is_traffic(item) ? BYTES_PER_GB : US_PER_HOUR, text);
}

/* Traffic is quoted per GB, 1024 to the TB; it need not come out even. */
void bill_rate(const struct statement_item *item, char text[static BILL_TEXT_SIZE])
{
    struct money rate = item->rate;
    char amount[MONEY_TEXT_SIZE];

    if (is_traffic(item))
        rate.nanodollars = (rate.nanodollars + 512) / 1024;
    (void)snprintf(text, BILL_TEXT_SIZE, "%s", money_format(rate, amount));
}

char *bill_text(const struct statement_item *item, char text[static BILL_TEXT_SIZE])
{
    static const char *const directions[] = { [COMPONENT_UP] = "up", [COMPONENT_DOWN] = "down" };
    char quantity[BILL_TEXT_SIZE], rate[BILL_TEXT_SIZE];
    const char *before = item->kind == USAGE_REFUNDED ? "Refund: " : "";

    bill_quantity(item, quantity);
    bill_rate(item, rate);
    if (item->kind == USAGE_DOWNTIME)
        (void)snprintf(text, BILL_TEXT_SIZE, "Credit for %.32s hours out of contact", quantity);
    else if (item->kind == USAGE_FORFEITED)
        (void)snprintf(text, BILL_TEXT_SIZE,
                       "Discount for paying ahead, taken back: it ended early");
    else if (is_traffic(item))
        (void)snprintf(text, BILL_TEXT_SIZE, "%s%.32s GB %s at $%.32s/GB", before, quantity,
                       directions[item->component], rate);
    else if (item->component == COMPONENT_DISK)
        (void)snprintf(text, BILL_TEXT_SIZE, "%s%.32s hours of %" PRId64 " GB at $%.32s/GB/month",
                       before, quantity, item->quantity, rate);
    else
        (void)snprintf(text, BILL_TEXT_SIZE, "%s%.32s hours at $%.32s/hour", before, quantity,
                       rate);
    return text;
}

void bill_cell(struct buf *out, const char *text)
{
    bool is_formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

    if (!is_formula && strpbrk(text, ",\"\r\n") == NULL) {
        buf_printf(out, "%s", text);
        return;
    }
    buf_printf(out, is_formula ? "\"'" : "\"");
    for (const char *at = text; *at != '\0'; at++)
        buf_printf(out, *at == '"' ? "\"\"" : "%c", *at);
    buf_printf(out, "\"");
}

static void write_item(struct buf *out, const struct statement_group *group,
                       const struct statement_item *item)
{
    char from[INSTANT_TEXT_SIZE], until[INSTANT_TEXT_SIZE], amount[MONEY_TEXT_SIZE];
    char text[BILL_TEXT_SIZE], rate[BILL_TEXT_SIZE], quantity[BILL_TEXT_SIZE];

    bill_quantity(item, quantity);
    bill_rate(item, rate);
    buf_printf(out, "%s,%s,%" PRId64 ",", instant_format(item->from, from),
               instant_format(item->until, until), group->contract_id);
    bill_cell(out, group->label != NULL ? group->label : "");
    buf_printf(out, ",%s,", component_name(item->component));
    bill_cell(out, bill_text(item, text));
    buf_printf(out, ",%s,%s,%s\r\n", quantity, rate, money_format(item->gross, amount));
}

void bill_csv(struct buf *out, const struct statement *statement)
{
    struct money total = billing_round(statement->gross);
    struct money rounding = { total.nanodollars - statement->gross.nanodollars };
    char amount[MONEY_TEXT_SIZE];

    buf_printf(out, "start,end,instance,label,component,description,quantity,rate,amount\r\n");
    for (size_t i = 0; i < statement->group_count; i++)
        for (size_t k = 0; k < statement->groups[i].item_count; k++)
            write_item(out, &statement->groups[i], &statement->groups[i].items[k]);
    buf_printf(out, ",,,,,rounding,,,%s\r\n", money_format(rounding, amount));
    buf_printf(out, ",,,,,total%s%s,,,%s\r\n", statement->number != NULL ? " of " : "",
               statement->number != NULL ? statement->number : "", money_format(total, amount));
}

void bill_filter_release(struct bill_filter *filter)
{
    json_decref(filter->kinds);
    *filter = (struct bill_filter){ 0 };
}

/* Seconds, as a number or as text; fractions are left off. */
static bool read_seconds(const json_t *value, int64_t *ret)
{
    double seconds;

    if (json_is_string(value)) {
        uint64_t whole;
        if (!parse_u64(json_string_value(value), &whole) || whole > INT32_MAX * UINT64_C(64))
            return false;
        *ret = (int64_t)whole;
        return true;
    }
    if (!json_is_number(value))
        return false;
    seconds = json_number_value(value);
    if (!(seconds >= 0 && seconds <= INT32_MAX * 64.0))
        return false;
    *ret = (int64_t)seconds;
    return true;
}

static bool read_range(const json_t *range, struct bill_filter *filter)
{
    const json_t *from = json_member(range, "gte"), *until = json_member(range, "lte");

    if (range == NULL)
        return true;
    filter->has_range = from != NULL && until != NULL;
    return filter->has_range && read_seconds(from, &filter->from_s) &&
           read_seconds(until, &filter->until_s);
}

bool bill_filter_parse(const struct http_request *request, const char *time, const char *kind,
                       struct bill_filter *ret, struct error *err)
{
    const char *text = http_query(request, "select_filters");
    auto_json json_t *root = NULL;
    struct bill_filter filter = { 0 };
    const json_t *kinds;
    const char *column;
    json_t *ignored;

    *ret = filter;
    if (text == NULL || text[0] == '\0')
        return true;
    if (!json_parse(text, strlen(text), &root, err))
        return error_context(err, "select_filters");
    json_object_foreach(root, column, ignored)
    {
        if (strcmp(column, time) != 0 && strcmp(column, kind) != 0)
            return error_set(err, ERROR_INVALID, "there is no column '%.64s' to filter by", column);
    }
    if (!json_is_object(root) || !read_range(json_member(root, time), &filter))
        return error_set(err, ERROR_INVALID, "%s needs gte and lte, in seconds", time);
    kinds = json_member(json_member(root, kind), "in");
    if (json_member(root, kind) != NULL && !json_is_array(kinds))
        return error_set(err, ERROR_INVALID, "%s needs in, with an array", kind);
    filter.kinds = json_incref((json_t *)kinds);
    *ret = filter;
    return true;
}

bool bill_filter_wants(const struct bill_filter *filter, const char *kind)
{
    if (filter->kinds == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(filter->kinds); i++) {
        const char *wanted = json_string_value(json_array_get(filter->kinds, i));
        if (wanted != NULL && strcmp(wanted, kind) == 0)
            return true;
    }
    return false;
}

/* How many rows of the pages before came first. Rows are only ever added at the end. */
static bool read_token(const char *token, size_t count, size_t *ret)
{
    uint64_t start;

    if (token[0] != 'p' || !parse_u64(token + 1, &start) || start > BILL_ROWS_MAX)
        return false;
    *ret = start < count ? (size_t)start : count;
    return true;
}

bool bill_page_parse(const struct http_request *request, size_t count, size_t limit_default,
                     struct bill_page *ret, bool *ret_is_token, struct error *err)
{
    const char *latest = http_query(request, "latest_first");
    const char *limit = http_query(request, "limit");
    const char *token = http_query(request, "after_token");
    struct bill_page page = { .limit = limit_default };
    uint64_t number;

    *ret_is_token = false;
    page.is_latest_first = latest != NULL && strcmp(latest, "true") == 0;
    if (limit != NULL && limit[0] != '\0' && strcmp(limit, "null") != 0) {
        if (!parse_u64(limit, &number) || number == 0)
            return error_set(err, ERROR_INVALID, "limit must be 1 to %d", BILL_LIMIT_MAX);
        page.limit = number < BILL_LIMIT_MAX ? (size_t)number : BILL_LIMIT_MAX;
    }
    if (token != NULL && token[0] != '\0' && strcmp(token, "null") != 0 &&
        !read_token(token, count, &page.start)) {
        *ret_is_token = true;
        return error_set(err, ERROR_INVALID, "after_token is not one that was given out");
    }
    if (page.start + page.limit < count)
        (void)snprintf(page.next, sizeof page.next, "p%zu", page.start + page.limit);
    *ret = page;
    return true;
}

bool bill_page_row(const struct bill_page *page, size_t count, size_t i, size_t *ret_index)
{
    size_t at = page->start + i;

    if (i >= page->limit || at >= count)
        return false;
    *ret_index = page->is_latest_first ? count - 1 - at : at;
    return true;
}
