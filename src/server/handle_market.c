/* SPDX-License-Identifier: Apache-2.0 */
/* The market's own figures, open to everybody: supply, demand and prices by GPU, and what a machine
 * like those that are rented would earn. */
#include <string.h>

#include "base/parse.h"
#include "market/machine.h"
#include "market/region.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/market_read.h"
#include "server/market_stats.h"
#include "server/reply.h"

enum { MARKET_REPLY_MAX = 4 << 20, PLACES_ARENA_MAX = 256 << 20 };

#define PER_MILLE 1000

/* One of three words, the third of which is all. */
static bool read_choice(struct call *call, const char *name, const char *yes, const char *no,
                        enum prices_choice *ret)
{
    const char *text = http_query(call->request, name);

    *ret = PRICES_ALL;
    if (text == NULL || strcmp(text, "all") == 0)
        return true;
    *ret = strcmp(text, yes) == 0 ? PRICES_YES : PRICES_NO;
    if (*ret == PRICES_YES || strcmp(text, no) == 0)
        return true;
    reply_refuse(call, 400, "invalid_args", "%s is %s, %s or all.", name, yes, no);
    return false;
}

static bool read_gpus(struct call *call, const char *fallback, int64_t *ret)
{
    const char *text = http_query(call->request, "num_gpus");
    uint64_t count = 0;

    if (text == NULL || strcmp(text, "all") == 0)
        text = fallback;
    if (!parse_u64(text, &count) || count > GPUS_MAX) {
        reply_refuse(call, 400, "invalid_args", "num_gpus is a number from 1 to %d, or all.",
                     GPUS_MAX);
        return false;
    }
    *ret = (int64_t)count;
    return true;
}

void market_encode_point(struct encoder *json, const char *key, const struct prices_spread *spread,
                         int point)
{
    if (spread->gpus > 0)
        encode_field_money(json, key, spread->points[point]);
    else
        field_null(json, key);
}

/* Per dollar and hour at the middle price. */
void market_encode_per_dollar(struct encoder *json, const char *key, int64_t thousandths,
                              struct money price)
{
    if (thousandths > 0 && price.nanodollars > 0)
        encode_field_real(json, key,
                          (double)thousandths / PER_MILLE /
                              ((double)price.nanodollars / NANODOLLARS_PER_DOLLAR));
    else
        field_null(json, key);
}

static void encode_model(struct encoder *json, const struct prices_model *model)
{
    static const char *const available[] = { "price_p10", "price_p25", "price_median", "price_p75",
                                             "price_p90" };
    static const char *const rented[] = { "rented_p10", "rented_p25", "rented_median", "rented_p75",
                                          "rented_p90" };
    int64_t total = model->available.gpus + model->rented.gpus;
    struct money middle =
        model->available.gpus > 0 ? model->available.points[2] : model->rented.points[2];

    encode_object(json);
    encode_field_text(json, "gpu_name", model->gpu_name);
    encode_field_int(json, "total", total);
    encode_field_int(json, "available", model->available.gpus);
    encode_field_int(json, "rented", model->rented.gpus);
    field_fixed(json, "usage", model->rented.gpus * 10000 / total, 2);
    if (model->used_bps >= 0)
        field_fixed(json, "usage_30d", model->used_bps, 2);
    else
        field_null(json, "usage_30d");
    encode_field_int(json, "rented_verified", model->rented_verified);
    encode_field_int(json, "avail_verified", model->available_verified);
    encode_field_int(json, "rented_unverified", model->rented_unverified);
    encode_field_int(json, "avail_unverified", model->available_unverified);
    field_known_fixed(json, "dlperf", model->dlperf_milli, 3);
    field_known_fixed(json, "tflops", model->fp32_gflops, 3);
    market_encode_per_dollar(json, "tflops_per_dollar", model->fp32_gflops, middle);
    market_encode_per_dollar(json, "dlperf_per_dollar", model->dlperf_milli, middle);
    for (int i = 0; i < PRICES_POINTS; i++)
        market_encode_point(json, available[i], &model->available, i);
    for (int i = 0; i < PRICES_POINTS; i++)
        market_encode_point(json, rented[i], &model->rented, i);
    encode_end(json);
}

bool market_read_filter(struct call *call, struct prices_filter *ret)
{
    return read_choice(call, "verified", "yes", "no", &ret->verified) &&
           read_choice(call, "hosting_type", "secure_cloud", "community", &ret->datacenter) &&
           read_gpus(call, "0", &ret->num_gpus);
}

