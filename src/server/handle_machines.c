/* SPDX-License-Identifier: Apache-2.0 */
/* A host's machines: what they are and earn, listing and unlisting them, and letting a new one join
 * (api.md 2.15). */
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/enroll.h"
#include "flow/list_machine.h"
#include "flow/machines.h"
#include "market/auction.h"
#include "market/volume.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum {
    MACHINES_REPLY_MAX = HTTP_REPLY_MAX,
    DURATION_TEXT_MAX = 64,
    HOURS_PER_DAY = 24,
    SECONDS_PER_DAY = 86400,
};

/* Of a GPU, by who has it: the host's own job leaves it free for rent. */
static const char *letter_of(const struct gpu_row *gpu)
{
    if (gpu->claimed_by == 0 || gpu->claimed_kind == KIND_IDLE)
        return "x ";
    return gpu->claimed_kind == KIND_BID ? "I " : gpu->claimed_kind == KIND_RESERVED ? "R " : "D ";
}

static void encode_occupancy(struct encoder *json, const struct machine_view *view)
{
    auto_buf struct buf text = buf_of(2 * GPUS_MAX + 2);

    for (size_t i = 0; i < view->gpu_row_count; i++)
        buf_append(&text, letter_of(&view->gpus[i]), 2);
    encode_field_text(json, "gpu_occupancy", text.length > 0 ? text.bytes : "");
}

static void encode_rentals(struct encoder *json, const struct machine_view *view)
{
    encode_field_int(json, "current_rentals_running", view->running_count);
    encode_field_int(json, "current_rentals_running_on_demand", view->running_firm_count);
    encode_field_int(json, "current_rentals_running_reserved", view->running_reserved_count);
    encode_field_int(json, "current_rentals_on_demand", view->firm_count);
    encode_field_int(json, "current_rentals_reserved", view->reserved_count);
    encode_field_int(json, "current_rentals_resident", view->contract_count);
    encode_field_money(json, "earn_hour", view->earn_hour);
    encode_field_money(json, "earn_day",
                       (struct money){ view->earn_hour.nanodollars * HOURS_PER_DAY });
    field_time(json, "client_end_date", view->contracts_end);
}

/* The present terms, or the last ones; null for a machine that never had any. */
static void encode_listing(struct encoder *json, const struct machine_row *machine)
{
    static const char *const names[] = { "listed_gpu_cost",      "listed_storage_cost",
                                         "listed_inet_up_cost",  "listed_inet_down_cost",
                                         "listed_min_gpu_count", "min_bid_price",
                                         "credit_discount_max",  "end_date" };
    const struct listing *listing = &machine->listing;

    encode_field_bool(json, "listed", machine->is_listed);
    if (!machine->is_listed && listing->gpu_hour.nanodollars == 0) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            field_null(json, names[i]);
        return;
    }
    encode_field_money(json, names[0], listing->gpu_hour);
    encode_field_money(json, names[1], listing->disk_month);
    field_per_gb(json, names[2], listing->up_tb);
    field_per_gb(json, names[3], listing->down_tb);
    encode_field_int(json, names[4], listing->min_chunk);
    encode_field_money(json, names[5], listing->min_bid_hour);
    field_fixed(json, names[6], listing->discount_max_ppm, 6);
    field_time(json, names[7], listing->end);
    encode_field_int(json, "max_grace", listing->grace_max_s);
}

static void encode_maintenance(struct encoder *json, const struct maintenance_row *window)
{
    encode_key(json, "machine_maintenance");
    if (window == NULL)
        return encode_null(json);
    encode_object(json);
    field_time(json, "start_time", window->start);
    field_time(json, "end_time", window->end);
    encode_field_text(json, "maintenance_category", window->category);
    encode_end(json);
}

/* What runs on GPUs that nobody rents. */
static bool encode_idle_job(struct encoder *json, const struct idle_job_row *job, struct error *err)
{
    auto_json json_t *spec = NULL;

    if (job != NULL && job->image != NULL && !json_parse(job->spec, strlen(job->spec), &spec, err))
        return error_context(err, "the job for idle GPUs of %lld", (long long)job->machine_id);
    field_known_fixed(json, "bid_gpu_cost", job != NULL ? job->ticks : 0, 3);
    field_known_int(json, "bid_gpus", job != NULL ? job->gpus : 0);
    field_known_text(json, "bid_image", job != NULL ? job->image : "");
    if (spec == NULL) {
        field_null(json, "bid_image_args");
        return true;
    }
    const json_t *args = json_member(spec, "args");
    encode_key(json, "bid_image_args");
    encode_array(json);
    for (size_t i = 0; i < json_array_size(args); i++)
        encode_text(json, json_string_value(json_array_get(args, i)));
    encode_end(json);
    return true;
}

