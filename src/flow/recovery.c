/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/recovery.h"

#include "flow/liveness.h"
#include "store/liveness.h"

struct begin_work {
    struct instant now;
};

static bool begin_work(struct db *db, void *context, struct error *err)
{
    const struct begin_work *work = context;
    struct recovery_row row = { .began = work->now, .books_end = work->now };
    struct recovery_row open;
    struct instant last = work->now;
    bool has, has_last;

    if (!recovery_load(db, &open, &has, err) || !liveness_last(db, &last, &has_last, err))
        return false;
    if (has)
        return true;
    /* A life is said for one beat ahead. */
    struct instant sign = instant_add(last, -LIVENESS_SECONDS * US_PER_SECOND);
    if (has_last && instant_compare(sign, work->now) < 0)
        row.books_end = sign;
    return recovery_insert(db, &row, err) && recovery_leap(db, RECOVERY_LEAP, err);
}

bool flow_recovery_begin(const struct flow *flow, struct error *err)
{
    struct begin_work work = { .now = clock_now(flow->clock) };

    return store_write(flow->store, begin_work, &work, err) ||
           error_context(err, "begin a recovery");
}

static bool is_open_work(struct db *db, void *context, struct error *err)
{
    struct recovery_row row;

    return recovery_load(db, &row, context, err);
}

bool flow_recovery_is_open(const struct flow *flow, bool *ret, struct error *err)
{
    return store_read(flow->store, is_open_work, ret, err) ||
           error_context(err, "look for a recovery");
}

struct note_work {
    int64_t machine_id;
    const struct heartbeat *heartbeat;
    struct instant now;
};

static bool note_work(struct db *db, void *context, struct error *err)
{
    const struct note_work *work = context;
    struct recovery_row row;
    bool has, is_new;

    if (!recovery_load(db, &row, &has, err))
        return false;
    if (!has)
        return true;
    struct instant after = instant_add(work->now, -RECOVERY_REPORT_SECONDS * US_PER_SECOND);
    if (!recovery_machine_say(db, row.id, work->machine_id, work->now, after, &is_new, err))
        return false;
    if (!is_new)
        return true;
    if (!recovery_instances_clear(db, row.id, work->machine_id, err))
        return false;
    for (int64_t i = 0; i < work->heartbeat->instance_count; i++) {
        const struct instance_report *report = &work->heartbeat->instances[i];
        const struct recovery_instance instance = { work->machine_id, report->id, report->gen,
                                                    report->phase };

        if (report->phase != PHASE_ABSENT && !recovery_instance_insert(db, row.id, &instance, err))
            return false;
    }
    return true;
}

bool flow_recovery_note(const struct flow *flow, int64_t machine_id,
                        const struct heartbeat *heartbeat, struct error *err)
{
    struct note_work work = { machine_id, heartbeat, clock_now(flow->clock) };

    return !heartbeat->is_engine_ok || store_write_patiently(flow->store, note_work, &work, err) ||
           error_context(err, "note what machine %lld runs", (long long)machine_id);
}

struct show_work {
    struct arena *arena;
    struct recovery_view view;
};

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct show_work *work = context;
    struct recovery_view *view = &work->view;
    struct recovery_row row;

    *view = (struct recovery_view){ .is_open = false };
    if (!recovery_load(db, &row, &view->is_open, err))
        return false;
    if (!view->is_open)
        return true;
    view->began = row.began;
    view->books_end = row.books_end;
    return recovery_count(db, row.id, &view->counts, err) &&
           recovery_silent(db, row.id, work->arena, &view->silent, &view->silent_count, err) &&
           recovery_unknown(db, row.id, work->arena, &view->unknown, &view->unknown_count, err) &&
           recovery_missing(db, row.id, work->arena, &view->missing, &view->missing_count, err);
}

bool flow_recovery_show(const struct flow *flow, struct arena *arena, struct recovery_view *ret,
                        struct error *err)
{
    struct show_work work = { .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show the recovery");
    *ret = work.view;
    return true;
}

struct end_work {
    struct instant now;
    bool goes_without_silent;
    enum recovery_outcome outcome;
};

static bool end_work(struct db *db, void *context, struct error *err)
{
    struct end_work *work = context;
    struct recovery_counts counts;
    struct recovery_row row;
    bool has;

    work->outcome = RECOVERY_NONE;
    if (!recovery_load(db, &row, &has, err))
        return false;
    if (!has)
        return true;
    if (!recovery_count(db, row.id, &counts, err))
        return false;
    work->outcome = RECOVERY_WAITING;
    if (counts.reported < counts.machines && !work->goes_without_silent)
        return true;
    work->outcome = RECOVERY_ENDED;
    return recovery_raise_generations(db, row.id, err) &&
           recovery_close(db, row.id, work->now, err);
}

bool flow_recovery_end(const struct flow *flow, bool goes_without_silent,
                       enum recovery_outcome *ret, struct error *err)
{
    struct end_work work = { .now = clock_now(flow->clock),
                             .goes_without_silent = goes_without_silent };

    if (!store_write(flow->store, end_work, &work, err))
        return error_context(err, "end the recovery");
    *ret = work.outcome;
    return true;
}
