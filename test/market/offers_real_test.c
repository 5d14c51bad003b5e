/* SPDX-License-Identifier: Apache-2.0 */
/* The market of offers_real.csv: 3,085 offers of a market that exists, as anybody could read them
 * there in 2024 and 2026, with the score that it gave them. Our score has to rank them as that one
 * does; and what a search finds is held against a filter and an order that are written here, from
 * the columns of the file and the formulas of api.md 2.3.5 and trust.md C3 alone. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "market/catalog_search.h"
#include "market/query_parse.h"

enum { ROWS = 3085, QUERIES = 400, LINE_SIZE = 1024, RENTED_TO = 501 };

/* Numbers in the units of the API, read by strtod(). */
enum column {
    NUM_GPUS,
    GPU_COUNT,
    DLPERF,
    GPU_RAM,
    DPH_BASE,
    MIN_BID,
    STORAGE_COST,
    INET_DOWN_COST,
    INET_UP_COST,
    INET_DOWN,
    INET_UP,
    RELIABILITY,
    VERIFICATION,
    HOSTING_TYPE,
    DISK_SPACE,
    CPU_CORES,
    CPU_RAM,
    PORTS,
    DURATION,
    CUDA,
    SCORE,
    READ_COUNT,
    /* Worked out. */
    ID = READ_COUNT,
    BASE,
    DPH_TOTAL,
    DLPERF_PER_DOLLAR,
    TOTAL_RAM,
    CPU_SHARE,
    AUTO,
    COLUMN_COUNT,
};

struct row {
    char gpu_name[64], country[8], driver[32];
    double of[COLUMN_COUNT];
};

static struct row rows[ROWS];
static struct machine machines[ROWS];
static struct offer offers[ROWS];
static struct catalog *catalog;

static const struct query_caller renter = { { INT64_C(1795330553000000) }, RENTED_TO };

static int64_t nano(double value)
{
    return llround(value * 1e9);
}

/* The text up to the next comma or the line's end. */
static char *next_cell(char **at)
{
    char *cell = *at;

    *at += strcspn(cell, ",\n");
    if (**at != '\0')
        *(*at)++ = '\0';
    return cell;
}

static void read_row(char *line, struct row *row)
{
    static const int texts[] = { 0, 15, 22 };
    char *targets[] = { row->gpu_name, row->country, row->driver };
    size_t sizes[] = { sizeof row->gpu_name, sizeof row->country, sizeof row->driver };
    size_t column = 0, text = 0;

    for (int i = 0; column < READ_COUNT; i++) {
        char *cell = next_cell(&line);

        if (text < 3 && i == texts[text]) {
            (void)snprintf(targets[text], sizes[text], "%s", cell);
            text++;
        } else {
            row->of[column++] = *cell == '\0' ? NAN : strtod(cell, NULL);
        }
    }
}

/* What the market makes of a row: the same numbers in its own units. */
static void take_row(const struct row *row, size_t i)
{
    int64_t count = (int64_t)row->of[GPU_COUNT];

    machines[i] = (struct machine){
        .id = (int64_t)i + 1,
        .host_id = 9,
        .hostname = "",
        .os_version = "",
        .cpu_name = "",
        .cpu_arch = "amd64",
        .disk_name = "",
        .public_ip = "",
        .driver_version = row->driver,
        .gpu_name = row->gpu_name,
        .geolocation = row->country,
        .gpu_count = count,
        .gpu_ram_mb = (int64_t)row->of[GPU_RAM],
        .cuda_version = llround(row->of[CUDA] * 10),
        .cpu_cores = (int64_t)row->of[CPU_CORES],
        .ram_mb = (int64_t)row->of[CPU_RAM],
        .disk_gb = (int64_t)row->of[DISK_SPACE] * count,
        .disk_free_gb = INT64_C(1) << 40,
        .inet_up_kbps = llround(row->of[INET_UP] * 1e3),
        .inet_down_kbps = llround(row->of[INET_DOWN] * 1e3),
        .port_count = (int64_t)row->of[PORTS],
        .verification = (enum verification)row->of[VERIFICATION],
        .is_datacenter = row->of[HOSTING_TYPE] != 0,
        .reliability_ppm = llround(row->of[RELIABILITY] * 1e6),
        .dlperf_milli = llround(row->of[DLPERF] * 1e3),
        .is_connected = true,
        .gpus_free = count,
    };
    offers[i] = (struct offer){
        .id = (int64_t)i + 1,
        .machine = &machines[i],
        .terms = { .num_gpus = (int64_t)row->of[NUM_GPUS],
                   .gpu_hour = { nano(row->of[DPH_BASE]) },
                   .min_bid_hour = { nano(row->of[MIN_BID]) },
                   .disk_month = { nano(row->of[STORAGE_COST]) },
                   .up_tb = { nano(row->of[INET_UP_COST]) * 1024 },
                   .down_tb = { nano(row->of[INET_DOWN_COST]) * 1024 },
                   .disk_gb = (int64_t)row->of[DISK_SPACE],
                   .end = instant_add(renter.now, (int64_t)row->of[DURATION] * US_PER_SECOND) },
    };
}

