/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of payments.h share: asking a provider. For src/server/payments*.c alone. */

#ifndef BERTH_SERVER_PAYMENTS_INSIDE_H
#define BERTH_SERVER_PAYMENTS_INSIDE_H

#include <jansson.h>

#include "flow/pay.h"
#include "proto/stripe.h"
#include "server/payments.h"

struct payments_asker {
    const struct payments_options *options;
    struct paypal_session *paypal;
    struct http_client *client;
};

/* What a read came to. */
enum payments_read {
    PAYMENTS_READ,    /* `*ret` is the caller's */
    PAYMENTS_MISSING, /* there is no such thing */
    PAYMENTS_LATER,   /* nobody can tell now; it is logged */
};
enum payments_read payments_ask(const struct payments_asker *asker, const struct psp_call *call,
                                const char *account, json_t **ret);

/* Each object of all pages of a list, until `take` returns false. False: nobody can tell now. */
typedef bool payments_take(void *context, const json_t *item);
bool payments_each(const struct payments_asker *asker, struct stripe_list list, const char *account,
                   payments_take *take, void *context);

/* Look at the object of that id as it is now, and at what hangs on it; PAY_LATER where nobody can
 * tell. */
enum pay_effect payments_look(const struct payments_asker *asker, const char *id,
                              const char *account);

/* All cards of a customer. */
enum pay_effect payments_look_at_cards(const struct payments_asker *asker, const char *customer);

/* What an event is about. */
enum pay_effect payments_event(const struct payments_asker *asker,
                               const struct psp_event_row *event);

/* A call whose outcome is not known and will not be told: found and taken, or made anew. */
enum payments_doubt { PAYMENTS_FOUND, PAYMENTS_ANEW, PAYMENTS_STUCK, PAYMENTS_DOUBT_LATER };
enum payments_doubt payments_doubt(const struct payments_asker *asker,
                                   const struct outbox_item *item);

/* The last week's events and entries of our balance: those that nobody has told us of. */
bool payments_sweep(const struct payments_asker *asker);

/* Something that a person must look at. */
void payments_alarm(const struct payments_asker *asker, const char *what, const char *id);

#endif
