/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/paypal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

enum { NAME_SIZE = 96, CENTS = 100 };

#define SUBJECT "You have a payout"
#define NOTE    "For the use of your machines."

static struct psp_call call_of(const char *method, const char *path)
{
    struct psp_call call = { method, buf_of(PAYPAL_PATH_MAX), buf_of(PAYPAL_BODY_MAX) };

    buf_append(&call.path, path, strlen(path));
    return call;
}

/* PayPal wants a text with two decimals, not a number. */
static void encode_item(struct encoder *json, const struct paypal_item *item)
{
    char text[NAME_SIZE];

    encode_object(json);
    encode_field_text(json, "recipient_type", "EMAIL");
    encode_field_text(json, "receiver", item->receiver);
    encode_key(json, "amount");
    encode_object(json);
    encode_field_text(json, "currency", "USD");
    (void)snprintf(text, sizeof text, "%" PRId64 ".%02" PRId64, item->cents / CENTS,
                   item->cents % CENTS);
    encode_field_text(json, "value", text);
    encode_end(json);
    (void)snprintf(text, sizeof text, "po_%" PRId64, item->payout_id);
    encode_field_text(json, "sender_item_id", text);
    encode_field_text(json, "note", NOTE);
    encode_field_text(json, "recipient_wallet", "PAYPAL");
    encode_field_text(json, "purpose", "SERVICES");
    encode_end(json);
}

struct psp_call paypal_create(const struct paypal_batch *batch)
{
    struct psp_call call = call_of("POST", PAYPAL_PAYOUTS);
    struct encoder json = encoder_of(&call.body);
    char name[NAME_SIZE];

    assert(batch->count > 0 && batch->count <= PAYPAL_ITEMS_MAX);
    (void)snprintf(name, sizeof name, "berth-%.32s-%" PRId64, batch->installation, batch->id);
    encode_object(&json);
    encode_key(&json, "sender_batch_header");
    encode_object(&json);
    encode_field_text(&json, "sender_batch_id", name);
    encode_field_text(&json, "email_subject", SUBJECT);
    encode_end(&json);
    encode_key(&json, "items");
    encode_array(&json);
    for (size_t i = 0; i < batch->count; i++)
        encode_item(&json, &batch->items[i]);
    encode_end(&json);
    encode_end(&json);
    return call;
}

bool paypal_is_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t length = strlen(text);

    return length > 0 && length <= PAYPAL_ID_MAX && strspn(text, allowed) == length;
}

struct psp_call paypal_read(const char *batch, int64_t page)
{
    struct psp_call call = call_of("GET", PAYPAL_PAYOUTS "/");

    assert(paypal_is_id(batch));
    buf_printf(&call.path, "%s?page=%" PRId64 "&page_size=%d&total_required=true", batch, page,
               PAYPAL_PAGE);
    return call;
}

struct psp_call paypal_verify(const struct paypal_event_headers *headers, const char *webhook,
                              const char *body)
{
    struct psp_call call = call_of("POST", PAYPAL_VERIFY_PATH);
    struct encoder json = encoder_of(&call.body);

    encode_object(&json);
    encode_field_text(&json, "auth_algo", headers->algorithm);
    encode_field_text(&json, "cert_url", headers->cert_url);
    encode_field_text(&json, "transmission_id", headers->transmission_id);
    encode_field_text(&json, "transmission_sig", headers->signature);
    encode_field_text(&json, "transmission_time", headers->time);
    encode_field_text(&json, "webhook_id", webhook);
    encode_key(&json, "webhook_event");
    /* As it came: the signature is over these bytes. */
    encode_raw(&json, body, strlen(body));
    encode_end(&json);
    return call;
}

bool paypal_is_cert_url(const char *url)
{
    static const char *const hosts[] = { "https://api.paypal.com/", "https://api-m.paypal.com/",
                                         "https://api.sandbox.paypal.com/",
                                         "https://api-m.sandbox.paypal.com/" };

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strncmp(url, hosts[i], strlen(hosts[i])) == 0)
            return true;
    }
    return false;
}
