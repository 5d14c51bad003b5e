/* SPDX-License-Identifier: Apache-2.0 */
/* Earnings of hosts, bills as older clients want them, and credit for somebody else (api.md
 * 2.16). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/instance.h"
#include "flow/show_user.h"
#include "flow/statement.h"
#include "flow/transfer.h"
#include "server/app.h"
#include "server/bill_text.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { EARNINGS_ARENA_MAX = 64 << 20, EARNINGS_DAYS = 30, LABEL_MAX = 1024, FETCH_MAX = 1000 };

/* A number of the query; `*ret` stays where it is absent. False where it is no number. */
static bool read_number(struct call *call, const char *name, double *ret)
{
    const char *text = http_query(call->request, name);
    auto_json json_t *value = NULL;
    struct error ignored;

    if (text == NULL || text[0] == '\0' || strcmp(text, "null") == 0)
        return true;
    if (!json_parse(text, strlen(text), &value, &ignored) || !json_is_number(value))
        return false;
    *ret = json_number_value(value);
    return isfinite(*ret) && *ret >= 0 && *ret < 1e11;
}

/* By "me", or by its own id. */
static bool is_self(struct call *call)
{
    if (strcmp(call->params[0].text, "me") == 0 || call->params[0].id == call->caller.user_id)
        return true;
    reply_refuse(call, 403, "not_authorized", "Only an account itself sees its bills.");
    return false;
}

static const char *const names[][COMPONENT_COUNT] = {
    { "total_gpu", "total_stor", "total_bwu", "total_bwd" },
    { "gpu_earn", "sto_earn", "bwu_earn", "bwd_earn" },
};

/* The host's share of what belongs to a machine or a day, or of all, by component. */
static void encode_sums(struct encoder *json, const char *const *keys, const struct usage_sum *sums,
                        size_t count, bool (*belongs)(const struct usage_sum *, int64_t),
                        int64_t which)
{
    int64_t totals[COMPONENT_COUNT] = { 0 };

    for (size_t i = 0; i < count; i++)
        if (belongs(&sums[i], which))
            totals[sums[i].component - 1] += sums[i].host.nanodollars;
    for (int i = 0; i < COMPONENT_COUNT; i++)
        encode_field_money(json, keys[i], (struct money){ totals[i] });
}

static bool is_any(const struct usage_sum *sum, int64_t which)
{
    (void)sum;
    (void)which;
    return true;
}

static bool is_of_machine(const struct usage_sum *sum, int64_t which)
{
    return sum->machine_id == which;
}

static bool is_of_day(const struct usage_sum *sum, int64_t which)
{
    return sum->day == which;
}

static int64_t next_after(const struct usage_sum *sums, size_t count, bool is_day, int64_t last)
{
    int64_t next = -1;

    for (size_t i = 0; i < count; i++) {
        int64_t value = is_day ? sums[i].day : sums[i].machine_id;
        if (value > last && (next < 0 || value < next))
            next = value;
    }
    return next;
}

static void encode_rows(struct encoder *json, const struct usage_sum *sums, size_t count,
                        bool is_day)
{
    encode_array(json);
    for (int64_t at = next_after(sums, count, is_day, -1); at >= 0;
         at = next_after(sums, count, is_day, at)) {
        encode_object(json);
        encode_field_int(json, is_day ? "day" : "machine_id", at);
        encode_sums(json, names[1], sums, count, is_day ? is_of_day : is_of_machine, at);
        encode_end(json);
    }
    encode_end(json);
}

static void encode_account(struct encoder *json, const struct user_view *view)
{
    static const char *const parts[ADDRESS_PARTS] = {
        [ADDRESS_LINE1] = "address1", [ADDRESS_LINE2] = "address2",  [ADDRESS_CITY] = "city",
        [ADDRESS_ZIP] = "zip",        [ADDRESS_COUNTRY] = "country", [ADDRESS_TAXINFO] = "taxinfo",
    };

    encode_field_text(json, "username", view->user.username);
    encode_field_text(json, "email", view->user.email);
    encode_field_text(json, "fullname", view->user.fullname);
    for (int i = 0; i < ADDRESS_PHONE; i++)
        encode_field_text(json, parts[i], view->address[i]);
    encode_key(json, "current");
    encode_object(json);
    encode_field_money(json, "balance", view->earnings);
    encode_field_int(json, "service_fee", 0);
    encode_field_money(json, "total", view->earnings);
    encode_field_money(json, "credit", view->credit);
    encode_end(json);
}

