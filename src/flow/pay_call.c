/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

enum { NUMBER_SIZE = 24, PARTS = 4 };

static const char *const names[PAY_PURPOSE_COUNT] = {
    [PAY_CUSTOMER] = "customer", [PAY_PAGE] = "page",         [PAY_CARD_PAGE] = "card_page",
    [PAY_CHARGE] = "charge",     [PAY_REFUND] = "refund",     [PAY_ACCOUNT] = "account",
    [PAY_LINK] = "link",         [PAY_TRANSFER] = "transfer", [PAY_PAYOUT] = "payout",
    [PAY_REVERSAL] = "reversal", [PAY_BATCH] = "batch",       [PAY_EVIDENCE] = "evidence",
};

const char *pay_purpose_name(enum pay_purpose purpose)
{
    return names[purpose];
}

static const char *provider_of(enum pay_purpose purpose)
{
    return purpose == PAY_BATCH ? "paypal" : "stripe";
}

static void write_key(const struct pay_call *call, char key[static PAY_KEY_SIZE])
{
    (void)snprintf(key, PAY_KEY_SIZE, "%s:%s:%" PRId64 ":%" PRId64, provider_of(call->purpose),
                   names[call->purpose], call->ref, call->group);
}

bool pay_call_leave(struct db *db, const struct pay_call *call, struct psp_call *bytes,
                    struct instant now, struct error *err)
{
    auto_psp_call struct psp_call taken = *bytes;
    char key[PAY_KEY_SIZE];

    *bytes = (struct psp_call){ .method = bytes->method };
    if (taken.path.has_overflowed || taken.body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a call to a provider that is too long");
    write_key(call, key);
    const struct outbox_item item = { .key = key,
                                      .provider = provider_of(call->purpose),
                                      .method = taken.method,
                                      .path = taken.path.bytes,
                                      .body = taken.body.length > 0 ? taken.body.bytes : "",
                                      .account = call->account };
    return outbox_append(db, &item, now, err);
}

bool pay_call_renew(struct db *db, const struct pay_call *call, struct psp_call *bytes,
                    struct instant now, struct error *err)
{
    struct pay_call newest = *call;
    char key[PAY_KEY_SIZE];
    bool has = true, waits = false;

    for (newest.group = 1; has && !waits; newest.group++) {
        write_key(&newest, key);
        if (!outbox_look(db, key, &has, &waits, err)) {
            psp_call_release(bytes);
            return false;
        }
    }
    newest.group--;
    if (!waits)
        return pay_call_leave(db, &newest, bytes, now, err);
    psp_call_release(bytes);
    return true;
}

/* The text up to the next colon, or the end. */
static bool take_part(const char **at, char part[static NUMBER_SIZE])
{
    size_t length = strcspn(*at, ":");

    if (length == 0 || length >= NUMBER_SIZE)
        return false;
    memcpy(part, *at, length);
    part[length] = '\0';
    *at += length + ((*at)[length] == ':');
    return true;
}

bool pay_call_read(const struct outbox_item *item, struct pay_call *ret)
{
    char parts[PARTS][NUMBER_SIZE];
    const char *at = item->key;
    uint64_t ref, group;

    for (size_t i = 0; i < PARTS; i++)
        if (!take_part(&at, parts[i]))
            return false;
    if (*at != '\0' || strcmp(parts[0], item->provider) != 0 || !parse_u64(parts[2], &ref) ||
        !parse_u64(parts[3], &group) || ref > INT64_MAX || group > INT64_MAX)
        return false;
    for (int i = 0; i < PAY_PURPOSE_COUNT; i++) {
        if (strcmp(parts[1], names[i]) == 0 &&
            strcmp(parts[0], provider_of((enum pay_purpose)i)) == 0) {
            *ret = (struct pay_call){ (enum pay_purpose)i, (int64_t)ref, (int64_t)group,
                                      item->account };
            return true;
        }
    }
    return false;
}

char *pay_call_key(const struct outbox_item *item, const char *installation,
                   char text[static PAY_KEY_SIZE])
{
    struct pay_call call = { .group = 0 };

    (void)!pay_call_read(item, &call);
    (void)snprintf(text, PAY_KEY_SIZE, "berth:%.32s:%" PRId64 ":%" PRId64, installation, item->id,
                   call.group);
    return text;
}
