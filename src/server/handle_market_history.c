/* SPDX-License-Identifier: Apache-2.0 */
/* How supply, demand and prices have moved, hour by hour (api.md 3.10). */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "flow/market_history.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/market_read.h"
#include "server/market_stats.h"
#include "server/reply.h"

enum {
    HISTORY_REPLY_MAX = 16 << 20,
    HISTORY_ARENA_MAX = 64 << 20,
    NAMES_MAX = 32,
    POINTS_MAX = 200,
    LOTS_MAX = 1 << 16, /* of one hour */
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

#define SECONDS_MAX UINT64_C(100000000000)

static const struct prices_filter everything = { .num_gpus = 0 };

/* One hour of one model, as far as the filter lets it through. */
struct point {
    struct instant at;
    struct prices_model model;
};

struct names {
    const char *of[NAMES_MAX];
    size_t count;
};

static bool read_seconds(struct call *call, const char *name, int64_t otherwise, int64_t *ret)
{
    const char *text = http_query(call->request, name);
    uint64_t value;

    *ret = otherwise;
    if (text == NULL || *text == '\0')
        return true;
    if (!parse_u64(text, &value) || value > SECONDS_MAX) {
        reply_refuse(call, 400, "invalid_args", "%s is a number of seconds.", name);
        return false;
    }
    *ret = (int64_t)value;
    return true;
}

/* Whole hours; as many points as there may be, or fewer. */
static bool read_range(struct call *call, struct market_lot_range *ret)
{
    int64_t now_s = clock_now(call->app->clock).microseconds / US_PER_SECOND, from, until, step;

    if (!read_seconds(call, "end", now_s, &until) ||
        !read_seconds(call, "start", until > DAY_S ? until - DAY_S : 0, &from) ||
        !read_seconds(call, "step", HOUR_S, &step))
        return false;
    if (from > until) {
        reply_refuse(call, 400, "invalid_args", "start is behind end.");
        return false;
    }
    *ret = (struct market_lot_range){ .first_hour = from / HOUR_S, .last_hour = until / HOUR_S };
    int64_t hours = ret->last_hour - ret->first_hour + 1;
    int64_t least = (hours + POINTS_MAX - 1) / POINTS_MAX;
    ret->step_hours = (step + HOUR_S - 1) / HOUR_S;
    if (ret->step_hours < least)
        ret->step_hours = least;
    return true;
}

/* "RTX 4090,H100_SXM", or all that there are now. */
static bool read_names(struct call *call, const struct prices_model *models, size_t count,
                       struct names *ret)
{
    const char *text = http_query(call->request, "gpu_name");
    char *rest, *left = NULL;

