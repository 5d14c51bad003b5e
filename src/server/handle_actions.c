/* SPDX-License-Identifier: Apache-2.0 */
/* What renters do to instances that they have: start, stop, label, reboot, destroy, and ask why
 * (api.md 2.6). Clients repeat these, so what is so already is a success. */
#include <string.h>

#include "base/json.h"
#include "flow/instance.h"
#include "flow/rent.h"
#include "flow/why.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { BULK_MAX = 64, STATE_TEXT_MAX = 16, WHY_REPLY_MAX = 1 << 20 };

/* One sentence for whoever asked; `code` and `status` where it is a refusal. */
struct verdict {
    int status; /* 200: done */
    const char *code, *sentence;
};

static struct verdict judge(enum change_outcome outcome)
{
    switch (outcome) {
    case CHANGE_DONE:
        return (struct verdict){ 200, "", "" };
    case CHANGE_WAITS:
        return (struct verdict){
            200, "", "Its GPUs are taken. It starts by itself as soon as enough of them are free."
        };
    case CHANGE_NO_INSTANCE:
        return (struct verdict){ 404, "no_such_instance", "No such instance on this account." };
    case CHANGE_NO_CREDIT:
        return (struct verdict){ 400, "insufficient_balance",
                                 "There is not enough credit for that. Add credit first." };
    case CHANGE_LIFETIME_OVER:
        return (struct verdict){ 400, "lifetime_expired",
                                 "Its lifetime has expired (lifetime_expired): it cannot start "
                                 "unless its host extends it. Copy your data away." };
    case CHANGE_BARRED:
        return (struct verdict){ 400, "invalid_args",
                                 "Its machine failed a check and runs nothing new until that is "
                                 "cleared." };
    case CHANGE_LABEL_TOO_LONG:
        return (struct verdict){ 400, "label_too_long", "A label has at most 1024 characters." };
    case CHANGE_DISK_SHRINKS:
        return (struct verdict){ 400, "invalid_args",
                                 "It has more disk than that already, and disks only grow." };
    case CHANGE_DISK_TAKEN:
        return (struct verdict){ 400, "invalid_args", "Its machine has not as much disk left." };
    case CHANGE_NOT_RUNNING:
        return (struct verdict){ 400, "invalid_args", "It is stopped. Start it instead." };
    }
    return (struct verdict){ 500, "internal_error", "Something went wrong." };
}

static void reply_verdict(struct call *call, enum change_outcome outcome)
{
    struct verdict verdict = judge(outcome);

    if (verdict.status != 200)
        return reply_refuse(call, verdict.status, verdict.code, "%s", verdict.sentence);
    if (verdict.sentence[0] != '\0')
        return reply_message(call, "%s", verdict.sentence);
    reply_success(call);
}

static bool set_state(struct call *call, int64_t id, bool runs, enum change_outcome *ret,
                      struct error *err)
{
    return runs ? flow_start(&call->app->flow, &call->caller, id, ret, err)
                : flow_stop(&call->app->flow, &call->caller, id, ret, err);
}

/* "running" or "stopped"; false, and the call is answered, for anything else. */
static bool read_state(struct call *call, const char *state, bool *ret_runs)
{
    *ret_runs = strcmp(state, "running") == 0;
    if (*ret_runs || strcmp(state, "stopped") == 0)
        return true;
    reply_refuse(call, 400, "invalid_args", "state must be \"running\" or \"stopped\".");
    return false;
}

