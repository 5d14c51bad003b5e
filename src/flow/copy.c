/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/copy.h"

#include <string.h>

#include "base/hex.h"
#include "flow/limits.h"
#include "flow/op_names.h"
#include "store/contract.h"
#include "store/machine.h"
#include "sys/copy_secret.h"

struct begin_work {
    const struct caller *caller;
    const struct copy_request *request;
    struct instant now;
    struct op_names names;
    enum copy_outcome outcome;
};

static bool path_is_good(const char *path)
{
    if (path == NULL || *path == '\0' || strlen(path) > OP_PATH_MAX)
        return false;
    for (; *path != '\0'; path++)
        if ((unsigned char)*path < ' ' || *path == 0x7f)
            return false;
    return true;
}

static bool is_online(struct db *db, int64_t machine_id, struct arena *arena, bool *ret,
                      struct error *err)
{
    struct machine_row machine;
    bool has;

    if (!machine_load(db, machine_id, arena, &machine, &has, err))
        return false;
    *ret = has && machine.is_online;
    return true;
}

/* Both machines' desired state is another one. In order of id, so that two never wait for each
 * other. */
static bool bump_both(struct db *db, int64_t one, int64_t other, struct error *err)
{
    int64_t first = one < other ? one : other, second = one < other ? other : one;

    return machine_bump(db, first, err) && (first == second || machine_bump(db, second, err));
}

static bool insert(struct db *db, const struct begin_work *work, const struct contract_row *source,
                   const struct contract_row *target, struct error *err)
{
    const struct copy_request *request = work->request;
    struct op_row op = {
        .contract_id = target->id,
        .machine_id = target->machine_id,
        .owner_id = target->owner_id,
        .op_id = work->names.id,
        .token_hash = work->names.token_hash,
        .min_gen = target->gen,
        .command = request->source_path,
        .filter = request->target_path,
        .created = work->now,
        .expires = instant_add(work->now, COPY_SECONDS_MAX * US_PER_SECOND),
        .source_id = source->id,
        .source_machine_id = source->machine_id,
        .source_host = request->source_host,
        .source_port = request->source_port,
    };

    return op_insert(db, &op, &op.id, err) &&
           bump_both(db, target->machine_id, source->machine_id, err);
}

static bool begin_work(struct db *db, void *context, struct error *err)
{
    struct begin_work *work = context;
    const struct copy_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row source, target;
    struct op_row *ops;
    bool has, source_is_online, target_is_online;
    int64_t pending;
    size_t count;

    work->outcome = COPY_NO_SOURCE;
    if (!contract_load_owned(db, work->caller->user_id, request->source_id, &arena, &source, &has,
                             err))
        return false;
    if (!has)
        return true;
    work->outcome = COPY_NO_TARGET;
    if (!contract_load_owned(db, work->caller->user_id, request->target_id, &arena, &target, &has,
                             err))
        return false;
    if (!has)
        return true;
    if (!machine_lock(db, target.machine_id, err) ||
        !is_online(db, source.machine_id, &arena, &source_is_online, err) ||
        !is_online(db, target.machine_id, &arena, &target_is_online, err) ||
        !op_count_pending(db, target.machine_id, &pending, err) ||
        !op_list_copies_of(db, target.id, work->now, DESIRED_COPIES_MAX, &arena, &ops, &count, err))
        return false;
    work->outcome = COPY_NOT_REACHABLE;
    if (!source_is_online || !target_is_online)
        return true;
    work->outcome = COPY_BUSY;
    for (size_t i = 0; i < count; i++)
        if (ops[i].contract_id == target.id)
            return true;
    if (pending >= DESIRED_OPS_MAX || count >= DESIRED_COPIES_MAX)
        return true;
    if (!op_list_copies_of(db, source.id, work->now, DESIRED_COPIES_MAX, &arena, &ops, &count, err))
        return false;
    if (count >= DESIRED_COPIES_MAX)
        return true;
    work->outcome = COPY_BEGUN;
    return insert(db, work, &source, &target, err);
}

