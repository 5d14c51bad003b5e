/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/enroll.h"

#include <string.h>

#include "flow/inventory.h"
#include "flow/limits.h"
#include "flow/machine_key.h"
#include "flow/remove_machine.h"
#include "flow/revoke_key.h"
#include "store/enroll_token.h"
#include "store/machine.h"
#include "store/user.h"

struct token_work {
    const struct caller *caller;
    struct instant now, expires;
    struct hash hash;
    int64_t machine_id;
    enum enroll_token_outcome outcome;
};

/* Whether the machine that the token is for is there, and has no key. */
static bool look_at_machine(struct db *db, struct token_work *work, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    bool has;

    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, &arena, &machine, &has,
                            err))
        return false;
    if (!has)
        work->outcome = ENROLL_TOKEN_NO_MACHINE;
    else if (machine.key_revoked.microseconds == 0)
        work->outcome = ENROLL_TOKEN_KEY_IS_GOOD;
    return true;
}

static bool token_work(struct db *db, void *context, struct error *err)
{
    struct token_work *work = context;
    const struct enroll_token_row token = { work->caller->user_id, work->machine_id };

    work->outcome = ENROLL_TOKEN_MADE;
    if (!user_lock_open(db, token.user_id, err) ||
        (work->machine_id != 0 && !look_at_machine(db, work, err)))
        return false;
    return work->outcome != ENROLL_TOKEN_MADE ||
           enroll_token_insert(db, &work->hash, &token, work->now, work->expires, err);
}

bool flow_enroll_token(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                       struct enroll_token_reply *ret, struct error *err)
{
    struct enroll_token_reply reply;
    struct token_work work = { .caller = caller,
                               .machine_id = machine_id,
                               .now = clock_now(flow->clock) };

    (void)crypto_token(reply.token);
    work.hash = crypto_sha256(reply.token, strlen(reply.token));
    work.expires = instant_add(work.now, ENROLL_TOKEN_SECONDS * US_PER_SECOND);
    reply.expires = work.expires;
    if (!store_write(flow->store, token_work, &work, err))
        return error_context(err, "make an enrolment token");
    reply.outcome = work.outcome;
    *ret = reply;
    return true;
}

struct enroll_work {
    const struct flow *flow;
    const struct enroll_request *request;
    const char *facts;
    struct instant now;
    struct hash token_hash;
    enum enroll_outcome outcome;
    int64_t machine_id;
};

/* GPUs that are still the former identity's of the same host, which is not heard of any more and on
 * which nobody rents: it is over, and they are free. */
static bool retire_former(struct db *db, const struct enroll_work *work, int64_t owner_id,
                          struct arena *arena, struct error *err)
{
    const struct machine_facts *facts = &work->request->facts;

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        struct machine_row former;
        int64_t holder_id, rentals;
        bool has;

        if (!gpu_find(db, facts->gpus[i].uuid, &holder_id, &has, err) ||
            (has && !machine_load(db, holder_id, arena, &former, &has, err)))
            return false;
        if (has && former.owner_id == owner_id && !former.is_online &&
            !remove_unrented(db, holder_id, work->now, arena, &rentals, err))
            return false;
    }
    return true;
}

/* The machine that the token is for has a new key, and is what it was: what its hardware is now is
 * looked at when it opens a session. */
static bool come_back(struct db *db, struct enroll_work *work, const struct enroll_token_row *token,
                      struct arena *arena, struct error *err)
{
    struct machine_turn turn = { .machine_id = token->machine_id,
                                 .since = work->now,
                                 .former_until = work->now };
    struct machine_row machine;
    bool has;

