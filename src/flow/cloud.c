/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "flow/limits.h"
#include "flow/op_names.h"
#include "flow/vault.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/user.h"
#include "sys/copy_secret.h"

static struct vault_text about(int64_t user_id)
{
    return (struct vault_text){ .user_id = user_id, .about = "cloud connection" };
}

/* Connections */

struct connection_work {
    const struct flow *flow;
    int64_t user_id, id;
    const char *config; /* as text */
    struct cloud_row row;
    struct instant now;
    struct arena *arena;
    struct cloud_row *rows;
    size_t count;
    enum cloud_outcome outcome;
};

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct connection_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct vault_text of = about(work->user_id);
    struct cloud_row row = work->row;

    if (!user_lock_open(db, work->user_id, err) ||
        !cloud_list(db, work->user_id, &arena, &work->rows, &work->count, err))
        return false;
    work->outcome = CLOUD_TOO_MANY;
    if (work->count >= CLOUDS_MAX)
        return true;
    work->outcome = CLOUD_DONE;
    return vault_text_seal(db, work->flow->vault, &of, work->config, work->now, &arena, &row.config,
                           err) &&
           cloud_insert(db, &row, &work->row.id, err);
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return length > 0 && length <= CLOUD_NAME_MAX;
}

static enum cloud_outcome judge(const struct cloud_request *request, const struct cloud_kind **kind,
                                struct error *why)
{
    if (!is_name(request->name))
        return CLOUD_BAD_NAME;
    *kind = cloud_find(request->kind);
    if (*kind == NULL)
        return CLOUD_BAD_KIND;
    return cloud_check(*kind, request->config, why) ? CLOUD_DONE : CLOUD_BAD_CONFIG;
}

bool flow_cloud_create(const struct flow *flow, const struct caller *caller,
                       const struct cloud_request *request, struct cloud_row *ret_row,
                       enum cloud_outcome *ret, struct error *why, struct error *err)
{
    const struct cloud_kind *kind = NULL;

    *ret = judge(request, &kind, why);
    if (*ret != CLOUD_DONE)
        return true;
    char *config = json_dumps(request->config, JSON_COMPACT);
    if (config == NULL)
        abort();
    struct connection_work work = {
        .flow = flow, .user_id = caller->user_id, .config = config, .now = clock_now(flow->clock)
    };
    work.row = (struct cloud_row){
        .user_id = caller->user_id, .name = request->name, .kind = kind->name, .created = work.now
    };
    bool is_done = store_write(flow->store, create_work, &work, err);
    crypto_wipe(config, strlen(config));
    free(config);
    if (!is_done)
        return error_context(err, "keep a connection");
    *ret = work.outcome;
    *ret_row = work.row;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct connection_work *work = context;

    return cloud_list(db, work->user_id, work->arena, &work->rows, &work->count, err);
}