static int load(void **state)
{
    static struct catalog_stock stocks[ROWS];
    char path[512], line[LINE_SIZE];
    size_t count = 0;

    (void)state;
    (void)snprintf(path, sizeof path, "%.*s.csv", (int)(strlen(__FILE__) - strlen("_test.c")),
                   __FILE__);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) /* its head */
        return -1;
    for (; count < ROWS && fgets(line, sizeof line, file) != NULL; count++) {
        read_row(line, &rows[count]);
        take_row(&rows[count], count);
    }
    (void)fclose(file);
    for (size_t i = 0; i < count; i++)
        stocks[i] = (struct catalog_stock){ machines[i].id, &offers[i], 1 };
    catalog = catalog_of(stocks, count);
    return count == ROWS ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    catalog_release(&catalog);
    return 0;
}

/* The formulas, for a renter's disk in GB and, where they say it, days. */
static void work_out(struct row *row, size_t i, double disk_gb, bool is_bid, double days)
{
    double *of = row->of, r = of[RELIABILITY];
    int64_t storage = llround((double)nano(of[STORAGE_COST]) * disk_gb / 720);
    double price, dlperf = of[DLPERF] * of[NUM_GPUS];

    of[ID] = (double)i + 1;
    of[BASE] = of[is_bid ? MIN_BID : DPH_BASE];
    of[DPH_TOTAL] = (double)(nano(of[BASE]) + storage) / 1e9;
    of[DLPERF_PER_DOLLAR] = of[DPH_TOTAL] > 0 && dlperf > 0 ? dlperf / of[DPH_TOTAL] : NAN;
    of[TOTAL_RAM] = of[GPU_RAM] * of[NUM_GPUS];
    of[CPU_SHARE] = floor(of[CPU_CORES] * 1000 * of[NUM_GPUS] / of[GPU_COUNT]) / 1000;
    price = fmax(of[DPH_TOTAL] + 1.25 * of[INET_DOWN_COST], 1e-6);
    of[AUTO] = dlperf / price *
               (days > 0 ? pow(r, days) : (r + pow(r, 3) + pow(r, 9) + pow(r, 27)) / 4) *
               pow(of[GPU_RAM] / 1000, 0.35) * pow((of[INET_DOWN] + 4) * (of[INET_UP] + 4), 0.1);
}

static const double *ranked_by;

static int by_value(const void *a, const void *b)
{
    double first = ranked_by[*(const size_t *)a], second = ranked_by[*(const size_t *)b];

    return (first > second) - (first < second);
}

/* Ranks from 0 on; those of equal values are their mean. */
static void rank(const double *values, size_t count, double *ranks)
{
    static size_t order[ROWS];

    for (size_t i = 0; i < count; i++)
        order[i] = i;
    ranked_by = values;
    qsort(order, count, sizeof order[0], by_value);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && values[order[end]] == values[order[i]]; end++)
            continue;
        for (size_t j = i; j < end; j++)
            ranks[order[j]] = (double)(i + end - 1) / 2;
    }
}

static double spearman(const double *a, const double *b, size_t count)
{
    static double rank_a[ROWS], rank_b[ROWS];
    double mean = (double)(count - 1) / 2, ab = 0, aa = 0, bb = 0;

    rank(a, count, rank_a);
    rank(b, count, rank_b);
    for (size_t i = 0; i < count; i++) {
        ab += (rank_a[i] - mean) * (rank_b[i] - mean);
        aa += (rank_a[i] - mean) * (rank_a[i] - mean);
        bb += (rank_b[i] - mean) * (rank_b[i] - mean);
    }
    return ab / sqrt(aa * bb);
}

static void test_the_score_ranks_as_a_real_market_does(void **state)
{
    static double ours[ROWS], theirs[ROWS];
    struct offer_ask ask = { .type = OFFER_ON_DEMAND, .disk_milligb = 5000 };
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (isnan(rows[i].of[SCORE]))
            continue;
        ours[count] = offer_quote(&offers[i], &ask).score;
        theirs[count++] = rows[i].of[SCORE];
    }
    double found = spearman(ours, theirs, count);
    printf("RESULT auto_score_spearman %.4f over %zu offers\n", found, count);
    CHECK_INT((int64_t)count, 1672);
    CHECK(found >= 0.98);
}

