/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/due.h"

#include "flow/op.h"
#include "flow/post_usage.h"
#include "market/connected.h"
#include "store/due.h"

struct due_work {
    struct instant dues[DUE_COUNT];
};

/* Add what is due so long after the row's instant, where that is sooner. */
static bool add(struct db *db, struct instant *due, enum due_row row, int64_t after_us,
                struct error *err)
{
    struct instant at;

    if (!due_next(db, row, &at, err))
        return false;
    if (instant_compare(at, INSTANT_NEVER) == 0)
        return true;
    at = instant_add(at, after_us);
    if (instant_compare(at, *due) < 0)
        *due = at;
    return true;
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;
    struct instant *dues = work->dues;

    for (size_t i = 0; i < DUE_COUNT; i++)
        dues[i] = INSTANT_NEVER;
    return add(db, &dues[DUE_CONTACT_LOST], DUE_HEARTBEAT, CONNECTED_LEASE_US, err) &&
           add(db, &dues[DUE_NO_CREDIT], DUE_CREDIT_END, 0, err) &&
           add(db, &dues[DUE_RESERVATIONS], DUE_DEPOSIT_END, 0, err) &&
           add(db, &dues[DUE_LIFETIME], DUE_END, 0, err) &&
           add(db, &dues[DUE_LIFETIME_WARNING], DUE_WARNING, 0, err) &&
           add(db, &dues[DUE_STOPPED_TOO_LONG], DUE_STOPPED, 0, err) &&
           add(db, &dues[DUE_POST_USAGE], DUE_POST_RUNS, POST_RUNNING_SECONDS * US_PER_SECOND,
               err) &&
           add(db, &dues[DUE_POST_USAGE], DUE_POST_EXISTS, POST_STOPPED_SECONDS * US_PER_SECOND,
               err) &&
           add(db, &dues[DUE_OP_EXPIRE], DUE_OP_EXPIRES, 0, err) &&
           add(db, &dues[DUE_DECIDE], DUE_DECISION, 0, err) &&
           add(db, &dues[DUE_OP_EXPIRE], DUE_OP_CREATED, OP_KEPT_SECONDS * US_PER_SECOND, err);
}

bool flow_due(const struct flow *flow, struct instant ret[static DUE_COUNT], struct error *err)
{
    struct due_work work;

    if (!store_read(flow->store, due_work, &work, err))
        return false;
    for (size_t i = 0; i < DUE_COUNT; i++)
        ret[i] = work.dues[i];
    return true;
}
