/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/paypal_object.h"

#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "proto/paypal.h"

enum { TEXT_MAX = 256, PAGES_MAX = 1000, LIVES_MAX_S = 30 * 24 * 3600, CENT = 10000000 };

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_member(json, name));

    return text != NULL && strlen(text) <= TEXT_MAX ? text : "";
}

bool paypal_token_read(const json_t *json, struct paypal_token *ret, struct error *err)
{
    struct paypal_token token;

    if (!json_need_text(json, "access_token", PAYPAL_TOKEN_MAX, &token.text, err) ||
        !json_need_int(json, "expires_in", (struct json_bounds){ 0, LIVES_MAX_S }, &token.lives_s,
                       err))
        return false;
    /* It goes into a header: nothing in it may end one. */
    for (const char *at = token.text; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at > '~')
            return error_set(err, ERROR_INVALID, "a token that is none");
    *ret = token;
    return true;
}

bool paypal_batch_read(const json_t *json, struct paypal_batch_seen *ret, struct error *err)
{
    static const struct {
        const char *name;
        enum paypal_batch_status status;
    } statuses[] = {
        { "PENDING", PAYPAL_BATCH_OPEN },    { "PROCESSING", PAYPAL_BATCH_OPEN },
        { "NEW", PAYPAL_BATCH_OPEN },        { "SUCCESS", PAYPAL_BATCH_DONE },
        { "CANCELED", PAYPAL_BATCH_DENIED }, { "DENIED", PAYPAL_BATCH_DENIED },
    };
    struct paypal_batch_seen batch = { .pages = 1 };
    const json_t *header = json_member(json, "batch_header");
    const char *status;

    if (!json_need_text(header, "payout_batch_id", PAYPAL_ID_MAX, &batch.id, err) ||
        !json_need_text(header, "batch_status", TEXT_MAX, &status, err) ||
        !json_opt_int(json, "total_pages", (struct json_bounds){ 0, PAGES_MAX }, &batch.pages, err))
        return false;
    if (!paypal_is_id(batch.id))
        return error_set(err, ERROR_INVALID, "a batch of a strange name");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (strcmp(statuses[i].name, status) == 0)
            batch.status = statuses[i].status;
    batch.sender_id = text_of(json_member(header, "sender_batch_header"), "sender_batch_id");
    batch.reason = text_of(json_member(json, "errors"), "name");
    batch.pages = batch.pages > 0 ? batch.pages : 1;
    *ret = batch;
    return true;
}

/* "12.50" of dollars. */
static bool cents_of(const json_t *amount, int64_t *ret, struct error *err)
{
    const char *currency, *value;
    struct money money;

    if (!json_need_text(amount, "currency", TEXT_MAX, &currency, err) ||
        !json_need_text(amount, "value", TEXT_MAX, &value, err) || !money_parse(value, &money, err))
        return false;
    if (strcmp(currency, "USD") != 0 || money.nanodollars < 0 || money.nanodollars % CENT != 0)
        return error_set(err, ERROR_INVALID, "an amount that is no whole cents of dollars");
    *ret = money.nanodollars / CENT;
    return true;
}

/* "po_7": what we called it. */
static int64_t payout_of(const char *text)
{
    uint64_t number;

    return strncmp(text, "po_", 3) == 0 && parse_u64(text + 3, &number) && number <= INT64_MAX
               ? (int64_t)number
               : 0;
}

bool paypal_item_read(const json_t *json, struct paypal_item_seen *ret, struct error *err)
{
    static const struct {
        const char *name;
        enum paypal_item_status status;
    } statuses[] = {
        { "PENDING", PAYPAL_ITEM_WAITS },       { "ONHOLD", PAYPAL_ITEM_WAITS },
        { "UNCLAIMED", PAYPAL_ITEM_UNCLAIMED }, { "SUCCESS", PAYPAL_ITEM_PAID },
        { "FAILED", PAYPAL_ITEM_FAILED },       { "BLOCKED", PAYPAL_ITEM_FAILED },
        { "RETURNED", PAYPAL_ITEM_RETURNED },   { "REFUNDED", PAYPAL_ITEM_RETURNED },
        { "REVERSED", PAYPAL_ITEM_REVERSED },
    };
    struct paypal_item_seen item = { .status = PAYPAL_ITEM_UNKNOWN };
    const json_t *detail = json_member(json, "payout_item");
    const json_t *fee = json_member(json, "payout_item_fee");

    if (!json_need_text(json, "payout_item_id", PAYPAL_ID_MAX, &item.id, err) ||
        !cents_of(json_member(detail, "amount"), &item.cents, err) ||
        (fee != NULL && !cents_of(fee, &item.fee_cents, err)))
        return false;
    item.payout_id = payout_of(text_of(detail, "sender_item_id"));
    item.txn = text_of(json, "transaction_id");
    item.status_text = text_of(json, "transaction_status");
    item.reason = text_of(json_member(json, "errors"), "name");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (strcmp(statuses[i].name, item.status_text) == 0)
            item.status = statuses[i].status;
    *ret = item;
    return true;
}

/* "items[3].receiver" and "/items/3/receiver" name the fourth. */
static bool item_of(const char *field, size_t *ret)
{
    const char *at = strstr(field, "items");
    uint64_t number;
    char digits[8];

    if (at == NULL || (at[5] != '[' && at[5] != '/'))
        return false;
    size_t length = strspn(at + 6, "0123456789");
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, at + 6, length);
    digits[length] = '\0';
    if (!parse_u64(digits, &number))
        return false;
    *ret = (size_t)number;
    return true;
}

/* The last part of the address of a batch. */
static const char *batch_of(const json_t *links)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const char *href = text_of(json_array_get(links, i), "href");
        const char *at = strstr(href, PAYPAL_PAYOUTS "/");

        if (at != NULL && paypal_is_id(at + sizeof PAYPAL_PAYOUTS))
            return at + sizeof PAYPAL_PAYOUTS;
    }
    return "";
}

bool paypal_failure_read(const json_t *json, struct paypal_failure *ret)
{
    struct paypal_failure failure = { .name = text_of(json, "name"),
                                      .message = text_of(json, "message"),
                                      .debug_id = text_of(json, "debug_id") };
    const json_t *details = json_member(json, "details");

    if (failure.name[0] == '\0')
        return false;
    failure.batch = batch_of(json_member(json, "links"));
    for (size_t i = 0; i < json_array_size(details); i++) {
        const json_t *detail = json_array_get(details, i);

        if (failure.batch[0] == '\0')
            failure.batch = batch_of(json_member(detail, "link"));
        if (failure.bad_count < PAYPAL_BAD_MAX &&
            item_of(text_of(detail, "field"), &failure.bad[failure.bad_count]))
            failure.bad_count++;
    }
    *ret = failure;
    return true;
}

bool paypal_event_read(const json_t *json, struct paypal_event *ret, struct error *err)
{
    struct paypal_event event;
    const json_t *resource = json_member(json, "resource");

    if (!json_need_text(json, "id", TEXT_MAX, &event.id, err) ||
        !json_need_text(json, "event_type", TEXT_MAX, &event.type, err))
        return false;
    event.batch = text_of(resource, "payout_batch_id");
    if (event.batch[0] == '\0')
        event.batch = text_of(json_member(resource, "batch_header"), "payout_batch_id");
    if (!paypal_is_id(event.batch))
        event.batch = "";
    *ret = event;
    return true;
}
