/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/upkeep.h"

#include <inttypes.h>
#include <string.h>

#include "flow/audit_ask.h"
#include "flow/change.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "market/lifetime.h"
#include "store/offer.h"
#include "store/user.h"
#include "store/volume.h"

#define DAY_US (24 * US_PER_HOUR)

struct upkeep_work {
    const struct caller *caller;
    int64_t machine_id;
    struct instant now;
    struct arena *arena;
    const char *problem, *message;
    struct machine_report_row *reports;
    size_t count;
    int64_t deleted;
    enum upkeep_outcome outcome;
};

static bool is_text(const char *text, size_t max)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' && text[i] != '\n')
            return false;
    }
    return length > 0 && length <= max;
}

/* Whether the caller rents something there. */
static bool rents(struct db *db, const struct upkeep_work *work, struct arena *arena, bool *ret,
                  struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    if (!contract_list_owned(db, work->caller->user_id, arena, &contracts, &count, err))
        return false;
    *ret = false;
    for (size_t i = 0; i < count; i++)
        *ret = *ret || contracts[i].machine_id == work->machine_id;
    return true;
}

static bool report_work(struct db *db, void *context, struct error *err)
{
    struct upkeep_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct machine_report_row report = { .machine_id = work->machine_id,
                                               .user_id = work->caller->user_id,
                                               .problem = work->problem,
                                               .message = work->message,
                                               .created = work->now };
    bool has;

    work->outcome = UPKEEP_NO_MACHINE;
    if (!user_lock(db, work->caller->user_id, err) || !rents(db, work, &arena, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = UPKEEP_TOO_SOON;
    if (!machine_report_has(db, work->caller->user_id, work->machine_id,
                            instant_add(work->now, -DAY_US), &has, err))
        return false;
    if (has)
        return true;
    work->outcome = UPKEEP_DONE;
    return machine_report_insert(db, &report, err) &&
           audit_ask_soon(db, work->machine_id, work->now, err);
}

bool flow_report_machine(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                         const char *problem, const char *message, enum upkeep_outcome *ret,
                         struct error *err)
{
    struct upkeep_work work = { .caller = caller,
                                .machine_id = machine_id,
                                .now = clock_now(flow->clock),
                                .problem = problem,
                                .message = message };

    *ret = UPKEEP_BAD_REPORT;
    if (!is_text(problem, UPKEEP_PROBLEM_MAX) || !is_text(message, UPKEEP_MESSAGE_MAX))
        return true;
    if (!store_write(flow->store, report_work, &work, err))
        return error_context(err, "report machine %" PRId64, machine_id);
    *ret = work.outcome;
    return true;
}

static bool reports_work(struct db *db, void *context, struct error *err)
{
    struct upkeep_work *work = context;
    struct machine_row machine;
    bool has;

    work->outcome = UPKEEP_NO_MACHINE;
    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, work->arena, &machine,
                            &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = UPKEEP_DONE;
    return machine_report_list(db, work->machine_id, UPKEEP_REPORTS_MAX, work->arena,
                               &work->reports, &work->count, err);
}

bool flow_machine_reports(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                          struct arena *arena, struct machine_report_row **ret, size_t *ret_count,
                          enum upkeep_outcome *ret_outcome, struct error *err)
{
    struct upkeep_work work = { .caller = caller, .machine_id = machine_id, .arena = arena };

    if (!store_read(flow->store, reports_work, &work, err))
        return error_context(err, "reports of machine %" PRId64, machine_id);
    *ret = work.reports;
    *ret_count = work.count;
    *ret_outcome = work.outcome;
    return true;
}

/* The caller's machine, with its lock. `*ret_has` false: there is none. */
static bool begin(struct db *db, struct upkeep_work *work, struct change *change,
                  struct arena *arena, bool *ret_has, struct error *err)
{
    struct machine_row owned;

    work->outcome = UPKEEP_NO_MACHINE;
    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, arena, &owned, ret_has,
                            err))
        return false;
    if (*ret_has && !change_begin(change, db, owned.id, work->now, arena, ret_has, err))
        return false;
    if (*ret_has)
        work->outcome = UPKEEP_DONE;
    return true;
}

static bool is_over(const struct contract_row *contract, struct instant now)
{
    return contract->state == RENTAL_STOPPED && contract->kind != KIND_IDLE &&
           instant_compare(lifetime_retention(contract->terms.end), now) <= 0;
}

/* What still mounts it may be used, whatever its own end. */
static bool is_mounted(struct db *db, const struct contract_row *contract, struct arena *arena,
                       bool *ret, struct error *err)
{
    int64_t *instances;
    size_t count = 0;

    if (contract->kind == KIND_VOLUME &&
        !volume_mounted_by(db, contract->id, arena, &instances, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

static bool clean_work(struct db *db, void *context, struct error *err)
{
    struct upkeep_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row *contracts;
    struct change change;
    size_t count;
    bool has;

    work->deleted = 0;
    if (!begin(db, work, &change, &arena, &has, err))
        return false;
    if (!has)
        return true;
    if (!contract_list_on(db, work->machine_id, &arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool has_changed = false, is_used;

        if (!is_over(&contracts[i], change.now))
            continue;
        if (!is_mounted(db, &contracts[i], &arena, &is_used, err))
            return false;
        if (!is_used &&
            !change_contract(&change, &contracts[i], RENTAL_CLEANED_UP, "", &has_changed, err))
            return false;
        work->deleted += has_changed;
    }
    return change_end(&change, err);
}

bool flow_clean_up(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                   int64_t *ret_deleted, enum upkeep_outcome *ret, struct error *err)
{
    struct upkeep_work work = { .caller = caller,
                                .machine_id = machine_id,
                                .now = clock_now(flow->clock) };

    if (!store_write(flow->store, clean_work, &work, err))
        return error_context(err, "clean up machine %" PRId64, machine_id);
    *ret_deleted = work.deleted;
    *ret = work.outcome;
    return true;
}

static bool recut_work(struct db *db, void *context, struct error *err)
{
    struct upkeep_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!begin(db, work, &change, &arena, &has, err))
        return false;
    if (!has)
        return true;
    change.cuts_offers = true;
    return offer_remove_all(db, work->machine_id, change.now, &arena, err) &&
           change_end(&change, err);
}

bool flow_recut(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                enum upkeep_outcome *ret, struct error *err)
{
    struct upkeep_work work = { .caller = caller,
                                .machine_id = machine_id,
                                .now = clock_now(flow->clock) };

    if (!store_write(flow->store, recut_work, &work, err))
        return error_context(err, "cut the offers of machine %" PRId64, machine_id);
    *ret = work.outcome;
    return true;
}
