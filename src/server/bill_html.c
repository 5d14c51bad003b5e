/* SPDX-License-Identifier: Apache-2.0 */
#include "server/bill_html.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/bill_text.h"

static const char begin[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title>\n<style>"
    "body{font:14px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#111;"
    "background:#fff}table{border-collapse:collapse;width:100%%}"
    "th,td{text-align:left;padding:.3em .5em;border-bottom:1px solid #bbb}"
    ".n{text-align:right;white-space:nowrap}dt{color:#555}dd{margin:0 0 .5em}"
    "@media print{body{margin:0}thead{display:table-header-group}tr{break-inside:avoid}}"
    "</style></head>\n<body><h1>%s</h1>\n";

static const char end[] = "</body></html>\n";

void bill_html_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            buf_append(out, "&lt;", 4);
            break;
        case '>':
            buf_append(out, "&gt;", 4);
            break;
        case '&':
            buf_append(out, "&amp;", 5);
            break;
        case '"':
            buf_append(out, "&quot;", 6);
            break;
        case '\'':
            buf_append(out, "&#39;", 5);
            break;
        default:
            buf_append(out, text, 1);
        }
    }
}

static void write_row(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "<dt>%s</dt><dd>", name);
    bill_html_text(out, value);
    buf_printf(out, "</dd>\n");
}

static const char *const address_labels[ADDRESS_PARTS] = {
    [ADDRESS_LINE1] = "Addressed to", [ADDRESS_LINE2] = "Street",
    [ADDRESS_CITY] = "City",          [ADDRESS_ZIP] = "Postal code",
    [ADDRESS_COUNTRY] = "Country",    [ADDRESS_TAXINFO] = "Tax number",
};

static void write_head(struct buf *out, const struct bill_head *head)
{
    char account[32];

    (void)snprintf(account, sizeof account, "%" PRId64, head->user_id);
    if (head->market[0] != '\0')
        write_row(out, "Market", head->market);
    write_row(out, "For", head->name[0] != '\0' ? head->name : head->email);
    for (int i = 0; i < ADDRESS_PARTS; i++)
        if (head->address[i][0] != '\0')
            write_row(out, address_labels[i], head->address[i]);
    write_row(out, "Email", head->email);
    write_row(out, "Account", account);
}

void bill_html_receipt(struct buf *out, const struct bill_head *head,
                       const struct deposit_row *deposit)
{
    char title[64], date[INSTANT_TEXT_SIZE], amount[MONEY_TEXT_SIZE], dollars[MONEY_TEXT_SIZE + 8];

    if (deposit->receipt[0] != '\0')
        (void)snprintf(title, sizeof title, "Receipt %.40s", deposit->receipt);
    else
        (void)snprintf(title, sizeof title, "Receipt %" PRId64, deposit->id);
    buf_printf(out, begin, title, title);
    buf_printf(out, "<dl>\n");
    write_head(out, head);
    (void)instant_format(deposit->settled, date);
    date[sizeof "2026-11-27" - 1] = '\0';
    write_row(out, "Paid on (UTC)", date);
    (void)snprintf(dollars, sizeof dollars, "$%s", money_format(deposit->amount, amount));
    write_row(out, "Amount", dollars);
    write_row(out, "For", "Credit for the rent of GPUs");
    write_row(out, "Paid by", strcmp(deposit->provider, "stripe") == 0 ? "card" : "transfer");
    if (deposit->object_id[0] != '\0')
        write_row(out, "Reference", deposit->object_id);
    buf_printf(out, "</dl>\n%s", end);
}

static void write_item(struct buf *out, const struct statement_group *group,
                       const struct statement_item *item)
{
    char text[BILL_TEXT_SIZE], amount[MONEY_TEXT_SIZE];

    buf_printf(out, "<tr><td>%" PRId64, group->contract_id);
    if (group->label != NULL && group->label[0] != '\0') {
        buf_printf(out, " ");
        bill_html_text(out, group->label);
    }
    buf_printf(out, "</td><td>%s</td><td>", component_name(item->component));
    bill_html_text(out, bill_text(item, text));
    buf_printf(out, "</td><td class=\"n\">%s</td></tr>\n", money_format(item->gross, amount));
}

void bill_html_statement(struct buf *out, const struct bill_head *head, const char *month,
                         const struct statement *statement)
{
    struct money total = billing_round(statement->gross);
    struct money rounding = { total.nanodollars - statement->gross.nanodollars };
    char amount[MONEY_TEXT_SIZE], title[64];

    (void)snprintf(title, sizeof title, "Usage in %s (UTC)", month);
    buf_printf(out, begin, title, title);
    buf_printf(out, "<dl>\n");
    write_head(out, head);
    if (statement->number != NULL)
        write_row(out, "Number", statement->number);
    buf_printf(out, "</dl>\n<table><thead><tr><th>Instance</th><th>What</th><th>How much</th>"
                    "<th class=\"n\">Dollars</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < statement->group_count; i++)
        for (size_t k = 0; k < statement->groups[i].item_count; k++)
            write_item(out, &statement->groups[i], &statement->groups[i].items[k]);
    buf_printf(out, "<tr><td colspan=\"3\">Rounding</td><td class=\"n\">%s</td></tr>\n",
               money_format(rounding, amount));
    buf_printf(out, "<tr><th colspan=\"3\">Total</th><th class=\"n\">%s</th></tr>\n",
               money_format(total, amount));
    buf_printf(out, "</tbody></table>\n%s", end);
}
