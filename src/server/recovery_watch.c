/* SPDX-License-Identifier: Apache-2.0 */
#include "server/recovery_watch.h"

#include "flow/recovery.h"

void recovery_watch_init(struct recovery_watch *watch, const struct flow *flow, struct hub *hub)
{
    watch->flow = flow;
    watch->hub = hub;
    atomic_init(&watch->is_open, false);
}

bool recovery_watch_look(struct recovery_watch *watch, struct error *err)
{
    bool is_open;

    if (!flow_recovery_is_open(watch->flow, &is_open, err))
        return false;
    bool was_open = atomic_exchange(&watch->is_open, is_open);
    if (is_open && !was_open)
        log_write(watch->flow->log, LOG_WARNING, "recovery",
                  "nothing is changed, stopped or deleted until `berthd recovery end`");
    if (!is_open && was_open) {
        log_write(watch->flow->log, LOG_INFO, "recovery", "ended");
        hub_wake_all(watch->hub);
    }
    return true;
}

bool recovery_watch_is_open(const struct recovery_watch *watch)
{
    return watch != NULL && atomic_load(&watch->is_open);
}