void handle_instance_update(struct call *call)
{
    int64_t id = call->params[0].id;
    static const struct json_bounds sizes = { 1, METER_QUANTITY_MAX };
    const char *state = NULL, *label = NULL;
    enum change_outcome outcome = CHANGE_DONE;
    int64_t disk_gb = 0;
    bool runs = false;
    struct error err;

    if (!json_opt_text(call->body, "state", STATE_TEXT_MAX, &state, &err) ||
        !json_opt_text(call->body, "label", HTTP_BODY_MAX, &label, &err) ||
        !json_opt_int(call->body, "disk", sizes, &disk_gb, &err))
        return reply_error(call, &err);
    if (state == NULL && label == NULL && disk_gb == 0)
        return reply_refuse(call, 400, "invalid_args", "Give a state, a label or a disk.");
    if (state != NULL && !read_state(call, state, &runs))
        return;
    if (label != NULL && !flow_label(&call->app->flow, &call->caller, id, label, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == CHANGE_DONE && disk_gb != 0 &&
        !flow_grow(&call->app->flow, &call->caller, id, disk_gb, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == CHANGE_DONE && state != NULL && !set_state(call, id, runs, &outcome, &err))
        return reply_error(call, &err);
    reply_verdict(call, outcome);
}

/* The ids in member `name`; false, and the call is answered, where they are none. */
static bool read_ids(struct call *call, const char *name, int64_t ids[static BULK_MAX],
                     size_t *ret_count)
{
    const json_t *array;
    struct error err;

    if (!json_need_array(call->body, name, BULK_MAX, &array, &err)) {
        reply_error(call, &err);
        return false;
    }
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(array, i);
        if (!json_is_integer(id) || json_integer_value(id) <= 0) {
            reply_refuse(call, 400, "invalid_args", "%s must be instance ids.", name);
            return false;
        }
        ids[i] = json_integer_value(id);
    }
    *ret_count = count;
    return true;
}

void handle_instances_update(struct call *call)
{
    auto_buf struct buf troubles = buf_of(64 * 1024);
    int64_t ids[BULK_MAX];
    size_t count;
    const char *state;
    bool runs = false;
    struct error err;

    if (!json_need_text(call->body, "state", STATE_TEXT_MAX, &state, &err))
        return reply_error(call, &err);
    if (!read_state(call, state, &runs) || !read_ids(call, "ids", ids, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        enum change_outcome outcome;
        if (!set_state(call, ids[i], runs, &outcome, &err))
            return reply_error(call, &err);
        struct verdict verdict = judge(outcome);
        if (verdict.status != 200 && outcome != CHANGE_NO_INSTANCE)
            buf_printf(&troubles, "%sInstance %lld: %s", troubles.length > 0 ? " " : "",
                       (long long)ids[i], verdict.sentence);
    }
    if (troubles.length == 0)
        return reply_success(call);

    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    encode_object(&json);
    encode_field_bool(&json, "success", false);
    encode_field_text(&json, "msg", troubles.bytes);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_instance_destroy(struct call *call)
{
    enum change_outcome outcome;
    struct error err;

    if (!flow_destroy(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    reply_verdict(call, outcome);
}

void handle_instances_destroy(struct call *call)
{
    int64_t ids[BULK_MAX];
    size_t count;
    struct error err;

    if (!read_ids(call, "instance_ids", ids, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        /* One that is gone already is what was wanted: clients send this six times. */
        enum change_outcome outcome;
        if (!flow_destroy(&call->app->flow, &call->caller, ids[i], &outcome, &err))
            return reply_error(call, &err);
    }
    reply_success(call);
}

void handle_instance_reboot(struct call *call)
{
    enum change_outcome outcome;
    struct error err;

    if (!flow_reboot(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    reply_verdict(call, outcome);
}

void handle_instance_why(struct call *call)
{
    auto_buf struct buf body = buf_of(WHY_REPLY_MAX);
    auto_buf struct buf text = buf_of(WHY_REPLY_MAX / 4);
    struct encoder json = encoder_of(&body);
    struct instance_view view;
    struct why why;
    bool has;
    struct error err;

    if (!flow_instance_show(&call->app->flow, &call->caller, call->params[0].id,
                            call->request->arena, &view, &has, &err) ||
        (has && !flow_why(&call->app->flow, &call->caller, call->params[0].id, call->request->arena,
                          &why, &has, &err)))
        return reply_error(call, &err);
    if (!has)
        return reply_verdict(call, CHANGE_NO_INSTANCE);

    bool has_reason = view.contract->reason != REASON_NONE;
    buf_printf(&text, "%s%s%s", why.sentence, why.advice[0] != '\0' ? " " : "", why.advice);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "id", call->params[0].id);
    encode_field_text(&json, "state", rental_state_name(view.contract->state));
    encode_field_text(&json, "reason", has_reason ? why.code : NULL);
    encode_field_text(&json, "msg", text.bytes);
    encode_key(&json, "events");
    encode_array(&json);
    for (size_t i = 0; i < why.event_count; i++) {
        encode_object(&json);
        field_time(&json, "at", why.events[i].at);
        encode_field_text(&json, "event", why.events[i].state);
        encode_field_text(&json, "reason", why.events[i].code);
        encode_field_text(&json, "msg", why.events[i].sentence);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
