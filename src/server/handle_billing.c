/* SPDX-License-Identifier: Apache-2.0 */
/* Charges, statements and invoices (api.md 2.16). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/statement.h"
#include "server/app.h"
#include "server/bill_text.h"
#include "server/columns.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/instance_query.h"
#include "server/reply.h"

enum { CHARGES_LIMIT = 20, INVOICES_LIMIT = 60, BILL_ARENA_MAX = 64 << 20 };

static int64_t seconds_of(struct instant at)
{
    return at.microseconds / US_PER_SECOND;
}

static void encode_span(struct encoder *json, struct instant from, struct instant until)
{
    encode_field_int(json, "start", seconds_of(from));
    encode_field_int(json, "end", seconds_of(until));
}

static void encode_empty(struct encoder *json, const char *key, bool is_array)
{
    encode_key(json, key);
    if (is_array)
        encode_array(json);
    else
        encode_object(json);
    encode_end(json);
}

static void encode_item(struct encoder *json, const struct statement_item *item)
{
    char text[BILL_TEXT_SIZE];

    encode_object(json);
    encode_span(json, item->from, item->until);
    encode_field_text(json, "type", component_name(item->component));
    field_null(json, "source");
    encode_field_text(json, "description", bill_text(item, text));
    encode_field_money(json, "amount", item->gross);
    encode_empty(json, "metadata", false);
    encode_empty(json, "items", true);
    encode_end(json);
}

static const char *charge_type(const struct statement_group *group)
{
    return group->is_volume ? "volume" : "instance";
}

static void encode_charge(struct encoder *json, const struct statement_group *group)
{
    char text[BILL_TEXT_SIZE];

    encode_object(json);
    encode_span(json, group->from, group->until);
    encode_field_text(json, "type", charge_type(group));
    (void)snprintf(text, sizeof text, "%s-%lld", charge_type(group), (long long)group->contract_id);
    encode_field_text(json, "source", text);
    (void)snprintf(text, sizeof text, "%s %lld Charges", group->is_volume ? "Volume" : "Instance",
                   (long long)group->contract_id);
    encode_field_text(json, "description", text);
    encode_field_money(json, "amount", group->gross);
    encode_key(json, "metadata");
    encode_object(json);
    field_known_text(json, "label", group->label);
    field_null(json, "template_id");
    encode_end(json);
    encode_key(json, "items");
    encode_array(json);
    for (size_t i = 0; i < group->item_count; i++)
        encode_item(json, &group->items[i]);
    encode_end(json);
    encode_end(json);
}

static void encode_page(struct encoder *json, const struct bill_page *page, size_t count)
{
    size_t left = count - page->start;

    encode_field_int(json, "count", (int64_t)(left < page->limit ? left : page->limit));
    encode_field_int(json, "total", (int64_t)count);
    encode_key(json, "next_token");
    encode_text(json, page->next[0] != '\0' ? page->next : NULL);
}

static int compare_groups(const void *a, const void *b)
{
    const struct statement_group *left = a, *right = b;
    int order = instant_compare(left->until, right->until);

    return order != 0 ? order
                      : (left->contract_id > right->contract_id) -
                            (left->contract_id < right->contract_id);
}

static void refuse_query(struct call *call, bool is_token, const struct error *err)
{
    reply_refuse(call, 400, is_token ? "invalid_token" : "invalid_request", "%s", err->text);
}

static void reply_charges(struct call *call, struct statement *statement)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct bill_page page;
    struct error err;
    bool is_token;
    size_t at;

    if (!bill_page_parse(call->request, statement->group_count, CHARGES_LIMIT, &page, &is_token,
                         &err))
        return refuse_query(call, is_token, &err);
    if (statement->group_count > 1)
        qsort(statement->groups, statement->group_count, sizeof *statement->groups, compare_groups);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_page(&json, &page, statement->group_count);
    encode_key(&json, "results");
    encode_array(&json);
    for (size_t i = 0; bill_page_row(&page, statement->group_count, i, &at); i++)
        encode_charge(&json, &statement->groups[at]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_charges_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(BILL_ARENA_MAX);
    auto_bill_filter struct bill_filter filter = { 0 };
    struct statement statement;
    struct error err;

    if (!bill_filter_parse(call->request, "day", "type", &filter, &err))
        return refuse_query(call, false, &err);
    if (!filter.has_range)
        return reply_refuse(call, 400, "invalid_request",
                            "select_filters needs day with gte and lte.");
    /* Whole days: those in which the range begins and ends. */
    int64_t day_s = BILLING_DAY_US / US_PER_SECOND;
    if (!flow_statement(&call->app->flow, &call->caller, filter.from_s / day_s,
                        filter.until_s / day_s, &arena, &statement, &err))
        return reply_error(call, &err);
    size_t wanted = 0;
    for (size_t i = 0; i < statement.group_count; i++)
        if (bill_filter_wants(&filter, charge_type(&statement.groups[i])))
            statement.groups[wanted++] = statement.groups[i];
    statement.group_count = wanted;
    reply_charges(call, &statement);
}

