/* SPDX-License-Identifier: Apache-2.0 */
/* What GPUs cost and earn on the market: supply, demand and prices by model, and what a machine
 * like others would earn. Pure: whoever asks brings what is on the market. */

#ifndef BERTH_MARKET_PRICES_H
#define BERTH_MARKET_PRICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/money.h"
#include "market/gpu.h"

enum { PRICES_PLACE_SIZE = 64 };

/* Some GPUs of one machine at one price: free ones, or those of a rental. */
struct prices_lot {
    char gpu_name[GPU_NAME_SIZE];
    char country[3]; /* "" unknown */
    int64_t gpus;
    int64_t size; /* of a rental; of free ones the largest offer, 0 where none is open */
    struct money gpu_hour;
    bool is_rented, is_verified, is_datacenter;
    int64_t dlperf_milli, fp32_gflops; /* of one GPU; 0 unknown */
    char place[PRICES_PLACE_SIZE];     /* "Gothenburg, SE"; "" unknown */
};

enum prices_choice { PRICES_ALL, PRICES_YES, PRICES_NO };

struct prices_filter {
    enum prices_choice verified, datacenter;
    int64_t num_gpus; /* slices of that many; 0: any */
};

enum { PRICES_POINTS = 5 }; /* the 10th, 25th, 50th, 75th and 90th percentile */

/* By GPUs: a tenth of them costs at most the 10th percentile. */
struct prices_spread {
    int64_t gpus; /* 0: none, and no points */
    struct money points[PRICES_POINTS];
};

struct prices_model {
    const char *gpu_name; /* of a lot */
    int64_t available_verified, available_unverified, rented_verified, rented_unverified;
    int64_t dlperf_milli, fp32_gflops; /* of a lot that has one; else 0 */
    struct prices_spread available, rented;
    int64_t used_bps; /* prices_used(); -1: not known */
};

/* Sorts the lots, and writes a row for each model of which some pass: most GPUs first. `models` has
 * room for `count`. Returns how many there are. */
size_t prices_by_model(struct prices_lot *lots, size_t count, const struct prices_filter *filter,
                       struct prices_model *models);

/* What there is in a country; "" where machines do not say where they are. */
struct prices_place {
    char country[3];
    int64_t available, rented;
    struct money median; /* of the free ones; zero without */
};

/* Sorts the lots, and writes a row for each country: most GPUs first. `places` has room for
 * `count`. Returns how many there are. */
size_t prices_by_place(struct prices_lot *lots, size_t count, struct prices_place *places);

/* GPUs of one model in one place, of which all or none are rented, verified and in a data centre.
 */
struct prices_spot {
    const struct prices_lot *lot; /* one of them */
    int64_t gpus;
};

/* Sorts the lots, and writes a row for each that differs, places in order of their names. `spots`
 * has room for `count`. Returns how many there are. */
size_t prices_by_spot(struct prices_lot *lots, size_t count, struct prices_spot *spots);

/* What one contract has earned its host within the window that is looked at. */
struct prices_rental {
    char gpu_name[GPU_NAME_SIZE];
    char country[3]; /* "" unknown */
    int64_t machine_id;
    int64_t machine_gpus; /* of the machine */
    int64_t window_us;    /* how much of the window the machine has been there for */
    int64_t gpus;
    struct money gpu_hour; /* for one, as the renter pays it */
    int64_t fee_bps;
    int64_t run_us; /* within the window */
};

/* A machine that is on the market, and for how much of the window it has been there. */
struct prices_there {
    char gpu_name[GPU_NAME_SIZE];
    bool is_verified;
    int64_t machine_id, gpus, window_us;
};

/* How long GPUs of one model were there, and how long they ran for renters: seconds of one GPU. */
struct prices_use {
    const char *gpu_name; /* of a machine */
    bool is_verified;
    int64_t there_s, run_s;
};

/* By model, and whether machines are verified. Machines are in order of their ids; rentals of
 * others do not count. `uses` has room for `there_count`. Returns how many there are. */
size_t prices_uses(const struct prices_there *there, size_t there_count,
                   const struct prices_rental *rentals, size_t rental_count,
                   struct prices_use *uses);

/* The part of their time that renters used, in hundredths of a percent; -1: none were there. */
int64_t prices_used(const struct prices_use *uses, size_t count, const char *gpu_name,
                    enum prices_choice verified);

/* Some GPUs of one rental, from when until when they ran. */
struct prices_run {
    char gpu_name[GPU_NAME_SIZE];
    int64_t gpus;
    struct money gpu_hour; /* for one */
    struct instant start, end;
};

/* A day of a model, or of all of them: how long GPUs of machines that are on the market now were
 * there, and how long any ran for renters, in seconds of one GPU; and what those who ran them paid
 * for a GPU and hour, by their time: a tenth at most the first, half the second, nine tenths the
 * third. */
struct prices_day {
    int64_t there_s, run_s;
    struct money points[3]; /* zero where nothing ran */
};

struct prices_days {
    const char *gpu_name;          /* NULL: of all models */
    struct instant until;          /* the end of the last day: now, or before */
    const struct prices_run *runs; /* the cheapest first */
    size_t run_count;
    const struct prices_there *there;
    size_t there_count;
};

/* `count` days of 24 hours each that end at `until`, the oldest first. */
void prices_by_day(const struct prices_days *days, struct prices_day *ret, size_t count);

/* Low, middle and high: the 10th, 50th and 90th percentile. */
struct prices_estimate {
    int64_t rentals, machines, gpu_hours; /* how many it is made from */
    struct money gpu_hour[3];             /* paid, by GPU hours */
    struct money gpu_month[3];            /* earned by a GPU in 30 days, by machines */
};

/* From rentals of that model; `countries` as region_countries() gives them, or NULL for all. Sorts
 * them. Without a rental, all is zero. */
struct prices_estimate prices_estimate(struct prices_rental *rentals, size_t count,
                                       const char *gpu_name, const char *countries);

#endif
