/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/revoke_key.h"

#include <inttypes.h>

#include "flow/change.h"
#include "flow/contact_lost.h"
#include "flow/limits.h"
#include "flow/machine_key.h"
#include "flow/notice.h"
#include "flow/relay.h"
#include "store/machine.h"
#include "store/session.h"

enum { TELL_MAX = 256 };

struct revoke_work {
    struct instant now;
    int64_t machine_id;
    enum admin_outcome outcome;
};

/* Once for each time that it is. */
static bool tell(struct db *db, const struct machine_row *machine, struct instant now,
                 struct arena *arena, struct error *err)
{
    auto_buf struct buf body = buf_of(TELL_MAX);
    struct encoder json = encoder_of(&body);
    const char *key = arena_printf(arena, "key_revoked:%lld:%lld", (long long)machine->id,
                                   (long long)now.microseconds);

    encode_object(&json);
    encode_field_int(&json, "machine", machine->id);
    encode_end(&json);
    if (key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a mail");
    const struct notice_event event = { .user_id = machine->owner_id,
                                        .kind = NOTIFICATION_KEY_REVOKED,
                                        .template = "key_revoked",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, now, err);
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
           tell(db, &change.machine, work->now, &arena, err);
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
