/* SPDX-License-Identifier: Apache-2.0 */
#include "server/payments_look.h"

#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/pay_out.h"
#include "proto/stripe_event.h"

enum { PAGES_MAX = 1000, CARDS_MAX = STRIPE_PAGE };

void payments_alarm(const struct payments_asker *asker, const char *what, const char *id)
{
    log_write(asker->options->flow->log, LOG_ERROR, "payments: a person must look", "%s: %s", what,
              id);
    metrics_add(asker->options->metrics, METRICS_DELIVERIES_FAILED, 1);
}

enum payments_read payments_ask(const struct payments_asker *asker, const struct psp_call *call,
                                const char *account, json_t **ret)
{
    const struct log *log = asker->options->flow->log;
    const struct stripe_request request = { call->method, call->path.bytes, "", account, NULL };
    auto_stripe_reply struct stripe_reply reply = { .json = NULL };
    struct error err;

    if (!stripe_wire_send(asker->options->stripe, asker->client, &request, &reply, &err)) {
        log_failure(log, "Stripe was not to be asked", &err);
        return PAYMENTS_LATER;
    }
    if (reply.status == 404)
        return PAYMENTS_MISSING;
    if (reply.status != 200 || reply.json == NULL) {
        log_write(log, LOG_WARNING, "Stripe gave no answer", "%s: status %d, request %s",
                  call->path.bytes, reply.status, reply.request_id);
        return PAYMENTS_LATER;
    }
    *ret = reply.json;
    reply.json = NULL;
    return PAYMENTS_READ;
}

/* One page; `last` takes the id of its last item. */
static enum payments_read take_page(const struct payments_asker *asker,
                                    const struct stripe_list *list, const char *account,
                                    char last[static STRIPE_ID_MAX + 1], payments_take *take,
                                    void *context)
{
    auto_psp_call struct psp_call call = stripe_list(list);
    auto_json json_t *page = NULL;
    enum payments_read read = payments_ask(asker, &call, account, &page);
    const json_t *items = json_member(page, "data");
    size_t count = json_array_size(items);

    if (read != PAYMENTS_READ)
        return PAYMENTS_LATER;
    for (size_t i = 0; i < count; i++)
        if (!take(context, json_array_get(items, i)))
            return PAYMENTS_MISSING;
    const char *id =
        count > 0 ? json_string_value(json_member(json_array_get(items, count - 1), "id")) : NULL;
    if (!json_is_true(json_member(page, "has_more")) || id == NULL || !stripe_is_id(id))
        return PAYMENTS_MISSING;
    memcpy(last, id, strlen(id) + 1);
    return PAYMENTS_READ;
}

bool payments_each(const struct payments_asker *asker, struct stripe_list list, const char *account,
                   payments_take *take, void *context)
{
    char last[STRIPE_ID_MAX + 1];

    for (size_t i = 0; i < PAGES_MAX; i++) {
        enum payments_read read = take_page(asker, &list, account, last, take, context);

        if (read != PAYMENTS_READ)
            return read == PAYMENTS_MISSING;
        list.after = last;
    }
    return false;
}

static enum pay_effect take_object(const struct payments_asker *asker,
                                   const struct stripe_object *object, const char *account)
{
    enum pay_effect effect;
    struct error err;

    if (flow_pay_object(asker->options->flow, object, account, &effect, &err))
        return effect;
    log_failure(asker->options->flow->log, "payment not written down", &err);
    return PAY_LATER;
}

/* A page that was paid says so by its intent; one on which a card was left by the customer's cards.
 */
static enum pay_effect look_behind(const struct payments_asker *asker,
                                   const struct stripe_object *page)
{
    if (page->status == STRIPE_DONE && page->is_setup)
        return page->customer[0] != '\0' ? payments_look_at_cards(asker, page->customer) : PAY_DONE;
    if (page->status == STRIPE_DONE && page->intent[0] != '\0')
        return payments_look(asker, page->intent, "");
    return PAY_DONE;
}

