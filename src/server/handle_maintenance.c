/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance windows of machines: schedule, cancel, show (api.md 2.15.2). */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "flow/maintenance.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { MAINTENANCE_REPLY_MAX = 4 << 20, MACHINES_MAX = 256, CATEGORY_MAX = 32 };

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
static bool read_start(const json_t *body, struct instant *ret, struct error *err)
{
    const json_t *value = json_member(body, "sdate");

    if (json_is_string(value) && parse_time(json_string_value(value), ret))
        return true;
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (!(seconds >= 0 && seconds < 1e11))
        return error_set(err, ERROR_INVALID, "sdate must be Unix seconds, or a time in RFC 3339");
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

    if (!read_start(body, &window->start, err) ||
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
