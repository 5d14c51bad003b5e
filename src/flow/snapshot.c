/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/snapshot.h"

#include <string.h>

#include "flow/limits.h"
#include "flow/op_names.h"
#include "flow/vault.h"
#include "market/image.h"
#include "market/launch.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/op.h"
#include "store/user.h"

enum { ABOUT_SIZE = 64 };

struct snapshot_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct snapshot_request *request;
    struct instant now;
    struct op_names names;
    enum snapshot_outcome outcome;
};

static struct vault_text login_of(int64_t owner_id, const char *op_id,
                                  char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "snapshot %s", op_id);
    return (struct vault_text){ owner_id, about };
}

static bool insert(struct db *db, const struct snapshot_work *work,
                   const struct contract_row *contract, struct arena *arena, struct error *err)
{
    char about[ABOUT_SIZE];
    const struct vault_text of = login_of(contract->owner_id, work->names.id, about);
    struct op_row op = {
        .contract_id = contract->id,
        .machine_id = contract->machine_id,
        .owner_id = contract->owner_id,
        .op_id = work->names.id,
        .token_hash = work->names.token_hash,
        .min_gen = contract->gen,
        .image = work->request->image,
        .is_paused = work->request->is_paused,
        .created = work->now,
        .expires = instant_add(work->now, SNAPSHOT_SECONDS_MAX * US_PER_SECOND),
    };

    if (work->request->login != NULL &&
        (!user_lock(db, contract->owner_id, err) ||
         !vault_text_seal(db, work->flow->vault, &of, work->request->login, work->now, arena,
                          &op.login, err)))
        return false;
    return op_insert(db, &op, &op.id, err) && machine_bump(db, contract->machine_id, err);
}

static bool snapshot_work(struct db *db, void *context, struct error *err)
{
    struct snapshot_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct machine_row machine;
    int64_t pending;
    bool has;

    work->outcome = SNAPSHOT_NO_INSTANCE;
    if (!contract_load_owned(db, work->caller->user_id, work->request->instance_id, &arena,
                             &contract, &has, err))
        return false;
    if (!has || contract.kind == KIND_VOLUME)
        return true;
    if (!machine_lock(db, contract.machine_id, err) ||
        !machine_load(db, contract.machine_id, &arena, &machine, &has, err) ||
        !op_count_pending(db, contract.machine_id, &pending, err))
        return false;
    work->outcome = SNAPSHOT_NOT_REACHABLE;
    if (!has || !machine.is_online)
        return true;
    work->outcome = SNAPSHOT_NOT_RUNNING;
    if (contract.state != RENTAL_RUNNING)
        return true;
    work->outcome = SNAPSHOT_BUSY;
    if (pending >= DESIRED_OPS_MAX)
        return true;
    work->outcome = SNAPSHOT_BEGUN;
    return insert(db, work, &contract, &arena, err);
}

/* Only what the host will take. */
static enum snapshot_outcome judge(const struct snapshot_request *request, struct error *why)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct launch_login login;
    struct image image;

    if (!image_parse(request->image, &image, why))
        return SNAPSHOT_BAD_IMAGE;
    if (*image.digest != '\0' || strlen(request->image) > SNAPSHOT_IMAGE_LENGTH_MAX) {
        (void)error_set(why, ERROR_INVALID,
                        "a repository to push to is a name of at most %d "
                        "characters, with a tag or without",
                        SNAPSHOT_IMAGE_LENGTH_MAX);
        return SNAPSHOT_BAD_IMAGE;
    }
    if (request->login == NULL)
        return SNAPSHOT_BEGUN;
    if (strlen(request->login) > SNAPSHOT_LOGIN_LENGTH_MAX) {
        (void)error_set(why, ERROR_INVALID, "the login is too long");
        return SNAPSHOT_BAD_LOGIN;
    }
    return launch_login_parse(request->login, &arena, &login, why) ? SNAPSHOT_BEGUN
                                                                   : SNAPSHOT_BAD_LOGIN;
}

bool flow_snapshot(const struct flow *flow, const struct caller *caller,
                   const struct snapshot_request *request, struct snapshot_reply *ret,
                   struct error *err)
{
    struct snapshot_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };

    *ret = (struct snapshot_reply){ 0 };
    ret->outcome = judge(request, &ret->why);
    if (ret->outcome != SNAPSHOT_BEGUN)
        return true;
    work.names = op_names_draw();
    if (!store_write(flow->store, snapshot_work, &work, err))
        return error_context(err, "ask for a snapshot");
    ret->outcome = work.outcome;
    if (ret->outcome == SNAPSHOT_BEGUN)
        memcpy(ret->token, work.names.token, sizeof ret->token);
    return true;
}

bool snapshot_fill_op(struct db *db, const struct flow *flow, const struct op_row *row,
                      struct arena *arena, struct desired_op *op, struct error *err)
{
    char about[ABOUT_SIZE];
    const struct vault_text of = login_of(row->owner_id, row->op_id, about);

    op->kind = OP_SNAPSHOT;
    op->image = row->image;
    op->is_paused = row->is_paused;
    return row->login == NULL ||
           vault_text_open(db, flow->vault, &of, row->login, arena, &op->login, err);
}
