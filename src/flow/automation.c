/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/automation.h"

#include "flow/each_due.h"
#include "flow/limits.h"
#include "market/automation.h"
#include "store/machine.h"

#define BYTES_PER_GB (INT64_C(1) << 30)

enum { SPAN_TEXT_MAX = 64, SECONDS_PER_MINUTE = 60, SECONDS_PER_HOUR = 3600 };

struct set_work {
    const struct caller *caller;
    const struct automation_request *request;
    struct instant now;
    enum automation_outcome outcome;
};

static bool set_work(struct db *db, void *context, struct error *err)
{
    struct set_work *work = context;
    const struct automation_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    work->outcome = AUTOMATION_NO_INSTANCE;
    if (!contract_load_owned(db, work->caller->user_id, request->instance_id, &arena, &contract,
                             &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load_owned(db, work->caller->user_id, request->instance_id, &arena, &contract,
                             &has, err))
        return false;
    if (!has)
        return true;
    if (request->has_minutes)
        contract.automation.idle_stop_s = request->idle_stop_minutes * SECONDS_PER_MINUTE;
    if (request->has_hours)
        contract.automation.destroy_after_s = request->destroy_stopped_hours * SECONDS_PER_HOUR;
    if (request->has_traffic) {
        contract.automation.traffic_cap_bytes = request->traffic_gb * BYTES_PER_GB;
        contract.automation.moved_bytes = 0;
    }
    if (request->has_limit_up)
        contract.automation.limit_up_mbit = request->limit_up_mbit;
    if (request->has_limit_down)
        contract.automation.limit_down_mbit = request->limit_down_mbit;
    /* From now on at the earliest: a new rule is not about the past. */
    change_turn_automation(&contract, work->now);
    work->outcome = AUTOMATION_SET;
    bool is_for_host = request->has_limit_up || request->has_limit_down;
    return contract_update(db, &contract, contract.gen, err) &&
           (!is_for_host || machine_bump(db, contract.machine_id, err)) &&
           db_notify(db, TOPIC_CONTRACT, contract.id, err);
}

static bool limit_is_good(bool is_given, int64_t mbit)
{
    return !is_given || (mbit >= 0 && mbit <= AUTOMATION_MBIT_MAX);
}

bool flow_automation_set(const struct flow *flow, const struct caller *caller,
                         const struct automation_request *request, enum automation_outcome *ret,
                         struct error *err)
{
    struct set_work work = { .caller = caller, .request = request, .now = clock_now(flow->clock) };

    *ret = AUTOMATION_NO_INSTANCE;
    if (caller->instance_id != 0 && caller->instance_id != request->instance_id)
        return true;
    *ret = AUTOMATION_BAD_MINUTES;
    if (request->has_minutes && (request->idle_stop_minutes < 0 ||
                                 request->idle_stop_minutes > AUTOMATION_IDLE_MINUTES_MAX))
        return true;
    *ret = AUTOMATION_BAD_HOURS;
    if (request->has_hours && (request->destroy_stopped_hours < 0 ||
                               request->destroy_stopped_hours > AUTOMATION_STOPPED_HOURS_MAX))
        return true;
    *ret = AUTOMATION_BAD_TRAFFIC;
    if (request->has_traffic &&
        (request->traffic_gb < 0 || request->traffic_gb > AUTOMATION_TRAFFIC_GB_MAX))
        return true;
    *ret = AUTOMATION_BAD_LIMIT;
    if (!limit_is_good(request->has_limit_up, request->limit_up_mbit) ||
        !limit_is_good(request->has_limit_down, request->limit_down_mbit))
        return true;
    if (!store_write(flow->store, set_work, &work, err))
        return error_context(err, "set rules of instance %lld", (long long)request->instance_id);
    *ret = work.outcome;
    return true;
}

bool automation_destroy(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                        struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_buf struct buf span = buf_of(SPAN_TEXT_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    if (!change_begin_contract(&change, db, id, now, &arena, &contract, &has, err))
        return false;
    /* Its owner may have started it, or taken the rule back, while we looked. */
    if (!has || instant_compare(now, contract.automation.destroy_due) < 0)
        return true;
    automation_span(&span, contract.automation.destroy_after_s);
    return change_contract(&change, &contract, RENTAL_STOPPED_TOO_LONG, span.bytes, ret_is_done,
                           err) &&
           change_end(&change, err);
}

bool flow_destroy_stopped(const struct flow *flow, size_t *ret_count, struct error *err)
{
    static const struct due_job job = { .seeks = "what was stopped too long",
                                        .deed = "destroy contract",
                                        .find = contract_stopped_long,
                                        .deal = automation_destroy,
                                        .max = AUTOMATION_MAX };

    return each_due(flow, &job, ret_count, err);
}

bool flow_automation_gauge(struct change *change, struct contract_row *contract,
                           int64_t gpu_permille, struct instant previous, struct error *err)
{
    auto_buf struct buf span = buf_of(SPAN_TEXT_MAX);
    struct instant before = contract->automation.idle_since;
    bool has_changed;

    if (contract->state != RENTAL_RUNNING ||
        (contract->automation.idle_stop_s == 0 && before.microseconds == 0))
        return true;
    if (automation_gauge(&contract->automation, gpu_permille, previous, change->now)) {
        automation_span(&span, contract->automation.idle_stop_s);
        return change_contract(change, contract, RENTAL_GPU_IDLE, span.bytes, &has_changed, err) &&
               change_user(change, contract->owner_id, err);
    }
    return instant_compare(before, contract->automation.idle_since) == 0 ||
           contract_idle(change->db, contract, err);
}

bool flow_automation_traffic(struct change *change, struct contract_row *contract,
                             struct error *err)
{
    auto_buf struct buf amount = buf_of(SPAN_TEXT_MAX);
    bool has_changed;

    if (contract->state != RENTAL_RUNNING || !automation_is_capped(&contract->automation))
        return true;
    buf_printf(&amount, "%lld GB",
               (long long)(contract->automation.traffic_cap_bytes / BYTES_PER_GB));
    return change_contract(change, contract, RENTAL_TRAFFIC_CAP, amount.bytes, &has_changed, err) &&
           change_user(change, contract->owner_id, err);
}