bool flow_copy_begin(const struct flow *flow, const struct caller *caller,
                     const struct copy_request *request, struct copy_reply *ret, struct error *err)
{
    struct begin_work work = { .caller = caller,
                               .request = request,
                               .now = clock_now(flow->clock) };

    *ret = (struct copy_reply){ .outcome = COPY_ONE_INSTANCE };
    if (request->source_id == request->target_id)
        return true;
    ret->outcome = COPY_BAD_PATH;
    if (!path_is_good(request->source_path) || !path_is_good(request->target_path))
        return true;
    work.names = op_names_draw();
    if (!store_write(flow->store, begin_work, &work, err))
        return error_context(err, "begin a copy");
    ret->outcome = work.outcome;
    if (ret->outcome == COPY_BEGUN)
        memcpy(ret->token, work.names.token, sizeof ret->token);
    return true;
}

bool copy_ended(struct db *db, const struct op_row *op, struct error *err)
{
    return op->source_id == 0 || bump_both(db, op->machine_id, op->source_machine_id, err);
}

struct cancel_work {
    const struct caller *caller;
    int64_t target_id, count;
    struct instant now;
};

static bool cancel_work(struct db *db, void *context, struct error *err)
{
    struct cancel_work *work = context;
    const struct op_end end = {
        .progress = OP_HAS_FAILED, .output = "It was cancelled.", .exit_code = -1, .at = work->now
    };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row target;
    struct op_row *ops;
    size_t count;
    bool has;

    work->count = 0;
    if (!contract_load_owned(db, work->caller->user_id, work->target_id, &arena, &target, &has,
                             err))
        return false;
    if (!has)
        return true;
    if (!op_list_copies_of(db, target.id, work->now, 2 * DESIRED_COPIES_MAX, &arena, &ops, &count,
                           err))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t finished;

        if (ops[i].contract_id != target.id)
            continue;
        if (!op_finish(db, ops[i].machine_id, ops[i].op_id, &end, &finished, err) ||
            !copy_ended(db, &ops[i], err))
            return false;
        work->count += finished;
    }
    return true;
}

bool flow_copy_cancel(const struct flow *flow, const struct caller *caller, int64_t target_id,
                      int64_t *ret_count, struct error *err)
{
    struct cancel_work work = { .caller = caller,
                                .target_id = target_id,
                                .now = clock_now(flow->clock) };

    if (!store_write(flow->store, cancel_work, &work, err))
        return error_context(err, "cancel a copy");
    *ret_count = work.count;
    return true;
}

void copy_fill_op(const struct flow *flow, const struct op_row *row, struct arena *arena,
                  struct desired_op *op)
{
    struct copy_secret secret = copy_secret_of(flow->server_keys, row->op_id);
    char text[COPY_SECRET_SIZE];

    op->kind = OP_COPY;
    op->source_id = row->source_id;
    op->source_host = row->source_host;
    op->source_port = row->source_port;
    op->copy_secret = arena_text(arena, hex_format(secret.seed.bytes, sizeof secret.seed, text));
}

bool copy_add_ends(struct db *db, const struct flow *flow, int64_t contract_id, struct instant now,
                   struct arena *arena, struct desired_instance *instance, struct error *err)
{
    struct op_row *ops;
    size_t count;

    if (!op_list_copies_of(db, contract_id, now, DESIRED_COPIES_MAX, arena, &ops, &count, err))
        return false;
    instance->copies = arena_alloc(arena, count, sizeof *instance->copies);
    if (instance->copies == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the desired state is too large");
    for (size_t i = 0; i < count; i++) {
        struct copy_secret secret = copy_secret_of(flow->server_keys, ops[i].op_id);
        struct key_pair keys = copy_secret_keys(&secret);
        struct hash greeting = copy_secret_greeting(&secret);
        bool is_target = ops[i].contract_id == contract_id;

        int64_t left_ms = instant_until(now, ops[i].expires) / US_PER_MS;

        instance->copies[i] = (struct desired_copy){ .is_target = is_target,
                                                     .expires_ms = left_ms > 1 ? left_ms : 1,
                                                     .from = ops[i].command,
                                                     .to = is_target ? ops[i].filter : NULL };
        memcpy(instance->copies[i].public_key, keys.public_key, COPY_KEY_SIZE);
        memcpy(instance->copies[i].greeting, greeting.bytes, COPY_KEY_SIZE);
        crypto_wipe(&keys, sizeof keys);
    }
    instance->copy_count = (int64_t)count;
    return true;
}
