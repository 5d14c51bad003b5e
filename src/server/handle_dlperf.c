/* SPDX-License-Identifier: Apache-2.0 */
/* How DLPerf comes about: tasks, weights, and what they make of a GPU (market/dlperf.h). */
#include <string.h>

#include "base/parse.h"
#include "flow/bench.h"
#include "flow/predictor.h"
#include "market/dlperf.h"
#include "market/peers.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { DLPERF_REPLY_MAX = 1 << 18, PPM = 1000000 };

static void encode_rates(struct encoder *json, const char *key, const struct dlperf_rates *rates)
{
    if (rates == NULL)
        return field_null(json, key);
    encode_key(json, key);
    encode_object(json);
    for (int i = 0; i < DLPERF_RATES; i++)
        field_fixed(json, dlperf_rate_name((enum dlperf_rate)i), rates->of[i], 3);
    encode_end(json);
}

static void encode_time(struct encoder *json, enum dlperf_task task)
{
    const double *parts = dlperf_task_parts(task);

    encode_key(json, "time");
    encode_object(json);
    for (int i = 0; i < DLPERF_RATES; i++)
        encode_field_real(json, dlperf_rate_name((enum dlperf_rate)i), parts[i]);
    encode_field_real(json, "constant", parts[DLPERF_RATES]);
    encode_end(json);
}

/* Whose speed is asked for: a model's, by what its maker says, or a machine's, as it was measured.
 */
struct subject {
    const struct gpu_model *model;
    const struct bench_view *measured;
    struct dlperf_rates rates;
    bool has_rates;
    struct predictor_row predictor;
    int32_t learned_ppm[DLPERF_TASKS]; /* what is used of it; 0: the formula */
};

/* What was learned of a task, whether that is used or not. */
static void encode_fit(struct encoder *json, const struct predictor_fit *fit)
{
    bool is_known = fit->runs > 0;

    encode_key(json, "predictor");
    encode_object(json);
    encode_field_text(json, "state", predictor_state_name(fit->state));
    encode_field_int(json, "runs", fit->runs);
    encode_field_int(json, "models", fit->models);
    field_gauge(json, "error", is_known ? fit->error_ppm : -1, 6);
    field_gauge(json, "formula_error", is_known ? fit->formula_ppm : -1, 6);
    encode_key(json, "weights");
    encode_object(json);
    field_fixed(json, "formula", fit->weights_milli[PREDICTOR_FORMULA], 3);
    for (int i = 0; i < DLPERF_RATES; i++)
        field_fixed(json, dlperf_rate_name((enum dlperf_rate)i), fit->weights_milli[1 + i], 3);
    encode_end(json);
    encode_end(json);
}

/* What is used of it. */
static void encode_speed(struct encoder *json, enum dlperf_task task,
                         const struct dlperf_rates *rates, int64_t learned_ppm)
{
    const struct dlperf_rates reference = dlperf_reference();
    double factor = learned_ppm > 0 ? (double)learned_ppm / PPM : 1;

    if (rates != NULL) {
        double speed = dlperf_task_speed(task, rates) * factor;

        encode_field_text(json, "by", learned_ppm > 0 ? "learned" : "formula");
        encode_field_real(json, "speed", speed);
        encode_field_real(json, "score", dlperf_score(DLPERF_DEFAULT, &reference) * speed);
    } else {
        field_null(json, "by");
        field_null(json, "speed");
        field_null(json, "score");
    }
}

static void encode_task(struct encoder *json, enum dlperf_profile profile, enum dlperf_task task,
                        const struct subject *subject)
{
    encode_object(json);
    encode_field_text(json, "name", dlperf_task_name(task));
    encode_field_text(json, "title", dlperf_task_title(task));
    encode_field_real(json, "weight", dlperf_weight(profile, task));
    encode_time(json, task);
    encode_speed(json, task, subject->has_rates ? &subject->rates : NULL,
                 subject->learned_ppm[task]);
    encode_fit(json, &subject->predictor.fits[task]);
    encode_end(json);
}

