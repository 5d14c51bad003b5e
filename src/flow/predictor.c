/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/predictor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "market/peers.h"

/* Weights that are nearer than this to those that are used change nothing, thousandths. */
enum { WEIGHT_STEP = 10, PPM = 1000000 };

struct fit_work {
    const struct flow *flow;
    struct instant now;
    struct predictor_row stored, fitted;
    bool is_due;
};

/* Of a model, on hosts that have it: rows of one model follow each other. */
static struct dlperf_rates rates_of(const struct gpu_model *model, const struct measured_row *rows,
                                    size_t count)
{
    struct dlperf_rates peers[PEERS_MAX];
    size_t found = 0;

    for (size_t i = 0; i < count && found < PEERS_MAX; i++) {
        if (strcmp(rows[i].model, model->name) == 0)
            peers[found++] = rows[i].rates;
    }
    struct dlperf_rates usual = peers_usual(peers, found);
    return dlperf_complete(&usual, model->compute_cap) ? usual : dlperf_of_model(model);
}

static bool learn(const struct fit_work *work, const struct measured_row *rows, size_t count,
                  struct predictor_row *ret, struct error *err)
{
    struct run_list *list = calloc(1, sizeof *list);
    struct predictor_sample *samples = calloc(RUN_LIST_MAX, sizeof *samples);

    if (list == NULL || samples == NULL)
        abort(); /* As base/buf.h says. */
    if (work->flow->runs != NULL)
        *list = *work->flow->runs;
    bool is_known = work->flow->runs != NULL || run_list_add(list, run_list_known, err);
    for (size_t i = 0; is_known && i < list->count; i++)
        samples[i] =
            (struct predictor_sample){ list->runs[i], rates_of(list->runs[i].model, rows, count) };
    for (int task = 0; is_known && task < DLPERF_TASKS; task++) {
        struct predictor_fit fit = predictor_learn((enum dlperf_task)task, samples, list->count);

        if (fit.state == PREDICTOR_USED && work->flow->uses_formula)
            fit.state = PREDICTOR_OFF;
        ret->fits[task] = fit;
    }
    free(samples);
    free(list);
    return is_known;
}

static bool read_work(struct db *db, void *context, struct error *err)
{
    struct fit_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct measured_row *rows;
    size_t count;

    if (!predictor_load(db, &work->stored, err))
        return false;
    work->is_due = work->stored.fitted.microseconds == 0 ||
                   instant_until(work->stored.fitted, work->now) >= PREDICTOR_PERIOD_US;
    if (!work->is_due)
        return true;
    work->fitted = work->stored;
    work->fitted.fitted = work->now;
    return predictor_measured(db, instant_add(work->now, -DLPERF_STALE_US), PREDICTOR_MEASURED_MAX,
                              &arena, &rows, &count, err) &&
           learn(work, rows, count, &work->fitted, err);
}

/* Machines would notice. */
static bool is_other(const struct predictor_fit *was, const struct predictor_fit *is)
{
    bool was_used = was->state == PREDICTOR_USED, is_used = is->state == PREDICTOR_USED;

    for (int i = 0; was_used && is_used && i < PREDICTOR_WEIGHTS; i++) {
        if (llabs(was->weights_milli[i] - is->weights_milli[i]) > WEIGHT_STEP)
            return true;
    }
    return was_used != is_used;
}

static bool keep_work(struct db *db, void *context, struct error *err)
{
    struct fit_work *work = context;
    struct predictor_row stored, *fitted = &work->fitted;
    bool has_changed = false;

    if (!predictor_load(db, &stored, err))
        return false;
    for (int task = 0; task < DLPERF_TASKS; task++) {
        if (is_other(&stored.fits[task], &fitted->fits[task]))
            has_changed = true;
        else if (fitted->fits[task].state == PREDICTOR_USED)
            memcpy(fitted->fits[task].weights_milli, stored.fits[task].weights_milli,
                   sizeof stored.fits[task].weights_milli);
    }
    fitted->revision = stored.revision + (has_changed ? 1 : 0);
    return predictor_store(db, fitted, err);
}

void predictor_apply(const struct predictor_row *predictor, int64_t compute_cap,
                     struct machine_bench *bench)
{
    struct dlperf_rates rates = bench->rates;
    bool is_complete = dlperf_complete(&rates, compute_cap);

    for (int task = 0; task < DLPERF_TASKS; task++) {
        int64_t ppm = !is_complete ? PPM
                                   : predictor_factor_ppm((enum dlperf_task)task,
                                                          &predictor->fits[task], &rates);
        bench->learned_ppm[task] = ppm == PPM ? 0 : (int32_t)ppm;
    }
    bench->fit = predictor->revision;
}

struct tell_work {
    int64_t revision;
    size_t count;
    int64_t ids[PREDICTOR_BATCH_MAX];
    int64_t machine_id; /* the one at hand */
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct tell_work *work = context;
    struct predictor_row predictor;

    if (!predictor_load(db, &predictor, err))
        return false;
    work->revision = predictor.revision;
    return predictor_stale(db, predictor.revision, work->ids, PREDICTOR_BATCH_MAX, &work->count,
                           err);
}

static bool tell_work(struct db *db, void *context, struct error *err)
{
    const struct tell_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct predictor_row predictor;
    struct machine_facts facts;
    struct machine_row row;
    bool has;

    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err) ||
        !predictor_load(db, &predictor, err))
        return false;
    if (!has)
        return true;
    if (!hardware_facts(row.facts, &facts, err))
        return false;
    const struct machine_bench before = row.bench;
    predictor_apply(&predictor, facts.gpu_count > 0 ? facts.gpus[0].compute_cap : 0, &row.bench);
    bool is_same =
        memcmp(before.learned_ppm, row.bench.learned_ppm, sizeof before.learned_ppm) == 0;
    return machine_set_bench(db, &row, err) &&
           (is_same || db_notify(db, TOPIC_MACHINE, row.id, err));
}

bool flow_predictor(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct fit_work fit = { .flow = flow, .now = clock_now(flow->clock) };
    struct tell_work tell = { 0 };

    if (!store_read(flow->store, read_work, &fit, err) ||
        (fit.is_due && !store_write(flow->store, keep_work, &fit, err)))
        return error_context(err, "learn how fast tasks are");
    if (!store_read(flow->store, find_work, &tell, err))
        return error_context(err, "look for machines that tasks are faster on, or slower");
    for (size_t i = 0; i < tell.count; i++) {
        tell.machine_id = tell.ids[i];
        if (!store_write(flow->store, tell_work, &tell, err))
            return error_context(err, "what was learned, for machine %" PRId64, tell.machine_id);
    }
    *ret_count = tell.count;
    return true;
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    return predictor_load(db, context, err);
}

bool flow_predictor_show(const struct flow *flow, struct predictor_row *ret, struct error *err)
{
    return store_read(flow->store, show_work, ret, err) ||
           error_context(err, "show what was learned");
}
