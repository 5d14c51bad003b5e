/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/desired.h"

#include <string.h>

#include "flow/cloud.h"
#include "flow/copy.h"
#include "flow/pay.h"
#include "flow/relay.h"
#include "flow/reservation.h"
#include "flow/secrets.h"
#include "flow/snapshot.h"
#include "flow/spec.h"
#include "flow/volume_clone.h"
#include "store/autopay.h"
#include "store/bid.h"
#include "store/claim.h"
#include "store/contract.h"
#include "store/event.h"
#include "store/machine.h"
#include "store/op.h"
#include "store/payment.h"
#include "store/session.h"
#include "store/ssh_key.h"
#include "store/user.h"

struct desired_work {
    const struct flow *flow;
    int64_t machine_id;
    struct instant now;
    struct arena *arena;
    struct machine_row machine;
    struct desired desired;
    int64_t rev;
    bool has, is_quarantined;
};

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "the desired state is too large");
}

static int64_t after_ms(struct instant now, struct instant then)
{
    if (instant_compare(then, INSTANT_NEVER) == 0)
        return -1;
    int64_t us = instant_until(now, then);
    int64_t ms = us <= 0 ? 0 : us / US_PER_MS;
    return ms < DESIRED_SPAN_MS_MAX ? ms : DESIRED_SPAN_MS_MAX;
}

static enum desired_state state_of(const struct contract_row *contract)
{
    switch (rental_intent(contract->state)) {
    case RENTAL_RUN:
        /* Without its GPUs it cannot run yet, or no longer. */
        return contract->state == RENTAL_SCHEDULING || contract->state == RENTAL_PAUSING
                   ? DESIRED_STOPPED
                   : DESIRED_RUNNING;
    case RENTAL_STOP:
        return DESIRED_STOPPED;
    case RENTAL_DESTROY:
        break;
    }
    return DESIRED_ABSENT;
}

/* Only this lets a host delete data. */
static void sign_destroy(const struct desired_work *work, const struct contract_row *contract,
                         uint8_t token[static DESTROY_TOKEN_SIZE])
{
    auto_buf struct buf text = buf_of(1024);

    destroy_signed(&text, work->machine_id, contract->id, contract->gen);
    struct signature signature = crypto_sign_with(work->flow->server_keys, text.bytes, text.length);
    memcpy(token, signature.bytes, DESTROY_TOKEN_SIZE);
}

static bool add_keys(struct db *db, const struct desired_work *work,
                     const struct contract_row *contract, struct instance_spec *spec,
                     struct error *err)
{
    struct ssh_key_row *keys;
    size_t count;

    if (!ssh_key_list_of(db, contract->owner_id, contract->id, work->arena, &keys, &count, err))
        return false;
    if (count > SPEC_KEYS_MAX)
        count = SPEC_KEYS_MAX; /* the account's and the instance's together */
    spec->ssh_keys = arena_alloc(work->arena, count, sizeof *spec->ssh_keys);
    if (spec->ssh_keys == NULL)
        return no_room(err);
    for (size_t i = 0; i < count; i++)
        spec->ssh_keys[i] = keys[i].public_key;
    spec->ssh_key_count = (int64_t)count;
    return true;
}

/* For a machine that may be another one with a stolen key: enough to stop the container and keep
 * its files, and nothing that its renter has told us. */
static void withhold(struct desired_instance *instance)
{
    const struct instance_spec *spec = &instance->spec;

    instance->state = DESIRED_STOPPED;
    instance->spec = (struct instance_spec){ .image = spec->image,
                                             .disk_gb = spec->disk_gb,
                                             .cpu_millis = spec->cpu_millis,
                                             .ram_mb = spec->ram_mb,
                                             .shm_mb = spec->shm_mb };
}

/* Who has to make way hears why, and until when it may run on. */
static bool add_notice(struct db *db, const struct desired_work *work,
                       const struct contract_row *contract, struct desired_instance *instance,
                       struct error *err)
{
    struct bid_row bid;
    bool has = false;

    if (contract->state != RENTAL_PAUSING)
        return true;
    if (contract->kind == KIND_BID && !bid_load(db, contract->id, &bid, &has, err))
        return false;
    instance->has_notice = true;
    instance->notice = (struct desired_notice){
        .after_ms =
            contract->pause.microseconds == INT64_MAX ? 0 : after_ms(work->now, contract->pause),
        .reason = rental_reason_code(contract->reason),
        .winner = rental_winner(contract->reason),
        .keep_ticks = has && bid.keep_ticks > 0 ? bid.keep_ticks : -1,
    };
    return true;
}

/* Whether a card is charged before credit ends: its owner has asked for that, has one, and it was
 * not declined the last time. */
