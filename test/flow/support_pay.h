/* SPDX-License-Identifier: Apache-2.0 */
/* A market with a payment provider, and objects as it would say that they are. */

#ifndef BERTH_TEST_FLOW_SUPPORT_PAY_H
#define BERTH_TEST_FLOW_SUPPORT_PAY_H

#include "flow/pay.h"
#include "support.h"

struct pay_world {
    struct world world;
    struct pay_settings settings;
    const char *account; /* that objects are read as: "" is ours */
};

void pay_world_open(struct pay_world *pay, struct support *support);
/* Sound, and closed. */
void pay_world_close(struct pay_world *pay);

/* An object of ours without anything special, of that kind, id and status. */
struct stripe_object pay_object(struct pay_world *pay, enum stripe_kind kind, const char *id,
                                enum stripe_status status);

/* An intent for a deposit that was paid, and has reached our balance with a fee of 103 cents. */
struct stripe_object pay_intent(struct pay_world *pay, int64_t deposit_id, const char *id,
                                const char *txn, int64_t cents);

/* What becomes of it. */
enum pay_effect pay_take(struct pay_world *pay, const struct stripe_object *object);

/* The provider answers the one call of that key, whichever way it was sent. */
enum pay_effect pay_answer(struct pay_world *pay, const char *key,
                           const struct stripe_object *object);
void pay_refuse(struct pay_world *pay, const char *key, const char *code);

#endif