void handle_charges_csv(struct call *call)
{
    auto_arena struct arena arena = arena_of(BILL_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    const char *text = http_query(call->request, "month");
    int64_t month = billing_month(billing_day(clock_now(call->app->clock)));
    struct statement statement;
    struct error err;

    if (text != NULL && text[0] != '\0' && !billing_month_parse(text, &month))
        return reply_refuse(call, 400, "invalid_args", "month must be like 2026-11.");
    if (!flow_month_statement(&call->app->flow, &call->caller, month, &arena, &statement, &err))
        return reply_error(call, &err);
    bill_csv(&body, &statement);
    reply_text(call, "text/csv; charset=utf-8", &body);
}

/* As clients want it: what came in is below zero, what went out above. */
static struct money signed_amount(const struct wallet_view *view)
{
    int64_t amount = view->entry.amount.nanodollars;

    return (struct money){ view->entry.is_out ? amount : -amount };
}

static const char *type_of(const struct wallet_view *view)
{
    if (view->entry.kind == JOURNAL_PAYOUT)
        return "payout";
    if (view->entry.kind == JOURNAL_ADJUSTMENT)
        return "transfer";
    if (view->entry.kind == JOURNAL_RESERVATION)
        return "reserved";
    return view->entry.kind == JOURNAL_CORRECTION ? "refund" : "credit";
}

static const char *words_for(const struct wallet_view *view)
{
    switch (view->entry.kind) {
    case JOURNAL_PAYOUT:
        return "Payout of earnings";
    case JOURNAL_HOST_INVOICE:
        return "Earnings of a week";
    case JOURNAL_DEPOSIT:
        return "Credit bought";
    case JOURNAL_CORRECTION:
        return "Charge taken back";
    case JOURNAL_ADJUSTMENT:
        return view->entry.is_out ? "Credit given to somebody" : "Credit from somebody";
    case JOURNAL_HOLD:
        return "Set aside, and taken";
    case JOURNAL_REFUND:
        return "Credit sent back to a card";
    case JOURNAL_RESERVATION:
        return view->entry.is_out ? "Paid ahead for an instance" : "Left of what was paid ahead";
    case JOURNAL_PROMO:
    case JOURNAL_USAGE:
    case JOURNAL_PROMO_EXPIRY:
    case JOURNAL_DISPUTE:
    case JOURNAL_PROVIDER:
        break;
    }
    return "Credit given";
}

static void encode_invoice(struct encoder *json, const struct wallet_view *view)
{
    encode_object(json);
    encode_span(json, view->entry.at, view->entry.at);
    encode_field_text(json, "type", type_of(view));
    encode_field_text(json, "source", view->source);
    encode_field_text(json, "description", words_for(view));
    encode_field_money(json, "amount",
                       view->entry.kind == JOURNAL_ADJUSTMENT && !view->entry.is_out
                           ? view->entry.amount
                           : signed_amount(view));
    encode_key(json, "metadata");
    encode_object(json);
    encode_field_int(json, "invoice_id", view->entry.journal_id);
    encode_field_text(json, "service", view->service);
    if (view->entry.kind == JOURNAL_PAYOUT) {
        encode_field_text(json, "state", payout_state_name(view->state));
        encode_field_text(json, "reference", view->reference);
    }
    encode_end(json);
    encode_empty(json, "items", true);
    encode_end(json);
}

/* A host's invoice is what it earned, not what it was paid: that is on show earnings. */
static size_t keep_wanted(struct wallet_view *views, size_t count, const struct bill_filter *filter)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (views[i].entry.kind != JOURNAL_HOST_INVOICE &&
            bill_filter_wants(filter, views[i].service))
            views[kept++] = views[i];
    return kept;
}