static void encode_profiles(struct encoder *json)
{
    encode_key(json, "profiles");
    encode_array(json);
    for (int i = 0; i < DLPERF_PROFILES; i++) {
        encode_object(json);
        encode_field_text(json, "name", dlperf_profile_name((enum dlperf_profile)i));
        encode_field_text(json, "title", dlperf_profile_title((enum dlperf_profile)i));
        encode_end(json);
    }
    encode_end(json);
}

static void encode_measured_gpu(struct encoder *json, int64_t index, const struct bench_gpu *gpu)
{
    encode_object(json);
    encode_field_int(json, "index", index);
    field_known_fixed(json, "f32", gpu->f32_gflops, 3);
    field_known_fixed(json, "tf32", gpu->tf32_gflops, 3);
    field_known_fixed(json, "f16", gpu->f16_gflops, 3);
    field_known_fixed(json, "bf16", gpu->bf16_gflops, 3);
    field_known_fixed(json, "i8", gpu->i8_gops, 3);
    field_known_fixed(json, "bandwidth", gpu->memory_mbs, 3);
    field_known_fixed(json, "from_host", gpu->pcie_down_mbs, 3);
    field_known_fixed(json, "to_host", gpu->pcie_up_mbs, 3);
    field_known_fixed(json, "to_gpu", gpu->peer_mbs, 3);
    encode_field_int(json, "wrong", gpu->wrong);
    field_gauge(json, "temperature_c", gpu->temperature_c, 0);
    field_gauge(json, "power_w", gpu->power_w, 0);
    field_gauge(json, "core_mhz", gpu->core_mhz, 0);
    field_gauge(json, "memory_mhz", gpu->memory_mhz, 0);
    field_brakes(json, "slowed_by", gpu->brakes);
    encode_end(json);
}

/* In the machine's own order; those that were not measured are not there. */
static void encode_measured_gpus(struct encoder *json, const struct bench_view *view)
{
    const struct bench_report *report = view->report;

    encode_key(json, "gpus");
    encode_array(json);
    for (int64_t i = 0; report != NULL && i < view->facts.gpu_count; i++)
        for (int64_t j = 0; j < report->gpu_count; j++)
            if (strcmp(report->gpus[j].uuid, view->facts.gpus[i].uuid) == 0)
                encode_measured_gpu(json, i, &report->gpus[j]);
    encode_end(json);
}

/* Beside other hosts with such GPUs. */
static void encode_peers(struct encoder *json, const struct bench_view *view)
{
    encode_field_int(json, "hosts", (int64_t)view->peer_count);
    encode_rates(json, "usual", view->peer_count >= PEERS_MIN ? &view->usual : NULL);
    encode_key(json, "unlike");
    encode_array(json);
    for (int i = 0; i < DLPERF_RATES; i++) {
        if ((view->apart >> i & 1) != 0)
            encode_text(json, dlperf_rate_name((enum dlperf_rate)i));
    }
    encode_end(json);
}

static void encode_measured(struct encoder *json, const struct bench_view *view, struct instant now)
{
    encode_key(json, "machine");
    if (view == NULL)
        return encode_null(json);
    struct machine machine = machine_of_row(&view->machine, &view->facts, now);
    bool is_stale = machine.measured.microseconds != 0 && instant_compare(machine.stale, now) <= 0;
    bool is_other = instant_compare(machine.stale, machine.measured) == 0;

    encode_object(json);
    encode_field_int(json, "machine_id", view->machine.id);
    field_known_text(json, "gpu_name", machine.gpu_name);
    encode_field_int(json, "num_gpus", machine.gpu_count);
    field_time(json, "measured", machine.measured);
    field_time(json, "stale_at", machine.stale);
    field_known_text(json, "stale", !is_stale ? "" : is_other ? "driver" : "age");
    field_known_text(json, "backend", view->report != NULL ? view->report->backend : "");
    field_known_text(json, "driver", view->report != NULL ? view->report->driver : "");
    field_known_text(json, "driver_now", machine.driver_version);
    encode_field_real(json, "cpu_factor", dlperf_cpu_factor(machine.cpu_cores, machine.gpu_count));
    field_fixed(json, "link_loss", machine.link_loss_ppm, 6);
    encode_measured_gpus(json, view);
    encode_peers(json, view);
    encode_end(json);
}

