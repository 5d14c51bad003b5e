/* SPDX-License-Identifier: Apache-2.0 */
/* What an account chose to be told of, and how (market/notification.h). */

#ifndef BERTH_FLOW_NOTIFICATIONS_H
#define BERTH_FLOW_NOTIFICATIONS_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "market/notification.h"

struct notifications {
    struct notification_choice choices[NOTIFICATION_COUNT];
};

/* The default everywhere. */
struct notifications notifications_default(void);

/* Mails that cannot be turned off are not. */
bool notifications_are_good(const struct notifications *notifications);

NODISCARD bool flow_notifications(const struct flow *flow, const struct caller *caller,
                                  struct notifications *ret, struct error *err);

/* These in place of all that was chosen; they are good. */
NODISCARD bool flow_notifications_set(const struct flow *flow, const struct caller *caller,
                                      const struct notifications *notifications, struct error *err);

/* Within a transaction: how an account is told of one kind. */
NODISCARD bool notifications_load(struct db *db, int64_t user_id, struct notifications *ret,
                                  struct error *err);

#endif
