/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/stripe_object.h"

#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "proto/stripe.h"

enum { TEXT_MAX = 4096 };

#define CENTS_BOUNDS ((struct json_bounds){ -1000000000000, 1000000000000 })

static const char *text_of(const json_t *object, const char *name)
{
    const json_t *member = json_member(object, name);

    return json_is_string(member) && json_string_length(member) <= TEXT_MAX
               ? json_string_value(member)
               : "";
}

/* A member that is an id, or, expanded, the object that has it. */
static const char *id_of(const json_t *object, const char *name)
{
    const json_t *member = json_member(object, name);
    const char *id = json_is_object(member) ? text_of(member, "id") : text_of(object, name);

    return stripe_is_id(id) ? id : "";
}

static const struct kind {
    const char *name;
    enum stripe_kind kind;
    const char *ref, *prefix; /* of its metadata */
} kinds[] = {
    { "customer", STRIPE_CUSTOMER, "berth_user", "" },
    { "checkout.session", STRIPE_PAGE_OBJECT, "deposit", "dep_" },
    { "payment_intent", STRIPE_INTENT, "deposit", "dep_" },
    { "setup_intent", STRIPE_SETUP, NULL, NULL },
    { "payment_method", STRIPE_CARD, NULL, NULL },
    { "refund", STRIPE_REFUND, "refund", "rf_" },
    { "dispute", STRIPE_DISPUTE, NULL, NULL },
    { "account", STRIPE_ACCOUNT, "berth_host", "" },
    { "account_link", STRIPE_LINK, NULL, NULL },
    { "transfer", STRIPE_TRANSFER, "payout", "po_" },
    { "transfer_reversal", STRIPE_REVERSAL, NULL, NULL },
    { "payout", STRIPE_PAYOUT, NULL, NULL },
};

/* What a word means depends on whose status it is. */
static const struct {
    enum stripe_kind kind;
    const char *name;
    enum stripe_status status;
} statuses[] = {
    { STRIPE_PAGE_OBJECT, "open", STRIPE_WAITS },
    { STRIPE_PAGE_OBJECT, "complete", STRIPE_DONE },
    { STRIPE_PAGE_OBJECT, "expired", STRIPE_ENDED },
    { STRIPE_INTENT, "requires_payment_method", STRIPE_FAILED },
    { STRIPE_INTENT, "requires_confirmation", STRIPE_WAITS },
    { STRIPE_INTENT, "requires_action", STRIPE_ASKS },
    { STRIPE_INTENT, "processing", STRIPE_WAITS },
    { STRIPE_INTENT, "canceled", STRIPE_ENDED },
    { STRIPE_INTENT, "succeeded", STRIPE_DONE },
    { STRIPE_SETUP, "requires_payment_method", STRIPE_FAILED },
    { STRIPE_SETUP, "requires_confirmation", STRIPE_WAITS },
    { STRIPE_SETUP, "requires_action", STRIPE_ASKS },
    { STRIPE_SETUP, "processing", STRIPE_WAITS },
    { STRIPE_SETUP, "canceled", STRIPE_ENDED },
    { STRIPE_SETUP, "succeeded", STRIPE_DONE },
    { STRIPE_REFUND, "pending", STRIPE_WAITS },
    { STRIPE_REFUND, "requires_action", STRIPE_WAITS },
    { STRIPE_REFUND, "succeeded", STRIPE_DONE },
    { STRIPE_REFUND, "failed", STRIPE_FAILED },
    { STRIPE_REFUND, "canceled", STRIPE_ENDED },
    { STRIPE_PAYOUT, "pending", STRIPE_WAITS },
    { STRIPE_PAYOUT, "in_transit", STRIPE_WAITS },
    { STRIPE_PAYOUT, "paid", STRIPE_DONE },
    { STRIPE_PAYOUT, "failed", STRIPE_FAILED },
    { STRIPE_PAYOUT, "canceled", STRIPE_FAILED },
    { STRIPE_DISPUTE, "warning_needs_response", STRIPE_WAITS },
    { STRIPE_DISPUTE, "warning_under_review", STRIPE_WAITS },
    { STRIPE_DISPUTE, "warning_closed", STRIPE_ENDED },
    { STRIPE_DISPUTE, "needs_response", STRIPE_WAITS },
    { STRIPE_DISPUTE, "under_review", STRIPE_WAITS },
    { STRIPE_DISPUTE, "won", STRIPE_DONE },
    { STRIPE_DISPUTE, "lost", STRIPE_FAILED },
    { STRIPE_DISPUTE, "prevented", STRIPE_ENDED },
};