bool flow_cloud_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                     struct cloud_row **ret, size_t *ret_count, struct error *err)
{
    struct connection_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list connections");
    for (size_t i = 0; i < work.count; i++)
        work.rows[i].config = NULL;
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

/* Copies that go on, by that connection or at that instance (0: any). Their hosts hear of it. */
static bool end_copies(struct db *db, int64_t owner_id, int64_t cloud_id, int64_t instance_id,
                       const struct op_end *end, int64_t *ret_count, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct op_row *ops;
    size_t count;

    *ret_count = 0;
    if (!op_list_clouds(db, owner_id, end->at, CLOUD_COPIES_MAX, &arena, &ops, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t finished;

        if ((cloud_id != 0 && ops[i].cloud_id != cloud_id) ||
            (instance_id != 0 && ops[i].contract_id != instance_id))
            continue;
        if (!op_finish(db, ops[i].machine_id, ops[i].op_id, end, &finished, err) ||
            !machine_bump(db, ops[i].machine_id, err))
            return false;
        *ret_count += finished;
    }
    return true;
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct connection_work *work = context;
    const struct op_end end = { .progress = OP_HAS_FAILED,
                                .output = "Its connection was deleted.",
                                .exit_code = -1,
                                .at = work->now };
    int64_t deleted, ended;

    if (!user_lock_open(db, work->user_id, err) ||
        !cloud_delete(db, work->user_id, work->id, &deleted, err))
        return false;
    work->outcome = deleted > 0 ? CLOUD_DONE : CLOUD_UNKNOWN;
    return deleted == 0 || end_copies(db, work->user_id, work->id, 0, &end, &ended, err);
}

bool flow_cloud_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                       enum cloud_outcome *ret, struct error *err)
{
    struct connection_work work = { .user_id = caller->user_id,
                                    .id = id,
                                    .now = clock_now(flow->clock) };

    if (!store_write(flow->store, delete_work, &work, err))
        return error_context(err, "delete a connection");
    *ret = work.outcome;
    return true;
}

/* Copies */

struct copy_work {
    const struct caller *caller;
    const struct cloud_copy_request *request;
    struct instant now;
    struct op_names names;
    int64_t ended;
    enum cloud_copy_outcome outcome;
};

/* Whether another one may begin at the instance. */
static bool is_free(struct db *db, const struct copy_work *work,
                    const struct contract_row *contract, struct arena *arena, bool *ret,
                    struct error *err)
{
    struct op_row *ops;
    int64_t pending;
    size_t count;

    if (!op_count_pending(db, contract->machine_id, &pending, err) ||
        !op_list_clouds(db, contract->owner_id, work->now, CLOUD_COPIES_MAX, arena, &ops, &count,
                        err))
        return false;
    *ret = pending < DESIRED_OPS_MAX && count < CLOUD_COPIES_MAX;
    for (size_t i = 0; i < count; i++)
        *ret = *ret && ops[i].contract_id != contract->id;
    return true;
}

static bool insert(struct db *db, const struct copy_work *work, const struct contract_row *contract,
                   struct error *err)
{
    const struct cloud_copy_request *request = work->request;
    struct op_row op = {
        .contract_id = contract->id,
        .machine_id = contract->machine_id,
        .owner_id = contract->owner_id,
        .op_id = work->names.id,
        .token_hash = work->names.token_hash,
        .min_gen = contract->gen,
        .command = request->instance_path,
        .filter = request->cloud_path,
        .created = work->now,
        .expires = instant_add(work->now, CLOUD_SECONDS_MAX * US_PER_SECOND),
        .cloud_id = request->cloud_id,
        .cloud_flags = request->flags,
        .is_to_cloud = request->is_to_cloud,
    };

    return op_insert(db, &op, &op.id, err) && machine_bump(db, contract->machine_id, err);
}

static bool copy_work(struct db *db, void *context, struct error *err)
{
    struct copy_work *work = context;
    const struct cloud_copy_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct machine_row machine;
    struct cloud_row cloud;
    bool has, may_begin;

    work->outcome = CLOUD_COPY_NO_INSTANCE;
    if (!user_lock(db, work->caller->user_id, err) ||
        !contract_load_owned(db, work->caller->user_id, request->instance_id, &arena, &contract,
                             &has, err))
        return false;
    if (!has || contract.kind == KIND_VOLUME)
        return true;
    work->outcome = CLOUD_COPY_NO_CONNECTION;
    if (!cloud_load(db, work->caller->user_id, request->cloud_id, &arena, &cloud, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = CLOUD_COPY_NOT_REACHABLE;
    if (!machine_lock(db, contract.machine_id, err) ||
        !machine_load(db, contract.machine_id, &arena, &machine, &has, err))
        return false;
    if (!has || !machine.is_online)
        return true;
    work->outcome = CLOUD_COPY_BUSY;
    if (!is_free(db, work, &contract, &arena, &may_begin, err))
        return false;
    if (!may_begin)
        return true;
    work->outcome = CLOUD_COPY_BEGUN;
    return insert(db, work, &contract, err);
}

static bool flags_are_good(const char *flags)
{
    char text[CLOUD_FLAGS_MAX + 1], *rest = NULL;

    if (strlen(flags) > CLOUD_FLAGS_MAX)
        return false;
    memcpy(text, flags, strlen(flags) + 1);
    for (char *flag = strtok_r(text, " ", &rest); flag != NULL; flag = strtok_r(NULL, " ", &rest))
        if (!cloud_has_flag(flag))
            return false;
    return true;
}

bool flow_cloud_copy(const struct flow *flow, const struct caller *caller,
                     const struct cloud_copy_request *request, struct cloud_copy_reply *ret,
                     struct error *err)
{
    struct copy_work work = { .caller = caller, .request = request, .now = clock_now(flow->clock) };

    *ret = (struct cloud_copy_reply){ .outcome = CLOUD_COPY_BAD_PATH };
    if (!cloud_path_is_good(request->instance_path) || !cloud_path_is_good(request->cloud_path))
        return true;
    ret->outcome = CLOUD_COPY_BAD_FLAG;
    if (!flags_are_good(request->flags))
        return true;
    work.names = op_names_draw();
    if (!store_write(flow->store, copy_work, &work, err))
        return error_context(err, "begin a copy");
    ret->outcome = work.outcome;
    if (ret->outcome == CLOUD_COPY_BEGUN)
        memcpy(ret->token, work.names.token, sizeof ret->token);
    return true;
}

static bool cancel_work(struct db *db, void *context, struct error *err)
{
    struct copy_work *work = context;
    const struct op_end end = {
        .progress = OP_HAS_FAILED, .output = "It was cancelled.", .exit_code = -1, .at = work->now
    };

    return end_copies(db, work->caller->user_id, 0, work->request->instance_id, &end, &work->ended,
                      err);
}

bool flow_cloud_cancel(const struct flow *flow, const struct caller *caller, int64_t instance_id,
                       int64_t *ret_count, struct error *err)
{
    const struct cloud_copy_request request = { .instance_id = instance_id };
    struct copy_work work = { .caller = caller,
                              .request = &request,
                              .now = clock_now(flow->clock) };

    if (!store_write(flow->store, cancel_work, &work, err))
        return error_context(err, "cancel a copy");
    *ret_count = work.ended;
    return true;
}

bool cloud_fill_op(struct db *db, const struct flow *flow, const struct op_row *row,
                   struct arena *arena, struct desired_op *op, bool *ret_has, struct error *err)
{
    const struct vault_text of = about(row->owner_id);
    struct copy_secret secret = copy_secret_of(flow->server_keys, row->op_id);
    char text[COPY_SECRET_SIZE];
    struct cloud_row cloud;

    if (!cloud_load(db, row->owner_id, row->cloud_id, arena, &cloud, ret_has, err))
        return false;
    if (!*ret_has)
        return true;
    op->kind = OP_CLOUD;
    op->command = op->filter = NULL;
    op->cloud_kind = cloud.kind;
    op->cloud_path = row->filter;
    op->cloud_flags = row->cloud_flags;
    op->instance_path = row->command;
    op->is_to_cloud = row->is_to_cloud;
    op->copy_secret = arena_text(arena, hex_format(secret.seed.bytes, sizeof secret.seed, text));
    crypto_wipe(&secret, sizeof secret);
    crypto_wipe(text, sizeof text);
    if (op->copy_secret == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the desired state is too large");
    return vault_text_open(db, flow->vault, &of, cloud.config, arena, &op->cloud_config, err);
}
