/* SPDX-License-Identifier: Apache-2.0 */
#include "market/prices.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"

__extension__ typedef __int128 wide;

static const int64_t percents[PRICES_POINTS] = { 10, 25, 50, 75, 90 };

#define MONTH_US (30 * 24 * US_PER_HOUR)

static int compare_lots(const void *a, const void *b)
{
    const struct prices_lot *first = a, *second = b;
    int difference = strcmp(first->gpu_name, second->gpu_name);

    return difference != 0 ? difference : money_compare(first->gpu_hour, second->gpu_hour);
}

static bool is_chosen(enum prices_choice choice, bool is_so)
{
    return choice == PRICES_ALL || (choice == PRICES_YES) == is_so;
}

/* How many of its GPUs pass. */
static int64_t passing(const struct prices_lot *lot, const struct prices_filter *filter)
{
    if (!is_chosen(filter->verified, lot->is_verified) ||
        !is_chosen(filter->datacenter, lot->is_datacenter) || lot->size == 0)
        return 0;
    if (filter->num_gpus == 0)
        return lot->gpus;
    if (lot->is_rented)
        return lot->size == filter->num_gpus ? lot->gpus : 0;
    /* As many slices of that size as fit. */
    return lot->size >= filter->num_gpus ? lot->gpus - lot->gpus % filter->num_gpus : 0;
}

/* The points of the lots of one model, which are in order of their prices. */
static struct prices_spread spread(const struct prices_lot *lots, size_t count,
                                   const struct prices_filter *filter, bool is_rented)
{
    struct prices_spread result = { 0 };
    int64_t passed = 0;
    size_t point = 0;

    for (size_t i = 0; i < count; i++)
        result.gpus += lots[i].is_rented == is_rented ? passing(&lots[i], filter) : 0;
    for (size_t i = 0; i < count && result.gpus > 0; i++) {
        if (lots[i].is_rented != is_rented)
            continue;
        passed += passing(&lots[i], filter);
        while (point < PRICES_POINTS && passed * 100 >= percents[point] * result.gpus)
            result.points[point++] = lots[i].gpu_hour;
    }
    return result;
}

static struct prices_model model_of(const struct prices_lot *lots, size_t count,
                                    const struct prices_filter *filter)
{
    struct prices_model model = { .gpu_name = lots[0].gpu_name,
                                  .available = spread(lots, count, filter, false),
                                  .rented = spread(lots, count, filter, true),
                                  .used_bps = -1 };

    for (size_t i = 0; i < count; i++) {
        const struct prices_lot *lot = &lots[i];
        int64_t *sum =
            lot->is_rented
                ? (lot->is_verified ? &model.rented_verified : &model.rented_unverified)
                : (lot->is_verified ? &model.available_verified : &model.available_unverified);

        *sum += passing(lot, filter);
        if (lot->dlperf_milli > 0)
            model.dlperf_milli = lot->dlperf_milli;
        if (lot->fp32_gflops > 0)
            model.fp32_gflops = lot->fp32_gflops;
    }
    return model;
}

static int compare_models(const void *a, const void *b)
{
    const struct prices_model *first = a, *second = b;
    int64_t of_first = first->available.gpus + first->rented.gpus;
    int64_t of_second = second->available.gpus + second->rented.gpus;

    if (of_first != of_second)
        return of_first > of_second ? -1 : 1;
    return strcmp(first->gpu_name, second->gpu_name);
}

size_t prices_by_model(struct prices_lot *lots, size_t count, const struct prices_filter *filter,
                       struct prices_model *models)
{
    size_t model_count = 0;

    if (count > 1)
        qsort(lots, count, sizeof lots[0], compare_lots);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && strcmp(lots[i].gpu_name, lots[end].gpu_name) == 0; end++)
            continue;
        models[model_count] = model_of(&lots[i], end - i, filter);
        model_count += models[model_count].available.gpus + models[model_count].rented.gpus > 0;
    }
    qsort(models, model_count, sizeof models[0], compare_models);
    return model_count;
}

static int compare_spots(const void *a, const void *b)
{
    const struct prices_lot *first = a, *second = b;
    const int parts[] = {
        strcmp(first->place, second->place),          strcmp(first->gpu_name, second->gpu_name),
        first->is_rented - second->is_rented,         first->is_verified - second->is_verified,
        first->is_datacenter - second->is_datacenter,
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i] != 0)
            return parts[i];
    return 0;
}

size_t prices_by_spot(struct prices_lot *lots, size_t count, struct prices_spot *spots)
{
    size_t spot_count = 0;

    if (count > 1)
        qsort(lots, count, sizeof lots[0], compare_spots);
    for (size_t i = 0; i < count; i++) {
        if (lots[i].gpus == 0)
            continue;
        if (spot_count == 0 || compare_spots(spots[spot_count - 1].lot, &lots[i]) != 0)
            spots[spot_count++] = (struct prices_spot){ &lots[i], 0 };
        spots[spot_count - 1].gpus += lots[i].gpus;
    }
    return spot_count;
}