static bool is_topped_up(struct db *db, const struct desired_work *work, int64_t user_id, bool *ret,
                         struct error *err)
{
    struct autopay_row autopay;
    struct card_row *cards;
    size_t count = 0;

    *ret = false;
    if (work->flow->pay == NULL || !work->flow->pay->has_stripe)
        return true;
    if (!autopay_load(db, user_id, &autopay, err))
        return false;
    if (autopay.topup.nanodollars == 0 || autopay.tries > 0)
        return true;
    if (!card_list(db, user_id, work->arena, &cards, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

/* When nobody pays for it any more, as far as its agent is concerned, which acts on this alone only
 * where it hears nothing else. */
static bool credit_end(struct db *db, const struct desired_work *work,
                       const struct contract_row *contract, const struct user_row *user,
                       struct instant *ret, struct error *err)
{
    bool is_paid = false;

    *ret = contract_is_metered(contract) ? user->t_zero : INSTANT_NEVER;
    if (contract->kind == KIND_RESERVED &&
        !reservation_stop(db, contract, work->now, work->arena, ret, err))
        return false;
    if (instant_compare(*ret, INSTANT_NEVER) == 0)
        return true;
    if (!is_topped_up(db, work, user->id, &is_paid, err))
        return false;
    if (is_paid)
        *ret = instant_add(*ret, DESIRED_TOPPED_UP_US);
    return true;
}

static bool fill(struct db *db, const struct desired_work *work,
                 const struct contract_row *contract, struct desired_instance *instance,
                 struct error *err)
{
    struct user_row user;
    struct instant end;
    size_t gpu_count;
    bool has;

    const char *request_id;

    if (!event_request(db, contract->id, work->arena, &request_id, err))
        return false;
    *instance = (struct desired_instance){ .id = contract->id,
                                           .request_id = request_id,
                                           .gen = contract->gen,
                                           .state = state_of(contract),
                                           .is_kept_running = contract->kind == KIND_IDLE,
                                           .restart_nonce = contract->restart_nonce,
                                           .up_mbit = contract->automation.limit_up_mbit,
                                           .down_mbit = contract->automation.limit_down_mbit,
                                           .stop_after_ms = -1,
                                           .lifetime_after_ms = -1 };
    if (instance->state == DESIRED_ABSENT) {
        sign_destroy(work, contract, instance->destroy_token);
        instance->has_destroy_token = true;
        return true;
    }
    if (!user_load(db, contract->owner_id, work->arena, &user, &has, err) ||
        !claim_uuids(db, contract->id, work->arena, &instance->gpus, &gpu_count, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    instance->gpu_count = (int64_t)gpu_count;
    if (!credit_end(db, work, contract, &user, &end, err))
        return false;
    instance->stop_after_ms = after_ms(work->now, end);
    instance->lifetime_after_ms = after_ms(work->now, contract->terms.end);
    if (!spec_open(db, work->flow->vault, contract, work->arena, &instance->spec, err))
        return false;
    if (contract->share.disk_gb > instance->spec.disk_gb)
        instance->grown_gb = contract->share.disk_gb;
    /* Handed over to start, and by nobody kept. */
    if (instance->state != DESIRED_RUNNING)
        instance->spec.workspace_key = NULL;
    if (work->is_quarantined) {
        withhold(instance);
        return true;
    }
    if (work->desired.relay_count > 0 &&
        !relay_reach(db, &work->machine, contract->id, work->arena, &instance->spec, err))
        return false;
    return add_notice(db, work, contract, instance, err) &&
           copy_add_ends(db, work->flow, contract->id, work->now, work->arena, instance, err) &&
           secrets_add(db, work->flow->vault, contract->owner_id, contract->id, work->arena,
                       &instance->spec, err) &&
           add_keys(db, work, contract, &instance->spec, err);
}

/* A volume is told of in the spec of what mounts it; alone, when it is to go. */
static bool add_volume(const struct desired_work *work, const struct contract_row *contract,
                       struct desired *desired, struct error *err)
{
    struct desired_gone *gone = &desired->gone[desired->gone_count];

    if (contract->state != RENTAL_DESTROYING)
        return true;
    if (desired->gone_count == DESIRED_GONE_MAX)
        return no_room(err);
    desired->gone_count++;
    *gone = (struct desired_gone){ .id = contract->id, .gen = contract->gen };
    sign_destroy(work, contract, gone->destroy_token);
    return true;
}

static bool add_ops(struct db *db, struct desired_work *work, struct error *err)
{
    struct op_row *ops;
    size_t count;
    bool has;

    if (!op_list_pending(db, work->machine_id, work->now, DESIRED_OPS_MAX, work->arena, &ops,
                         &count, err))
        return false;
    work->desired.ops = arena_alloc(work->arena, count, sizeof *work->desired.ops);
    if (work->desired.ops == NULL)
        return no_room(err);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct desired_op *op = &work->desired.ops[kept++];

        *op = (struct desired_op){
            .op_id = ops[i].op_id,
            .request_id = *ops[i].request_id != '\0' ? ops[i].request_id : NULL,
            .kind = ops[i].is_exec ? OP_EXEC : OP_LOGS,
            .instance_id = ops[i].contract_id,
            .min_gen = ops[i].min_gen,
            .expires_ms = after_ms(work->now, ops[i].expires),
            .command = ops[i].command,
            .filter = ops[i].filter,
            .tail = ops[i].tail,
            .is_daemon_log = ops[i].is_daemon_log,
            .since = ops[i].since,
        };
        if (ops[i].cloud_id != 0) {
            if (!cloud_fill_op(db, work->flow, &ops[i], work->arena, op, &has, err))
                return false;
            kept -= has ? 0 : 1;
            continue;
        }
        if (ops[i].image != NULL &&
            !snapshot_fill_op(db, work->flow, &ops[i], work->arena, op, err))
            return false;
        if (volume_clone_is(&ops[i])) {
            if (!volume_clone_fill_op(db, &ops[i], work->arena, op, err))
                return false;
            continue;
        }
        if (ops[i].source_id != 0)
            copy_fill_op(work->flow, &ops[i], work->arena, op);
        if (ops[i].source_id != 0 && op->copy_secret == NULL)
            return no_room(err);
    }
    work->desired.op_count = (int64_t)kept;
    return true;
}

static bool add_contract(struct db *db, struct desired_work *work,
                         const struct contract_row *contract, struct error *err)
{
    struct desired *desired = &work->desired;

    if (contract->kind == KIND_VOLUME)
        return add_volume(work, contract, desired, err);
    if (desired->instance_count == DESIRED_INSTANCES_MAX)
        return no_room(err);
    return fill(db, work, contract, &desired->instances[desired->instance_count++], err);
}

static bool desired_work(struct db *db, void *context, struct error *err)
{
    struct desired_work *work = context;
    struct contract_row *contracts;
    struct session_row session;
    bool has_session;
    size_t count;

    if (!machine_load(db, work->machine_id, work->arena, &work->machine, &work->has, err))
        return false;
    if (!work->has)
        return true;
    if (!session_load(db, work->machine_id, work->arena, &session, &has_session, err) ||
        !contract_list_on(db, work->machine_id, work->arena, &contracts, &count, err))
        return false;
    work->is_quarantined = work->machine.is_quarantined;
    work->desired = (struct desired){ .session_epoch = has_session ? session.epoch : 0,
                                      .desired_rev = work->machine.desired_rev,
                                      .server_time_us = work->now.microseconds,
                                      .audit_id = work->machine.audit_id };
    work->desired.instances = arena_alloc(work->arena, count, sizeof *work->desired.instances);
    work->desired.gone = arena_alloc(work->arena, count, sizeof *work->desired.gone);
    if (work->desired.instances == NULL || work->desired.gone == NULL)
        return no_room(err);
    if (!relay_desired(db, work->machine_id, work->arena, &work->desired, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add_contract(db, work, &contracts[i], err))
            return false;
    /* A command may hold secrets, too. */
    return work->is_quarantined || add_ops(db, work, err);
}

bool flow_desired(const struct flow *flow, int64_t machine_id, struct arena *arena,
                  struct desired *ret, bool *ret_has, struct error *err)
{
    struct desired_work work = {
        .flow = flow, .machine_id = machine_id, .now = clock_now(flow->clock), .arena = arena
    };

    if (!store_read(flow->store, desired_work, &work, err))
        return error_context(err, "desired state of machine %lld", (long long)machine_id);
    if (work.has)
        *ret = work.desired;
    *ret_has = work.has;
    return true;
}

static bool rev_work(struct db *db, void *context, struct error *err)
{
    struct desired_work *work = context;

    return machine_rev(db, work->machine_id, &work->rev, &work->has, err);
}

bool flow_desired_rev(const struct flow *flow, int64_t machine_id, int64_t *ret_rev, bool *ret_has,
                      struct error *err)
{
    struct desired_work work = { .machine_id = machine_id };

    if (!store_read(flow->store, rev_work, &work, err))
        return error_context(err, "revision of machine %lld", (long long)machine_id);
    if (work.has)
        *ret_rev = work.rev;
    *ret_has = work.has;
    return true;
}