void handle_metrics_gpu(struct call *call)
{
    auto_buf struct buf body = buf_of(MARKET_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct prices_filter filter;
    struct prices_model *models;
    struct error err;
    size_t count;

    if (!market_read_filter(call, &filter))
        return;
    if (!market_stats_models(call->app->market_stats, &filter, call->request->arena, &models,
                             &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "gpus");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_model(&json, &models[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static void encode_place(struct encoder *json, const struct prices_spot *place)
{
    const struct prices_lot *lot = place->lot;
    size_t length = strlen(lot->place);
    char code[3];

    encode_object(json);
    field_null(json, "latitude");
    field_null(json, "longitude");
    const char *country = machine_country(lot->place, code);
    /* "Gothenburg, SE": without the comma, the blank and the code. */
    if (*country != '\0')
        length = length > 4 ? length - 4 : 0;
    encode_key(json, "city");
    if (length > 0)
        encode_bytes(json, lot->place, length);
    else
        encode_text(json, NULL);
    field_known_text(json, "country_code", country);
    encode_field_text(json, "gpu_name", lot->gpu_name);
    encode_field_bool(json, "rented", lot->is_rented);
    encode_field_bool(json, "verified", lot->is_verified);
    encode_field_bool(json, "datacenter", lot->is_datacenter);
    encode_field_int(json, "num_gpus", place->gpus);
    encode_end(json);
}

void handle_metrics_locations(struct call *call)
{
    auto_arena struct arena arena = arena_of(PLACES_ARENA_MAX);
    auto_buf struct buf body = buf_of(MARKET_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct prices_spot *places;
    size_t count;
    struct error err;

    if (!market_stats_spots(call->app->market_stats, &arena, &places, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "locations");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_place(&json, &places[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* "SE", or "EU". */
static bool read_countries(struct call *call, char code[static 3], const char **ret)
{
    const char *region = http_query(call->request, "region");

    *ret = NULL;
    if (region == NULL || *region == '\0' || strcmp(region, "all") == 0)
        return true;
    *ret = region_countries(region);
    if (*ret == NULL && *machine_country(region, code) != '\0')
        *ret = code;
    if (*ret == NULL)
        reply_refuse(call, 400, "invalid_args",
                     "region is a country, as SE, or a part of the "
                     "world, as EU.");
    return *ret != NULL;
}

static void encode_range(struct encoder *json, const char *key,
                         const struct prices_estimate *estimate, const struct money amounts[3],
                         int64_t times)
{
    static const char *const names[] = { "low", "median", "high" };

    encode_key(json, key);
    encode_object(json);
    for (int i = 0; i < 3; i++) {
        struct money amount = { amounts[i].nanodollars < INT64_MAX / times
                                    ? amounts[i].nanodollars * times
                                    : INT64_MAX };

        if (estimate->rentals > 0)
            encode_field_money(json, names[i], amount);
        else
            field_null(json, names[i]);
    }
    encode_end(json);
}

void handle_metrics_earnings(struct call *call)
{
    auto_buf struct buf body = buf_of(MARKET_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *gpu_name = http_query(call->request, "gpu_name"), *countries;
    struct prices_estimate estimate;
    int64_t num_gpus;
    struct error err;
    char code[3];

    if (gpu_name == NULL || *gpu_name == '\0')
        return reply_refuse(call, 400, "invalid_args", "gpu_name says what GPU it is.");
    if (!read_gpus(call, "1", &num_gpus) || !read_countries(call, code, &countries))
        return;
    if (num_gpus == 0)
        num_gpus = 1;
    if (!market_stats_estimate(call->app->market_stats, gpu_name, countries, &estimate, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "gpu_name", gpu_name);
    encode_field_int(&json, "num_gpus", num_gpus);
    encode_key(&json, "sample");
    encode_object(&json);
    encode_field_int(&json, "rentals", estimate.rentals);
    encode_field_int(&json, "machines", estimate.machines);
    encode_field_int(&json, "gpu_hours", estimate.gpu_hours);
    encode_field_int(&json, "days", 30);
    encode_end(&json);
    encode_range(&json, "price_gpu_hour", &estimate, estimate.gpu_hour, 1);
    encode_range(&json, "earn_month", &estimate, estimate.gpu_month, num_gpus);
    encode_end(&json);
    reply_json(call, &body);
}
