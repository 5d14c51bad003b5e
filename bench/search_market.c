/* SPDX-License-Identifier: Apache-2.0 */
#include "search_market.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market/gpu.h"

enum { REAL_MAX = 4096, LINE_SIZE = 1024, FIELDS = 24, SIZES_MAX = 4 };

/* The columns of the file. */
enum {
    GPU_NAME,
    NUM_GPUS,
    GPU_COUNT,
    DLPERF,
    GPU_RAM,
    DPH_BASE,
    MIN_BID,
    STORAGE_COST,
    DOWN_COST,
    UP_COST,
    INET_DOWN,
    INET_UP,
    RELIABILITY,
    VERIFICATION,
    HOSTING_TYPE,
    COUNTRY,
    DISK_SPACE,
    CPU_CORES,
    CPU_RAM,
    PORTS,
    DURATION,
    CUDA,
    DRIVER,
};

struct real {
    char model[48], country[4], driver[24];
    double of[FIELDS];
};

static struct real reals[REAL_MAX];
static size_t real_count;
static uint64_t state = 1;

uint64_t draw(uint64_t limit)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static void read_row(char *line)
{
    struct real *real = &reals[real_count];
    char *rest = line;

    for (int i = 0; i < FIELDS && rest != NULL; i++) {
        const char *field = strsep(&rest, ",");

        if (i == GPU_NAME)
            copy(real->model, sizeof real->model, field);
        else if (i == COUNTRY)
            copy(real->country, sizeof real->country, field);
        else if (i == DRIVER)
            copy(real->driver, sizeof real->driver, *field != '\0' ? field : "570.86.15");
        else
            real->of[i] = atof(field);
    }
    /* Rows without a price come from lists that had none. */
    if (real->of[DPH_BASE] > 0 && real->of[NUM_GPUS] > 0 && real->of[GPU_COUNT] > 0)
        real_count++;
}

static void read_file(void)
{
    const char *path = getenv("BERTH_BENCH_OFFERS");
    char line[LINE_SIZE];
    FILE *file = fopen(path != NULL ? path : "test/market/offers_real.csv", "re");

    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        (void)fprintf(stderr, "bench: no test/market/offers_real.csv here\n");
        exit(1);
    }
    while (real_count < REAL_MAX && fgets(line, sizeof line, file) != NULL)
        read_row(line);
    (void)fclose(file);
}

/* Up to a tenth more or less. */
static int64_t about(double value)
{
    return (int64_t)(value * (0.9 + (double)draw(200001) / 1e6));
}

static const char *place_of(const struct real *real)
{
    static char places[64][16];
    size_t i = 0;

    if (real->country[0] == '\0')
        return "";
    for (; i < 63 && places[i][0] != '\0'; i++) {
        if (strcmp(places[i] + 6, real->country) == 0)
            return places[i];
    }
    (void)snprintf(places[i], sizeof places[i], "City, %s", real->country);
    return places[i];
}

