/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/volume_clone.h"

#include <inttypes.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/op_names.h"
#include "store/volume.h"

enum { EXPIRED_MAX = 64 };

struct clone_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct volume_clone_request *request;
    struct instant now;
    struct op_names names;
    struct volume_clone_reply reply;
};

bool volume_clone_is(const struct op_row *op)
{
    return op->source_id != 0 && op->source_host == NULL;
}

static bool insert(struct change *change, const struct clone_work *work, int64_t volume_id,
                   struct error *err)
{
    struct op_row op = {
        .contract_id = volume_id,
        .machine_id = change->machine.id,
        .owner_id = work->caller->user_id,
        .op_id = work->names.id,
        .token_hash = work->names.token_hash,
        .min_gen = 1,
        .created = change->now,
        .expires = instant_add(change->now, VOLUME_CLONE_SECONDS_MAX * US_PER_SECOND),
        .source_id = work->request->source_id,
        .source_machine_id = change->machine.id,
    };

    change->tells_host = true;
    return op_insert(change->db, &op, &op.id, err);
}

/* Of both ends, which are on the machine of the change. */
static bool judge(struct change *change, struct clone_work *work, const struct contract_row *source,
                  int64_t offer_machine_id, enum volume_clone_outcome *ret, struct error *err)
{
    int64_t wanted_gb = work->request->size_gb, pending;
    bool is_filling;

    if (!volume_is_filling(change->db, source->id, change->now, &is_filling, err) ||
        !op_count_pending(change->db, change->machine.id, &pending, err))
        return false;
    if (offer_machine_id != change->machine.id)
        *ret = VOLUME_CLONE_ELSEWHERE;
    else if (wanted_gb != 0 && wanted_gb < source->share.disk_gb)
        *ret = VOLUME_CLONE_TOO_SMALL;
    else if (is_filling)
        *ret = VOLUME_CLONE_FILLING;
    else
        *ret = pending >= DESIRED_OPS_MAX ? VOLUME_CLONE_BUSY : VOLUME_CLONE_BEGUN;
    return true;
}

static bool make(struct change *change, struct clone_work *work, const struct contract_row *source,
                 struct error *err)
{
    int64_t wanted_gb = work->request->size_gb;
    struct volume_making making = {
        .caller = work->caller,
        .wanted = { .offer_id = work->request->offer_id,
                    .size_gb = wanted_gb != 0 ? wanted_gb : source->share.disk_gb,
                    .name = source->label },
        .skips_disk_offline = work->flow->skips_disk_offline,
    };

    if (!volume_make_alone(change, &making, work->flow->spend_cap, &work->reply.made, err))
        return false;
    if (work->reply.made.outcome != RENT_OK) {
        work->reply.outcome = VOLUME_CLONE_REFUSED;
        return true;
    }
    return insert(change, work, work->reply.made.id, err) && change_end(change, err);
}

static bool clone_work(struct db *db, void *context, struct error *err)
{
    struct clone_work *work = context;
    const struct volume_clone_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row source;
    struct offer_row offer;
    struct change change;
    bool has;

    work->reply = (struct volume_clone_reply){ .outcome = VOLUME_CLONE_NO_SOURCE };
    if (!volume_load_owned(db, work->caller->user_id, request->source_id, &arena, &source, &has,
                           err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, source.machine_id, work->now, &arena, &has, err) ||
        !volume_load_owned(db, work->caller->user_id, request->source_id, &arena, &source, &has,
                           err))
        return false;
    if (!has)
        return true;
    work->reply.source_gb = source.share.disk_gb;
    if (!volume_offer_load(db, request->offer_id, &offer, &has, err))
        return false;
    if (!has) {
        work->reply.outcome = VOLUME_CLONE_REFUSED;
        work->reply.made.outcome = RENT_NO_SUCH_OFFER;
        return true;
    }
    return judge(&change, work, &source, offer.machine_id, &work->reply.outcome, err) &&
           (work->reply.outcome != VOLUME_CLONE_BEGUN || make(&change, work, &source, err));
}

