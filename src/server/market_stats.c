/* SPDX-License-Identifier: Apache-2.0 */
#include "server/market_stats.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow/market_history.h"
#include "flow/rented_lately.h"
#include "market/catalog_search.h"

enum {
    RENTALS_ARENA_MAX = 256 << 20,
    LOT_KEEP_US = 3000, /* a thousandth of one core goes into looking, about */
};

struct market_stats {
    const struct flow *flow;
    struct catalog_feed *catalog;

    pthread_mutex_t lock;    /* guards what follows; held while it is gathered */
    struct prices_lot *lots; /* owned */
    size_t lot_count, lot_capacity;
    int64_t lots_until_us; /* of CLOCK_MONOTONIC */
    int64_t kept_hour;     /* the last one whose lots are in the history; 0: none that is known */
    struct arena rentals_arena;
    struct prices_rental *rentals;
    size_t rental_count;
    struct prices_use *uses;
    size_t use_count;
    struct prices_there *there;
    size_t there_count;
    struct prices_run *runs;
    size_t run_count;
    struct instant gathered;
    int64_t rentals_until_us;
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

struct market_stats *market_stats_open(const struct flow *flow, struct catalog_feed *catalog)
{
    struct market_stats *stats = must(calloc(1, sizeof *stats));

    stats->flow = flow;
    stats->catalog = catalog;
    stats->rentals_arena = arena_of(RENTALS_ARENA_MAX);
    (void)pthread_mutex_init(&stats->lock, NULL);
    return stats;
}

void market_stats_close(struct market_stats **stats_owner)
{
    struct market_stats *stats = *stats_owner;

    *stats_owner = NULL;
    if (stats == NULL)
        return;
    free(stats->lots);
    arena_release(&stats->rentals_arena);
    (void)pthread_mutex_destroy(&stats->lock);
    free(stats);
}

static struct prices_lot *add_lot(struct market_stats *stats, const struct offer *offer)
{
    const struct machine *machine = offer->machine;
    int64_t gpus = offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1;

    if (stats->lot_count == stats->lot_capacity) {
        stats->lot_capacity = stats->lot_capacity > 0 ? 2 * stats->lot_capacity : 256;
        stats->lots = must(realloc(stats->lots, stats->lot_capacity * sizeof stats->lots[0]));
    }
    struct prices_lot *lot = &stats->lots[stats->lot_count++];
    *lot = (struct prices_lot){
        .gpus = offer->renter_id != 0 ? offer->terms.num_gpus : machine->gpus_free,
        .size = offer->terms.num_gpus,
        .gpu_hour = { offer->terms.gpu_hour.nanodollars / gpus },
        .is_rented = offer->renter_id != 0,
        .is_verified = machine->verification == VERIFICATION_VERIFIED,
        .is_datacenter = machine->is_datacenter,
        .dlperf_milli = machine->dlperf_milli,
        .fp32_gflops = machine->fp32_gflops,
    };
    (void)snprintf(lot->gpu_name, sizeof lot->gpu_name, "%.*s", GPU_NAME_SIZE - 1,
                   machine->gpu_name);
    (void)snprintf(lot->place, sizeof lot->place, "%.*s", PRICES_PLACE_SIZE - 1,
                   machine->geolocation != NULL ? machine->geolocation : "");
    (void)machine_country(machine->geolocation, lot->country);
    return lot;
}

/* One machine's offers, side by side: its free GPUs are one lot, and each rental is one. */
static void add_machine(struct market_stats *stats, const struct catalog_hit *hits, size_t count)
{
    struct prices_lot *free_ones = NULL;
    size_t free_at = 0;

    if (hits[0].offer->machine->gpu_count == 0 || hits[0].offer->machine->is_simulated)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct offer *offer = hits[i].offer;

        if (offer->renter_id != 0) {
            (void)add_lot(stats, offer);
        } else if (free_ones == NULL) {
            free_at = stats->lot_count;
            free_ones = add_lot(stats, offer);
        } else if (offer->terms.num_gpus > stats->lots[free_at].size) {
            stats->lots[free_at].size = offer->terms.num_gpus;
        }
    }
}

