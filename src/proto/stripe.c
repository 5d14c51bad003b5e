/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/stripe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/form.h"

enum { NAME_SIZE = 40 };

static struct psp_call call_of(const char *method, const char *path)
{
    struct psp_call call = { method, buf_of(STRIPE_PATH_MAX), buf_of(STRIPE_BODY_MAX) };

    buf_append(&call.path, path, strlen(path));
    return call;
}

/* A path with an id in it. */
static struct psp_call call_with(const char *method, const char *before, const char *id,
                                 const char *behind)
{
    struct psp_call call = call_of(method, before);

    form_value(&call.path, id);
    buf_append(&call.path, behind, strlen(behind));
    return call;
}

bool stripe_is_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = strlen(text);

    return length > 0 && length <= STRIPE_ID_MAX && strspn(text, allowed) == length;
}

/* "dep_7" for a deposit: what tells it apart from other things with the same number. */
static void form_ref(struct buf *out, const char *key, const char *prefix, int64_t id)
{
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof name, "%s_%" PRId64, prefix, id);
    form_text(out, key, name);
}

static void form_installation(struct buf *out, const char *installation)
{
    form_text(out, "metadata[berth_installation]", installation);
}

struct psp_call stripe_customer(const struct stripe_customer *customer)
{
    struct psp_call call = call_of("POST", "/v1/customers");

    form_text(&call.body, "email", customer->email);
    if (customer->name[0] != '\0')
        form_text(&call.body, "name", customer->name);
    form_int(&call.body, "metadata[berth_user]", customer->user_id);
    form_installation(&call.body, customer->installation);
    return call;
}

struct psp_call stripe_pay_page(const struct stripe_page *page)
{
    struct psp_call call = call_of("POST", "/v1/checkout/sessions");
    struct buf *body = &call.body;

    form_text(body, "mode", "payment");
    form_text(body, "customer", page->customer);
    form_ref(body, "client_reference_id", "dep", page->id);
    form_int(body, "line_items[0][quantity]", 1);
    form_text(body, "line_items[0][price_data][currency]", "usd");
    form_int(body, "line_items[0][price_data][unit_amount]", page->cents);
    form_text(body, "line_items[0][price_data][product_data][name]", "Berth credit");
    form_text(body, "payment_intent_data[setup_future_usage]", "off_session");
    form_ref(body, "payment_intent_data[metadata][deposit]", "dep", page->id);
    form_text(body, "payment_intent_data[metadata][berth_installation]", page->installation);
    form_text(body, "success_url", page->done_url);
    form_text(body, "cancel_url", page->cancelled_url);
    form_ref(body, "metadata[deposit]", "dep", page->id);
    form_installation(body, page->installation);
    return call;
}

struct psp_call stripe_card_page(const struct stripe_page *page)
{
    struct psp_call call = call_of("POST", "/v1/checkout/sessions");

    form_text(&call.body, "mode", "setup");
    form_text(&call.body, "currency", "usd");
    form_text(&call.body, "customer", page->customer);
    form_text(&call.body, "success_url", page->done_url);
    form_text(&call.body, "cancel_url", page->cancelled_url);
    form_ref(&call.body, "metadata[card]", "card", page->id);
    form_installation(&call.body, page->installation);
    return call;
}

struct psp_call stripe_setup(const char *customer)
{
    struct psp_call call = call_of("POST", "/v1/setup_intents");

    form_text(&call.body, "customer", customer);
    form_text(&call.body, "usage", "off_session");
    form_bool(&call.body, "automatic_payment_methods[enabled]", true);
    return call;
}

struct psp_call stripe_charge(const struct stripe_charge *charge)
{
    struct psp_call call = call_of("POST", "/v1/payment_intents");

    form_int(&call.body, "amount", charge->cents);
    form_text(&call.body, "currency", "usd");
    form_text(&call.body, "customer", charge->customer);
    form_text(&call.body, "payment_method", charge->card);
    form_bool(&call.body, "off_session", true);
    form_bool(&call.body, "confirm", true);
    form_text(&call.body, "description", charge->description);
    form_ref(&call.body, "metadata[deposit]", "dep", charge->deposit_id);
    form_installation(&call.body, charge->installation);
    return call;
}

struct psp_call stripe_read_intent(const char *intent)
{
    return call_with("GET", "/v1/payment_intents/", intent,
                     "?expand[0]=latest_charge.balance_transaction");
}

struct psp_call stripe_read_page(const char *session)
{
    return call_with("GET", "/v1/checkout/sessions/", session, "");
}

struct psp_call stripe_list_cards(const char *customer)
{
    return call_with("GET", "/v1/customers/", customer, "/payment_methods?type=card");
}

struct psp_call stripe_refund(const struct stripe_refund *refund)
{
    struct psp_call call = call_of("POST", "/v1/refunds");

    form_text(&call.body, "payment_intent", refund->intent);
    form_int(&call.body, "amount", refund->cents);
    form_text(&call.body, "reason", "requested_by_customer");
    form_ref(&call.body, "metadata[refund]", "rf", refund->refund_id);
    form_installation(&call.body, refund->installation);
    return call;
}

struct psp_call stripe_account(const struct stripe_host *host)
{
    struct psp_call call = call_of("POST", "/v1/accounts");

    form_text(&call.body, "country", host->country);
    form_text(&call.body, "email", host->email);
    form_bool(&call.body, "capabilities[transfers][requested]", true);
    form_text(&call.body, "controller[fees][payer]", "application");
    form_text(&call.body, "controller[losses][payments]", "application");
    form_text(&call.body, "controller[stripe_dashboard][type]", "express");
    form_text(&call.body, "settings[payouts][schedule][interval]", "manual");
    form_int(&call.body, "metadata[berth_host]", host->host_id);
    form_installation(&call.body, host->installation);
    return call;
}

