/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/requirement.h"

#include <inttypes.h>

#include "flow/agent_build.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "store/machine_standing.h"

/* What the market has seen of it. */
static bool load_record(struct db *db, const struct machine_row *row,
                        const struct machine_facts *facts, struct instant now,
                        struct requirement_record *ret, struct error *err)
{
    static const enum requirement_state programs[] = {
        [AGENT_BUILD_UNJUDGED] = REQUIREMENT_NOT_NEEDED,
        [AGENT_BUILD_KNOWN] = REQUIREMENT_GOOD,
        [AGENT_BUILD_UNKNOWN] = REQUIREMENT_BAD,
    };
    enum agent_build_state build;

    if (!agent_build_judge(db, facts, &build, err))
        return false;
    *ret = (struct requirement_record){ .seen = row->reliability,
                                        .debt = row->standing.debt,
                                        .is_quarantined = row->is_quarantined,
                                        .is_engine_ok = row->is_engine_ok,
                                        .engine_message = row->engine_message,
                                        .program = programs[build] };
    if (ret->seen.counted.microseconds != 0)
        reliability_advance(&ret->seen, now, row->is_online);
    return machine_proofs_good(db, row->id, row->hardware_since, &ret->proofs_good, err) &&
           machine_last_failed_start(db, row->id, &ret->last_failed_start, err);
}

/* What its network has shown counts, not what it says. */
static void take_shown(const struct machine_shown *shown, struct machine_facts *facts)
{
    struct machine machine = machine_of(0, 0, facts);

    machine_take_shown(&machine, shown);
    facts->inet_down_kbps = machine.inet_down_kbps;
    facts->inet_up_kbps = machine.inet_up_kbps;
}

static bool judge(struct db *db, const struct machine_row *row, struct instant now,
                  struct requirement_line lines[static REQUIREMENTS], struct error *err)
{
    struct machine_facts facts;
    struct requirement_record record;
    struct requirement_subject subject = {
        .facts = &facts, .bench = &row->bench, .record = &record, .now = now
    };

    if (!hardware_facts(row->facts, &facts, err) ||
        !load_record(db, row, &facts, now, &record, err))
        return false;
    take_shown(&row->shown, &facts);
    requirement_judge(&subject, lines);
    for (int i = 0; i < REQUIREMENTS; i++) {
        if (requirement_source((enum requirement)i) != REQUIREMENT_OF_BENCH)
            lines[i].next = row->look_at;
    }
    lines[REQUIREMENT_PROOFS].next = (struct instant){ 0 }; /* which nobody is to know */
    return true;
}

struct list_work {
    int64_t machine_id;
    struct arena *arena;
    struct requirement_list list;
    bool has;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    struct requirement_list *list = &work->list;

    if (!machine_load(db, work->machine_id, work->arena, &list->machine, &work->has, err))
        return false;
    return !work->has || judge(db, &list->machine, list->now, list->lines, err);
}

bool flow_requirements(const struct flow *flow, int64_t machine_id, struct arena *arena,
                       struct requirement_list *ret, bool *ret_has, struct error *err)
{
    struct list_work work = { .machine_id = machine_id,
                              .arena = arena,
                              .list.now = clock_now(flow->clock) };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "what is asked of machine %" PRId64, machine_id);
    *ret = work.list;
    *ret_has = work.has;
    return true;
}

struct look_work {
    struct instant now;
    int64_t ids[REQUIREMENT_BATCH_MAX];
    size_t count;
    int64_t machine_id; /* the one at hand */
    bool has_changed;
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct look_work *work = context;

    return machine_looks_due(db, work->now, work->ids, REQUIREMENT_BATCH_MAX, &work->count, err);
}

/* What its lines make of it now: put into `*row`. */
static bool decide(struct db *db, struct look_work *work, struct arena *arena,
                   struct machine_row *row, struct error *err)
{
    struct requirement_line lines[REQUIREMENTS];
    bool has;

    work->has_changed = false;
    if (!machine_load(db, work->machine_id, arena, row, &has, err))
        return false;
    if (!has || !row->is_online)
        return true;
    if (!judge(db, row, work->now, lines, err))
        return false;
    const struct requirement_standing before = { .now = row->verification,
                                                 .is_set = row->is_verification_set,
                                                 .debt = row->standing.debt,
                                                 .failed = row->failed };
    struct requirement_standing after = requirement_apply(before, lines, work->now);
    work->has_changed =
        after.now != before.now || after.failed.microseconds != before.failed.microseconds;
    row->verification = after.now;
    row->failed = after.failed;
    row->look_at = instant_add(work->now, REQUIREMENT_LOOK_US);
    return true;
}

static bool look_work(struct db *db, void *context, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;

    return decide(db, context, &arena, &row, err);
}

/* It may run rentals again, or no longer. */
static bool change_work(struct db *db, void *context, struct error *err)
{
    struct look_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;

    if (!machine_lock(db, work->machine_id, err) || !decide(db, work, &arena, &row, err))
        return false;
    return !work->has_changed ||
           (machine_set_checked(db, &row, err) && machine_decide_at(db, row.id, work->now, err) &&
            db_notify(db, TOPIC_MACHINE, row.id, err));
}

static bool next_work(struct db *db, void *context, struct error *err)
{
    const struct look_work *work = context;
    struct instant next = instant_add(work->now, REQUIREMENT_LOOK_US);

    for (size_t i = 0; i < work->count; i++) {
        if (!machine_set_look(db, work->ids[i], next, err))
            return false;
    }
    return true;
}

bool flow_requirements_look(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct look_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for machines to look at");
    for (size_t i = 0; i < work.count; i++) {
        work.machine_id = work.ids[i];
        /* Hardly ever anything changes: only then it is written. */
        if (!store_read(flow->store, look_work, &work, err) ||
            (work.has_changed && !store_write(flow->store, change_work, &work, err)))
            return error_context(err, "look at machine %" PRId64, work.machine_id);
    }
    if (work.count > 0 && !store_write(flow->store, next_work, &work, err))
        return error_context(err, "note what was looked at");
    *ret_count = work.count;
    return true;
}
