/* SPDX-License-Identifier: Apache-2.0 */
/* How DLPerf comes about: tasks, weights, and what they make of a GPU (market/dlperf.h). */
#include "market/dlperf.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { DLPERF_REPLY_MAX = 1 << 16 };

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

static void encode_task(struct encoder *json, enum dlperf_profile profile, enum dlperf_task task,
                        const struct dlperf_rates *rates)
{
    enum dlperf_profile alone = DLPERF_DEFAULT;
    bool has_own = dlperf_profile_find(dlperf_task_name(task), &alone);

    encode_object(json);
    encode_field_text(json, "name", dlperf_task_name(task));
    encode_field_text(json, "title", dlperf_task_title(task));
    encode_field_real(json, "weight", dlperf_weight(profile, task));
    encode_time(json, task);
    if (rates != NULL && has_own) {
        encode_field_real(json, "speed", dlperf_task_speed(task, rates));
        encode_field_real(json, "score", dlperf_score(alone, rates));
    } else {
        field_null(json, "speed");
        field_null(json, "score");
    }
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

static void encode_dlperf(struct encoder *json, enum dlperf_profile profile,
                          const struct dlperf_rates *rates)
{
    struct dlperf_rates reference = dlperf_reference();

    encode_object(json);
    encode_field_bool(json, "success", true);
    encode_field_text(json, "profile", dlperf_profile_name(profile));
    encode_field_text(json, "title", dlperf_profile_title(profile));
    encode_profiles(json);
    encode_rates(json, "reference", &reference);
    encode_rates(json, "rates", rates);
    field_known_text(json, "source", rates != NULL ? "maker" : "");
    encode_key(json, "tasks");
    encode_array(json);
    for (int task = 0; task < DLPERF_TASKS; task++)
        encode_task(json, profile, (enum dlperf_task)task, rates);
    encode_end(json);
    if (rates != NULL)
        encode_field_real(json, "score", dlperf_score(profile, rates));
    else
        field_null(json, "score");
    encode_end(json);
}

void handle_dlperf(struct call *call)
{
    auto_buf struct buf body = buf_of(DLPERF_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *name = http_query(call->request, "profile");
    const char *gpu = http_query(call->request, "gpu_name");
    enum dlperf_profile profile = DLPERF_DEFAULT;
    const struct gpu_model *model = NULL;
    struct dlperf_rates rates;

    if (name != NULL && !dlperf_profile_find(name, &profile))
        return reply_refuse(call, 400, "invalid_args", "There is no profile '%.48s'.", name);
    if (gpu != NULL) {
        model = gpu_model(gpu);
        if (model == NULL)
            return reply_refuse(call, 400, "invalid_args", "Nothing is known of a GPU '%.48s'.",
                                gpu);
        rates = dlperf_of_model(model);
    }
    encode_dlperf(&json, profile, model != NULL ? &rates : NULL);
    reply_json(call, &body);
}
