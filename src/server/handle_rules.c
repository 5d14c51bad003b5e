/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to instances by themselves, and how long they may go on: rules of their renters,
 * lifetimes of their hosts. */
#include "base/json.h"
#include "flow/automation.h"
#include "flow/extend.h"
#include "market/automation.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { EXTEND_REPLY_MAX = 4096, RULE_NUMBER_MAX = 1 << 30 };

static bool refuse_rules(struct call *call, enum automation_outcome outcome)
{
    switch (outcome) {
    case AUTOMATION_SET:
        return false;
    case AUTOMATION_NO_INSTANCE:
        reply_refuse(call, 404, "no_such_instance", "No such instance on this account.");
        return true;
    case AUTOMATION_BAD_MINUTES:
        reply_refuse(call, 400, "invalid_args",
                     "stop_when_idle_minutes must be from 0 (off) to %d, a week.",
                     AUTOMATION_IDLE_MINUTES_MAX);
        return true;
    case AUTOMATION_BAD_HOURS:
        reply_refuse(call, 400, "invalid_args",
                     "destroy_when_stopped_hours must be from 0 (off) to %d, a year.",
                     AUTOMATION_STOPPED_HOURS_MAX);
        return true;
    case AUTOMATION_BAD_TRAFFIC:
        reply_refuse(call, 400, "invalid_args",
                     "stop_when_moved_gb must be from 0 (off) to %d, a petabyte.",
                     AUTOMATION_TRAFFIC_GB_MAX);
        return true;
    case AUTOMATION_BAD_LIMIT:
        reply_refuse(call, 400, "invalid_args",
                     "limit_up_mbit and limit_down_mbit must be from 0 (off) to %d.",
                     AUTOMATION_MBIT_MAX);
        return true;
    }
    return true;
}

void handle_instance_rules(struct call *call)
{
    const struct json_bounds bounds = { -1, RULE_NUMBER_MAX };
    struct automation_request request = {
        .instance_id = call->params[0].id,
        .has_minutes = json_member(call->body, "stop_when_idle_minutes") != NULL,
        .has_hours = json_member(call->body, "destroy_when_stopped_hours") != NULL,
        .has_traffic = json_member(call->body, "stop_when_moved_gb") != NULL,
        .has_limit_up = json_member(call->body, "limit_up_mbit") != NULL,
        .has_limit_down = json_member(call->body, "limit_down_mbit") != NULL,
    };
    enum automation_outcome outcome;
    struct error err;

    if (!json_opt_int(call->body, "stop_when_idle_minutes", bounds, &request.idle_stop_minutes,
                      &err) ||
        !json_opt_int(call->body, "destroy_when_stopped_hours", bounds,
                      &request.destroy_stopped_hours, &err) ||
        !json_opt_int(call->body, "stop_when_moved_gb", bounds, &request.traffic_gb, &err) ||
        !json_opt_int(call->body, "limit_up_mbit", bounds, &request.limit_up_mbit, &err) ||
        !json_opt_int(call->body, "limit_down_mbit", bounds, &request.limit_down_mbit, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!request.has_minutes && !request.has_hours && !request.has_traffic &&
        !request.has_limit_up && !request.has_limit_down)
        return reply_refuse(call, 400, "invalid_args",
                            "Give stop_when_idle_minutes, destroy_when_stopped_hours, "
                            "stop_when_moved_gb, limit_up_mbit or limit_down_mbit.");
    if (!flow_automation_set(&call->app->flow, &call->caller, &request, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse_rules(call, outcome))
        reply_message(call, "The rules of instance %lld are set.", (long long)request.instance_id);
}

static bool refuse_extend(struct call *call, enum extend_outcome outcome)
{
    switch (outcome) {
    case EXTEND_DONE:
        return false;
    case EXTEND_NO_MACHINE:
        reply_refuse(call, 404, "no_such_machine", "Machine %lld is not one of yours.",
                     (long long)call->params[0].id);
        return true;
    case EXTEND_BAD_END:
        reply_refuse(call, 400, "invalid_args", "Give an end_date ahead of now.");
        return true;
    case EXTEND_PRICE_HIGHER:
        reply_refuse(call, 400, "invalid_args",
                     "Rentals are extended at the price that they were made at, or a lower one.");
        return true;
    case EXTEND_BAD_PRICE:
        reply_refuse(call, 400, "invalid_args",
                     "price_gpu must be from 0 to 10,000 dollars an hour.");
        return true;
    }
    return true;
}

void handle_machine_extend(struct call *call)
{
    auto_buf struct buf body = buf_of(EXTEND_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct extend_request request = { .machine_id = call->params[0].id };
    struct extend_reply done;
    const json_t *end = json_member(call->body, "end_date");
    struct error err;

    double seconds = json_is_number(end) ? json_number_value(end) : -1;
    if (!(seconds >= 0 && seconds < 1e11))
        return reply_refuse(call, 400, "invalid_args", "end_date must be Unix seconds.");
    request.end.microseconds = (int64_t)(seconds * 1e6);
    request.has_gpu_hour = json_member(call->body, "price_gpu") != NULL;
    if (!json_opt_money(call->body, "price_gpu", &request.gpu_hour, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_extend(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (refuse_extend(call, done.outcome))
        return;
    const char *text =
        arena_printf(call->request->arena, "%lld rental%s on machine %lld now end%s later.",
                     (long long)done.extended, done.extended == 1 ? "" : "s",
                     (long long)request.machine_id, done.extended == 1 ? "s" : "");
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", text != NULL ? text : "");
    encode_field_int(&json, "extended", done.extended);
    encode_end(&json);
    reply_json(call, &body);
}