/* The next machines above `after`, in order; `*ret_after` is the last. False: there are no more. */
static bool add_page(struct market_stats *stats, struct catalog_hit *hits, int64_t after,
                     int64_t *ret_after)
{
    auto_catalog_side struct catalog_side *side = catalog_feed_take(stats->catalog);
    struct query_value above = { .kind = QUERY_VALUE_NUMBER, .number = (double)after };
    struct query_caller nobody = { clock_now(stats->flow->clock), 0 };
    struct query query = query_default();
    size_t count, end;

    query.has_rented = true;
    query.ask.disk_milligb = 0;
    query.limit = QUERY_LIMIT_MAX;
    query.conditions[query.condition_count++] =
        (struct query_condition){ QUERY_MACHINE_ID, QUERY_GT, 1, &above };
    query.order[0] = (struct query_order){ QUERY_MACHINE_ID, false };
    count = catalog_search(catalog_side_catalog(side), &query, &nobody, hits);
    for (size_t i = 0; i < count; i = end) {
        int64_t id = hits[i].offer->machine->id;

        for (end = i + 1; end < count && hits[end].offer->machine->id == id; end++)
            continue;
        /* The last one may go on beyond a page that is full. */
        if (end == count && count == QUERY_LIMIT_MAX && i > 0)
            return true;
        add_machine(stats, &hits[i], end - i);
        *ret_after = id;
    }
    return count == QUERY_LIMIT_MAX;
}

/* The larger the market, the more it costs to look at all of it: a small one's figures are of now.
 */
static int64_t lots_keep_us(size_t count)
{
    const int64_t most_us = MARKET_STATS_SECONDS * US_PER_SECOND;

    return (int64_t)count < most_us / LOT_KEEP_US ? (int64_t)count * LOT_KEEP_US : most_us;
}

static void gather_lots(struct market_stats *stats)
{
    struct catalog_hit *hits = must(calloc(QUERY_LIMIT_MAX, sizeof *hits));
    int64_t after = 0;

    if (monotonic_us() >= stats->lots_until_us) {
        stats->lot_count = 0;
        while (add_page(stats, hits, after, &after))
            continue;
        stats->lots_until_us = monotonic_us() + lots_keep_us(stats->lot_count);
    }
    free(hits);
}

