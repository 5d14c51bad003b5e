/* SPDX-License-Identifier: Apache-2.0 */
/* The job that a host runs on GPUs that nobody rents (api.md 2.15.2, "default job"). */
#include <string.h>

#include "base/json.h"
#include "flow/idle_job.h"
#include "market/launch.h"
#include "market/offer.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { JOB_REPLY_MAX = 1 << 20, IMAGE_LENGTH_MAX = 512 };

static bool refuse(struct call *call, const struct idle_job_reply *done, int64_t machine_id)
{
    switch (done->outcome) {
    case IDLE_JOB_SET:
    case IDLE_JOB_REMOVED:
        return false;
    case IDLE_JOB_NO_MACHINE:
        reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.",
                     (long long)machine_id);
        return true;
    case IDLE_JOB_NOT_LISTED:
        reply_refuse(call, 400, "invalid_args", "List the machine first: its price is needed.");
        return true;
    case IDLE_JOB_BAD_PRICE:
        reply_refuse(call, 400, "invalid_args",
                     "price_gpu must be from $0.001 to below what the machine costs on demand.");
        return true;
    case IDLE_JOB_BAD_GPUS:
        if (done->gpu_count == 0)
            reply_refuse(call, 400, "invalid_args", "gpus: machine %lld has none.",
                         (long long)machine_id);
        else
            reply_refuse(call, 400, "invalid_args", "gpus is 1 to %lld, which machine %lld has.",
                         (long long)done->gpu_count, (long long)machine_id);
        return true;
    case IDLE_JOB_BAD_SPEC:
        reply_refuse(call, 400, "invalid_args", "%s.", done->why);
        return true;
    }
    return true;
}

/* A price per GB becomes one per TB. */
static bool read_per_gb(const json_t *body, const char *name, struct money *ret_per_tb,
                        struct error *err)
{
    struct money per_gb = { 0 };

    if (!json_opt_money(body, name, &per_gb, err))
        return false;
    if (per_gb.nanodollars > INT64_MAX / OFFER_GB_PER_TB)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is too large", name);
    ret_per_tb->nanodollars = per_gb.nanodollars * OFFER_GB_PER_TB;
    return true;
}

static bool read_args(struct call *call, struct instance_spec *spec, struct error *err)
{
    const json_t *array = NULL;

    if (!json_opt_array(call->body, "args", SPEC_ARGS_MAX, &array, err))
        return false;
    spec->arg_count = (int64_t)json_array_size(array);
    spec->args = arena_alloc(call->request->arena, (size_t)spec->arg_count, sizeof *spec->args);
    if (spec->args == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "args is too long");
    for (int64_t i = 0; i < spec->arg_count; i++) {
        spec->args[i] = json_string_value(json_array_get(array, (size_t)i));
        if (spec->args[i] == NULL)
            return error_set(err, ERROR_INVALID, "args must be texts");
    }
    return true;
}

/* Variables alone: nobody reaches the job, and it mounts nothing. */
static bool read_env(struct call *call, struct instance_spec *spec, struct error *err)
{
    struct launch_env env;

    if (!launch_env_parse(json_member(call->body, "env"), call->request->arena, &env, err))
        return false;
    if (env.port_count > 0 || env.volume_count > 0 || env.hostname[0] != '\0' || env.shm_mb > 0)
        return error_set(err, ERROR_INVALID, "the env of a job has variables alone");
    spec->env = arena_alloc(call->request->arena, env.variable_count, sizeof *spec->env);
    if (spec->env == NULL || env.variable_count > SPEC_ENV_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
    for (size_t i = 0; i < env.variable_count; i++)
        spec->env[i] = (struct spec_variable){ env.variables[i].name, env.variables[i].value };
    spec->env_count = (int64_t)env.variable_count;
    return true;
}

void handle_machine_create_bids(struct call *call)
{
    struct instance_spec spec = { 0 };
    struct idle_job_request request = { .spec = &spec };
    struct idle_job_reply done;
    struct error err;

    if (!json_need_int(call->body, "machine", (struct json_bounds){ 1, INT64_MAX },
                       &request.machine_id, &err) ||
        !json_need_text(call->body, "image", IMAGE_LENGTH_MAX, &spec.image, &err) ||
        !json_opt_money(call->body, "price_gpu", &request.gpu_hour, &err) ||
        !read_per_gb(call->body, "price_inetu", &request.up_tb, &err) ||
        !read_per_gb(call->body, "price_inetd", &request.down_tb, &err) ||
        !json_opt_int(call->body, "gpus", (struct json_bounds){ 1, GPUS_MAX }, &request.gpus,
                      &err) ||
        !read_args(call, &spec, &err) || !read_env(call, &spec, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_idle_job_set(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (refuse(call, &done, request.machine_id))
        return;
    if (done.is_dummy)
        return reply_message(call,
                             "Bids on machine %lld start above the job's price. A shell has "
                             "nothing to do, so nothing is run.",
                             (long long)request.machine_id);
    if (request.gpus == 0)
        return reply_message(call, "Machine %lld runs the job on every GPU that nobody rents.",
                             (long long)request.machine_id);
    reply_message(call,
                  "Machine %lld runs the job on GPUs that nobody rents, at most %lld of them.",
                  (long long)request.machine_id, (long long)request.gpus);
}

void handle_machine_remove_defjob(struct call *call)
{
    struct idle_job_reply done;
    struct error err;

    if (!flow_idle_job_remove(&call->app->flow, &call->caller, call->params[0].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, &done, call->params[0].id))
        reply_message(call, "Machine %lld has no job for idle GPUs.",
                      (long long)call->params[0].id);
}

static void encode_env(struct encoder *json, const json_t *variables)
{
    encode_key(json, "env");
    encode_array(json);
    for (size_t i = 0; i < json_array_size(variables); i++) {
        const json_t *variable = json_array_get(variables, i);

        encode_array(json);
        encode_text(json, json_string_value(json_member(variable, "name")));
        encode_text(json, json_string_value(json_member(variable, "value")));
        encode_end(json);
    }
    encode_end(json);
}

void handle_machine_show_defjob(struct call *call)
{
    auto_buf struct buf body = buf_of(JOB_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct idle_job_row job;
    auto_json json_t *spec = NULL;
    struct error err;
    bool has;

    if (!flow_idle_job_show(&call->app->flow, &call->caller, call->params[0].id,
                            call->request->arena, &job, &has, &err) ||
        (has && job.image != NULL && !json_parse(job.spec, strlen(job.spec), &spec, &err)))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.",
                            (long long)call->params[0].id);
    encode_object(&json);
    encode_field_int(&json, "machine", job.machine_id);
    field_known_fixed(&json, "price_gpu", job.ticks, 3);
    field_known_int(&json, "gpus", job.gpus);
    encode_field_text(&json, "image", job.image);
    encode_key(&json, "args");
    encode_array(&json);
    const json_t *args = json_member(spec, "args");
    for (size_t i = 0; i < json_array_size(args); i++)
        encode_text(&json, json_string_value(json_array_get(args, i)));
    encode_end(&json);
    encode_env(&json, json_member(spec, "env"));
    encode_end(&json);
    reply_json(call, &body);
}
