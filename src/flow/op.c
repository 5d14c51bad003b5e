/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/op.h"

#include <assert.h>
#include <string.h>

#include "flow/copy.h"
#include "flow/limits.h"
#include "flow/op_names.h"
#include "flow/volume_clone.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/op.h"

struct create_work {
    const struct caller *caller;
    const struct op_request *request;
    struct instant now;
    struct op_names names;
    enum op_outcome outcome;
};

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct create_work *work = context;
    const struct op_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct machine_row machine;
    int64_t pending;
    bool has;

    work->outcome = OP_NO_INSTANCE;
    if (!contract_load_owned(db, work->caller->user_id, request->instance_id, &arena, &contract,
                             &has, err))
        return false;
    if (!has)
        return true;
    if (!machine_lock(db, contract.machine_id, err) ||
        !machine_load(db, contract.machine_id, &arena, &machine, &has, err) ||
        !op_count_pending(db, contract.machine_id, &pending, err))
        return false;
    work->outcome = OP_NOT_REACHABLE;
    if (!has || !machine.is_online)
        return true;
    work->outcome = OP_NOT_RUNNING;
    if (request->kind == OP_EXEC && contract.state != RENTAL_RUNNING)
        return true;
    work->outcome = OP_TOO_MANY;
    if (pending >= DESIRED_OPS_MAX)
        return true;

    struct op_row op = {
        .contract_id = contract.id,
        .machine_id = contract.machine_id,
        .owner_id = contract.owner_id,
        .op_id = work->names.id,
        .token_hash = work->names.token_hash,
        .is_exec = request->kind == OP_EXEC,
        .min_gen = contract.gen,
        .command = request->kind == OP_EXEC ? request->command : NULL,
        .filter = request->kind == OP_LOGS ? request->filter : NULL,
        .tail = request->tail == 0 ? OP_TAIL_DEFAULT : request->tail,
        .is_daemon_log = request->is_daemon_log,
        .since = request->kind == OP_LOGS ? request->since : NULL,
        .created = work->now,
        .expires = instant_add(work->now, OP_EXPIRES_SECONDS * US_PER_SECOND),
    };
    work->outcome = OP_ACCEPTED;
    return op_insert(db, &op, &op.id, err) && machine_bump(db, contract.machine_id, err);
}

static bool is_good(const struct op_request *request)
{
    if (request->kind == OP_EXEC)
        return request->command != NULL && request->command[0] != '\0' &&
               strlen(request->command) <= OP_COMMAND_MAX;
    return request->tail >= 0 && request->tail <= DESIRED_TAIL_MAX &&
           (request->filter == NULL || strlen(request->filter) <= OP_FILTER_LENGTH_MAX) &&
           (request->since == NULL ||
            (desired_since_is_valid(request->since) && !request->is_daemon_log));
}

bool flow_op_create(const struct flow *flow, const struct caller *caller,
                    const struct op_request *request, struct op_reply *ret, struct error *err)
{
    struct create_work work = { .caller = caller,
                                .request = request,
                                .now = clock_now(flow->clock) };

    *ret = (struct op_reply){ .outcome = OP_BAD_COMMAND };
    if (!is_good(request))
        return true;
    ret->outcome = OP_NO_INSTANCE;
    if (caller->instance_id != 0 && caller->instance_id != request->instance_id)
        return true;
    work.names = op_names_draw();
    if (!store_write(flow->store, create_work, &work, err))
        return error_context(err, "ask for an operation");
    ret->outcome = work.outcome;
    if (ret->outcome == OP_ACCEPTED)
        memcpy(ret->token, work.names.token, sizeof ret->token);
    return true;
}

struct fetch_work {
    struct hash token_hash;
    struct arena *arena;
    struct op_view view;
};

static bool fetch_work(struct db *db, void *context, struct error *err)
{
    struct fetch_work *work = context;
    struct op_row op;
    bool has;

    work->view = (struct op_view){ .state = OP_STATE_NONE, .output = "", .exit_code = -1 };
    if (!op_find(db, &work->token_hash, work->arena, &op, &has, err))
        return false;
    if (!has)
        return true;
    if (op.output != NULL)
        work->view.output = op.output;
    work->view.exit_code = op.exit_code;
    switch (op.progress) {
    case OP_PENDING:
        work->view.state = OP_STATE_PENDING;
        break;
    case OP_WAS_DONE:
        work->view.state = OP_STATE_DONE;
        break;
    case OP_HAS_FAILED:
        work->view.state = OP_STATE_FAILED;
        break;
    case OP_IS_UNKNOWN:
        work->view.state = OP_STATE_UNKNOWN;
        break;
    }
    return true;
}

bool flow_op_fetch(const struct flow *flow, const char *token, struct arena *arena,
                   struct op_view *ret, struct error *err)
{
    struct fetch_work work = { .token_hash = crypto_sha256(token, strlen(token)), .arena = arena };

    if (!store_read(flow->store, fetch_work, &work, err))
        return error_context(err, "fetch a result");
    *ret = work.view;
    return true;
}

struct result_work {
    int64_t machine_id, epoch, seq;
    const struct op_result *result;
    struct instant now;
    enum take_outcome outcome;
};

static bool result_work(struct db *db, void *context, struct error *err)
{
    static const enum op_progress progress[] = {
        [OP_DONE] = OP_WAS_DONE,
        [OP_FAILED] = OP_HAS_FAILED,
        [OP_UNKNOWN] = OP_IS_UNKNOWN,
    };
    struct result_work *work = context;
    const struct op_end end = { .progress = progress[work->result->status],
                                .output = work->result->output,
                                .exit_code = work->result->exit_code,
                                .at = work->now };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct op_row op;
    int64_t count;
    bool has;

    if (!session_try(db, work->machine_id, work->epoch, STREAM_OP, work->seq, &work->outcome, err))
        return false;
    if (work->outcome != TAKE_DONE)
        return true;
    if (!op_find_pending(db, work->machine_id, work->result->op_id, &arena, &op, &has, err))
        return false;
    return !has || (op_finish(db, work->machine_id, work->result->op_id, &end, &count, err) &&
                    copy_ended(db, &op, err) &&
                    volume_clone_ended(db, &op, end.progress == OP_WAS_DONE, work->now, err));
}

bool flow_op_result(const struct flow *flow, int64_t machine_id, int64_t epoch, int64_t seq,
                    const struct op_result *result, enum take_outcome *ret, struct error *err)
{
    struct result_work work = { .machine_id = machine_id,
                                .epoch = epoch,
                                .seq = seq,
                                .result = result,
                                .now = clock_now(flow->clock) };

    assert(strlen(result->output) <= OP_OUTPUT_MAX);
    if (!store_write(flow->store, result_work, &work, err))
        return error_context(err, "take a result");
    *ret = work.outcome;
    return true;
}

static bool expire_work(struct db *db, void *context, struct error *err)
{
    const struct instant *now = context;

    return op_expire(db, *now, instant_add(*now, -OP_KEPT_SECONDS * US_PER_SECOND), err);
}

bool flow_op_expire(const struct flow *flow, struct error *err)
{
    struct instant now = clock_now(flow->clock);

    if (!flow_volume_clone_expire(flow, err))
        return false;
    if (!store_write(flow->store, expire_work, &now, err))
        return error_context(err, "expire operations");
    return true;
}
