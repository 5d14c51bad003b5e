/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/predictor.h"
#include "market/peers.h"
#include "store/machine_bench.h"
#include "sys/crypto.h"

#define MB_PER_GB 1024

struct bench_work {
    int64_t machine_id, epoch, seq;
    const struct bench_report *report;
    const char *text;
    struct instant now;
    enum take_outcome outcome;
};

static const struct bench_gpu *find_gpu(const struct bench_report *report, const char *uuid)
{
    for (int64_t i = 0; i < report->gpu_count; i++) {
        if (strcmp(report->gpus[i].uuid, uuid) == 0)
            return &report->gpus[i];
    }
    return NULL;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of the pair that is slowest; 0: not of all was it measured. */
static int64_t slowest_peer(const struct machine_facts *facts, const struct bench_report *report)
{
    int64_t slowest_mbs = 0;

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        const struct bench_gpu *gpu = find_gpu(report, facts->gpus[i].uuid);

        if (gpu == NULL || gpu->peer_mbs == 0)
            return 0;
        slowest_mbs = i == 0 ? gpu->peer_mbs : lower(slowest_mbs, gpu->peer_mbs);
    }
    return slowest_mbs;
}

/* Each rate of whoever is slowest at it. False: not all were measured. */
static bool slowest(const struct machine_facts *facts, const struct bench_report *report,
                    struct machine_bench *bench)
{
    int64_t *of = bench->rates.of;

    for (int64_t i = 0; i < facts->gpu_count; i++) {
        const struct bench_gpu *gpu = find_gpu(report, facts->gpus[i].uuid);

        if (gpu == NULL || gpu->f32_gflops == 0 || gpu->memory_mbs == 0)
            return false;
        const int64_t rates[DLPERF_RATES] = {
            [DLPERF_TF32] = gpu->tf32_gflops,     [DLPERF_F32] = gpu->f32_gflops,
            [DLPERF_F16] = gpu->f16_gflops,       [DLPERF_BF16] = gpu->bf16_gflops,
            [DLPERF_BANDWIDTH] = gpu->memory_mbs,
        };
        for (int rate = 0; rate < DLPERF_RATES; rate++)
            of[rate] = i == 0 ? rates[rate] : lower(of[rate], rates[rate]);
        int64_t pcie_mbs = lower(gpu->pcie_down_mbs, gpu->pcie_up_mbs);
        bench->pcie_mbs = i == 0 ? pcie_mbs : lower(bench->pcie_mbs, pcie_mbs);
    }
    return facts->gpu_count > 0;
}

static bool load_usual(struct db *db, const struct machine_row *row, struct instant now,
                       struct dlperf_rates *ret, size_t *ret_count, struct error *err)
{
    const struct machine_bench_like like = { .model = row->bench.model,
                                             .gpu_gb = row->bench.gpu_gb,
                                             .owner_id = row->owner_id,
                                             .since = instant_add(now, -DLPERF_STALE_US) };
    struct dlperf_rates peers[PEERS_MAX];

    if (!machine_bench_peers(db, &like, PEERS_MAX, peers, ret_count, err))
        return false;
    *ret = peers_usual(peers, *ret_count);
    return true;
}

/* Beside those of others: being unlike them is no fault, but it is looked into. */
static bool compare(struct db *db, struct machine_row *row, struct instant now, struct error *err)
{
    struct dlperf_rates usual;
    uint64_t random;
    size_t count;

    if (*row->bench.model == '\0')
        return true;
    if (!load_usual(db, row, now, &usual, &count, err))
        return false;
    bool is_unlike = peers_apart(&usual, &row->bench.rates) != 0;
    row->standing = audit_judge_figures(row->standing, is_unlike);
    crypto_random(&random, sizeof random);
    struct instant soon = instant_add(now, audit_wait_us(random, true));
    if (is_unlike && instant_compare(soon, row->audit_at) < 0)
        row->audit_at = soon;
    return machine_set_audit(db, row, err);
}

static bool take(struct db *db, const struct bench_work *work, struct machine_row *row,
                 struct error *err)
{
    struct machine_facts facts;
    struct predictor_row predictor;
    struct machine_bench bench = {
        .disk_mbs = work->report->disk_write_mbs,
        .measured = instant_add(work->now, -work->report->age_s * US_PER_SECOND),
    };
    struct machine_bench_row kept = { .machine_id = row->id,
                                      .measured = bench.measured,
                                      .report = work->text };

