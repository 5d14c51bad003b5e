/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/revoke_key.h"

#include <inttypes.h>
#include <stdio.h>

#include "flow/change.h"
#include "flow/contact_lost.h"
#include "flow/limits.h"
#include "flow/machine_key.h"
#include "flow/notice.h"
#include "flow/relay.h"
#include "market/journal.h"
#include "store/machine.h"
#include "store/session.h"

struct revoke_work {
    struct instant now;
    int64_t machine_id;
    enum admin_outcome outcome;
};

/* Once for each time that it is. */
static bool tell(struct db *db, const struct machine_row *machine, struct instant now,
                 struct error *err)
{
    char key[JOURNAL_KEY_SIZE];

    (void)snprintf(key, sizeof key, "key_revoked:%lld:%lld", (long long)machine->id,
                   (long long)now.microseconds);
    return notice_tell_of_machine(db,
                                  &(struct notice_machine){ .id = machine->id,
                                                            .owner_id = machine->owner_id,
                                                            .kind = NOTIFICATION_KEY_REVOKED,
                                                            .template = "key_revoked",
                                                            .key = key },
                                  now, err);
}

static bool revoke_work(struct db *db, void *context, struct error *err)
{
    struct revoke_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    work->outcome = ADMIN_NOT_FOUND;
    if (!change_begin(&change, db, work->machine_id, work->now, &arena, &has, err))
        return false;
    if (!has || change.machine.removed.microseconds != 0)
        return true;
    work->outcome = ADMIN_DONE;
    if (change.machine.key_revoked.microseconds != 0)
        return true;
    if (change.has_session && change.machine.is_online && !contact_lose(&change, err))
        return false;
    return machine_set_key_revoked(db, work->machine_id, work->now, err) &&
           session_end(db, work->machine_id, err) && relay_fence(db, work->machine_id, err) &&
           machine_bump(db, work->machine_id, err) && /* a poll that waits looks, and is told */
           machine_key_log(db, &change.machine, REVOKE_KEY_ROUTE, work->now, err) &&
           tell(db, &change.machine, work->now, err);
}

bool flow_revoke_key(const struct flow *flow, int64_t machine_id, enum admin_outcome *ret,
                     struct error *err)
{
    struct revoke_work work = { .now = clock_now(flow->clock), .machine_id = machine_id };

    if (!store_write(flow->store, revoke_work, &work, err))
        return error_context(err, "revoke the key of machine %" PRId64, machine_id);
    *ret = work.outcome;
    return true;
}