static void encode_dlperf(struct encoder *json, enum dlperf_profile profile,
                          const struct subject *subject, struct instant now)
{
    const struct dlperf_rates *rates = subject->has_rates ? &subject->rates : NULL;
    struct dlperf_rates reference = dlperf_reference();

    encode_object(json);
    encode_field_bool(json, "success", true);
    encode_field_text(json, "profile", dlperf_profile_name(profile));
    encode_field_text(json, "title", dlperf_profile_title(profile));
    encode_profiles(json);
    encode_rates(json, "reference", &reference);
    encode_rates(json, "rates", rates);
    field_known_text(json, "source",
                     rates == NULL               ? ""
                     : subject->measured != NULL ? "measured"
                                                 : "maker");
    encode_key(json, "tasks");
    encode_array(json);
    for (int task = 0; task < DLPERF_TASKS; task++)
        encode_task(json, profile, (enum dlperf_task)task, subject);
    encode_end(json);
    if (rates != NULL)
        encode_field_real(json, "score",
                          dlperf_score_learned(profile, rates, subject->learned_ppm));
    else
        field_null(json, "score");
    encode_measured(json, subject->measured, now);
    encode_end(json);
}

/* False: it was refused. */
static bool find_machine(struct call *call, const char *text, struct subject *subject)
{
    struct error err;
    uint64_t id;

    if (!parse_u64(text, &id) || id == 0 || id > INT64_MAX) {
        reply_refuse(call, 400, "invalid_args", "machine_id must be a machine's number.");
        return false;
    }
    if (!flow_bench_show(&call->app->flow, (int64_t)id, call->request->arena, &subject->measured,
                         &err)) {
        reply_error(call, &err);
        return false;
    }
    if (subject->measured == NULL) {
        reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.", (long long)id);
        return false;
    }
    const struct machine_facts *facts = &subject->measured->facts;
    const struct machine_bench *bench = &subject->measured->machine.bench;
    subject->rates = bench->rates;
    memcpy(subject->learned_ppm, bench->learned_ppm, sizeof subject->learned_ppm);
    subject->has_rates =
        facts->gpu_count > 0 && dlperf_complete(&subject->rates, facts->gpus[0].compute_cap);
    return true;
}

static bool find_model(struct call *call, const char *name, struct subject *subject)
{
    subject->model = gpu_model(name);
    if (subject->model == NULL) {
        reply_refuse(call, 400, "invalid_args", "Nothing is known of a GPU '%.48s'.", name);
        return false;
    }
    subject->rates = dlperf_of_model(subject->model);
    subject->has_rates = true;
    for (int task = 0; task < DLPERF_TASKS; task++) {
        int64_t ppm = predictor_factor_ppm((enum dlperf_task)task, &subject->predictor.fits[task],
                                           &subject->rates);
        subject->learned_ppm[task] = ppm == PPM ? 0 : (int32_t)ppm;
    }
    return true;
}

void handle_dlperf(struct call *call)
{
    auto_buf struct buf body = buf_of(DLPERF_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *name = http_query(call->request, "profile");
    const char *gpu = http_query(call->request, "gpu_name");
    const char *machine = http_query(call->request, "machine_id");
    enum dlperf_profile profile = DLPERF_DEFAULT;
    struct subject subject = { 0 };
    struct error err;

    if (name != NULL && !dlperf_profile_find(name, &profile))
        return reply_refuse(call, 400, "invalid_args", "There is no profile '%.48s'.", name);
    if (gpu != NULL && machine != NULL)
        return reply_refuse(call, 400, "invalid_args", "Give gpu_name or machine_id, not both.");
    if (!flow_predictor_show(&call->app->flow, &subject.predictor, &err))
        return reply_error(call, &err);
    if ((gpu != NULL && !find_model(call, gpu, &subject)) ||
        (machine != NULL && !find_machine(call, machine, &subject)))
        return;
    encode_dlperf(&json, profile, &subject, clock_now(call->app->clock));
    reply_json(call, &body);
}