static bool gather_uses(struct market_stats *stats, struct error *err)
{
    if (!flow_there_lately(stats->flow, &stats->rentals_arena, &stats->there, &stats->there_count,
                           err))
        return false;
    stats->uses = arena_alloc(&stats->rentals_arena, stats->there_count, sizeof *stats->uses);
    if (stats->uses == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the models");
    stats->use_count = prices_uses(stats->there, stats->there_count, stats->rentals,
                                   stats->rental_count, stats->uses);
    return true;
}

static bool gather_rentals(struct market_stats *stats, struct error *err)
{
    if (monotonic_us() < stats->rentals_until_us)
        return true;
    arena_release(&stats->rentals_arena);
    stats->rentals_arena = arena_of(RENTALS_ARENA_MAX);
    stats->rental_count = stats->use_count = stats->there_count = stats->run_count = 0;
    stats->gathered = clock_now(stats->flow->clock);
    if (!flow_rented_lately(stats->flow, &stats->rentals_arena, &stats->rentals,
                            &stats->rental_count, err) ||
        !flow_runs_lately(stats->flow, &stats->rentals_arena, &stats->runs, &stats->run_count,
                          err) ||
        !gather_uses(stats, err))
        return false;
    stats->rentals_until_us = monotonic_us() + EARNINGS_SECONDS * US_PER_SECOND;
    return true;
}

bool market_stats_models(struct market_stats *stats, const struct prices_filter *filter,
                         struct arena *arena, struct prices_model **ret, size_t *ret_count,
                         struct error *err)
{
    bool is_known = filter->datacenter == PRICES_ALL && filter->num_gpus == 0;

    (void)pthread_mutex_lock(&stats->lock);
    gather_lots(stats);
    bool is_gathered = gather_rentals(stats, err);
    struct prices_model *models = must(calloc(stats->lot_count + 1, sizeof *models));
    size_t count = prices_by_model(stats->lots, stats->lot_count, filter, models);
    *ret = arena_alloc(arena, count, sizeof **ret);
    bool is_ok = *ret != NULL;
    for (size_t i = 0; i < count && is_ok; i++) {
        (*ret)[i] = models[i];
        if (is_known)
            (*ret)[i].used_bps =
                prices_used(stats->uses, stats->use_count, models[i].gpu_name, filter->verified);
        (*ret)[i].gpu_name = arena_text(arena, models[i].gpu_name);
        is_ok = (*ret)[i].gpu_name != NULL;
    }
    *ret_count = count;
    free(models);
    (void)pthread_mutex_unlock(&stats->lock);
    if (!is_gathered)
        return false;
    return is_ok || error_set(err, ERROR_OUT_OF_RANGE, "no room for the models");
}

bool market_stats_spots(struct market_stats *stats, struct arena *arena, struct prices_spot **ret,
                        size_t *ret_count, struct error *err)
{
    (void)pthread_mutex_lock(&stats->lock);
    gather_lots(stats);
    size_t count = stats->lot_count;
    struct prices_lot *lots = arena_alloc(arena, count, sizeof *lots);
    *ret = arena_alloc(arena, count, sizeof **ret);
    bool is_ok = lots != NULL && *ret != NULL;
    if (is_ok && count > 0)
        memcpy(lots, stats->lots, count * sizeof *lots);
    (void)pthread_mutex_unlock(&stats->lock);
    if (!is_ok)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the places");
    *ret_count = prices_by_spot(lots, count, *ret);
    return true;
}

bool market_stats_keep(struct market_stats *stats, struct error *err)
{
    int64_t hour = clock_now(stats->flow->clock).microseconds / US_PER_HOUR;
    bool is_ok = true;

    (void)pthread_mutex_lock(&stats->lock);
    if (stats->kept_hour != hour) {
        gather_lots(stats);
        is_ok = flow_market_history_keep(stats->flow, stats->lots, stats->lot_count, err);
        if (is_ok && stats->lot_count > 0)
            stats->kept_hour = hour;
    }
    (void)pthread_mutex_unlock(&stats->lock);
    return is_ok;
}

bool market_stats_estimate(struct market_stats *stats, const char *gpu_name, const char *countries,
                           struct prices_estimate *ret, struct error *err)
{
    (void)pthread_mutex_lock(&stats->lock);
    bool is_ok = gather_rentals(stats, err);
    if (is_ok)
        *ret = prices_estimate(stats->rentals, stats->rental_count, gpu_name, countries);
    (void)pthread_mutex_unlock(&stats->lock);
    return is_ok;
}

bool market_stats_days(struct market_stats *stats, const char *gpu_name,
                       struct prices_day ret[static MARKET_DAYS], struct error *err)
{
    (void)pthread_mutex_lock(&stats->lock);
    bool is_ok = gather_rentals(stats, err);
    if (is_ok) {
        const struct prices_days days = { gpu_name,         stats->gathered, stats->runs,
                                          stats->run_count, stats->there,    stats->there_count };

        prices_by_day(&days, ret, MARKET_DAYS);
    }
    (void)pthread_mutex_unlock(&stats->lock);
    return is_ok;
}

bool market_stats_places(struct market_stats *stats, struct arena *arena, struct prices_place **ret,
                         size_t *ret_count, struct error *err)
{
    (void)pthread_mutex_lock(&stats->lock);
    gather_lots(stats);
    *ret = arena_alloc(arena, stats->lot_count + 1, sizeof **ret);
    if (*ret != NULL)
        *ret_count = prices_by_place(stats->lots, stats->lot_count, *ret);
    (void)pthread_mutex_unlock(&stats->lock);
    return *ret != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for the places");
}
