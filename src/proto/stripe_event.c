/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/stripe_event.h"

#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/parse.h"
#include "proto/stripe.h"

enum { SECONDS_DIGITS = 12, HEADER_MAX = 4096 };

static bool read_seconds(const char *value, size_t length, int64_t *ret)
{
    char digits[SECONDS_DIGITS + 1];
    uint64_t seconds;

    if (length == 0 || length > SECONDS_DIGITS)
        return false;
    memcpy(digits, value, length);
    digits[length] = '\0';
    if (!parse_u64(digits, &seconds))
        return false;
    *ret = (int64_t)seconds;
    return true;
}

static void read_v1(const char *value, size_t length, struct stripe_signature *signature)
{
    char text[HEX_SIZE(STRIPE_SIGNATURE_SIZE)];

    if (length != sizeof text - 1 || strspn(value, "0123456789abcdef") < length ||
        signature->count == STRIPE_SIGNATURES_MAX)
        return;
    memcpy(text, value, length);
    text[length] = '\0';
    signature->count +=
        hex_parse(text, signature->signatures[signature->count], STRIPE_SIGNATURE_SIZE);
}

bool stripe_signature_read(const char *header, struct stripe_signature *ret)
{
    struct stripe_signature signature = { .seconds = -1 };

    if (strnlen(header, HEADER_MAX + 1) > HEADER_MAX)
        return false;
    for (const char *part = header; *part != '\0';) {
        size_t length = strcspn(part, ",");

        if (length > 2 && strncmp(part, "t=", 2) == 0) {
            /* Twice is two opinions on what was signed. */
            if (signature.seconds >= 0 || !read_seconds(part + 2, length - 2, &signature.seconds))
                return false;
        } else if (length > 3 && strncmp(part, "v1=", 3) == 0) {
            read_v1(part + 3, length - 3, &signature);
        }
        part += length + (part[length] == ',');
    }
    if (signature.seconds < 0 || signature.count == 0)
        return false;
    *ret = signature;
    return true;
}

bool stripe_signature_is_fresh(const struct stripe_signature *signature, int64_t now_s)
{
    int64_t age_s = now_s - signature->seconds;

    return age_s <= STRIPE_TOLERANCE_S && age_s >= -STRIPE_TOLERANCE_S;
}

static bool opt_id(const json_t *object, const char *name, const char **ret, struct error *err)
{
    *ret = "";
    if (!json_is_string(json_member(object, name)))
        return true; /* expanded, or of another kind */
    return json_opt_text(object, name, STRIPE_ID_MAX, ret, err);
}

bool stripe_event_read(const json_t *body, struct stripe_event *ret, struct error *err)
{
    struct stripe_event event = { .installation = "" };
    const json_t *data, *object;

    if (!json_need_text(body, "id", STRIPE_ID_MAX, &event.id, err) ||
        !json_need_text(body, "type", STRIPE_ID_MAX, &event.type, err) ||
        !opt_id(body, "account", &event.account, err) ||
        !json_need_bool(body, "livemode", &event.is_live, err) ||
        !json_need_object(body, "data", &data, err) ||
        !json_need_object(data, "object", &object, err) ||
        !opt_id(object, "id", &event.object_id, err) ||
        !opt_id(object, "object", &event.object_kind, err) ||
        !opt_id(object, "customer", &event.customer, err) ||
        !opt_id(json_member(object, "metadata"), "berth_installation", &event.installation, err))
        return error_context(err, "an event");
    if (!stripe_is_id(event.id) || (event.account[0] != '\0' && !stripe_is_id(event.account)))
        return error_set(err, ERROR_INVALID, "an event with an id that is none");
    *ret = event;
    return true;
}
