/* SPDX-License-Identifier: Apache-2.0 */
/* Saved cards: a provider's names for them, and what people recognise. The numbers are never here.
 *
 * Who has verified an email and leaves a card is given test credit, once for an account, a card and
 * a mailbox; what of it is left after TEST_CREDIT_DAYS runs out. */

#ifndef BERTH_FLOW_PAY_CARD_H
#define BERTH_FLOW_PAY_CARD_H

#include "flow/pay_in.h"
#include "store/user.h"

enum { TEST_CREDIT_DAYS = 30, TEST_CREDIT_BATCH_MAX = 64 };
#define TEST_CREDIT_DEFAULT INT64_C(1000000000) /* $1 */

/* A page to leave a card on: `ret->url` is "" until the provider has made it. */
NODISCARD bool flow_pay_card_page(const struct flow *flow, const struct caller *caller,
                                  struct arena *arena, struct card_page_row *ret,
                                  enum pay_in_outcome *ret_outcome, struct error *err);
NODISCARD bool flow_pay_card_list(const struct flow *flow, const struct caller *caller,
                                  struct arena *arena, struct card_row **ret, size_t *ret_count,
                                  struct error *err);
/* PAY_IN_NONE: the user has no such card. */
NODISCARD bool flow_pay_card_remove(const struct flow *flow, const struct caller *caller,
                                    int64_t id, enum pay_in_outcome *ret_outcome,
                                    struct error *err);

/* A job: test credit that has run out. */
NODISCARD bool flow_test_credit_expire(const struct flow *flow, size_t *ret_count,
                                       struct error *err);

/* Part of flow/pay.c's transactions: all cards that a customer has. */
NODISCARD bool pay_card_take(const struct pay *pay, const char *customer,
                             const struct stripe_object *cards, size_t count, struct error *err);

/* The mailbox behind an email: without what people add to get several addresses out of one. At most
 * EMAIL_LENGTH_MAX characters. */
char *pay_card_mailbox(const char *email, char ret[static EMAIL_LENGTH_MAX + 1]);

#endif