static const struct {
    const char *name;
    enum column column;
    double unit; /* operands are multiples of it */
    int operands;
} fields[] = {
    { "num_gpus", NUM_GPUS, 1, 9 },
    { "gpu_ram", GPU_RAM, 8192, 10 },
    { "dph_total", DPH_TOTAL, 0.05, 40 },
    { "dph_base", BASE, 0.05, 40 },
    { "storage_cost", STORAGE_COST, 0.05, 8 },
    { "inet_down_cost", INET_DOWN_COST, 0.001, 20 },
    { "inet_down", INET_DOWN, 50, 40 },
    { "inet_up", INET_UP, 50, 40 },
    { "reliability2", RELIABILITY, 0.005, 201 },
    { "hosting_type", HOSTING_TYPE, 1, 2 },
    { "disk_space", DISK_SPACE, 50, 40 },
    { "cpu_cores", CPU_CORES, 4, 40 },
    { "direct_port_count", PORTS, 10, 40 },
    { "duration", DURATION, 86400, 100 },
    { "cuda_max_good", CUDA, 0.1, 135 },
    { "gpu_total_ram", TOTAL_RAM, 16384, 20 },
    { "cpu_cores_effective", CPU_SHARE, 2, 40 },
    { "dlperf_usd", DLPERF_PER_DOLLAR, 10, 60 },
    { "score", AUTO, 50, 20 },
    { "id", ID, 1, ROWS },
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static const char *const operators[] = { "eq", "neq", "gt", "gte", "lt", "lte" };

struct wanted {
    size_t count;
    struct {
        size_t field, operator;
        double operand;
    } conditions[3];
    const char *model, *country; /* NULL: any */
    int verified;                /* -1: any */
    double disk_gb;
    size_t order;
    bool is_descending, is_bid;
};

/* What was not measured is 0 in the file, and unknown. */
static double value_of(const struct row *row, enum column column)
{
    bool is_measured = column == CUDA || column == INET_DOWN || column == INET_UP;

    return is_measured && row->of[column] == 0 ? NAN : row->of[column];
}

static bool holds(double value, size_t operator, double operand)
{
    const bool is[] = { value == operand, value != operand, value > operand,
                        value >= operand, value < operand,  value <= operand };

    return isnan(value) ? operator== 1 : is[operator];
}

static bool is_wanted(const struct wanted *wanted, const struct row *row)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!holds(value_of(row, fields[wanted->conditions[i].field].column),
                   wanted->conditions[i].operator, wanted->conditions[i].operand))
            return false;
    }
    return (wanted->model == NULL || strcmp(wanted->model, row->gpu_name) == 0) &&
           (wanted->country == NULL || strcmp(wanted->country, row->country) == 0) &&
           (wanted->verified < 0 || (row->of[VERIFICATION] == 1) == wanted->verified) &&
           row->of[DISK_SPACE] >= wanted->disk_gb;
}

static const struct wanted *sorted_for;

static int by_wish(const void *a, const void *b)
{
    const struct row *row_a = &rows[*(const size_t *)a], *row_b = &rows[*(const size_t *)b];
    const double *first = row_a->of, *second = row_b->of;
    enum column column = fields[sorted_for->order].column;
    double x = value_of(row_a, column), y = value_of(row_b, column);

    if (isnan(x) != isnan(y))
        return isnan(x) ? 1 : -1;
    if (!isnan(x) && x != y)
        return (x < y) != sorted_for->is_descending ? -1 : 1;
    if (first[DPH_TOTAL] != second[DPH_TOTAL])
        return first[DPH_TOTAL] < second[DPH_TOTAL] ? -1 : 1;
    return first[ID] < second[ID] ? -1 : 1;
}

/* For how many days at least it is wanted; 0: not said. */
static double days_of(const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        bool is_least = wanted->conditions[i].operator== 2 || wanted->conditions[i].operator== 3;

        if (fields[wanted->conditions[i].field].column == DURATION && is_least)
            return wanted->conditions[i].operand / 86400;
    }
    return 0;
}

static struct wanted some_wish(void)
{
    struct wanted wanted = { .count = check_random(4),
                             .verified = (int)check_random(3) - 1,
                             .disk_gb = (double)check_random(100),
                             .order = check_random(FIELD_COUNT),
                             .is_descending = check_random(2) == 0,
                             .is_bid = check_random(3) == 0 };