bool flow_volume_clone(const struct flow *flow, const struct caller *caller,
                       const struct volume_clone_request *request, struct volume_clone_reply *ret,
                       struct error *err)
{
    struct clone_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };

    work.names = op_names_draw();
    if (!store_write(flow->store, clone_work, &work, err))
        return error_context(err, "clone volume %" PRId64, request->source_id);
    *ret = work.reply;
    if (ret->outcome == VOLUME_CLONE_BEGUN)
        memcpy(ret->token, work.names.token, sizeof ret->token);
    return true;
}

bool volume_clone_fill_op(struct db *db, const struct op_row *row, struct arena *arena,
                          struct desired_op *op, struct error *err)
{
    struct contract_row volume;
    bool has;

    if (!contract_load(db, row->contract_id, arena, &volume, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a copy without its volume");
    op->kind = OP_CLONE;
    op->source_id = row->source_id;
    op->size_gb = volume.share.disk_gb;
    return true;
}

/* Copies from it or to it that go on. */
static bool list(struct db *db, int64_t volume_id, struct instant now, struct arena *arena,
                 struct op_row **ret, size_t *ret_count, struct error *err)
{
    return op_list_copies_of(db, volume_id, now, DESIRED_OPS_MAX, arena, ret, ret_count, err);
}

bool volume_is_filling(struct db *db, int64_t volume_id, struct instant now, bool *ret,
                       struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct op_row *ops;
    size_t count;

    *ret = false;
    if (!list(db, volume_id, now, &arena, &ops, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        *ret = *ret || ops[i].contract_id == volume_id;
    return true;
}

bool volume_clone_of(struct change *change, int64_t volume_id, int64_t *ret_id, struct error *err)
{
    struct op_row *ops;
    size_t count;

    *ret_id = 0;
    if (!list(change->db, volume_id, change->now, change->arena, &ops, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (ops[i].source_id == volume_id)
            *ret_id = ops[i].contract_id;
    return true;
}

bool volume_clone_cancel(struct change *change, int64_t volume_id, struct error *err)
{
    const struct op_end end = { .progress = OP_HAS_FAILED,
                                .output = "The new volume was deleted.",
                                .exit_code = -1,
                                .at = change->now };
    struct op_row *ops;
    int64_t finished;
    size_t count;

    if (!list(change->db, volume_id, change->now, change->arena, &ops, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!op_finish(change->db, ops[i].machine_id, ops[i].op_id, &end, &finished, err))
            return false;
    return true;
}

bool volume_clone_ended(struct db *db, const struct op_row *op, bool is_done, struct instant now,
                        struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row volume;
    struct change change;
    bool has, has_changed;

    if (!volume_clone_is(op) || is_done)
        return true;
    return change_begin_contract(&change, db, op->contract_id, now, &arena, &volume, &has, err) &&
           (!has ||
            (change_contract(&change, &volume, RENTAL_DESTROY_ASKED,
                             "What it was to hold could not be copied.", &has_changed, err) &&
             change_end(&change, err)));
}

struct expire_work {
    struct instant now;
    bool has;
};

/* One, so that no more than one machine is locked at a time. */
static bool expire_work(struct db *db, void *context, struct error *err)
{
    struct expire_work *work = context;
    const struct op_end end = { .progress = OP_HAS_FAILED,
                                .output = "The host did not end it in time.",
                                .exit_code = -1,
                                .at = work->now };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct op_row op;
    int64_t finished;

    if (!op_find_lapsed_clone(db, work->now, &arena, &op, &work->has, err))
        return false;
    return !work->has || (volume_clone_ended(db, &op, false, work->now, err) &&
                          op_finish(db, op.machine_id, op.op_id, &end, &finished, err));
}

bool flow_volume_clone_expire(const struct flow *flow, struct error *err)
{
    struct expire_work work = { .now = clock_now(flow->clock), .has = true };

    for (int i = 0; i < EXPIRED_MAX && work.has; i++)
        if (!store_write(flow->store, expire_work, &work, err))
            return error_context(err, "expire copies of volumes");
    return true;
}
