/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance windows of machines: schedule, cancel, show (api.md 2.15.2); and taking one back. */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "flow/maintenance.h"
#include "flow/reclaim.h"
#include "market/reclaim.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { MAINTENANCE_REPLY_MAX = 4 << 20, MACHINES_MAX = 256, CATEGORY_MAX = 32, REPLY_MAX = 4096 };

static bool refuse_maintenance(struct call *call, enum maintenance_outcome outcome)
{
    switch (outcome) {
    case MAINTENANCE_DONE:
        return false;
    case MAINTENANCE_NO_MACHINE:
        reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.",
                     (long long)call->params[0].id);
        return true;
    case MAINTENANCE_BAD_TIME:
        reply_refuse(call, 400, "invalid_args",
                     "A window ends ahead of now, and lasts for more than nothing and at most 30 "
                     "days.");
        return true;
    case MAINTENANCE_TOO_MANY:
        reply_refuse(call, 400, "invalid_args", "A machine has at most %d windows ahead.",
                     MAINTENANCE_WINDOWS_MAX);
        return true;
    }
    return true;
}

/* "2027-01-31T08:00:00Z", to the minute or the day too; UTC. */
static bool parse_time(const char *text, struct instant *ret)
{
    static const char *const formats[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
                                           "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm parts = { 0 };
        const char *end = strptime(text, formats[i], &parts);

        if (end != NULL && *end == '\0') {
            *ret = (struct instant){ (int64_t)timegm(&parts) * US_PER_SECOND };
            return true;
        }
    }
    return false;
}

/* Unix seconds, or RFC 3339. */
static bool read_time(const json_t *body, const char *name, struct instant *ret, struct error *err)
{
    const json_t *value = json_member(body, name);

    if (json_is_string(value) && parse_time(json_string_value(value), ret))
        return true;
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (!(seconds >= 0 && seconds < 1e11))
        return error_set(err, ERROR_INVALID, "%s must be Unix seconds, or a time in RFC 3339",
                         name);
    *ret = (struct instant){ (int64_t)(seconds * 1e6) };
    return true;
}

static bool read_window(const json_t *body, struct maintenance_row *window, struct error *err)
{
    static const char *const categories[] = { "power",    "internet", "disk",        "gpu",
                                              "software", "other",    "not provided" };
    const json_t *duration = json_member(body, "duration");
    double hours = json_is_number(duration) ? json_number_value(duration) : -1;
    const char *category = "not provided";

    if (!read_time(body, "sdate", &window->start, err) ||
        !json_opt_text(body, "maintenance_category", CATEGORY_MAX, &category, err))
        return false;
    if (!(hours > 0 && hours < 1e6))
        return error_set(err, ERROR_INVALID, "duration must be a number of hours");
    window->end = instant_add(window->start, (int64_t)(hours * (double)US_PER_HOUR));
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (strcmp(categories[i], category) == 0)
            window->category = categories[i];
    return window->category != NULL ||
           error_set(err, ERROR_INVALID,
                     "maintenance_category is power, internet, disk, gpu, software or other");
}