static enum stripe_status status_of(enum stripe_kind kind, const char *name)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].kind == kind && strcmp(statuses[i].name, name) == 0)
            return statuses[i].status;
    }
    return STRIPE_UNKNOWN;
}

/* Which of ours it is: "dep_7" is 7. */
static int64_t ref_of(const json_t *object, const struct kind *kind)
{
    const char *text = kind->ref != NULL ? text_of(json_member(object, "metadata"), kind->ref) : "";
    uint64_t id;

    if (text[0] == '\0' || strncmp(text, kind->prefix, strlen(kind->prefix)) != 0 ||
        !parse_u64(text + strlen(kind->prefix), &id) || id > INT64_MAX)
        return 0;
    return (int64_t)id;
}

/* By its name alone, or expanded. What it is of is named by what it moves, which has no fee. */
static void read_txn_name(const json_t *json, int64_t cents, struct stripe_object *object)
{
    const char *id = id_of(json, "balance_transaction");

    if (id[0] != '\0' && object->txns[0].id[0] == '\0')
        object->txns[0] = (struct stripe_txn){ id, cents, 0 };
}

static bool read_txn(const json_t *json, struct stripe_txn *ret, struct error *err)
{
    *ret = (struct stripe_txn){ .id = "" };
    if (!json_is_object(json))
        return true;
    ret->id = text_of(json, "id");
    return json_need_int(json, "amount", CENTS_BOUNDS, &ret->cents, err) &&
           json_need_int(json, "fee", CENTS_BOUNDS, &ret->fee_cents, err) &&
           (stripe_is_id(ret->id) || error_set(err, ERROR_INVALID, "a transaction without an id"));
}

static const char *first_of(const char *a, const char *b)
{
    return a[0] != '\0' ? a : b;
}

static bool read_intent(const json_t *json, struct stripe_object *object, struct error *err)
{
    const json_t *charge = json_member(json, "latest_charge");
    const json_t *failure = json_member(json, "last_payment_error");

    object->intent = object->id;
    object->charge = id_of(json, "latest_charge");
    object->reason = first_of(text_of(failure, "decline_code"), text_of(failure, "code"));
    object->is_expanded =
        json_is_object(charge) && json_is_object(json_member(charge, "balance_transaction"));
    /* One that was never tried waits for the customer. */
    if (object->status == STRIPE_FAILED && !json_is_object(failure))
        object->status = STRIPE_WAITS;
    return read_txn(json_member(charge, "balance_transaction"), &object->txns[0], err);
}

static bool read_page(const json_t *json, struct stripe_object *object, struct error *err)
{
    const char *paid = text_of(json, "payment_status");

    (void)err;
    object->is_setup = strcmp(text_of(json, "mode"), "setup") == 0;
    object->intent = id_of(json, object->is_setup ? "setup_intent" : "payment_intent");
    object->url = text_of(json, "url");
    if (object->status == STRIPE_DONE && !object->is_setup && strcmp(paid, "paid") != 0)
        object->status = STRIPE_WAITS;
    if (object->is_setup) {
        const struct kind card = { .ref = "card", .prefix = "card_" };

        object->ref = ref_of(json, &card);
    }
    return true;
}

static bool read_dispute(const json_t *json, struct stripe_object *object, struct error *err)
{
    const json_t *txns = json_member(json, "balance_transactions");

    for (size_t i = 0; i < json_array_size(txns) && i < 2; i++)
        if (!read_txn(json_array_get(txns, i), &object->txns[i], err))
            return false;
    const json_t *details = json_member(json, "evidence_details");
    const struct json_bounds seconds = { 0, INT64_C(1) << 40 }, times = { 0, 1000000 };

    object->reason = text_of(json, "reason");
    object->is_asked = strcmp(object->status_text, "needs_response") == 0 ||
                       strcmp(object->status_text, "warning_needs_response") == 0;
    if (!json_is_object(details))
        return true;
    return json_opt_int(details, "due_by", seconds, &object->due_s, err) &&
           json_opt_int(details, "submission_count", times, &object->submissions, err);
}

