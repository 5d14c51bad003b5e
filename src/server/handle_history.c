/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to a machine, and what it comes to: for everybody to read, and to work out anew. */
#include "flow/history.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { HISTORY_REPLY_MAX = 4 << 20 };

static void field_hours(struct encoder *json, const char *key, int64_t us)
{
    encode_field_real(json, key, (double)us / (double)US_PER_HOUR);
}

static void encode_chances(struct encoder *json, const struct reliability *seen)
{
    int64_t lost = reliability_lost_ppm(seen), up = reliability_up_us(seen);

    field_fixed(json, "reliability", reliability_day_ppm(seen), 6);
    encode_field_real(json, "reliability_mult", reliability_chance(lost, up, 0));
    encode_field_real(json, "chance_7d", reliability_chance(lost, up, 7 * RELIABILITY_DAY_US));
    encode_field_real(json, "chance_30d", reliability_chance(lost, up, 30 * RELIABILITY_DAY_US));
    field_fixed(json, "interruptions", lost, 6);
    field_hours(json, "up_hours", up);
    field_hours(json, "mtbf_hours", reliability_mtbf_us(seen));
    field_hours(json, "mttr_hours", reliability_mttr_us(seen));
    field_fixed(json, "availability", reliability_available_ppm(seen), 6);
    encode_field_int(json, "half_life_days", RELIABILITY_HALF_LIFE_US / RELIABILITY_DAY_US);
}

static void encode_event(struct encoder *json, const struct machine_event_row *event)
{
    encode_object(json);
    encode_field_int(json, "machine_id", event->machine_id);
    encode_field_text(json, "kind", reliability_event_name(event->kind));
    field_time(json, "start", event->start);
    field_time(json, "end", event->end);
    field_fixed(json, "severity", event->severity_ppm, 6);
    encode_field_bool(json, "had_rental", event->had_rental);
    encode_field_text(json, "cause", reliability_cause_name(event->cause));
    encode_end(json);
}

static void encode_history(struct encoder *json, const struct history *history)
{
    const struct machine_row *machine = &history->machine;
    struct reliability seen = machine->reliability;

    if (seen.counted.microseconds != 0)
        reliability_advance(&seen, history->now, machine->is_online);
    encode_object(json);
    encode_field_bool(json, "success", true);
    encode_field_int(json, "machine_id", machine->id);
    field_time(json, "now", instant_max(history->now, seen.counted));
    encode_field_bool(json, "is_online", machine->is_online);
    field_known_int(json, "predecessor_id", machine->predecessor_id);
    encode_chances(json, &seen);
    encode_key(json, "events");
    encode_array(json);
    for (size_t i = 0; i < history->count; i++)
        encode_event(json, &history->events[i]);
    encode_end(json);
    encode_end(json);
}

void handle_machine_history(struct call *call)
{
    auto_buf struct buf body = buf_of(HISTORY_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct history history;
    struct error err;
    bool has;

    if (!flow_history(&call->app->flow, call->params[0].id, call->request->arena, &history, &has,
                      &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)call->params[0].id);
    encode_history(&json, &history);
    reply_json(call, &body);
}