void handle_machine_maintenance_schedule(struct call *call)
{
    struct maintenance_row window = { .machine_id = call->params[0].id };
    enum maintenance_outcome outcome;
    struct error err;

    if (!read_window(call->body, &window, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_maintenance_schedule(&call->app->flow, &call->caller, &window, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse_maintenance(call, outcome))
        reply_message(call, "Maintenance of machine %lld is announced.",
                      (long long)window.machine_id);
}

void handle_machine_maintenance_cancel(struct call *call)
{
    enum maintenance_outcome outcome;
    struct error err;
    int64_t count;

    if (!flow_maintenance_cancel(&call->app->flow, &call->caller, call->params[0].id, &count,
                                 &outcome, &err))
        return reply_error(call, &err);
    if (!refuse_maintenance(call, outcome))
        reply_message(call, "%lld window%s of machine %lld cancelled.", (long long)count,
                      count == 1 ? "" : "s", (long long)call->params[0].id);
}

static bool refuse_reclaim(struct call *call, const struct reclaim_reply *reply)
{
    char due[INSTANT_TEXT_SIZE];

    switch (reply->outcome) {
    case RECLAIM_DONE:
        return false;
    case RECLAIM_NO_MACHINE:
        reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.",
                     (long long)call->params[0].id);
        return true;
    case RECLAIM_TOO_SOON:
        reply_refuse(call, 400, "invalid_args",
                     "Rentals on demand have a day: the deadline may be %s, or later.",
                     instant_format(reply->due, due));
        return true;
    case RECLAIM_BAD_REASON:
        reply_refuse(call, 400, "invalid_args", "reason is needed: at most %d bytes of it.",
                     RECLAIM_REASON_MAX);
        return true;
    }
    return true;
}

static bool read_reclaim(const json_t *body, struct reclaim_request *request, struct error *err)
{
    request->has_due = json_member(body, "deadline") != NULL;
    return json_need_text(body, "reason", RECLAIM_REASON_MAX, &request->reason, err) &&
           (!request->has_due || read_time(body, "deadline", &request->due, err));
}

void handle_machine_reclaim(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct reclaim_request request = { .machine_id = call->params[0].id };
    char due[INSTANT_TEXT_SIZE];
    struct reclaim_reply reply;
    struct error err;

    if (!read_reclaim(call->body, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_reclaim(&call->app->flow, &call->caller, &request, &reply, &err))
        return reply_error(call, &err);
    if (refuse_reclaim(call, &reply))
        return;
    const char *text = arena_printf(
        call->request->arena, "Machine %lld is off the market; %lld instance%s on it end%s at %s.",
        (long long)request.machine_id, (long long)reply.told, reply.told == 1 ? "" : "s",
        reply.told == 1 ? "s" : "", instant_format(reply.due, due));
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", text != NULL ? text : "");
    field_time(&json, "deadline", reply.due);
    encode_field_int(&json, "told", reply.told);
    encode_end(&json);
    reply_json(call, &body);
}

static void encode_window(struct encoder *json, const struct maintenance_row *window)
{
    encode_object(json);
    encode_field_int(json, "machine_id", window->machine_id);
    field_time(json, "start_time", window->start);
    field_time(json, "end_time", window->end);
    encode_field_real(json, "duration_hours",
                      (double)instant_until(window->start, window->end) / (double)US_PER_HOUR);
    encode_field_text(json, "maintenance_category", window->category);
    encode_end(json);
}

/* "[77, 78]"; none is all. */
static bool read_machines(const char *text, int64_t ids[static MACHINES_MAX], size_t *ret_count,
                          struct error *err)
{
    auto_json json_t *list = NULL;

    *ret_count = 0;
    if (text == NULL)
        return true;
    if (!json_parse(text, strlen(text), &list, err))
        return false;
    if (!json_is_array(list) || json_array_size(list) > MACHINES_MAX)
        return error_set(err, ERROR_INVALID, "machine_ids must be a list of at most %d numbers",
                         MACHINES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_integer(json_array_get(list, i)))
            return error_set(err, ERROR_INVALID, "machine_ids must hold whole numbers");
        ids[(*ret_count)++] = json_integer_value(json_array_get(list, i));
    }
    return true;
}

static bool is_asked_for(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return count == 0;
}

void handle_maintenance_list(struct call *call)
{
    auto_buf struct buf body = buf_of(MAINTENANCE_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    int64_t ids[MACHINES_MAX];
    struct maintenance_row *windows;
    size_t id_count, count;
    struct error err;

    if (!read_machines(http_query(call->request, "machine_ids"), ids, &id_count, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_maintenance_list(&call->app->flow, &call->caller, 0, call->request->arena, &windows,
                               &count, &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(ids, id_count, windows[i].machine_id))
            encode_window(&json, &windows[i]);
    encode_end(&json);
    reply_json(call, &body);
}