    if (!machine_lock(db, token->machine_id, err) ||
        !machine_load_owned(db, token->user_id, token->machine_id, arena, &machine, &has, err))
        return false;
    work->outcome = ENROLL_NOT_IT;
    if (!has || machine.key_revoked.microseconds == 0 ||
        (work->request->machine_id != 0 && work->request->machine_id != machine.id))
        return true;
    memcpy(turn.key, work->request->public_key, sizeof turn.key);
    work->outcome = ENROLL_DONE;
    work->machine_id = machine.id;
    return user_lock_open(db, token->user_id, err) &&
           enroll_token_take(db, &work->token_hash, err) && machine_turn_key(db, &turn, err) &&
           machine_set_key_revoked(db, machine.id, (struct instant){ 0 }, err) &&
           machine_key_log(db, &machine, REPLACE_KEY_ROUTE, work->now, err) &&
           db_notify(db, TOPIC_MACHINE, machine.id, err);
}

static bool enroll_work(struct db *db, void *context, struct error *err)
{
    struct enroll_work *work = context;
    const struct enroll_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    bool has_token, has_other, is_free;
    struct enroll_token_row token;
    struct machine_row other;
    struct machine_row machine = {
        .facts = work->facts,
        .hostname = request->facts.hostname,
        .inet_up_kbps = request->facts.inet_up_kbps,
        .inet_down_kbps = request->facts.inet_down_kbps,
        .geolocation = "",
        .verification = work->flow->auto_verifies ? VERIFICATION_VERIFIED : VERIFICATION_UNVERIFIED,
        .is_verification_set = work->flow->auto_verifies,
        .is_simulated = request->facts.is_simulated,
        .created = work->now,
    };

    /* Everything is looked at before the token is used: a refusal does not cost it. */
    if (!enroll_token_find(db, &work->token_hash, work->now, &token, &has_token, err))
        return false;
    work->outcome = ENROLL_BAD_TOKEN;
    if (!has_token)
        return true;
    machine.owner_id = token.user_id;
    if (!machine_find(db, request->public_key, &arena, &other, &has_other, err))
        return false;
    work->outcome = ENROLL_KEY_IN_USE;
    if (has_other)
        return true;
    if (token.machine_id != 0)
        return come_back(db, work, &token, &arena, err);
    work->outcome = ENROLL_NOT_IT;
    if (request->machine_id != 0)
        return true;
    if (!retire_former(db, work, machine.owner_id, &arena, err) ||
        !inventory_is_free(db, 0, &request->facts, &is_free, err))
        return false;
    work->outcome = ENROLL_GPU_IN_USE;
    if (!is_free)
        return true;

    memcpy(machine.public_key, request->public_key, sizeof machine.public_key);
    work->outcome = ENROLL_DONE;
    return user_lock_open(db, machine.owner_id, err) &&
           enroll_token_take(db, &work->token_hash, err) &&
           machine_insert(db, &machine, &work->machine_id, err) &&
           inventory_insert(db, work->machine_id, &request->facts, err) &&
           db_notify(db, TOPIC_MACHINE, work->machine_id, err);
}

bool flow_enroll(const struct flow *flow, const struct enroll_request *request,
                 struct enroll_outcome_reply *ret, struct error *err)
{
    auto_buf struct buf facts = buf_of(PROTO_BODY_MAX);
    struct enroll_work work = { .flow = flow,
                                .request = request,
                                .now = clock_now(flow->clock),
                                .token_hash =
                                    crypto_sha256(request->token, strlen(request->token)) };

    *ret = (struct enroll_outcome_reply){ .facts = machine_facts_check(&request->facts) };
    ret->outcome = ENROLL_BAD_FACTS;
    if (ret->facts != MACHINE_OK)
        return true;
    ret->outcome = ENROLL_SIMULATED;
    if (request->facts.is_simulated && !flow->allows_simulated)
        return true;

    machine_facts_encode(&facts, &request->facts);
    if (facts.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the facts of a machine are too long");
    work.facts = facts.bytes;
    if (!store_write(flow->store, enroll_work, &work, err))
        return error_context(err, "enrol a machine");
    ret->outcome = work.outcome;
    ret->reply.machine_id = work.outcome == ENROLL_DONE ? work.machine_id : 0;
    memcpy(ret->reply.server_key, flow->server_keys->public_key, sizeof ret->reply.server_key);
    return true;
}