static void encode_health(struct encoder *json, const struct machine_view *view, struct instant now)
{
    const struct machine_row *machine = view->machine;
    int64_t silent_s = view->seconds_since_heartbeat;

    if (silent_s < 0)
        silent_s = instant_until(machine->created, now) / US_PER_SECOND;
    encode_field_int(json, "timeout", machine->is_online ? 0 : silent_s);
    if (machine->is_quarantined)
        encode_field_text(json, "error_description",
                          "Its hardware is not what it was, so it is not rented out until the "
                          "operator has looked.");
    else
        field_known_text(json, "error_description",
                         machine->is_online && !machine->is_engine_ok ? machine->engine_message
                                                                      : "");
    encode_field_int(json, "num_reports", view->report_count);
    encode_field_int(json, "num_recent_reports", view->recent_report_count);
    encode_maintenance(json, view->maintenance);
}

static bool encode_machine(struct encoder *json, const struct machine_view *view,
                           struct instant now, struct error *err)
{
    const struct machine_row *row = view->machine;
    struct machine machine = machine_of_row(row, view->facts, now);
    int64_t free_gb = machine.disk_gb - view->disk_rented_gb;

    encode_object(json);
    encode_field_int(json, "id", row->id);
    encode_field_int(json, "machine_id", row->id);
    encode_field_int(json, "host_id", row->owner_id);
    field_known_text(json, "hostname", machine.hostname);
    encode_field_int(json, "num_gpus", machine.gpu_count);
    encode_field_int(json, "gpu_total_ram", machine.gpu_ram_mb * machine.gpu_count);
    fields_machine(json, &machine);
    encode_field_bool(json, "encrypted_workspace", machine.encrypts_workspaces);
    fields_gpu(json, &machine);
    field_known_fixed(json, "dlperf", machine.dlperf_milli * machine.gpu_count, 3);
    field_time(json, "dlperf_measured", machine.measured);
    field_time(json, "dlperf_stale_at", machine.stale);
    field_known_text(json, "agent_version", view->facts->agent_version);
    field_time(json, "key_since", row->key_since.microseconds > 0 ? row->key_since : row->created);
    field_time(json, "key_revoked_at", row->key_revoked);
    field_known_text(json, "public_ipaddr", machine.public_ip);
    encode_field_int(json, "disk_space", machine.disk_gb);
    encode_field_int(json, "max_disk_space", machine.disk_gb);
    encode_field_int(json, "alloc_disk_space", view->disk_rented_gb);
    encode_field_int(json, "avail_disk_space", free_gb > 0 ? free_gb : 0);
    encode_listing(json, row);
    encode_occupancy(json, view);
    encode_rentals(json, view);
    encode_health(json, view, now);
    if (!encode_idle_job(json, view->idle_job, err))
        return false;
    encode_end(json);
    return true;
}

static bool load_machines(struct call *call, int64_t id, struct arena *arena,
                          struct machine_view **ret, size_t *ret_count)
{
    struct error err;

    if (flow_machines(&call->app->flow, &call->caller, id, arena, ret, ret_count, &err))
        return true;
    reply_error(call, &err);
    return false;
}

static void refuse_unknown(struct call *call, int64_t id)
{
    reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.", (long long)id);
}

/* False: the call is answered. */
static bool encode_machines(struct call *call, struct encoder *json,
                            const struct machine_view *views, size_t count)
{
    struct instant now = clock_now(call->app->clock);
    struct error err;

    encode_array(json);
    for (size_t i = 0; i < count; i++) {
        if (!encode_machine(json, &views[i], now, &err)) {
            reply_error(call, &err);
            return false;
        }
    }
    encode_end(json);
    return true;
}

void handle_machines_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    auto_buf struct buf body = buf_of(MACHINES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_view *views;
    size_t count;

    if (!load_machines(call, 0, &arena, &views, &count))
        return;
    encode_object(&json);
    encode_key(&json, "machines");
    if (!encode_machines(call, &json, views, count))
        return;
    encode_end(&json);
    reply_json(call, &body);
}

