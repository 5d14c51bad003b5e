/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what flows have left in the outbox: mail, payments, refunds (store/outbox.h).
 *
 * One thread leases what is due, hands each item to its provider, and stores how it went. A
 * provider that does not answer, or says "later", is asked again after a growing pause, up to
 * DELIVER_ATTEMPTS_MAX times; an item of a provider that this server does not have waits for one
 * that has. What a server had begun when it died is begun again once its lease is over: providers
 * get the item's key, and must do a thing once for it. */

#ifndef BERTH_SERVER_DELIVER_H
#define BERTH_SERVER_DELIVER_H

#include "flow/flow.h"
#include "server/metrics.h"
#include "store/outbox.h"

enum {
    DELIVER_LEASE_SECONDS = 120, /* longer than a provider may take for all of a batch */
    DELIVER_BATCH_MAX = 8,
    DELIVER_ATTEMPTS_MAX = 20,
    DELIVER_PAUSE_SECONDS = 10,       /* after the first failure; doubled each time */
    DELIVER_PAUSE_SECONDS_MAX = 3600, /* and for items without a provider */
};

/* Do it. False, with why in `err`: there was no answer. True sets the status (2xx is done; 3xx, and
 * 4xx other than 408, 409 and 429, is never; all else is later) and appends what came back. */
typedef bool deliver_send(void *context, const struct outbox_item *item, int64_t *ret_status,
                          struct buf *response, struct error *err);

struct deliver_provider {
    const char *name; /* outbox_item.provider */
    deliver_send *send;
    void *context;
};

struct deliver_options {
    const struct flow *flow; /* borrowed, as is all of this */
    struct metrics *metrics;
    const char *server_proc;
    enum outbox_lane lane; /* which items: each lane has a deliverer of its own */
    const struct deliver_provider *providers;
    size_t provider_count;
};

struct deliver;

NODISCARD bool deliver_open(const struct deliver_options *options, struct deliver **ret_deliver,
                            struct error *err);
void deliver_wake(struct deliver *deliver);

/* Finishes the item that is under way. */
/* Its thread ends; what changes may still be told, and is heard by nobody. */
void deliver_stop(struct deliver *deliver);
void deliver_close(struct deliver **deliver);

/* When to try again after that many attempts. */
int64_t deliver_pause_s(int64_t attempts);

#endif