    if (!hardware_facts(row->facts, &facts, err))
        return false;
    if (row->is_simulated || !slowest(&facts, work->report, &bench)) {
        bench.rates = (struct dlperf_rates){ 0 };
        bench.pcie_mbs = 0;
        bench.nvlink_mbs = -1;
    } else {
        bench.nvlink_mbs = machine_nvlink_mbs(&facts, slowest_peer(&facts, work->report));
        (void)snprintf(bench.model, sizeof bench.model, "%s", facts.gpus[0].name);
        bench.gpu_gb = (facts.gpus[0].memory_mb + MB_PER_GB / 2) / MB_PER_GB;
    }
    (void)snprintf(bench.driver, sizeof bench.driver, "%s", work->report->driver);
    if (!predictor_load(db, &predictor, err))
        return false;
    predictor_apply(&predictor, facts.gpu_count > 0 ? facts.gpus[0].compute_cap : 0, &bench);
    row->bench = bench;
    return machine_bench_insert(db, &kept, err) && machine_set_bench(db, row, err) &&
           compare(db, row, work->now, err) && db_notify(db, TOPIC_MACHINE, row->id, err);
}

static bool bench_work(struct db *db, void *context, struct error *err)
{
    struct bench_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;
    bool has;

    if (!session_try(db, work->machine_id, work->epoch, STREAM_OP, work->seq, &work->outcome, err))
        return false;
    if (work->outcome != TAKE_DONE)
        return true;
    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a session without its machine");
    return take(db, work, &row, err);
}

bool flow_bench(const struct flow *flow, int64_t machine_id, int64_t epoch, int64_t seq,
                const struct bench_report *report, enum take_outcome *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct bench_work work = { .machine_id = machine_id,
                               .epoch = epoch,
                               .seq = seq,
                               .report = report,
                               .now = clock_now(flow->clock) };

    bench_report_encode(&text, report);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the measurements are too long");
    work.text = text.bytes;
    if (!store_write(flow->store, bench_work, &work, err))
        return error_context(err, "measurements of machine %" PRId64, machine_id);
    *ret = work.outcome;
    return true;
}

struct show_work {
    int64_t machine_id;
    struct instant now;
    struct arena *arena;
    struct bench_view *view; /* NULL until it is found */
};

/* What was kept was understood once: it is now, or somebody has been at it. */
static bool read_report(const char *text, struct arena *arena, const struct bench_report **ret,
                        struct error *err)
{
    struct bench_report *report = arena_alloc(arena, 1, sizeof *report);
    auto_json json_t *root = NULL;

    if (report == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the measurements");
    if (!json_parse(text, strlen(text), &root, err) || !bench_report_decode(root, report, err)) {
        err->code = ERROR_CORRUPT;
        return error_context(err, "measurements of a machine");
    }
    *ret = report;
    return true;
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct show_work *work = context;
    struct bench_view *view = arena_alloc(work->arena, 1, sizeof *view);
    struct machine_bench_row kept;
    bool has, has_kept;

    if (view == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the measurements");
    *view = (struct bench_view){ 0 };
    if (!machine_load(db, work->machine_id, work->arena, &view->machine, &has, err))
        return false;
    if (!has || view->machine.removed.microseconds != 0)
        return true;
    if (!hardware_facts(view->machine.facts, &view->facts, err) ||
        !machine_bench_last(db, work->machine_id, work->arena, &kept, &has_kept, err) ||
        (has_kept && !read_report(kept.report, work->arena, &view->report, err)))
        return false;
    if (*view->machine.bench.model != '\0') {
        if (!load_usual(db, &view->machine, work->now, &view->usual, &view->peer_count, err))
            return false;
        view->apart = peers_apart(&view->usual, &view->machine.bench.rates);
    }
    work->view = view;
    return true;
}

bool flow_bench_show(const struct flow *flow, int64_t machine_id, struct arena *arena,
                     const struct bench_view **ret, struct error *err)
{
    struct show_work work = { .machine_id = machine_id,
                              .now = clock_now(flow->clock),
                              .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show measurements of machine %" PRId64, machine_id);
    *ret = work.view;
    return true;
}