    *ret = (struct names){ .count = 0 };
    if (text == NULL || *text == '\0' || strcmp(text, "all") == 0) {
        for (size_t i = 0; i < count && i < NAMES_MAX; i++)
            ret->of[ret->count++] = models[i].gpu_name;
        return true;
    }
    rest = arena_printf(call->request->arena, "%s", text);
    if (rest == NULL)
        abort();
    for (char *name = strtok_r(rest, ",", &left); name != NULL; name = strtok_r(NULL, ",", &left)) {
        if (ret->count == NAMES_MAX) {
            reply_refuse(call, 400, "invalid_args", "gpu_name has more than %d models.", NAMES_MAX);
            return false;
        }
        name += strspn(name, " ");
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '_' ? ' ' : *c;
        ret->of[ret->count++] = name;
    }
    return true;
}

static struct point point_of(const struct market_lot_row *rows, size_t count,
                             const struct prices_filter *filter, struct prices_lot *lots)
{
    struct point point = { .at = rows[0].at, .model = { .used_bps = -1 } };
    struct prices_model models[1];
    size_t lot_count = 0;

    for (size_t i = 0; i < count; i++)
        for (int64_t j = 0; j < rows[i].lots && lot_count < LOTS_MAX; j++)
            lots[lot_count++] = rows[i].lot;
    if (prices_by_model(lots, lot_count, filter, models) > 0)
        point.model = models[0];
    return point;
}

static bool find_points(struct call *call, const struct market_lot_range *range,
                        const struct prices_filter *filter, struct point points[static POINTS_MAX],
                        size_t *ret_count, struct error *err)
{
    auto_arena struct arena arena = arena_of(HISTORY_ARENA_MAX);
    auto_free struct prices_lot *lots = calloc(LOTS_MAX, sizeof *lots);
    struct market_lot_row *rows;
    size_t count;

    if (lots == NULL)
        abort();
    *ret_count = 0;
    if (!flow_market_history(&call->app->flow, range, &arena, &rows, &count, err))
        return false;
    for (size_t i = 0, end; i < count && *ret_count < POINTS_MAX; i = end) {
        for (end = i + 1; end < count && rows[end].hour == rows[i].hour; end++)
            continue;
        points[(*ret_count)++] = point_of(&rows[i], end - i, filter, lots);
    }
    return true;
}

static int64_t number_of(const struct point *point, int series)
{
    const struct prices_model *model = &point->model;
    const int64_t numbers[] = {
        point->at.microseconds / US_PER_SECOND,
        model->rented_verified,
        model->available_verified,
        model->rented_unverified,
        model->available_unverified,
        model->rented.gpus + model->available.gpus,
    };

    return numbers[series];
}

static void encode_supply(struct encoder *json, const struct point *points, size_t count)
{
    static const char *const names[] = { "timestamps",        "rented_verified",  "avail_verified",
                                         "rented_unverified", "avail_unverified", "total" };

    encode_key(json, "supply_demand");
    encode_object(json);
    for (int series = 0; series < (int)(sizeof names / sizeof names[0]); series++) {
        encode_key(json, names[series]);
        encode_array(json);
        for (size_t i = 0; i < count; i++)
            encode_int(json, number_of(&points[i], series));
        encode_end(json);
    }
    encode_end(json);
}

static void encode_pricing(struct encoder *json, const struct point *points, size_t count)
{
    static const struct {
        const char *name;
        bool is_rented;
        int point;
    } series[] = {
        { "rented_p10", true, 0 }, { "rented_median", true, 2 }, { "rented_p90", true, 4 },
        { "avail_p10", false, 0 }, { "avail_median", false, 2 }, { "avail_p90", false, 4 },
    };

    encode_key(json, "pricing");
    encode_object(json);
    encode_key(json, "timestamps");
    encode_array(json);
    for (size_t i = 0; i < count; i++)
        encode_int(json, number_of(&points[i], 0));
    encode_end(json);
    for (size_t s = 0; s < sizeof series / sizeof series[0]; s++) {
        encode_key(json, series[s].name);
        encode_array(json);
        for (size_t i = 0; i < count; i++) {
            const struct prices_model *model = &points[i].model;
            const struct prices_spread *spread =
                series[s].is_rented ? &model->rented : &model->available;

            if (spread->gpus > 0)
                encode_money(json, spread->points[series[s].point]);
            else
                encode_text(json, NULL);
        }
        encode_end(json);
    }
    encode_end(json);
}

/* Of the model as it is on the market now; NULL: it is not. */
static void encode_stats(struct encoder *json, const struct prices_model *now)
{
    static const struct prices_model none = { .used_bps = -1 };
    const struct prices_model *model = now != NULL ? now : &none;
    struct money middle =
        model->available.gpus > 0 ? model->available.points[2] : model->rented.points[2];

    encode_key(json, "stats");
    encode_object(json);
    field_known_fixed(json, "tflops", model->fp32_gflops, 3);
    field_known_fixed(json, "dlperf", model->dlperf_milli, 3);
    market_encode_per_dollar(json, "tflops_per_dollar", model->fp32_gflops, middle);
    encode_end(json);
}

static const struct prices_model *find_model(const struct prices_model *models, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i].gpu_name, name) == 0)
            return &models[i];
    return NULL;
}

void handle_metrics_history(struct call *call)
{
    auto_buf struct buf body = buf_of(HISTORY_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct market_lot_range range;
    struct point points[POINTS_MAX];
    struct prices_filter filter;
    struct prices_model *models;
    struct names names;
    size_t count, point_count;
    struct error err;

    if (!market_read_filter(call, &filter) || !read_range(call, &range))
        return;
    if (!market_stats_models(call->app->market_stats, &everything, call->request->arena, &models,
                             &count, &err))
        return reply_error(call, &err);
    if (!read_names(call, models, count, &names))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "gpus");
    encode_object(&json);
    for (size_t i = 0; i < names.count; i++) {
        range.gpu_name = names.of[i];
        if (!find_points(call, &range, &filter, points, &point_count, &err))
            return reply_error(call, &err);
        encode_key(&json, names.of[i]);
        encode_object(&json);
        encode_supply(&json, points, point_count);
        encode_pricing(&json, points, point_count);
        encode_stats(&json, find_model(models, count, names.of[i]));
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
