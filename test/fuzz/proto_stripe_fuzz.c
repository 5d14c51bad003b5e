/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger posts as an event of Stripe's: header, event, object and error. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "proto/stripe.h"
#include "proto/stripe_event.h"
#include "proto/stripe_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct stripe_signature signature;
    struct stripe_failure failure;
    struct stripe_object object;
    struct stripe_event event;
    auto_json json_t *json = NULL;
    struct error err;
    char *text = strndup((const char *)bytes, length);

    if (text == NULL)
        abort();
    if (stripe_signature_read(text, &signature))
        assert(signature.count > 0 && signature.count <= STRIPE_SIGNATURES_MAX);
    if (json_parse(text, strlen(text), &json, &err)) {
        if (stripe_event_read(json, &event, &err))
            assert(stripe_is_id(event.id));
        if (stripe_object_read(json, &object, &err))
            assert(object.ref >= 0);
        if (stripe_failure_read(json, &failure))
            assert(failure.code != NULL);
    }
    free(text);
    return 0;
}
