/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduled jobs (api.md 3.4): a client sends the request that it wants repeated; which of three it
 * is, and of which instance, is all that is kept of it (flow/schedule.h). */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/schedule.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { SCHEDULE_REPLY_MAX = 256 * 1024, ENDPOINT_MAX = 128, FREQUENCY_MAX = 16 };

/* What may be repeated, and how a client names it. */
static const struct deed {
    enum job_deed deed;
    const char *before; /* the path in front of the instance's number */
} deeds[] = {
    { JOB_REBOOT, "/api/v0/instances/reboot/" },
    { JOB_COMMAND, "/api/v0/instances/command/" },
    { JOB_BID, "/api/v0/instances/bid_price/" },
};
enum { DEED_COUNT = sizeof deeds / sizeof deeds[0] };

static bool read_endpoint(const char *path, struct schedule_request *request, struct error *err)
{
    char number[32];
    uint64_t id;

    for (int i = 0; i < DEED_COUNT; i++) {
        size_t before = strlen(deeds[i].before);
        size_t length =
            strcspn(path + (strncmp(path, deeds[i].before, before) == 0 ? before : 0), "/");

        if (strncmp(path, deeds[i].before, before) != 0 || length == 0 || length >= sizeof number)
            continue;
        memcpy(number, path + before, length);
        number[length] = '\0';
        const char *rest = path + before + length;
        if (!parse_u64(number, &id) || id == 0 || id > INT64_MAX ||
            (*rest != '\0' && strcmp(rest, "/") != 0))
            continue;
        request->deed = deeds[i].deed;
        request->instance_id = (int64_t)id;
        return true;
    }
    return error_set(err, ERROR_INVALID,
                     "api_endpoint: what can be scheduled is reboot, command and bid_price of an "
                     "instance");
}

static bool read_time(const json_t *body, const char *name, struct instant *ret, struct error *err)
{
    const json_t *value = json_member(body, name);
    double seconds = json_is_number(value) ? json_number_value(value) : -1;

    if (!(seconds >= 0 && seconds < 1e11))
        return error_set(err, ERROR_INVALID, "%s must be Unix seconds", name);
    ret->microseconds = (int64_t)(seconds * 1e6);
    return true;
}

/* The command, or the price, out of the request that is to be repeated. */
static bool read_body(const json_t *body, struct arena *arena, struct schedule_request *request,
                      struct error *err)
{
    const json_t *inner = json_member(body, "request_body");
    struct money price;
    char text[MONEY_TEXT_SIZE];

    request->body = "";
    if (inner != NULL && !json_is_object(inner))
        return error_set(err, ERROR_INVALID, "request_body must be an object");
    if (request->deed == JOB_COMMAND)
        return json_need_text(inner, "command", JOB_COMMAND_MAX, &request->body, err);
    if (request->deed != JOB_BID || json_member(inner, "price") == NULL)
        return true;
    if (!json_need_money(inner, "price", &price, err))
        return false;
    request->body = arena_text(arena, money_format(price, text));
    return request->body != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for a price");
}

static bool read_frequency(const json_t *body, struct schedule_request *request, struct error *err)
{
    static const char *const names[] = { "HOURLY", "DAILY", "WEEKLY" };

    if (!json_need_text(body, "frequency", FREQUENCY_MAX, &request->frequency, err))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(request->frequency, names[i]) == 0)
            return true;
    }
    return error_set(err, ERROR_INVALID, "frequency must be HOURLY, DAILY or WEEKLY");
}

static bool read_request(const struct call *call, struct schedule_request *request,
                         struct error *err)
{
    static const struct json_bounds days = { 0, 6 }, hours = { 0, 23 };
    const json_t *body = call->body;
    const char *path, *method = "PUT";

    request->schedule.day = request->schedule.hour = SCHEDULE_ANY;
    return json_need_text(body, "api_endpoint", ENDPOINT_MAX, &path, err) &&
           json_opt_text(body, "request_method", FREQUENCY_MAX, &method, err) &&
           (strcmp(method, "PUT") == 0 ||
            error_set(err, ERROR_INVALID, "request_method must be PUT")) &&
           read_endpoint(path, request, err) && read_frequency(body, request, err) &&
           json_opt_int(body, "day_of_the_week", days, &request->schedule.day, err) &&
           json_opt_int(body, "hour_of_the_day", hours, &request->schedule.hour, err) &&
           read_time(body, "start_time", &request->schedule.start, err) &&
           read_time(body, "end_time", &request->schedule.end, err) &&
           read_body(body, call->request->arena, request, err);
}