void handle_machine_show(struct call *call)
{
    auto_buf struct buf body = buf_of(MACHINES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_view *views;
    size_t count;

    if (!load_machines(call, call->params[0].id, call->request->arena, &views, &count))
        return;
    if (count == 0)
        return refuse_unknown(call, call->params[0].id);
    if (encode_machines(call, &json, views, count))
        reply_json(call, &body);
}

/* A price per GB becomes one per TB of 1024 of them; 0 to a billion dollars, so it fits. */
static bool read_per_gb(const json_t *body, const char *name, struct money *ret_per_tb,
                        bool *ret_has, struct error *err)
{
    struct money per_gb = { 0 };

    *ret_has = json_member(body, name) != NULL;
    if (!json_opt_money(body, name, &per_gb, err))
        return false;
    if (per_gb.nanodollars > INT64_MAX / OFFER_GB_PER_TB)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is too large", name);
    ret_per_tb->nanodollars = per_gb.nanodollars * OFFER_GB_PER_TB;
    return true;
}

static bool read_price(const json_t *body, const char *name, struct money *ret, bool *ret_has,
                       struct error *err)
{
    *ret_has = json_member(body, name) != NULL;
    return json_opt_money(body, name, ret, err);
}

static bool read_discount(const json_t *body, struct list_machine_request *request,
                          struct error *err)
{
    const json_t *value = json_member(body, "credit_discount_max");

    if (value == NULL)
        return true;
    double part = json_is_number(value) ? json_number_value(value) : -1;
    if (!(part >= 0 && part <= 1))
        return error_set(err, ERROR_OUT_OF_RANGE, "credit_discount_max must be 0 to 1");
    request->has_discount_max = true;
    request->values.discount_max_ppm = (int64_t)(part * 1e6 + 0.5);
    return true;
}

/* "3 months", "10 days": a number, a blank, a unit with or without its s. */
static bool parse_duration(const char *text, int64_t *ret_s)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {
        { "second", 1 },
        { "hour", 3600 },
        { "day", SECONDS_PER_DAY },
        { "week", 7 * SECONDS_PER_DAY },
        { "month", 30 * SECONDS_PER_DAY },
        { "year", 365 * SECONDS_PER_DAY },
    };
    char number[DURATION_TEXT_MAX];
    size_t digits = strspn(text, "0123456789");
    uint64_t count;

    if (digits == 0 || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!parse_u64(number, &count) || count > INT32_MAX)
        return false;
    const char *unit = text + digits + strspn(text + digits, " ");
    if (unit[0] == '\0') {
        *ret_s = (int64_t)count;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen(units[i].unit);
        if (strncmp(unit, units[i].unit, length) == 0 &&
            (unit[length] == '\0' || strcmp(unit + length, "s") == 0)) {
            *ret_s = (int64_t)count * units[i].seconds;
            return true;
        }
    }
    return false;
}

static bool read_end(const json_t *body, struct list_machine_request *request, struct error *err)
{
    const json_t *end = json_member(body, "end_date");
    const json_t *duration = json_member(body, "duration");

    if (end != NULL) {
        double seconds = json_is_number(end) ? json_number_value(end) : -1;
        if (!(seconds >= 0 && seconds < 1e11))
            return error_set(err, ERROR_INVALID, "end_date must be Unix seconds");
        request->has_end = true;
        request->values.end.microseconds = (int64_t)(seconds * 1e6);
    }
    if (duration == NULL)
        return true;
    request->has_duration = true;
    if (json_is_string(duration)) {
        if (!parse_duration(json_string_value(duration), &request->duration_s))
            return error_set(err, ERROR_INVALID, "duration must be like '3 months'");
        return true;
    }
    return json_need_int(body, "duration", (struct json_bounds){ 1, INT32_MAX },
                         &request->duration_s, err);
}

static bool read_listing(const json_t *body, struct list_machine_request *request,
                         struct error *err)
{
    struct listing *values = &request->values;

