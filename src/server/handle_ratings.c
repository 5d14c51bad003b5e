/* SPDX-License-Identifier: Apache-2.0 */
/* Ratings of hosts by those who rented from them, and answers to reports. */
#include "base/json.h"
#include "flow/rating.h"
#include "flow/upkeep.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/rating_read.h"
#include "server/reply.h"

enum { RATINGS_REPLY_MAX = 2 << 20 };

/* Refuse for every outcome but RATING_DONE; true where it refused. */
static bool refuse(struct call *call, enum rating_outcome outcome)
{
    switch (outcome) {
    case RATING_DONE:
        return false;
    case RATING_NO_INSTANCE:
        reply_refuse(call, 404, "no_such_instance", "You rent and rented no such instance.");
        return true;
    case RATING_NEVER_RAN:
        reply_refuse(call, 409, "conflict", "It has never run.");
        return true;
    case RATING_OWN:
        reply_refuse(call, 403, "not_allowed", "It is on a machine of yours.");
        return true;
    case RATING_TWICE:
        reply_refuse(call, 409, "conflict", "You have rated it.");
        return true;
    case RATING_BAD:
        reply_refuse(call, 400, "invalid_args",
                     "stars are 1 to 5; texts have at most %d bytes, without control characters.",
                     RATING_MESSAGE_MAX);
        return true;
    case RATING_NO_REPORT:
        break;
    }
    reply_refuse(call, 404, "not_found", "There is no such report of a machine of yours.");
    return true;
}

void handle_rating_create(struct call *call)
{
    struct rating_request request = { .message = "" };
    enum rating_outcome outcome;
    struct error err;

    if (!json_need_int(call->body, "instance_id", (struct json_bounds){ 1, INT64_MAX },
                       &request.instance_id, &err) ||
        !json_need_int(call->body, "stars", (struct json_bounds){ 1, 5 }, &request.stars, &err) ||
        !json_opt_text(call->body, "message", HTTP_BODY_MAX, &request.message, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_rate(&call->app->flow, &call->caller, &request, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_message(call, "It is on its host's page.");
}

static void encode_rating(struct encoder *json, const struct rating_row *rating)
{
    encode_object(json);
    encode_field_int(json, "machine_id", rating->machine_id);
    encode_field_int(json, "stars", rating->stars);
    encode_field_text(json, "message", rating->message);
    field_time(json, "created_at", rating->created);
    encode_end(json);
}

void handle_host_ratings(struct call *call)
{
    auto_buf struct buf body = buf_of(RATINGS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct rating_page page;
    struct error err;

    if (!flow_host_ratings(&call->app->flow, call->params[0].id, call->request->arena, &page, &err))
        return reply_error(call, &err);
    if (!page.has_host)
        return reply_refuse(call, 404, "not_found", "There is no host %lld.",
                            (long long)call->params[0].id);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "host_id", call->params[0].id);
    encode_field_int(&json, "machines", page.machines);
    encode_field_int(&json, "count", page.count);
    if (page.count > 0)
        encode_field_real(&json, "mean", (double)page.stars / (double)page.count);
    else
        field_null(&json, "mean");
    encode_key(&json, "ratings");
    encode_array(&json);
    for (size_t i = 0; i < page.rating_count; i++)
        encode_rating(&json, &page.ratings[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void rating_encode_report(struct encoder *json, const struct machine_report_row *report)
{
    encode_object(json);
    encode_field_int(json, "id", report->id);
    encode_field_int(json, "machine_id", report->machine_id);
    encode_field_text(json, "problem", report->problem);
    encode_field_text(json, "message", report->message);
    field_time(json, "created_at", report->created);
    field_known_text(json, "reply", report->reply);
    field_time(json, "replied_at", report->replied);
    encode_end(json);
}

void handle_reports_own(struct call *call)
{
    auto_buf struct buf body = buf_of(RATINGS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_report_row *reports;
    struct error err;
    size_t count;

    if (!flow_own_reports(&call->app->flow, &call->caller, call->request->arena, &reports, &count,
                          &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        rating_encode_report(&json, &reports[i]);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_report_reply(struct call *call)
{
    enum rating_outcome outcome;
    const char *reply;
    struct error err;
    int64_t id;

    if (!json_need_int(call->body, "report_id", (struct json_bounds){ 1, INT64_MAX }, &id, &err) ||
        !json_need_text(call->body, "reply", HTTP_BODY_MAX, &reply, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_reply_report(&call->app->flow, &call->caller, id, reply, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_message(call, "Who reported it can read it.");
}
