/* SPDX-License-Identifier: Apache-2.0 */
#include "support_pay.h"

#include <stdio.h>

#include "support_check.h"

void pay_world_open(struct pay_world *pay, struct support *support)
{
    struct error err;

    world_open(&pay->world, support);
    pay->account = "";
    pay->settings = (struct pay_settings){ .site = "https://market.test",
                                           .has_stripe = true,
                                           .test_credit = { NANODOLLARS_PER_DOLLAR } };
    CHECK_OK(flow_installation(pay->world.flow.store, pay->settings.installation, &err), &err);
    pay->world.flow.pay = &pay->settings;
}

void pay_world_close(struct pay_world *pay)
{
    world_check(&pay->world);
    check_is_clean(pay->world.support);
    world_close(&pay->world);
}

struct stripe_object pay_object(struct pay_world *pay, enum stripe_kind kind, const char *id,
                                enum stripe_status status)
{
    return (struct stripe_object){ .kind = kind,
                                   .id = id,
                                   .status = status,
                                   .status_text = "",
                                   .installation = pay->settings.installation,
                                   .customer = "",
                                   .intent = "",
                                   .charge = "",
                                   .url = "",
                                   .reason = "",
                                   .txns = { { .id = "" }, { .id = "" } },
                                   .brand = "",
                                   .last4 = "",
                                   .fingerprint = "" };
}

struct stripe_object pay_intent(struct pay_world *pay, int64_t deposit_id, const char *id,
                                const char *txn, int64_t cents)
{
    struct stripe_object intent = pay_object(pay, STRIPE_INTENT, id, STRIPE_DONE);

    intent.ref = deposit_id;
    intent.cents = cents;
    intent.txns[0] = (struct stripe_txn){ txn, cents, 103 };
    intent.is_expanded = true;
    return intent;
}

enum pay_effect pay_take(struct pay_world *pay, const struct stripe_object *object)
{
    enum pay_effect effect = PAY_LATER;
    struct error err;

    CHECK_OK(flow_pay_object(&pay->world.flow, object, pay->account, &effect, &err), &err);
    return effect;
}

enum pay_effect pay_answer(struct pay_world *pay, const char *key,
                           const struct stripe_object *object)
{
    const struct outbox_item item = { .key = key, .provider = "stripe", .account = "" };
    enum pay_effect effect = PAY_LATER;
    struct error err;

    CHECK_OK(flow_pay_answer(&pay->world.flow, &item, object, &effect, &err), &err);
    return effect;
}

void pay_refuse(struct pay_world *pay, const char *key, const char *code)
{
    const struct outbox_item item = { .key = key, .provider = "stripe", .account = "" };
    const struct stripe_failure failure = { "card_error", code, "", "", "", "" };
    struct error err;

    CHECK_OK(flow_pay_refused(&pay->world.flow, &item, &failure, &err), &err);
}
