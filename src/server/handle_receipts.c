/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts and statements, to print (server/bill_html.h). */
#include <stdio.h>

#include "flow/pay_in.h"
#include "flow/show_user.h"
#include "server/app.h"
#include "server/bill_html.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { PAGE_ARENA_MAX = 64 << 20, MONTH_SIZE = 16 };

static bool find_head(struct call *call, struct bill_head *ret, struct error *err)
{
    const char *market = call->app->public_url;
    struct user_view *view = arena_alloc(call->request->arena, 1, sizeof *view);

    if (view == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for whom it is for");
    if (!flow_show_user(&call->app->flow, &call->caller, call->request->arena, view, err))
        return false;
    *ret = (struct bill_head){ view->user.email, view->user.fullname, market != NULL ? market : "",
                               view->user.id, view->address };
    return true;
}

static void reply_page(struct call *call, struct buf *body)
{
    http_set_header(call->exchange, "Content-Security-Policy", BILL_HTML_POLICY);
    reply_text(call, "text/html; charset=utf-8", body);
}

void handle_deposit_receipt(struct call *call)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct deposit_row deposit;
    enum pay_in_outcome outcome;
    struct bill_head head;
    struct error err;

    if (!flow_pay_in_show(&call->app->flow, &call->caller, call->params[0].id, call->request->arena,
                          &deposit, &outcome, &err) ||
        !find_head(call, &head, &err))
        return reply_error(call, &err);
    if (outcome != PAY_IN_DONE)
        return reply_refuse(call, 404, "no_such_payment",
                            "There is no such thing on this account.");
    if (deposit.state != DEPOSIT_ARRIVED)
        return reply_refuse(call, 409, "conflict", "There is a receipt once it is paid.");
    bill_html_receipt(&body, &head, &deposit);
    reply_page(call, &body);
}

static void month_name(int64_t month, char text[static MONTH_SIZE])
{
    struct billing_date first = billing_date(billing_month_start(month));

    (void)snprintf(text, MONTH_SIZE, "%04d-%02d", first.year % 10000, first.month % 100);
}

/* One a month: a page of them would be one of many years. */
void handle_statements_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(PAGE_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct renter_invoice_row *rows;
    char name[MONTH_SIZE];
    struct error err;
    size_t count;

    if (!flow_statements(&call->app->flow, &call->caller, &arena, &rows, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "results");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        month_name(rows[i].month, name);
        encode_object(&json);
        encode_field_text(&json, "number", rows[i].number);
        encode_field_text(&json, "month", name);
        encode_field_money(&json, "gross", rows[i].gross);
        encode_field_money(&json, "total", rows[i].total);
        encode_field_int(&json, "made", rows[i].made.microseconds / US_PER_SECOND);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_charges_statement(struct call *call)
{
    auto_arena struct arena arena = arena_of(PAGE_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    const char *text = http_query(call->request, "month");
    int64_t month = billing_month(billing_day(clock_now(call->app->clock)));
    struct statement statement;
    struct bill_head head;
    char name[MONTH_SIZE];
    struct error err;

    if (text != NULL && text[0] != '\0' && !billing_month_parse(text, &month))
        return reply_refuse(call, 400, "invalid_args", "month must be like 2026-11.");
    if (!flow_month_statement(&call->app->flow, &call->caller, month, &arena, &statement, &err) ||
        !find_head(call, &head, &err))
        return reply_error(call, &err);
    month_name(month, name);
    bill_html_statement(&body, &head, name, &statement);
    reply_page(call, &body);
}