static void fill_machine(struct machine *machine, int64_t id, const struct real *real)
{
    static const char *const processors[] = { "AMD EPYC 7543", "Xeon E5-2650 v4", "Ryzen 9 5950X" };
    static const int64_t pcie[] = { 3100, 5900, 6300, 11800, 12600, 24100, 25300, 51000 };
    const struct gpu_model *model = gpu_model(real->model);
    int64_t gpus = (int64_t)real->of[GPU_COUNT];

    *machine = (struct machine){
        .id = id,
        .host_id = 1 + (int64_t)draw((uint64_t)id / 4 + 1),
        .hostname = "host",
        .os_version = draw(2) == 0 ? "22.04" : "24.04",
        .cpu_name = processors[draw(3)],
        .cpu_arch = "amd64",
        .disk_name = draw(2) == 0 ? "Samsung PM9A3" : "WD Black",
        .public_ip = "",
        .driver_version = real->driver,
        .gpu_name = real->model,
        .geolocation = place_of(real),
        .gpu_count = gpus,
        .gpu_ram_mb = (int64_t)real->of[GPU_RAM],
        .compute_cap = model != NULL ? model->compute_cap : 860,
        .gpu_power_w = model != NULL ? model->power_w : 300,
        .pcie_gen = 3 + (int64_t)draw(3),
        .pcie_lanes = draw(2) == 0 ? 16 : 8,
        .pcie_mbs = about((double)pcie[draw(8)]),
        .cuda_version = llround(real->of[CUDA] * 10),
        .cpu_cores = (int64_t)real->of[CPU_CORES],
        .cpu_mhz = 2100 + 100 * (int64_t)draw(34),
        .ram_mb = about(real->of[CPU_RAM]),
        .disk_gb = about(real->of[DISK_SPACE]) * gpus,
        .disk_mbs = 300 + (int64_t)draw(6000),
        .inet_up_kbps = about(real->of[INET_UP] * 1e3),
        .inet_down_kbps = about(real->of[INET_DOWN] * 1e3),
        .port_count = (int64_t)real->of[PORTS],
        .has_avx = true,
        .has_display = draw(10) == 0,
        .verification = (enum verification)(int)real->of[VERIFICATION],
        .is_external = draw(50) == 0,
        .is_datacenter = real->of[HOSTING_TYPE] > 0,
        .has_static_ip = draw(2) == 0,
        .reliability_ppm = llround(real->of[RELIABILITY] * 1e6) - (int64_t)draw(500),
        .dlperf_milli = about(real->of[DLPERF] / real->of[NUM_GPUS] * 1e3),
        .fp32_gflops = model != NULL ? model->fp32_gflops : 0,
        .memory_mbs = model != NULL ? model->memory_mbs : 0,
        .is_connected = draw(20) > 0,
        .gpus_free = draw(5) > 0 ? gpus : (int64_t)draw((uint64_t)gpus),
    };
    machine->disk_free_gb = machine->disk_gb;
}

static void fill_offer(struct offer *offer, int64_t id, const struct machine *machine,
                       const struct real *real, int64_t gpus)
{
    double each = (double)gpus / real->of[NUM_GPUS];
    int64_t price = about(real->of[DPH_BASE] * each * 1e6) * 1000;

    *offer = (struct offer){
        .id = id,
        .bundle_id = id,
        .machine = machine,
        .terms = { .num_gpus = gpus,
                   .gpu_hour = { price },
                   .min_bid_hour = { real->of[MIN_BID] > 0
                                         ? about(real->of[MIN_BID] * each * 1e6) * 1000
                                         : price / 2 },
                   .disk_month = { llround(real->of[STORAGE_COST] * 1e9) },
                   .up_tb = { llround(real->of[UP_COST] * 1e9) * OFFER_GB_PER_TB },
                   .down_tb = { llround(real->of[DOWN_COST] * 1e9) * OFFER_GB_PER_TB },
                   .disk_gb = machine->disk_gb * gpus / machine->gpu_count,
                   .start = { BENCH_NOW.microseconds - (int64_t)draw(1000000000000) },
                   .end = { BENCH_NOW.microseconds + (int64_t)draw(15000000) * 1000000 } },
    };
    offer_prepare(offer);
}

struct market market_of(size_t offer_count)
{
    struct market market = {
        .machines = calloc(offer_count, sizeof *market.machines),
        .offers = calloc(offer_count, sizeof *market.offers),
        .stocks = calloc(offer_count, sizeof *market.stocks),
    };

    if (real_count == 0)
        read_file();
    state = offer_count;
    while (market.offer_count < offer_count) {
        const struct real *real = &reals[draw(real_count)];
        struct machine *machine = &market.machines[market.machine_count];
        struct catalog_stock *stock = &market.stocks[market.machine_count];
        int64_t sizes[OFFER_SIZES_MAX];

        fill_machine(machine, 1 + (int64_t)market.machine_count++, real);
        *stock = (struct catalog_stock){ machine->id, &market.offers[market.offer_count], 0 };
        size_t count = offer_sizes(machine->gpu_count, 1, machine->gpu_count, sizes);
        for (size_t i = 0; i < count && market.offer_count < offer_count; i++, stock->count++) {
            fill_offer(&market.offers[market.offer_count], 1 + (int64_t)market.offer_count, machine,
                       real, sizes[i]);
            market.offer_count++;
        }
    }
    return market;
}

void market_release(struct market *market)
{
    free(market->machines);
    free(market->offers);
    free(market->stocks);
}
