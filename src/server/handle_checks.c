/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a machine, and how it stands: for everybody to read. */
#include "flow/requirement.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { CHECKS_REPLY_MAX = 1 << 16 };

static bool is_met(const struct requirement_line *line)
{
    return line->state == REQUIREMENT_GOOD || line->state == REQUIREMENT_NOT_NEEDED;
}

static void encode_line(struct encoder *json, enum requirement requirement,
                        const struct requirement_line *line)
{
    encode_object(json);
    encode_field_text(json, "name", requirement_name(requirement));
    encode_field_text(json, "title", requirement_title(requirement));
    encode_field_text(json, "state", requirement_state_name(line->state));
    encode_field_text(json, "measured", line->measured);
    encode_field_text(json, "needed", line->needed);
    encode_field_text(json, "costs", requirement_cost_name(requirement_cost(requirement)));
    field_known_text(json, "mend", is_met(line) ? "" : requirement_mend(requirement));
    field_time(json, "next_at", line->next);
    encode_end(json);
}

static void encode_checks(struct encoder *json, const struct requirement_list *list)
{
    const struct machine_row *machine = &list->machine;
    struct requirement_standing standing = { .now = machine->verification,
                                             .failed = machine->failed };

    encode_object(json);
    encode_field_bool(json, "success", true);
    encode_field_int(json, "machine_id", machine->id);
    field_time(json, "now", list->now);
    encode_field_bool(json, "is_online", machine->is_online);
    encode_field_text(json, "verification", verification_name(machine->verification));
    encode_field_bool(json, "is_set", machine->is_verification_set);
    encode_key(json, "failed");
    encode_array(json);
    for (int i = 0; i < REQUIREMENTS; i++) {
        if (!is_met(&list->lines[i]))
            encode_text(json, requirement_name((enum requirement)i));
    }
    encode_end(json);
    field_time(json, "back_at", requirement_back(&standing));
    field_time(json, "next_at", machine->look_at);
    encode_key(json, "checks");
    encode_array(json);
    for (int i = 0; i < REQUIREMENTS; i++)
        encode_line(json, (enum requirement)i, &list->lines[i]);
    encode_end(json);
    encode_end(json);
}

void handle_machine_checks(struct call *call)
{
    auto_buf struct buf body = buf_of(CHECKS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct requirement_list list;
    struct error err;
    bool has;

    if (!flow_requirements(&call->app->flow, call->params[0].id, call->request->arena, &list, &has,
                           &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)call->params[0].id);
    encode_checks(&json, &list);
    reply_json(call, &body);
}
