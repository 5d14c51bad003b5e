/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/why.h"

#include "market/rental.h"
#include "store/contract.h"
#include "store/machine.h"

struct why_work {
    const struct caller *caller;
    int64_t id;
    struct arena *arena;
    struct why why;
    bool has;
};

static const char *advice_of(const struct contract_row *contract, const struct machine_row *machine)
{
    if (!machine->is_online)
        return "Its host is out of contact: nothing but disk is charged until it is back. Its "
               "data stays where it is.";
    switch (contract->reason) {
    case REASON_USER_STOP:
    case REASON_CREATED_STOPPED:
    case REASON_EXITED:
        return "Start it when you want it; until then its disk is charged. Destroy it to end all "
               "charges.";
    case REASON_NO_CREDIT:
        return "Add credit, then start it. Its disk goes on being charged.";
    case REASON_LIFETIME_EXPIRED:
        return "Copy your data away. Only its host can extend it.";
    case REASON_START_FAILED:
        return "Look at its logs; mend the image, the command or the login, or destroy it.";
    case REASON_GPUS_TAKEN:
    case REASON_GPUS_CLEARING:
        return "Wait, or stop it to end the waiting.";
    case REASON_OUTBID:
    case REASON_BID_WAITS:
        return "Wait, or change its bid; it starts by itself as soon as its bid is enough.";
    case REASON_OUTRANKED:
        return "Wait; it starts by itself when the GPUs are free. No bid outranks on demand.";
    case REASON_OPERATOR_STOP:
        return "Write to the operator of this market.";
    case REASON_NONE:
    case REASON_USER_DESTROY:
    case REASON_MACHINE_REMOVED:
    case REASON_OPERATOR_DESTROY:
    case REASON_IDLE_YIELDS:
        break;
    }
    return "";
}

static bool why_work(struct db *db, void *context, struct error *err)
{
    struct why_work *work = context;
    auto_buf struct buf sentence = buf_of(2048);
    struct contract_row contract;
    struct machine_row machine;
    bool has_machine;

    if (!contract_load_owned(db, work->caller->user_id, work->id, work->arena, &contract,
                             &work->has, err))
        return false;
    if (!work->has)
        return true;
    if (!machine_load(db, contract.machine_id, work->arena, &machine, &has_machine, err))
        return false;
    if (!has_machine)
        return error_set(err, ERROR_CORRUPT, "a contract without its machine");
    if (contract.reason != REASON_NONE)
        rental_reason_explain(&sentence, contract.reason, contract.reason_detail);
    else
        buf_printf(&sentence, "It %s.", rental_state_meaning(contract.state));
    if (sentence.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a reason that is too long");
    work->why = (struct why){
        .code = contract.reason == REASON_NONE ? rental_state_name(contract.state)
                                               : rental_reason_code(contract.reason),
        .sentence = arena_copy(work->arena, sentence.bytes, sentence.length),
        .advice = advice_of(&contract, &machine),
        .since = contract.state_at,
    };
    return work->why.sentence != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for a reason");
}

bool flow_why(const struct flow *flow, const struct caller *caller, int64_t instance_id,
              struct arena *arena, struct why *ret, bool *ret_has, struct error *err)
{
    struct why_work work = { .caller = caller, .id = instance_id, .arena = arena };

    *ret_has = false;
    if (caller->instance_id != 0 && caller->instance_id != instance_id)
        return true;
    if (!store_read(flow->store, why_work, &work, err))
        return error_context(err, "why instance %lld is as it is", (long long)instance_id);
    if (work.has)
        *ret = work.why;
    *ret_has = work.has;
    return true;
}