/* 422 names the job that there is: clients ask whether to change that one. */
static void refuse_second(struct call *call, int64_t id)
{
    auto_buf struct buf body = buf_of(SCHEDULE_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", false);
    encode_field_text(&json, "error", "job_exists");
    encode_field_text(&json, "msg", "The instance has such a job; change that one.");
    encode_field_int(&json, "scheduled_job_id", id);
    encode_end(&json);
    http_reply(call->exchange, 422, "application/json", &body);
}

static void answer(struct call *call, const struct schedule_reply *done,
                   const struct schedule_request *request)
{
    auto_buf struct buf body = buf_of(SCHEDULE_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    switch (done->outcome) {
    case SCHEDULE_DONE:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_field_int(&json, "scheduled_job_id", done->id);
        encode_field_text(&json, "msg", "It is done in your name, at these hours of UTC.");
        encode_end(&json);
        return reply_json(call, &body);
    case SCHEDULE_NO_INSTANCE:
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                            (long long)request->instance_id);
    case SCHEDULE_NO_JOB:
        return reply_refuse(call, 404, "no_such_job", "There is no scheduled job %lld.",
                            (long long)call->params[0].id);
    case SCHEDULE_EXISTS:
        return refuse_second(call, done->id);
    case SCHEDULE_TOO_MANY:
        return reply_refuse(call, 400, "too_many_jobs", "An account has at most %d scheduled jobs.",
                            JOBS_PER_USER_MAX);
    case SCHEDULE_BAD_BODY:
        return reply_refuse(call, 400, "invalid_args", "command must have 1 to %d bytes.",
                            JOB_COMMAND_MAX);
    case SCHEDULE_BAD_TIME:
        break;
    }
    reply_refuse(call, 400, "invalid_args",
                 "start_time must be before end_time, and an hour that fits between them.");
}

static void schedule(struct call *call, int64_t id)
{
    struct schedule_request request = { .id = id };
    struct schedule_reply done;
    struct error err;

    if (!read_request(call, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_schedule(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    answer(call, &done, &request);
}

void handle_job_create(struct call *call)
{
    schedule(call, 0);
}

void handle_job_update(struct call *call)
{
    schedule(call, call->params[0].id);
}

static void encode_job(struct encoder *json, const struct job_row *job)
{
    char path[ENDPOINT_MAX] = "";

    for (int i = 0; i < DEED_COUNT; i++) {
        if (deeds[i].deed == job->deed)
            (void)snprintf(path, sizeof path, "%s%lld/", deeds[i].before,
                           (long long)job->contract_id);
    }
    encode_object(json);
    encode_field_int(json, "id", job->id);
    encode_field_int(json, "instance_id", job->contract_id);
    encode_field_text(json, "api_endpoint", path);
    field_time(json, "start_time", job->schedule.start);
    field_time(json, "end_time", job->schedule.end);
    if (job->schedule.day == SCHEDULE_ANY)
        field_null(json, "day_of_the_week");
    else
        encode_field_int(json, "day_of_the_week", job->schedule.day);
    if (job->schedule.hour == SCHEDULE_ANY)
        field_null(json, "hour_of_the_day");
    else
        encode_field_int(json, "hour_of_the_day", job->schedule.hour);
    encode_field_int(json, "min_of_the_hour", 0);
    encode_field_text(json, "frequency", job->frequency);
    field_time(json, "next_time", job->next);
    encode_end(json);
}

void handle_jobs_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(SCHEDULE_REPLY_MAX * 4);
    auto_buf struct buf body = buf_of(SCHEDULE_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct job_row *jobs;
    size_t count;
    struct error err;

    if (!flow_schedule_list(&call->app->flow, &call->caller, &arena, &jobs, &count, &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_job(&json, &jobs[i]);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_job_delete(struct call *call)
{
    enum schedule_outcome outcome;
    struct error err;

    if (!flow_schedule_delete(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == SCHEDULE_NO_JOB)
        return reply_refuse(call, 404, "no_such_job", "There is no scheduled job %lld.",
                            (long long)call->params[0].id);
    reply_message(call, "Scheduled job %lld is deleted.", (long long)call->params[0].id);
}
