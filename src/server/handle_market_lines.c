/* SPDX-License-Identifier: Apache-2.0 */
/* The market over days and over the world, open to everybody: what was there, what ran, what was
 * paid for it, and in which countries it is. */
#include "market/region.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/market_stats.h"
#include "server/reply.h"

enum { MARKET_LINES_REPLY_MAX = 1 << 20, SECONDS_PER_HOUR = 3600 };

static void field_hours(struct encoder *json, const char *key, int64_t seconds)
{
    encode_field_real(json, key, (double)seconds / SECONDS_PER_HOUR);
}

static void encode_day(struct encoder *json, const struct prices_day *day, int64_t ago)
{
    static const char *const names[] = { "price_p10", "price_median", "price_p90" };

    encode_object(json);
    encode_field_int(json, "days_ago", ago);
    field_hours(json, "gpu_hours", day->there_s);
    field_hours(json, "rented_gpu_hours", day->run_s);
    for (int i = 0; i < 3; i++) {
        if (day->run_s > 0)
            encode_field_money(json, names[i], day->points[i]);
        else
            field_null(json, names[i]);
    }
    encode_end(json);
}

void handle_metrics_days(struct call *call)
{
    auto_buf struct buf body = buf_of(MARKET_LINES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *gpu_name = http_query(call->request, "gpu_name");
    struct prices_day days[MARKET_DAYS];
    struct error err;

    if (gpu_name != NULL && *gpu_name == '\0')
        gpu_name = NULL;
    if (!market_stats_days(call->app->market_stats, gpu_name, days, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "days");
    encode_array(&json);
    for (int i = 0; i < MARKET_DAYS; i++)
        encode_day(&json, &days[i], MARKET_DAYS - 1 - i);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static void encode_place(struct encoder *json, const struct prices_place *place)
{
    encode_object(json);
    field_known_text(json, "country_code", place->country);
    field_known_text(json, "continent", region_continent(place->country));
    encode_field_int(json, "available", place->available);
    encode_field_int(json, "rented", place->rented);
    if (place->available > 0)
        encode_field_money(json, "price_median", place->median);
    else
        field_null(json, "price_median");
    encode_end(json);
}

void handle_metrics_places(struct call *call)
{
    auto_buf struct buf body = buf_of(MARKET_LINES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct prices_place *places;
    struct error err;
    size_t count;

    if (!market_stats_places(call->app->market_stats, call->request->arena, &places, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "places");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_place(&json, &places[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
