/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger posts as an event of PayPal's, and what PayPal answers. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "proto/paypal.h"
#include "proto/paypal_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct paypal_failure failure;
    struct paypal_batch_seen batch;
    struct paypal_item_seen item;
    struct paypal_token token;
    struct paypal_event event;
    auto_json json_t *json = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, length, &json, &err))
        return 0;
    if (paypal_event_read(json, &event, &err))
        assert(event.batch[0] == '\0' || paypal_is_id(event.batch));
    if (paypal_batch_read(json, &batch, &err))
        assert(paypal_is_id(batch.id) && batch.pages > 0);
    if (paypal_item_read(json, &item, &err))
        assert(item.cents >= 0 && item.fee_cents >= 0 && item.payout_id >= 0);
    if (paypal_token_read(json, &token, &err))
        assert(strpbrk(token.text, "\r\n ") == NULL);
    if (paypal_failure_read(json, &failure))
        assert(failure.bad_count <= PAYPAL_BAD_MAX);
    return 0;
}
