/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of what an account is told, by mail and otherwise (api.md 3.11): one table. An account
 * chooses for each kind; mails are on where it has not. */

#ifndef BERTH_MARKET_NOTIFICATION_H
#define BERTH_MARKET_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>

enum notification {
#define NOTIFICATION(name, context, slug, topic, display, is_mandatory) NOTIFICATION_##name,
#include "market/notification.def"
#undef NOTIFICATION
    NOTIFICATION_COUNT,
};

struct notification_kind {
    const char *context; /* whom it is about: "client", "host" */
    const char *slug;    /* "low_credit" */
    const char *key;     /* "client:low_credit" */
    const char *topic;   /* "billing" */
    const char *display; /* for people */
    bool is_mandatory;   /* its mails cannot be turned off */
};

const struct notification_kind *notification_kind(enum notification notification);

/* NOTIFICATION_COUNT: there is none of that key. */
enum notification notification_find(const char *key);

/* By which ways. */
struct notification_choice {
    bool email, webhooks;
};
struct notification_choice notification_default(void);

#endif
