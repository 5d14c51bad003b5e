/* SPDX-License-Identifier: Apache-2.0 */
/* The one who speaks with payment providers (payments.md 2): makes the calls that flows have left
 * in the outbox, looks at what events are about, and once a night at everything.
 *
 * A call is written down before it is made, under a key that the provider does it once for; so it
 * is made again, with that key, until its outcome is known. The provider keeps keys for a day: what
 * is older, or is said not to be asked again, is looked for in the provider's lists, and is taken
 * from there, or made anew under the next key. Nothing is believed of an event but what it is
 * about. What cannot be explained is left as it is, and an alarm is logged.
 *
 * One thread. With several servers, each has one: items are leased, and the rest may be done twice.
 */

#ifndef BERTH_SERVER_PAYMENTS_H
#define BERTH_SERVER_PAYMENTS_H

#include "flow/flow.h"
#include "server/metrics.h"
#include "server/paypal_wire.h"
#include "server/stripe_wire.h"

enum {
    PAYMENTS_RESEND_SECONDS = 20 * 3600, /* providers know a key for 24 hours */
    PAYMENTS_PAUSE_MAX_SECONDS = 60,
    PAYMENTS_KEY_PAUSE_SECONDS = 60, /* where our key was refused */
    PAYMENTS_EVENT_ATTEMPTS_MAX = 40,
    PAYMENTS_SWEEP_SECONDS = 24 * 3600,
    PAYMENTS_SWEEP_BACK_SECONDS = 7 * 24 * 3600,
    PAYMENTS_SETTLED_SECONDS = 3600, /* what is older and unknown is not on its way to us */
};

struct payments;

struct payments_options {
    const struct flow *flow; /* borrowed, as is all of this; its `pay` is set */
    struct metrics *metrics;
    const char *server_proc;
    const struct stripe_wire *stripe; /* NULL: not one of ours; likewise the next */
    const struct paypal_wire *paypal;
};

NODISCARD bool payments_open(const struct payments_options *options, struct payments **ret,
                             struct error *err);

/* There may be something to do. From any thread. */
void payments_wake(struct payments *payments);

/* Finishes what is under way. NULL is no payments. */
void payments_stop(struct payments *payments);
void payments_close(struct payments **payments);

#endif