static bool is_in(const char *countries, const char *country)
{
    for (; countries != NULL && *countries != '\0'; countries += 2)
        if (memcmp(countries, country, 2) == 0)
            return true;
    return countries == NULL;
}

/* Dollars for one GPU within its machine's time on the market, as for 30 days. */
struct earned {
    int64_t machine_id;
    struct money month;
};

static int compare_rentals(const void *a, const void *b)
{
    const struct prices_rental *first = a, *second = b;

    return (first->machine_id > second->machine_id) - (first->machine_id < second->machine_id);
}

static int compare_prices(const void *a, const void *b)
{
    const struct prices_rental *first = a, *second = b;

    return money_compare(first->gpu_hour, second->gpu_hour);
}

static int compare_earned(const void *a, const void *b)
{
    return money_compare(((const struct earned *)a)->month, ((const struct earned *)b)->month);
}

/* What all of a machine's rentals have earned, for one GPU and 30 days. */
static struct money machine_month(const struct prices_rental *rentals, size_t count)
{
    wide gross = 0;
    int64_t gpus = rentals[0].machine_gpus > 0 ? rentals[0].machine_gpus : 1;
    int64_t window_us = rentals[0].window_us > US_PER_HOUR ? rentals[0].window_us : US_PER_HOUR;

    for (size_t i = 0; i < count; i++) {
        wide paid = (wide)rentals[i].gpu_hour.nanodollars * rentals[i].gpus * rentals[i].run_us /
                    US_PER_HOUR;

        gross += paid * (10000 - rentals[i].fee_bps) / 10000;
    }
    wide month = gross / gpus * MONTH_US / window_us;
    return (struct money){ month < INT64_MAX ? (int64_t)month : INT64_MAX };
}

static const int64_t ends[3] = { 10, 50, 90 };

static void price_points(struct prices_rental *rentals, size_t count,
                         struct prices_estimate *estimate)
{
    wide total = 0, passed = 0;
    size_t point = 0;

    if (count > 1)
        qsort(rentals, count, sizeof rentals[0], compare_prices);
    for (size_t i = 0; i < count; i++)
        total += (wide)rentals[i].run_us * rentals[i].gpus;
    for (size_t i = 0; i < count && total > 0; i++) {
        passed += (wide)rentals[i].run_us * rentals[i].gpus;
        while (point < 3 && passed * 100 >= ends[point] * total)
            estimate->gpu_hour[point++] = rentals[i].gpu_hour;
    }
    estimate->gpu_hours = (int64_t)(total / US_PER_HOUR);
}

struct prices_estimate prices_estimate(struct prices_rental *rentals, size_t count,
                                       const char *gpu_name, const char *countries)
{
    struct prices_estimate estimate = { 0 };
    size_t chosen = 0, machines = 0;
    struct earned *earned = calloc(count + 1, sizeof *earned);

    if (earned == NULL)
        abort(); /* As base/buf.h says. */
    for (size_t i = 0; i < count; i++) {
        struct prices_rental kept = rentals[i];

        if (!gpu_name_matches(kept.gpu_name, gpu_name) || !is_in(countries, kept.country))
            continue;
        rentals[i] = rentals[chosen];
        rentals[chosen++] = kept;
    }
    if (chosen > 1)
        qsort(rentals, chosen, sizeof rentals[0], compare_rentals);
    for (size_t i = 0, end; i < chosen; i = end) {
        for (end = i + 1; end < chosen && rentals[end].machine_id == rentals[i].machine_id; end++)
            continue;
        earned[machines++] =
            (struct earned){ rentals[i].machine_id, machine_month(&rentals[i], end - i) };
    }
    qsort(earned, machines, sizeof earned[0], compare_earned);
    for (size_t point = 0; point < 3 && machines > 0; point++)
        estimate.gpu_month[point] = earned[((size_t)ends[point] * machines + 99) / 100 - 1].month;
    price_points(rentals, chosen, &estimate);
    estimate.rentals = (int64_t)chosen;
    estimate.machines = (int64_t)machines;
    free(earned);
    return estimate;
}