enum pay_effect payments_look(const struct payments_asker *asker, const char *id,
                              const char *account)
{
    auto_json json_t *json = NULL;
    struct stripe_object object;
    struct psp_call call;
    struct error err;

    if (!stripe_read(id, &call))
        return PAY_DONE; /* nothing that we act on */
    enum payments_read read = payments_ask(asker, &call, account, &json);
    psp_call_release(&call);
    if (read != PAYMENTS_READ)
        return read == PAYMENTS_MISSING ? PAY_STRANGE : PAY_LATER;
    if (!stripe_object_read(json, &object, &err)) {
        log_failure(asker->options->flow->log, "Stripe's answer is strange", &err);
        return PAY_STRANGE;
    }
    enum pay_effect effect = take_object(asker, &object, account);
    if (effect == PAY_DONE && object.kind == STRIPE_PAGE_OBJECT)
        effect = look_behind(asker, &object);
    if (effect == PAY_DONE && object.kind == STRIPE_OTHER && object.intent[0] != '\0')
        effect = payments_look(asker, object.intent, account); /* a charge */
    return effect;
}

enum pay_effect payments_look_at_cards(const struct payments_asker *asker, const char *customer)
{
    auto_psp_call struct psp_call call = stripe_list_cards(customer);
    auto_json json_t *page = NULL;
    struct stripe_object cards[CARDS_MAX];
    struct error err;
    size_t count = 0;

    enum payments_read read = payments_ask(asker, &call, "", &page);
    if (read != PAYMENTS_READ)
        return read == PAYMENTS_MISSING ? PAY_DONE : PAY_LATER;
    const json_t *items = json_member(page, "data");
    for (size_t i = 0; i < json_array_size(items) && count < CARDS_MAX; i++)
        if (stripe_object_read(json_array_get(items, i), &cards[count], &err))
            count++;
    if (flow_pay_cards(asker->options->flow, customer, cards, count, &err))
        return PAY_DONE;
    log_failure(asker->options->flow->log, "cards not written down", &err);
    return PAY_LATER;
}

/* Whose customer it was about, of a card that may be gone. */
static enum pay_effect look_at_card(const struct payments_asker *asker,
                                    const struct stripe_event *event, const json_t *body)
{
    const json_t *before = json_member(json_member(body, "data"), "previous_attributes");
    const char *customer = json_string_value(json_member(before, "customer"));

    if (event->customer[0] != '\0')
        customer = event->customer;
    return customer != NULL && stripe_is_id(customer) ? payments_look_at_cards(asker, customer)
                                                      : PAY_DONE;
}

enum pay_effect payments_event(const struct payments_asker *asker,
                               const struct psp_event_row *event)
{
    auto_json json_t *body = NULL;
    struct stripe_event told;
    struct error err;

    if (!json_parse(event->body, strlen(event->body), &body, &err) ||
        !stripe_event_read(body, &told, &err))
        return PAY_STRANGE; /* it could be read when it came */
    if (strncmp(told.type, "payment_method.", 15) == 0 ||
        strncmp(told.type, "setup_intent.", 13) == 0)
        return look_at_card(asker, &told, body);
    return payments_look(asker, told.object_id, told.account);
}

/* Among what there is, that which the call would have made. */
struct search {
    const struct payments_asker *asker;
    const struct pay_call *call;
    const struct outbox_item *item;
    enum stripe_kind kind;
    int64_t cents;
    bool is_found;
    enum pay_effect effect;
};

/* A payout to a bank carries nothing of ours: one of that amount, made since, that is of no other
 * payout. */
static bool is_payout(const struct search *search, const struct stripe_object *object)
{
    const struct flow *flow = search->asker->options->flow;
    bool is_known = true;
    struct error err;

    if (object->cents != search->cents)
        return false;
    if (!flow_pay_out_is_known(flow, search->item->account, object->id, &is_known, &err))
        log_failure(flow->log, "payout not looked for", &err);
    return !is_known;
}

static bool take_found(void *context, const json_t *item)
{
    struct search *search = context;
    const struct flow *flow = search->asker->options->flow;
    struct stripe_object object;
    struct error err;

    if (!stripe_object_read(item, &object, &err) || object.kind != search->kind)
        return true;
    if (object.kind == STRIPE_PAYOUT
            ? !is_payout(search, &object)
            : object.ref != search->call->ref ||
                  strcmp(object.installation, flow->pay->installation) != 0)
        return true;
    search->is_found = true;
    if (!flow_pay_answer(flow, search->item, &object, &search->effect, &err)) {
        log_failure(flow->log, "what was found is not written down", &err);
        search->effect = PAY_LATER;
    }
    if (search->effect == PAY_LATER)
        search->effect = payments_look(search->asker, object.id, search->item->account);
    return false;
}