    for (size_t i = 0; i < wanted.count; i++) {
        size_t field = check_random(FIELD_COUNT);

        wanted.conditions[i].field = field;
        wanted.conditions[i].operator= check_random(6);
        wanted.conditions[i].operand =
            (double)check_random((uint64_t)fields[field].operands) * fields[field].unit;
    }
    if (check_random(3) == 0)
        wanted.model = rows[check_random(ROWS)].gpu_name;
    if (check_random(4) == 0)
        wanted.country = rows[check_random(ROWS)].country;
    if (wanted.country != NULL && *wanted.country == '\0')
        wanted.country = NULL;
    return wanted;
}

/* As a client would send it: some operands as numbers, some as text. */
static json_t *query_of(const struct wanted *wanted)
{
    json_t *query =
        json_pack("{s:[[s,s]],s:i,s:s,s:f}", "order", fields[wanted->order].name,
                  wanted->is_descending ? "desc" : "asc", "limit", 5000, "type",
                  wanted->is_bid ? "bid" : "on-demand", "allocated_storage", wanted->disk_gb);

    for (size_t i = 0; i < wanted->count; i++) {
        const char *name = fields[wanted->conditions[i].field].name;
        const char *operator= operators[wanted->conditions[i].operator];
        json_t *field = json_object_get(query, name);
        char text[40];

        if (field == NULL) {
            field = json_object();
            CHECK(json_object_set_new(query, name, field) == 0);
        }
        (void)snprintf(text, sizeof text, "%.9f", wanted->conditions[i].operand);
        CHECK(json_object_set_new(field, operator, i % 2 == 0 ? json_real(strtod(text, NULL))
                                                              : json_string(text)) == 0);
    }
    if (wanted->model != NULL)
        CHECK(json_object_set_new(query, "gpu_name", json_pack("{s:s}", "eq", wanted->model)) == 0);
    if (wanted->country != NULL)
        CHECK(json_object_set_new(query, "geolocation",
                                  json_pack("{s:[s]}", "in", wanted->country)) == 0);
    if (wanted->verified >= 0)
        CHECK(json_object_set_new(query, "verified", json_pack("{s:b}", "eq", wanted->verified)) ==
              0);
    return query;
}

/* Whether the same operator stands twice on a field, which no JSON can say; and what is compared
 * is the same double on both sides. */
static bool can_be_said(struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        char text[40];

        (void)snprintf(text, sizeof text, "%.9f", wanted->conditions[i].operand);
        wanted->conditions[i].operand = strtod(text, NULL);
        for (size_t j = 0; j < i; j++) {
            if (wanted->conditions[i].field == wanted->conditions[j].field)
                return false;
        }
    }
    return true;
}

static bool is_near(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-12 * fabs(a);
}

static void compare(const struct wanted *wanted, const size_t *order, size_t count,
                    const struct catalog_hit *hits, size_t hit_count)
{
    enum column column = fields[wanted->order].column;

    CHECK_INT((int64_t)hit_count, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[order[i]], *got = &rows[hits[i].offer->id - 1];

        if (hits[i].offer->id == (int64_t)row->of[ID])
            continue;
        /* Quotients are rounded by the way they are worked out: nearly equal ones may change
         * places. */
        check_row("place %zu of %zu by %s: offer %" PRId64 " for %.0f", i, count,
                  fields[wanted->order].name, hits[i].offer->id, row->of[ID]);
        CHECK((column == AUTO || column == DLPERF_PER_DOLLAR) &&
              is_near(got->of[column], row->of[column]));
    }
}

static void test_a_search_finds_what_the_file_says(void **state)
{
    static size_t order[ROWS];
    static struct catalog_hit hits[5000];
    size_t found = 0;

    (void)state;
    for (int n = 0; n < QUERIES;) {
        struct wanted wanted = some_wish();
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err;
        size_t count = 0;

        if (!can_be_said(&wanted))
            continue;
        n++;
        for (size_t i = 0; i < ROWS; i++) {
            work_out(&rows[i], i, wanted.disk_gb, wanted.is_bid, days_of(&wanted));
            if (is_wanted(&wanted, &rows[i]))
                order[count++] = i;
        }
        sorted_for = &wanted;
        qsort(order, count, sizeof order[0], by_wish);
        auto_json json_t *root = query_of(&wanted);
        CHECK_OK(query_parse(root, &arena, &query, &err), &err);
        auto_free char *text = json_dumps(root, 0);
        check_row("%s", text);
        compare(&wanted, order, count, hits, catalog_search(catalog, &query, &renter, hits));
        found += count;
    }
    printf("%d searches found %zu offers\n", QUERIES, found);
    CHECK(found > 10 * QUERIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_score_ranks_as_a_real_market_does),
        cmocka_unit_test(test_a_search_finds_what_the_file_says),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