struct psp_call stripe_account_link(const char *account, const char *again_url,
                                    const char *done_url)
{
    struct psp_call call = call_of("POST", "/v1/account_links");

    form_text(&call.body, "account", account);
    form_text(&call.body, "type", "account_onboarding");
    form_text(&call.body, "refresh_url", again_url);
    form_text(&call.body, "return_url", done_url);
    return call;
}

struct psp_call stripe_transfer(const struct stripe_transfer *transfer)
{
    struct psp_call call = call_of("POST", "/v1/transfers");

    form_int(&call.body, "amount", transfer->cents);
    form_text(&call.body, "currency", "usd");
    form_text(&call.body, "destination", transfer->account);
    form_text(&call.body, "transfer_group", transfer->group);
    form_ref(&call.body, "metadata[payout]", "po", transfer->payout_id);
    form_installation(&call.body, transfer->installation);
    return call;
}

struct psp_call stripe_reversal(const char *transfer, int64_t cents)
{
    struct psp_call call = call_with("POST", "/v1/transfers/", transfer, "/reversals");

    form_int(&call.body, "amount", cents);
    return call;
}

struct psp_call stripe_payout(int64_t cents)
{
    struct psp_call call = call_of("POST", "/v1/payouts");

    form_int(&call.body, "amount", cents);
    form_text(&call.body, "currency", "usd");
    form_text(&call.body, "statement_descriptor", "BERTH");
    return call;
}

static void form_known(struct buf *out, const char *key, const char *value)
{
    if (value[0] != '\0')
        form_text(out, key, value);
}

struct psp_call stripe_evidence(const struct stripe_evidence *evidence)
{
    struct psp_call call = call_with("POST", "/v1/disputes/", evidence->dispute, "");

    buf_release(&call.body);
    call.body = buf_of(STRIPE_EVIDENCE_BODY_MAX);
    form_known(&call.body, "evidence[access_activity_log]", evidence->activity);
    form_known(&call.body, "evidence[billing_address]", evidence->billing);
    form_known(&call.body, "evidence[customer_email_address]", evidence->email);
    form_known(&call.body, "evidence[customer_name]", evidence->name);
    form_known(&call.body, "evidence[customer_purchase_ip]", evidence->address);
    form_known(&call.body, "evidence[product_description]", evidence->product);
    form_known(&call.body, "evidence[service_date]", evidence->served);
    form_known(&call.body, "evidence[uncategorized_text]", evidence->text);
    form_bool(&call.body, "submit", evidence->is_submitted);
    return call;
}

static const struct readable {
    const char *prefix, *before, *behind;
} readables[] = {
    { "pi_", "/v1/payment_intents/", "?expand[0]=latest_charge.balance_transaction" },
    { "cs_", "/v1/checkout/sessions/", "" },
    { "seti_", "/v1/setup_intents/", "" },
    { "pm_", "/v1/payment_methods/", "" },
    { "re_", "/v1/refunds/", "?expand[0]=balance_transaction" },
    { "pyr_", "/v1/refunds/", "?expand[0]=balance_transaction" },
    { "dp_", "/v1/disputes/", "" },
    { "du_", "/v1/disputes/", "" },
    { "ch_", "/v1/charges/", "" },
    { "py_", "/v1/charges/", "" },
    { "acct_", "/v1/accounts/", "" },
    { "po_", "/v1/payouts/", "" },
    { "tr_", "/v1/transfers/", "?expand[0]=balance_transaction" },
};

bool stripe_read(const char *id, struct psp_call *ret)
{
    for (size_t i = 0; i < sizeof readables / sizeof readables[0]; i++) {
        if (strncmp(id, readables[i].prefix, strlen(readables[i].prefix)) == 0 &&
            stripe_is_id(id)) {
            *ret = call_with("GET", readables[i].before, id, readables[i].behind);
            return true;
        }
    }
    return false;
}

static const char *const list_paths[] = {
    [STRIPE_LIST_MONEY] = "/v1/balance_transactions",
    [STRIPE_LIST_EVENTS] = "/v1/events",
    [STRIPE_LIST_TRANSFERS] = "/v1/transfers",
    [STRIPE_LIST_INTENTS] = "/v1/payment_intents",
    [STRIPE_LIST_REFUNDS] = "/v1/refunds",
    [STRIPE_LIST_PAYOUTS] = "/v1/payouts",
};

struct psp_call stripe_list(const struct stripe_list *list)
{
    struct psp_call call = call_of("GET", list_paths[list->kind]);
    auto_buf struct buf query = buf_of(STRIPE_PATH_MAX);

    if (list->kind == STRIPE_LIST_EVENTS)
        form_text(&query, "types[0]", list->name);
    if (list->kind == STRIPE_LIST_TRANSFERS) {
        form_text(&query, "transfer_group", list->name);
        form_text(&query, "destination", list->whose);
    } else if (list->kind == STRIPE_LIST_INTENTS) {
        form_text(&query, "customer", list->whose);
    } else if (list->kind == STRIPE_LIST_REFUNDS) {
        form_text(&query, "payment_intent", list->whose);
    }
    if (list->kind != STRIPE_LIST_TRANSFERS && list->kind != STRIPE_LIST_REFUNDS)
        form_int(&query, "created[gte]", list->since_s);
    form_int(&query, "limit", STRIPE_PAGE);
    if (list->after != NULL)
        form_text(&query, "starting_after", list->after);
    buf_append(&call.path, "?", 1);
    buf_append(&call.path, query.bytes, query.length);
    return call;
}