    request->has_min_chunk = json_member(body, "min_chunk") != NULL;
    request->has_volume_gb = json_member(body, "vol_size") != NULL;
    request->has_grace_max = json_member(body, "max_grace") != NULL;
    return json_need_int(body, "machine", (struct json_bounds){ 1, INT64_MAX },
                         &request->machine_id, err) &&
           read_price(body, "price_gpu", &values->gpu_hour, &request->has_gpu_hour, err) &&
           read_price(body, "price_disk", &values->disk_month, &request->has_disk_month, err) &&
           read_price(body, "price_min_bid", &values->min_bid_hour, &request->has_min_bid, err) &&
           read_per_gb(body, "price_inetu", &values->up_tb, &request->has_up_tb, err) &&
           read_per_gb(body, "price_inetd", &values->down_tb, &request->has_down_tb, err) &&
           json_opt_int(body, "min_chunk", (struct json_bounds){ 1, GPUS_MAX }, &values->min_chunk,
                        err) &&
           json_opt_int(body, "max_grace", (struct json_bounds){ 0, AUCTION_GRACE_S_MAX },
                        &values->grace_max_s, err) &&
           json_opt_int(body, "vol_size", (struct json_bounds){ 0, VOLUME_GB_MAX },
                        &request->volume_gb, err) &&
           read_price(body, "vol_price", &request->volume_month, &request->has_volume_month, err) &&
           read_discount(body, request, err) && read_end(body, request, err);
}

/* Refuse for every outcome but LIST_DONE; true where it refused. */
static bool refuse_listing(struct call *call, enum list_machine_outcome outcome, int64_t id)
{
    switch (outcome) {
    case LIST_DONE:
        return false;
    case LIST_NO_MACHINE:
        refuse_unknown(call, id);
        return true;
    case LIST_BAD_PRICE:
        reply_refuse(call, 400, "invalid_args",
                     "Give price_gpu, and every price between 0 and 10,000 dollars.");
        return true;
    case LIST_BAD_VOLUME:
        reply_refuse(call, 400, "invalid_args",
                     "vol_size must be no more than the machine's disk has free.");
        return true;
    case LIST_BAD_CHUNK:
        reply_refuse(call, 400, "invalid_args", "min_chunk must be from 1 to the machine's GPUs.");
        return true;
    case LIST_BAD_END:
        reply_refuse(call, 400, "invalid_args",
                     "Give an end_date ahead of now, or a duration, and not both.");
        return true;
    case LIST_BAD_BID:
        reply_refuse(call, 400, "invalid_args", "price_min_bid must not be above price_gpu.");
        return true;
    case LIST_BAD_GRACE:
        reply_refuse(call, 400, "invalid_args", "max_grace must be from 0 to %d seconds.",
                     AUCTION_GRACE_S_MAX);
        return true;
    case LIST_QUARANTINED:
        reply_refuse(call, 403, "not_authorized",
                     "Its hardware is not what it was: the operator has to look first.");
        return true;
    }
    return true;
}

void handle_machine_create_asks(struct call *call)
{
    auto_buf struct buf body = buf_of(MACHINES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct list_machine_request request = { 0 };
    struct list_machine_reply done;
    char price[MONEY_TEXT_SIZE];
    struct error err;

    if (!read_listing(call->body, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_list_machine(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (refuse_listing(call, done.outcome, request.machine_id))
        return;

    const char *text = arena_printf(
        call->request->arena, "Machine %lld is on the market with %zu offer%s, at $%s an hour.",
        (long long)request.machine_id, done.offer_count, done.offer_count == 1 ? "" : "s",
        money_format(done.listing.gpu_hour, price));
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", text != NULL ? text : "");
    encode_field_int(&json, "extended", done.extended);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_machine_unlist(struct call *call)
{
    enum list_machine_outcome outcome;
    struct error err;

    if (!flow_unlist_machine(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse_listing(call, outcome, call->params[0].id))
        reply_message(call, "Machine %lld is off the market. Its rentals go on.",
                      (long long)call->params[0].id);
}

void handle_machine_enroll_token(struct call *call)
{
    auto_buf struct buf body = buf_of(4096);
    struct encoder json = encoder_of(&body);
    struct enroll_token_reply done;
    struct error err;
    int64_t machine_id = 0;

    if (!json_opt_int(call->body, "machine_id", (struct json_bounds){ 1, INT64_MAX }, &machine_id,
                      &err) ||
        !flow_enroll_token(&call->app->flow, &call->caller, machine_id, &done, &err))
        return reply_error(call, &err);
    switch (done.outcome) {
    case ENROLL_TOKEN_MADE:
        break;
    case ENROLL_TOKEN_NO_MACHINE:
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)machine_id);
    case ENROLL_TOKEN_KEY_IS_GOOD:
        return reply_refuse(call, 409, "conflict",
                            "Machine %lld has a key that is good: it needs no token.",
                            (long long)machine_id);
    }
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "token", done.token);
    field_time(&json, "expires_at", done.expires);
    encode_end(&json);
    crypto_wipe(done.token, sizeof done.token);
    reply_json(call, &body);
}