/* Payouts, and transfers to the account: what is due from the host is in the way. */
static bool read_account(const json_t *json, struct stripe_object *object, struct error *err)
{
    const json_t *due = json_member(json_member(json, "requirements"), "currently_due");
    const json_t *enabled = json_member(json, "payouts_enabled");
    const char *transfers = text_of(json_member(json, "capabilities"), "transfers");

    (void)err;
    object->is_ready =
        json_is_true(enabled) && strcmp(transfers, "active") == 0 && json_array_size(due) == 0;
    if (!object->is_ready)
        object->reason =
            first_of(text_of(json_member(json, "requirements"), "disabled_reason"), "onboarding");
    return true;
}

static void read_card(const json_t *json, struct stripe_object *object)
{
    const json_t *card = json_member(json, "card");
    struct error none;

    object->brand = text_of(card, "brand");
    object->last4 = text_of(card, "last4");
    object->fingerprint = text_of(card, "fingerprint");
    if (!json_opt_int(card, "exp_month", (struct json_bounds){ 1, 12 }, &object->card_month,
                      &none) ||
        !json_opt_int(card, "exp_year", (struct json_bounds){ 2000, 9999 }, &object->card_year,
                      &none))
        object->card_month = object->card_year = 0;
}

static bool read_more(const json_t *json, struct stripe_object *object, struct error *err)
{
    switch (object->kind) {
    case STRIPE_INTENT:
        return read_intent(json, object, err);
    case STRIPE_PAGE_OBJECT:
        return read_page(json, object, err);
    case STRIPE_DISPUTE:
        return read_dispute(json, object, err);
    case STRIPE_ACCOUNT:
        return read_account(json, object, err);
    case STRIPE_LINK:
        object->url = text_of(json, "url");
        return true;
    case STRIPE_CARD:
        read_card(json, object);
        return true;
    case STRIPE_REFUND:
    case STRIPE_TRANSFER:
        object->reason = text_of(json, "failure_reason");
        if (!read_txn(json_member(json, "balance_transaction"), &object->txns[0], err))
            return false;
        read_txn_name(json, -object->cents, object);
        return true;
    case STRIPE_REVERSAL:
        read_txn_name(json, object->cents, object);
        return true;
    case STRIPE_PAYOUT:
        object->reason = text_of(json, "failure_code");
        return true;
    case STRIPE_OTHER:
    case STRIPE_CUSTOMER:
    case STRIPE_SETUP:
        return true;
    }
    return true;
}

bool stripe_object_read(const json_t *json, struct stripe_object *ret, struct error *err)
{
    const char *name = text_of(json, "object");
    struct stripe_object object = { .kind = STRIPE_OTHER,
                                    .id = id_of(json, "id"),
                                    .status_text = text_of(json, "status"),
                                    .customer = id_of(json, "customer"),
                                    .intent = id_of(json, "payment_intent"),
                                    .charge = id_of(json, "charge"),
                                    .url = "",
                                    .reason = "",
                                    .txns = { { .id = "" }, { .id = "" } },
                                    .brand = "",
                                    .last4 = "",
                                    .fingerprint = "" };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            object.kind = kinds[i].kind;
            object.ref = ref_of(json, &kinds[i]);
        }
    }
    object.installation = text_of(json_member(json, "metadata"), "berth_installation");
    object.status = status_of(object.kind, object.status_text);
    const char *amount = object.kind == STRIPE_PAGE_OBJECT ? "amount_total" : "amount";
    if (!json_opt_int(json, amount, CENTS_BOUNDS, &object.cents, err) ||
        !read_more(json, &object, err))
        return error_context(err, "%.32s %.64s", name, object.id);
    if (object.kind != STRIPE_OTHER && object.kind != STRIPE_LINK && object.id[0] == '\0')
        return error_set(err, ERROR_INVALID, "a %.32s without an id", name);
    *ret = object;
    return true;
}

bool stripe_failure_read(const json_t *json, struct stripe_failure *ret)
{
    const json_t *error = json_member(json, "error");

    if (!json_is_object(error))
        return false;
    *ret = (struct stripe_failure){ .type = text_of(error, "type"),
                                    .code = text_of(error, "code"),
                                    .decline_code = text_of(error, "decline_code"),
                                    .advice = text_of(error, "advice_code"),
                                    .message = text_of(error, "message"),
                                    .intent = id_of(error, "payment_intent") };
    return true;
}

bool stripe_decline_is_final(const char *reason, const char *advice)
{
    static const char *const final[] = { "expired_card", "lost_card", "stolen_card",
                                         "pickup_card" };

    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        if (strcmp(reason, final[i]) == 0)
            return true;
    }
    return strcmp(advice, "do_not_try_again") == 0;
}
