/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/remove_machine.h"

#include <inttypes.h>

#include "flow/change.h"
#include "flow/history.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "store/gpu.h"
#include "store/idle_job.h"
#include "store/session.h"

struct remove_work {
    const struct caller *caller;
    int64_t machine_id;
    struct instant now;
    enum remove_machine_outcome outcome;
    int64_t rentals;
};

static bool is_rental(const struct contract_row *contract)
{
    return contract->kind != KIND_IDLE && contract->destroyed.microseconds == 0;
}

static bool retire_gpus(struct change *change, struct error *err)
{
    struct gpu_row *gpus;
    size_t count;

    if (!gpu_list(change->db, change->machine.id, change->arena, &gpus, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!gpu_retire(change->db, gpus[i].id, change->now, err))
            return false;
    }
    return true;
}

/* No rental is among the contracts: no confirmation of their end will come from the host. */
static bool end_all(struct change *change, struct contract_row *contracts, size_t count,
                    struct error *err)
{
    int64_t jobs;
    bool has_changed;

    if (!offer_take_off(change->db, change->machine.id, change->now, change->arena, err) ||
        !idle_job_remove(change->db, change->machine.id, &jobs, err))
        return false;
    change->machine.is_listed = false;
    for (size_t i = 0; i < count; i++) {
        if (!change_contract(change, &contracts[i], RENTAL_MACHINE_REMOVED, "", &has_changed, err))
            return false;
    }
    return change_end(change, err) && retire_gpus(change, err) &&
           session_end(change->db, change->machine.id, err) &&
           history_left(change->db, &change->machine, change->now, err) &&
           machine_set_removed(change->db, change->machine.id, change->now, err) &&
           db_notify(change->db, TOPIC_MACHINE, change->machine.id, err);
}

bool remove_unrented(struct db *db, int64_t machine_id, struct instant now, struct arena *arena,
                     int64_t *ret_rentals, struct error *err)
{
    struct contract_row *contracts;
    struct change change;
    size_t count;
    bool has;

    *ret_rentals = 0;
    if (!change_begin(&change, db, machine_id, now, arena, &has, err))
        return false;
    if (!has)
        return true;
    if (!contract_list_for(db, machine_id, arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        *ret_rentals += is_rental(&contracts[i]);
    return *ret_rentals > 0 || end_all(&change, contracts, count, err);
}

static bool remove_work(struct db *db, void *context, struct error *err)
{
    struct remove_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row owned;
    bool has;

    work->outcome = REMOVE_NO_MACHINE;
    work->rentals = 0;
    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, &arena, &owned, &has, err))
        return false;
    if (!has)
        return true;
    if (!remove_unrented(db, owned.id, work->now, &arena, &work->rentals, err))
        return false;
    work->outcome = work->rentals > 0 ? REMOVE_IS_RENTED : REMOVE_DONE;
    return true;
}

bool flow_remove_machine(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                         enum remove_machine_outcome *ret, int64_t *ret_rentals, struct error *err)
{
    struct remove_work work = { .caller = caller,
                                .machine_id = machine_id,
                                .now = clock_now(flow->clock) };

    if (!store_write(flow->store, remove_work, &work, err))
        return error_context(err, "remove machine %" PRId64, machine_id);
    *ret = work.outcome;
    *ret_rentals = work.rentals;
    return true;
}