/* `count` where it is none of them. */
static size_t place_of(const struct prices_there *there, size_t count, int64_t machine_id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (there[middle].machine_id < machine_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && there[low].machine_id == machine_id ? low : count;
}

static struct prices_use *use_of(struct prices_use *uses, size_t *count,
                                 const struct prices_there *there)
{
    for (size_t i = 0; i < *count; i++) {
        if (uses[i].is_verified == there->is_verified &&
            strcmp(uses[i].gpu_name, there->gpu_name) == 0)
            return &uses[i];
    }
    uses[*count] =
        (struct prices_use){ .gpu_name = there->gpu_name, .is_verified = there->is_verified };
    return &uses[(*count)++];
}

size_t prices_uses(const struct prices_there *there, size_t there_count,
                   const struct prices_rental *rentals, size_t rental_count,
                   struct prices_use *uses)
{
    size_t count = 0;

    for (size_t i = 0; i < there_count; i++)
        use_of(uses, &count, &there[i])->there_s +=
            there[i].gpus * (there[i].window_us / US_PER_SECOND);
    for (size_t i = 0; i < rental_count; i++) {
        size_t at = place_of(there, there_count, rentals[i].machine_id);

        if (at < there_count)
            use_of(uses, &count, &there[at])->run_s +=
                rentals[i].gpus * (rentals[i].run_us / US_PER_SECOND);
    }
    return count;
}

int64_t prices_used(const struct prices_use *uses, size_t count, const char *gpu_name,
                    enum prices_choice verified)
{
    wide there_s = 0, run_s = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_chosen(verified, uses[i].is_verified) || strcmp(uses[i].gpu_name, gpu_name) != 0)
            continue;
        there_s += uses[i].there_s;
        run_s += uses[i].run_s;
    }
    if (there_s == 0)
        return -1;
    /* A heartbeat late, a machine may have run for longer than it was there. */
    return run_s < there_s ? (int64_t)(run_s * 10000 / there_s) : 10000;
}

static int compare_places(const void *a, const void *b)
{
    const struct prices_lot *first = a, *second = b;
    int difference = strcmp(first->country, second->country);

    return difference != 0 ? difference : money_compare(first->gpu_hour, second->gpu_hour);
}

static int compare_place_sizes(const void *a, const void *b)
{
    const struct prices_place *first = a, *second = b;
    int64_t of_first = first->available + first->rented;
    int64_t of_second = second->available + second->rented;

    if (of_first != of_second)
        return of_first > of_second ? -1 : 1;
    return strcmp(first->country, second->country);
}

size_t prices_by_place(struct prices_lot *lots, size_t count, struct prices_place *places)
{
    static const struct prices_filter all = { 0 };
    size_t place_count = 0;

    if (count > 1)
        qsort(lots, count, sizeof lots[0], compare_places);
    for (size_t i = 0, end; i < count; i = end) {
        struct prices_place *place = &places[place_count++];

        for (end = i + 1; end < count && strcmp(lots[i].country, lots[end].country) == 0; end++)
            continue;
        struct prices_spread free_ones = spread(&lots[i], end - i, &all, false);
        *place = (struct prices_place){ .available = free_ones.gpus,
                                        .rented = spread(&lots[i], end - i, &all, true).gpus,
                                        .median = free_ones.points[PRICES_POINTS / 2] };
        memcpy(place->country, lots[i].country, sizeof place->country);
    }
    qsort(places, place_count, sizeof places[0], compare_place_sizes);
    return place_count;
}

/* Seconds of it that lie between both. */
static int64_t seconds_within(struct instant start, struct instant end, struct instant from,
                              struct instant until)
{
    struct instant first = instant_max(start, from);
    struct instant last = instant_compare(end, until) < 0 ? end : until;
    int64_t us = instant_until(first, last);

    return us > 0 ? us / US_PER_SECOND : 0;
}

static bool is_of(const struct prices_days *days, const char *gpu_name)
{
    return days->gpu_name == NULL || gpu_name_matches(gpu_name, days->gpu_name);
}

static struct prices_day day_of(const struct prices_days *days, struct instant from,
                                struct instant until)
{
    struct prices_day day = { 0 };
    wide passed = 0;
    int point = 0;

    for (size_t i = 0; i < days->there_count; i++) {
        const struct prices_there *there = &days->there[i];

        if (is_of(days, there->gpu_name))
            day.there_s += there->gpus * seconds_within(instant_add(days->until, -there->window_us),
                                                        days->until, from, until);
    }
    for (size_t i = 0; i < days->run_count; i++) {
        const struct prices_run *run = &days->runs[i];

        if (is_of(days, run->gpu_name))
            day.run_s += run->gpus * seconds_within(run->start, run->end, from, until);
    }
    for (size_t i = 0; i < days->run_count && day.run_s > 0; i++) {
        const struct prices_run *run = &days->runs[i];

        if (!is_of(days, run->gpu_name))
            continue;
        passed += (wide)run->gpus * seconds_within(run->start, run->end, from, until);
        while (point < 3 && passed * 100 >= (wide)ends[point] * day.run_s)
            day.points[point++] = run->gpu_hour;
    }
    return day;
}

void prices_by_day(const struct prices_days *days, struct prices_day *ret, size_t count)
{
    const int64_t day_us = 24 * US_PER_HOUR;

    for (size_t i = 0; i < count; i++) {
        struct instant until = instant_add(days->until, -(int64_t)(count - 1 - i) * day_us);

        ret[i] = day_of(days, instant_add(until, -day_us), until);
    }
}
