/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a recovery is open (flow/recovery.h), for those who ask with every request. */

#ifndef BERTH_SERVER_RECOVERY_WATCH_H
#define BERTH_SERVER_RECOVERY_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "flow/flow.h"
#include "server/hub.h"

struct recovery_watch {
    const struct flow *flow; /* borrowed, as is the hub */
    struct hub *hub;
    atomic_bool is_open;
};

void recovery_watch_init(struct recovery_watch *watch, const struct flow *flow, struct hub *hub);

/* Ask the database. When the recovery has ended, machines hear what they should run. */
NODISCARD bool recovery_watch_look(struct recovery_watch *watch, struct error *err);

/* As of the last look. NULL: no. */
bool recovery_watch_is_open(const struct recovery_watch *watch);

#endif