/* Days of the query, both included; false where they make no sense. */
static bool read_days(struct call *call, int64_t *ret_from, int64_t *ret_until, int64_t *ret_id)
{
    double until = (double)billing_day(clock_now(call->app->clock)), last = 0, machine = 0;

    if (!read_number(call, "eday", &until) || !read_number(call, "last_days", &last) ||
        !read_number(call, "machid", &machine))
        return false;
    double from = last > 0 ? until - last + 1 : until - EARNINGS_DAYS;
    if (!read_number(call, "sday", &from))
        return false;
    *ret_from = (int64_t)floor(from);
    *ret_until = (int64_t)floor(until);
    *ret_id = (int64_t)machine;
    return true;
}

void handle_earnings_show(struct call *call)
{
    auto_arena struct arena arena = arena_of(EARNINGS_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    int64_t from_day, until_day, machine_id;
    struct usage_sum *sums;
    struct user_view view;
    struct error err;
    size_t count, kept = 0;

    if (!is_self(call))
        return;
    if (!read_days(call, &from_day, &until_day, &machine_id))
        return reply_refuse(call, 400, "invalid_args", "sday, eday and last_days are numbers.");
    if (!flow_show_user(&call->app->flow, &call->caller, &arena, &view, &err) ||
        !flow_earnings(&call->app->flow, &call->caller, from_day, until_day, &arena, &sums, &count,
                       &err))
        return reply_error(call, &err);
    for (size_t i = 0; i < count; i++)
        if (machine_id == 0 || sums[i].machine_id == machine_id)
            sums[kept++] = sums[i];
    encode_object(&json);
    encode_key(&json, "summary");
    encode_object(&json);
    encode_sums(&json, names[0], sums, kept, is_any, 0);
    encode_end(&json);
    encode_account(&json, &view);
    encode_key(&json, "per_machine");
    encode_rows(&json, sums, kept, false);
    encode_key(&json, "per_day");
    encode_rows(&json, sums, kept, true);
    encode_end(&json);
    reply_json(call, &body);
}

static void encode_legacy(struct encoder *json, int64_t id, const char *type, int64_t instance_id)
{
    encode_object(json);
    encode_field_int(json, "id", id);
    encode_field_text(json, "type", type);
    encode_key(json, "instance_id");
    if (instance_id != 0)
        encode_int(json, instance_id);
    else
        encode_null(json);
}

static void encode_legacy_amount(struct encoder *json, struct money amount, struct instant at)
{
    encode_field_exact(json, "amount", amount);
    field_time(json, "timestamp", at);
    encode_end(json);
}

static int64_t encode_legacy_charges(struct encoder *json, const struct statement *statement)
{
    static const char *const words[] = { "GPU", "storage", "upload", "download" };
    char text[BILL_TEXT_SIZE];
    int64_t id = 0;

    for (size_t i = 0; i < statement->group_count; i++)
        for (size_t k = 0; k < statement->groups[i].item_count; k++) {
            const struct statement_group *group = &statement->groups[i];
            const struct statement_item *item = &group->items[k];

            encode_legacy(json, ++id, "charge", group->contract_id);
            (void)snprintf(text, sizeof text, "Instance %lld %s charge",
                           (long long)group->contract_id, words[item->component - 1]);
            encode_field_text(json, "description", text);
            bill_quantity(item, text);
            encode_field_text(json, "quantity", text);
            bill_rate(item, text);
            encode_field_text(json, "rate", text);
            encode_legacy_amount(json, item->gross, item->until);
        }
    return id;
}

static struct money encode_legacy_payments(struct encoder *json, const struct wallet_view *views,
                                           size_t count, int64_t id)
{
    struct money sum = { 0 };

    for (size_t i = 0; i < count; i++) {
        if (views[i].entry.is_out)
            continue;
        encode_legacy(json, ++id, "payment", 0);
        encode_field_text(json, "description", views[i].source);
        encode_field_text(json, "quantity", "1");
        encode_field_exact(json, "rate", views[i].entry.amount);
        encode_legacy_amount(json, views[i].entry.amount, views[i].entry.at);
        sum.nanodollars += views[i].entry.amount.nanodollars;
    }
    return sum;
}

void handle_invoices_legacy(struct call *call)
{
    auto_arena struct arena arena = arena_of(EARNINGS_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    double until_s = (double)(clock_now(call->app->clock).microseconds / US_PER_SECOND);
    double from_s = until_s - 86400;
    const char *charges = http_query(call->request, "inc_charges");
    struct statement statement;
    struct wallet_view *views;
    struct user_view view;
    struct error err;
    size_t count;

    if (!is_self(call))
        return;
    if (!read_number(call, "sdate", &from_s) || !read_number(call, "edate", &until_s))
        return reply_refuse(call, 400, "invalid_args", "sdate and edate are seconds.");
    struct instant from = { (int64_t)from_s * US_PER_SECOND };
    struct instant until = { (int64_t)until_s * US_PER_SECOND };
    if (!flow_show_user(&call->app->flow, &call->caller, &arena, &view, &err) ||
        !flow_statement(&call->app->flow, &call->caller, billing_day(instant_add(from, 1)),
                        billing_day(until), &arena, &statement, &err) ||
        !flow_wallet(&call->app->flow, &call->caller, from, until, &arena, &views, &count, &err))
        return reply_error(call, &err);
    if (charges != NULL && strcmp(charges, "false") == 0)
        statement = (struct statement){ 0 };
    encode_object(&json);
    encode_key(&json, "invoices");
    encode_array(&json);
    int64_t id = encode_legacy_charges(&json, &statement);
    (void)encode_legacy_payments(&json, views, count, id);
    encode_end(&json);
    encode_key(&json, "current");
    encode_object(&json);
    encode_field_money(&json, "charges", statement.gross);
    encode_field_int(&json, "service_fee", 0);
    encode_field_money(&json, "total", statement.gross);
    encode_field_money(&json, "credit", view.credit);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_contracts_fetch(struct call *call)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    int64_t ids[FETCH_MAX];
    const json_t *wanted;
    const char *label;
    struct error err;

    if (!json_need_text(call->body, "label", LABEL_MAX, &label, &err) ||
        !json_need_array(call->body, "contract_ids", FETCH_MAX, &wanted, &err))
        return reply_error(call, &err);
    size_t count = json_array_size(wanted);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_integer(json_array_get(wanted, i)))
            return reply_refuse(call, 400, "invalid_args", "contract_ids are integers.");
        ids[i] = json_integer_value(json_array_get(wanted, i));
    }
    if (!flow_contracts_labelled(&call->app->flow, &call->caller, label, ids, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "contracts");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", ids[i]);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* An email or an id, as text or as a number. */
static const char *read_recipient(struct call *call)
{
    const json_t *value = json_member(call->body, "recipient");

    if (json_is_integer(value))
        return arena_printf(call->request->arena, "%lld", (long long)json_integer_value(value));
    return json_string_value(value);
}

void handle_credit_transfer(struct call *call)
{
    const char *recipient = read_recipient(call);
    enum transfer_outcome outcome;
    struct money amount;
    struct error err;

    if (!json_need_money(call->body, "amount", &amount, &err))
        return reply_error(call, &err);
    if (recipient == NULL)
        return reply_refuse(call, 400, "invalid_args", "recipient is an email or an id.");
    if (!flow_transfer(&call->app->flow, &call->caller, recipient, amount, &outcome, &err))
        return reply_error(call, &err);
    switch (outcome) {
    case TRANSFER_DONE:
        return reply_message(call, "The credit is sent.");
    case TRANSFER_NOBODY:
        return reply_refuse(call, 400, "invalid_args", "There is no such recipient.");
    case TRANSFER_SELF:
        return reply_refuse(call, 400, "invalid_args", "The recipient is the sender.");
    case TRANSFER_BAD_AMOUNT:
        return reply_refuse(call, 400, "invalid_args", "The amount must be above zero.");
    case TRANSFER_NO_CREDIT:
        return reply_refuse(call, 400, "insufficient_balance",
                            "There is not so much bought credit that can be spared.");
    }
}
