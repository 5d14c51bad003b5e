/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/machine_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/relay.h"
#include "store/audit_log.h"
#include "store/machine.h"

enum { SIGNED_MAX = 256, ARGS_SIZE = 64 };

struct key_work {
    const struct machine_key_call *call;
    struct instant now, open_from;
    enum machine_key_outcome outcome;
};

static bool is_signed_by(const struct machine_key_call *call, const uint8_t public_key[static 32],
                         const uint8_t bytes[static SIGNATURE_SIZE])
{
    auto_buf struct buf text = buf_of(SIGNED_MAX);
    struct signature signature;

    key_signed(&text, call->machine_id, call->session_epoch, call->request.public_key);
    memcpy(signature.bytes, bytes, sizeof signature.bytes);
    return !text.has_overflowed && crypto_verify(public_key, &signature, text.bytes, text.length);
}

static bool is_suspect(const struct machine_row *machine, const struct session_row *session,
                       struct instant now)
{
    return machine->is_quarantined || (session->twins.turns > 0 &&
                                       instant_until(session->twins.since, now) <= TWINS_WITHIN_US);
}

bool machine_key_log(struct db *db, const struct machine_row *machine, const char *route,
                     struct instant now, struct error *err)
{
    char args[ARGS_SIZE];

    (void)snprintf(args, sizeof args, "{\"machine_id\":%" PRId64 "}", machine->id);
    return audit_log_insert(
        db,
        &(struct audit_log_row){
            .user_id = machine->owner_id, .at = now, .address = "", .route = route, .args = args },
        err);
}

/* `*ret_until`: how long the one before the newest is good; 0 or past: it is not. */
static bool load_former(struct db *db, int64_t machine_id, struct instant *ret_until,
                        struct error *err)
{
    struct session_identity identity;
    bool has;

    if (!session_identity_load(db, machine_id, &identity, &has, err))
        return false;
    *ret_until = has ? identity.former_until : (struct instant){ 0 };
    return true;
}

static bool turn(struct db *db, struct key_work *work, const struct machine_row *machine,
                 struct arena *arena, struct error *err)
{
    const struct machine_key_call *call = work->call;
    struct machine_turn turn = { .machine_id = call->machine_id,
                                 .since = work->now,
                                 .former_until = instant_add(work->now, MACHINE_KEY_FORMER_US) };
    struct machine_row other;
    bool has_other;

    if (!machine_find(db, call->request.public_key, arena, &other, &has_other, err) ||
        !load_former(db, call->machine_id, &work->open_from, err))
        return false;
    work->outcome = MACHINE_KEY_IN_USE;
    if (has_other)
        return true;
    work->outcome = MACHINE_KEY_TOO_SOON;
    if (instant_compare(work->now, work->open_from) < 0)
        return true;
    work->outcome = MACHINE_KEY_TURNED;
    memcpy(turn.key, call->request.public_key, sizeof turn.key);
    return machine_turn_key(db, &turn, err) && session_end(db, call->machine_id, err) &&
           relay_fence(db, call->machine_id, err) &&
           machine_key_log(db, machine, MACHINE_KEY_ROUTE, work->now, err) &&
           db_notify(db, TOPIC_MACHINE, call->machine_id, err);
}

static bool key_work(struct db *db, void *context, struct error *err)
{
    struct key_work *work = context;
    const struct machine_key_call *call = work->call;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    struct session_row session;
    enum take_outcome taken;
    bool has_machine, has_session;

    if (!machine_lock(db, call->machine_id, err) ||
        !session_try(db, call->machine_id, call->session_epoch, STREAM_OP, call->seq, &taken,
                     err) ||
        !machine_load(db, call->machine_id, &arena, &machine, &has_machine, err) ||
        !session_load(db, call->machine_id, &arena, &session, &has_session, err))
        return false;
    work->outcome = taken == TAKE_REPLAY ? MACHINE_KEY_REPLAY : MACHINE_KEY_FENCED;
    if (taken != TAKE_DONE || !has_machine || !has_session || machine.removed.microseconds != 0)
        return true;

    /* Its answer was lost: it has that key already. */
    work->outcome = MACHINE_KEY_TURNED;
    if (memcmp(machine.public_key, call->request.public_key, sizeof machine.public_key) == 0)
        return true;
    work->outcome = MACHINE_KEY_UNSIGNED;
    if (!is_signed_by(call, machine.public_key, call->request.signature))
        return true;
    work->outcome = MACHINE_KEY_SUSPECT;
    if (is_suspect(&machine, &session, work->now))
        return true;
    return turn(db, work, &machine, &arena, err);
}

bool flow_machine_key(const struct flow *flow, const struct machine_key_call *call,
                      struct machine_key_reply *ret, struct error *err)
{
    struct key_work work = { .call = call, .now = clock_now(flow->clock) };

    *ret = (struct machine_key_reply){ .outcome = MACHINE_KEY_UNSIGNED };
    if (!is_signed_by(call, call->request.public_key, call->request.proof))
        return true;
    if (!store_write(flow->store, key_work, &work, err))
        return error_context(err, "turn the key of machine %" PRId64, call->machine_id);
    *ret = (struct machine_key_reply){ work.outcome, work.open_from };
    return true;
}