void handle_invoices_page(struct call *call)
{
    auto_arena struct arena arena = arena_of(BILL_ARENA_MAX);
    auto_bill_filter struct bill_filter filter = { 0 };
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct wallet_view *views;
    struct bill_page page;
    struct error err;
    size_t count, at;
    bool is_token;

    if (!bill_filter_parse(call->request, "when", "service", &filter, &err))
        return refuse_query(call, false, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", filter.has_range);
    if (!filter.has_range) {
        encode_field_text(&json, "msg", "select_filters needs when with gte and lte.");
        encode_end(&json);
        return reply_json(call, &body);
    }
    if (!flow_wallet(&call->app->flow, &call->caller,
                     (struct instant){ filter.from_s * US_PER_SECOND },
                     (struct instant){ (filter.until_s + 1) * US_PER_SECOND - 1 }, &arena, &views,
                     &count, &err))
        return reply_error(call, &err);
    count = keep_wanted(views, count, &filter);
    if (!bill_page_parse(call->request, count, INVOICES_LIMIT, &page, &is_token, &err))
        return refuse_query(call, is_token, &err);
    encode_page(&json, &page, count);
    encode_key(&json, "results");
    encode_array(&json);
    for (size_t i = 0; bill_page_row(&page, count, i, &at); i++)
        encode_invoice(&json, &views[at]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static int64_t cents_of(struct money amount)
{
    return billing_round(amount).nanodollars / BILLING_CENT;
}

/* The raw row of api.md 2.16.4. What Berth does not keep is null. */
static void encode_raw_row(struct encoder *json, const struct wallet_view *view, int64_t user_id)
{
    static const char *const unknown[] = { "balance_before", "balance_after", "event_id",
                                           "extra",          "stripe_charge", "stripe_refund",
                                           "stripe_payout",  "error",         "paypal_email",
                                           "transfer_group" };
    bool is_payout = view->entry.kind == JOURNAL_PAYOUT;
    bool is_paid = !is_payout || view->state == PAYOUT_PAID;
    bool has_failed = is_payout && (view->state == PAYOUT_FAILED || view->state == PAYOUT_RETURNED);
    struct money cut = { view->gross.nanodollars - view->entry.amount.nanodollars };

    encode_object(json);
    encode_field_int(json, "id", view->entry.journal_id);
    encode_field_int(json, "user_id", user_id);
    field_time(json, "when", view->entry.at);
    field_time(json, "paid_on", is_paid ? view->entry.at : INSTANT_NEVER);
    field_time(json, "payment_expected",
               is_payout ? instant_add(view->entry.at, BILLING_PAID_WITHIN_US) : INSTANT_NEVER);
    encode_field_int(json, "amount_cents", cents_of(view->entry.amount));
    encode_field_bool(json, "is_credit", !view->entry.is_out);
    encode_field_bool(json, "is_delayed", false);
    encode_field_int(json, "original_amount", cents_of(view->gross));
    encode_field_int(json, "cut_amount", cents_of(cut));
    encode_field_int(json, "cut_percent", cut.nanodollars > 0 ? FEE_BPS_DEFAULT / 100 : 0);
    encode_field_text(json, "service", view->service);
    encode_field_bool(json, "failed", has_failed);
    encode_field_bool(json, "refunded", view->entry.kind == JOURNAL_CORRECTION);
    encode_field_bool(json, "is_check", false);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        field_null(json, unknown[i]);
    encode_end(json);
}

/* All rows as JSON, then those that match: the filters see what the client sees. */
static bool encode_found(const struct page_query *query, const json_t *all, struct encoder *json)
{
    size_t count = json_array_size(all), kept = 0;
    const json_t **rows = calloc(count + 1, sizeof *rows);

    if (rows == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (page_query_matches(query, json_array_get(all, i)))
            rows[kept++] = json_array_get(all, i);
    page_query_sort(query, rows, kept);
    encode_array(json);
    for (size_t i = 0; i < kept; i++) {
        if (query->columns != NULL) {
            columns_encode(json, rows[i], query->columns);
            continue;
        }
        auto_free char *text = json_dumps(rows[i], JSON_COMPACT | JSON_REAL_PRECISION(15));
        if (text != NULL)
            encode_raw(json, text, strlen(text));
    }
    encode_end(json);
    free(rows);
    return true;
}

void handle_invoices_search(struct call *call)
{
    auto_arena struct arena arena = arena_of(BILL_ARENA_MAX);
    auto_buf struct buf all = buf_of(HTTP_REPLY_MAX), body = buf_of(HTTP_REPLY_MAX);
    struct encoder rows = encoder_of(&all), json = encoder_of(&body);
    auto_page_query struct page_query query = { 0 };
    auto_json json_t *parsed = NULL;
    struct wallet_view *views;
    struct wallet_view blank = { .service = "", .source = "" };
    struct error err;
    size_t count;
    bool is_token;

    if (!flow_wallet(&call->app->flow, &call->caller, (struct instant){ 0 }, INSTANT_NEVER, &arena,
                     &views, &count, &err))
        return reply_error(call, &err);
    /* The last row has every column and is not shown. */
    encode_array(&rows);
    for (size_t i = 0; i < count; i++)
        encode_raw_row(&rows, &views[i], call->caller.user_id);
    encode_raw_row(&rows, &blank, 0);
    encode_end(&rows);
    if (all.has_overflowed || !json_parse(all.bytes, all.length, &parsed, &err))
        return reply_refuse(call, 413, "too_large", "That is more than one reply holds.");
    if (!page_query_parse(call->request, json_array_get(parsed, count), &query, &is_token, &err))
        return refuse_query(call, is_token, &err);
    (void)json_array_remove(parsed, count);
    if (!encode_found(&query, parsed, &json))
        return reply_refuse(call, 413, "too_large", "That is more than one reply holds.");
    reply_json(call, &body);
}
