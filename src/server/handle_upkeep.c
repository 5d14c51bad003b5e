/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of machines, their host's clearing up, offers cut anew, and machines that go for good
 * (api.md 2.15.2). */
#include "base/json.h"
#include "flow/remove_machine.h"
#include "flow/upkeep.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/rating_read.h"
#include "server/reply.h"

enum { UPKEEP_REPLY_MAX = 2 << 20, RECUT_MAX = 256 };

/* Refuse for every outcome but UPKEEP_DONE; true where it refused. */
static bool refuse(struct call *call, enum upkeep_outcome outcome, int64_t id)
{
    switch (outcome) {
    case UPKEEP_DONE:
        return false;
    case UPKEEP_NO_MACHINE:
        reply_refuse(call, 404, "no_such_machine", "There is no machine %lld here.", (long long)id);
        return true;
    case UPKEEP_BAD_REPORT:
        reply_refuse(call, 400, "invalid_args",
                     "problem has 1 to %d and message 1 to %d bytes, without control characters.",
                     UPKEEP_PROBLEM_MAX, UPKEEP_MESSAGE_MAX);
        return true;
    case UPKEEP_TOO_SOON:
        break;
    }
    reply_refuse(call, 409, "conflict", "You have reported this machine within a day.");
    return true;
}

void handle_machine_report(struct call *call)
{
    static const struct json_bounds ids = { 1, INT64_MAX };
    const char *problem, *message;
    enum upkeep_outcome outcome;
    int64_t id;
    struct error err;

    if (!json_need_int(call->body, "machine_id", ids, &id, &err) ||
        !json_need_text(call->body, "problem", HTTP_BODY_MAX, &problem, &err) ||
        !json_need_text(call->body, "message", HTTP_BODY_MAX, &message, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_report_machine(&call->app->flow, &call->caller, id, problem, message, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, id))
        reply_message(call, "The host and the operator can read it.");
}

void handle_machine_reports(struct call *call)
{
    auto_buf struct buf body = buf_of(UPKEEP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_report_row *reports;
    enum upkeep_outcome outcome;
    size_t count;
    struct error err;

    if (!flow_machine_reports(&call->app->flow, &call->caller, call->params[0].id,
                              call->request->arena, &reports, &count, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome, call->params[0].id))
        return;
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        rating_encode_report(&json, &reports[i]);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_machine_cleanup(struct call *call)
{
    auto_buf struct buf body = buf_of(UPKEEP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    enum upkeep_outcome outcome;
    int64_t deleted;
    struct error err;

    if (!flow_clean_up(&call->app->flow, &call->caller, call->params[0].id, &deleted, &outcome,
                       &err))
        return reply_error(call, &err);
    if (refuse(call, outcome, call->params[0].id))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "machine_id", call->params[0].id);
    encode_field_int(&json, "num_deleted", deleted);
    encode_field_text(&json, "msg", "Instances whose data need not be kept any more are deleted.");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_machines_defrag(struct call *call)
{
    const json_t *ids;
    enum upkeep_outcome outcome;
    struct error err;

    if (!json_need_array(call->body, "machine_ids", RECUT_MAX, &ids, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        int64_t id = json_integer_value(json_array_get(ids, i));

        if (!flow_recut(&call->app->flow, &call->caller, id, &outcome, &err))
            return reply_error(call, &err);
        if (refuse(call, outcome, id))
            return;
    }
    reply_message(call, "Offers are cut anew, of what is free now.");
}

void handle_machine_delete(struct call *call)
{
    const long long id = (long long)call->params[0].id;
    enum remove_machine_outcome outcome;
    int64_t rentals;
    struct error err;

    if (!flow_remove_machine(&call->app->flow, &call->caller, id, &outcome, &rentals, &err))
        return reply_error(call, &err);
    switch (outcome) {
    case REMOVE_DONE:
        return reply_message(
            call,
            "Machine %lld is off the market for good. To let it join again, delete "
            "its agent's data and use a new token.",
            id);
    case REMOVE_NO_MACHINE:
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld here.", id);
    case REMOVE_IS_RENTED:
        return reply_refuse(
            call, 409, "in_use",
            "%lld rentals are on machine %lld, running or stopped: they have to end "
            "first. `berth host reclaim` ends them in time.",
            (long long)rentals, id);
    }
}