/* What a form that we made holds behind "name=": ids and such, which need no decoding. */
static bool form_word(const char *body, const char *name, char ret[static STRIPE_ID_MAX + 1])
{
    size_t name_length = strlen(name);

    for (const char *at = body; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            const char *value = at + name_length + 1;
            size_t length = strcspn(value, "&");

            if (length > STRIPE_ID_MAX)
                return false;
            memcpy(ret, value, length);
            ret[length] = '\0';
            return length > 0;
        }
    }
    return false;
}

/* Whether the bank was given evidence: by what the dispute says of itself. */
static bool search_dispute(struct search *search)
{
    static const char before[] = "/v1/disputes/";
    const struct flow *flow = search->asker->options->flow;
    auto_json json_t *json = NULL;
    struct stripe_object object;
    struct psp_call call;
    struct error err;

    if (strncmp(search->item->path, before, strlen(before)) != 0 ||
        !stripe_read(search->item->path + strlen(before), &call))
        return false;
    enum payments_read read = payments_ask(search->asker, &call, search->item->account, &json);
    psp_call_release(&call);
    if (read != PAYMENTS_READ)
        return read == PAYMENTS_MISSING;
    if (!stripe_object_read(json, &object, &err)) {
        log_failure(flow->log, "Stripe's answer is strange", &err);
        return false;
    }
    search->is_found = object.submissions > 0;
    if (search->is_found && !flow_pay_answer(flow, search->item, &object, &search->effect, &err)) {
        log_failure(flow->log, "what was found is not written down", &err);
        search->effect = PAY_LATER;
    }
    return true;
}

/* False in `*ret_can`: there is no list in which it would be. */
static bool search_for(struct search *search, bool *ret_can)
{
    const char *body = search->item->body;
    char whose[STRIPE_ID_MAX + 1], name[STRIPE_ID_MAX + 1];
    struct stripe_list list = { .name = name,
                                .whose = whose,
                                .since_s = search->item->first_sent.microseconds / US_PER_SECOND -
                                           STRIPE_TOLERANCE_S };
    uint64_t cents;
    bool is_read;

    *ret_can = true;
    switch (search->call->purpose) {
    case PAY_CHARGE:
        list.kind = STRIPE_LIST_INTENTS;
        search->kind = STRIPE_INTENT;
        is_read = form_word(body, "customer", whose);
        break;
    case PAY_REFUND:
        list.kind = STRIPE_LIST_REFUNDS;
        search->kind = STRIPE_REFUND;
        is_read = form_word(body, "payment_intent", whose);
        break;
    case PAY_TRANSFER:
        list.kind = STRIPE_LIST_TRANSFERS;
        search->kind = STRIPE_TRANSFER;
        is_read = form_word(body, "destination", whose) && form_word(body, "transfer_group", name);
        break;
    case PAY_PAYOUT:
        list.kind = STRIPE_LIST_PAYOUTS;
        search->kind = STRIPE_PAYOUT;
        is_read = form_word(body, "amount", whose) && parse_u64(whose, &cents);
        search->cents = is_read ? (int64_t)cents : 0;
        break;
    case PAY_EVIDENCE:
        return search_dispute(search);
    case PAY_CUSTOMER:
    case PAY_PAGE:
    case PAY_CARD_PAGE:
    case PAY_ACCOUNT:
    case PAY_LINK:
    case PAY_REVERSAL:
    case PAY_BATCH:
    case PAY_PURPOSE_COUNT:
    default:
        *ret_can = false;
        return true;
    }
    return is_read && payments_each(search->asker, list, search->item->account, take_found, search);
}

enum payments_doubt payments_doubt(const struct payments_asker *asker,
                                   const struct outbox_item *item)
{
    const struct flow *flow = asker->options->flow;
    struct pay_call call;
    struct search search = { .asker = asker, .call = &call, .item = item };
    struct error err;
    bool is_left, can;

    if (!pay_call_read(item, &call))
        return PAYMENTS_STUCK;
    if (!search_for(&search, &can) || (search.is_found && search.effect == PAY_LATER))
        return PAYMENTS_DOUBT_LATER;
    if (search.is_found)
        return PAYMENTS_FOUND;
    /* It came to nothing; or it is a customer or a page that nobody was told of, which harms
     * nobody: another is made. */
    if (!flow_pay_again(flow, item, &is_left, &err)) {
        log_failure(flow->log, "call not made anew", &err);
        return PAYMENTS_DOUBT_LATER;
    }
    return is_left ? PAYMENTS_ANEW : PAYMENTS_STUCK;
}
