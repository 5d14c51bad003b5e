/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "search_market.h"

enum { VALUES_MAX = 256, CONDITIONS_MAX = 12 };

/* A condition as one line of a table: a number, or texts. */
struct line {
    enum query_field field;
    enum query_relation relation;
    double number;
    const char *texts[13]; /* NULL behind the last */
};

struct row {
    const char *name;
    enum query_field order;
    bool is_descending, is_bid, is_plain; /* plain: without what clients add by default */
    struct line lines[CONDITIONS_MAX];
    const char *where, *sql_order;
};

#define EU "SE", "NO", "FI", "DE", "FR", "NL", "PL", "ES", "IT", "CZ", "BE", "AT"

/* Columns of the SQL peers are named as the fields; total, worth and the rest are in search_sql.c.
 */
static const struct row rows[QUERY_COUNT] = {
    { "Q1",
      QUERY_DLPERF_PER_DPHTOTAL,
      true,
      false,
      false,
      { { QUERY_GPU_NAME, QUERY_EQ, 0, { "RTX 4090" } },
        { QUERY_NUM_GPUS, QUERY_GTE, 4, { NULL } },
        { QUERY_RELIABILITY, QUERY_GT, 0.98, { NULL } },
        { QUERY_INET_DOWN, QUERY_GT, 200, { NULL } },
        { QUERY_DPH_TOTAL, QUERY_LT, 3, { NULL } },
        { QUERY_GEOLOCATION, QUERY_IN, 0, { "US", "CA" } } },
      "gpu_name = 'RTX 4090' AND num_gpus >= 4 AND reliability > 0.98 AND inet_down > 200 "
      "AND TOTAL < 3 AND country IN ('US', 'CA')",
      "VALUE DESC" },
    { "Q2", QUERY_SCORE, true, false, false, { { 0 } }, "1 = 1", "SCORE DESC" },
    { "Q3", QUERY_DPH_TOTAL, false, false, true, { { 0 } }, "1 = 1", "TOTAL" },
    { "Q4",
      QUERY_DPH_TOTAL,
      false,
      false,
      false,
      { { QUERY_GPU_NAME, QUERY_EQ, 0, { "RTX 4090" } },
        { QUERY_NUM_GPUS, QUERY_EQ, 1, { NULL } } },
      "gpu_name = 'RTX 4090' AND num_gpus = 1",
      "TOTAL" },
    { "Q5",
      QUERY_DPH_TOTAL,
      false,
      false,
      false,
      { { QUERY_GPU_NAME, QUERY_IN, 0, { "H100 SXM", "H200", "B200" } },
        { QUERY_NUM_GPUS, QUERY_EQ, 8, { NULL } },
        { QUERY_DATACENTER, QUERY_EQ, 1, { NULL } } },
      "gpu_name IN ('H100 SXM', 'H200', 'B200') AND num_gpus = 8 AND datacenter = 1",
      "TOTAL" },
    { "Q6",
      QUERY_SCORE,
      true,
      false,
      false,
      { { QUERY_GPU_RAM, QUERY_GTE, 24000, { NULL } },
        { QUERY_DPH_TOTAL, QUERY_LT, 0.3, { NULL } } },
      "gpu_ram >= 24000 AND TOTAL < 0.3",
      "SCORE DESC" },
    { "Q7",
      QUERY_DLPERF_PER_DPHTOTAL,
      true,
      false,
      false,
      { { QUERY_GPU_TOTAL_RAM, QUERY_GTE, 80000, { NULL } },
        { QUERY_CUDA_MAX_GOOD, QUERY_GTE, 12.4, { NULL } },
        { QUERY_DIRECT_PORT_COUNT, QUERY_GTE, 4, { NULL } } },
      "gpu_total_ram >= 80000 AND cuda >= 12.4 AND ports >= 4",
      "VALUE DESC" },
    { "Q8",
      QUERY_DPH_TOTAL,
      false,
      false,
      false,
      { { QUERY_CPU_CORES_EFFECTIVE, QUERY_GTE, 32, { NULL } },
        { QUERY_CPU_RAM, QUERY_GTE, 128000, { NULL } },
        { QUERY_DISK_SPACE, QUERY_GTE, 1000, { NULL } },
        { QUERY_CPU_GHZ, QUERY_GT, 3, { NULL } } },
      "cpu_effective >= 32 AND cpu_ram >= 128000 AND disk_space >= 1000 AND cpu_ghz > 3",
      "TOTAL" },
    { "Q9",
      QUERY_DPH_TOTAL,
      false,
      false,
      true,
      { { QUERY_RENTABLE, QUERY_EQ, 1, { NULL } },
        { QUERY_GEOLOCATION, QUERY_IN, 0, { EU } },
        { QUERY_STATIC_IP, QUERY_EQ, 1, { NULL } },
        { QUERY_INET_UP, QUERY_GTE, 100, { NULL } },
        { QUERY_INET_DOWN, QUERY_GTE, 100, { NULL } } },
      "rentable = 1 AND country IN ('SE', 'NO', 'FI', 'DE', 'FR', 'NL', 'PL', 'ES', 'IT', 'CZ', "
      "'BE', 'AT') AND static_ip = 1 AND inet_up >= 100 AND inet_down >= 100",
      "TOTAL" },
    { "Q10",
      QUERY_MIN_BID,
      false,
      true,
      false,
      { { QUERY_GPU_NAME, QUERY_IN, 0, { "RTX 3090", "RTX 4090", "RTX 5090" } },
        { QUERY_NUM_GPUS, QUERY_LTE, 2, { NULL } },
        { QUERY_MIN_BID, QUERY_LT, 0.15, { NULL } },
        { QUERY_DURATION, QUERY_GTE, 604800, { NULL } } },
      "gpu_name IN ('RTX 3090', 'RTX 4090', 'RTX 5090') AND num_gpus <= 2 AND min_bid < 0.15 "
      "AND end_date >= 1795935353",
      "min_bid" },
    { "Q11",
      QUERY_DPH_TOTAL,
      false,
      false,
      true,
      { { QUERY_MACHINE_ID, QUERY_EQ, -1, { NULL } } },
      "machine_id = %lld",
      "TOTAL" },
    { "Q12",
      QUERY_SCORE,
      true,
      false,
      false,
      { { QUERY_COMPUTE_CAP, QUERY_GTE, 890, { NULL } },
        { QUERY_DLPERF, QUERY_GT, 100, { NULL } },
        { QUERY_PCIE_BW, QUERY_GTE, 10, { NULL } },
        { QUERY_GPU_DISPLAY_ACTIVE, QUERY_EQ, 0, { NULL } },
        { QUERY_GEOLOCATION, QUERY_NOTIN, 0, { "CN", "VN", "RU" } } },
      "compute_cap >= 890 AND dlperf > 100 AND pcie_bw >= 10 AND display = 0 "
      "AND country NOT IN ('CN', 'VN', 'RU')",
      "SCORE DESC" },
};

static struct query_value values[QUERY_COUNT][VALUES_MAX];

static void add(struct query *query, struct query_value **next, const struct line *line,
                int64_t machine_id)
{
    struct query_condition *condition = &query->conditions[query->condition_count++];

    /* As query_parse() has it. */
    query->has_rented = query->has_rented || line->field == QUERY_RENTABLE;
    *condition = (struct query_condition){ line->field, line->relation, 0, *next };
    for (; line->texts[condition->count] != NULL; condition->count++)
        *(*next)++ =
            (struct query_value){ .kind = QUERY_VALUE_TEXT, .text = line->texts[condition->count] };
    if (condition->count > 0)
        return;
    condition->count = 1;
    *(*next)++ =
        (struct query_value){ .kind = QUERY_VALUE_NUMBER,
                              .number = line->number < 0 ? (double)machine_id : line->number };
}

void bench_queries(int64_t machine_id, struct bench_query ret[static QUERY_COUNT])
{
    static const struct line usual[] = { { QUERY_VERIFIED, QUERY_EQ, 1, { NULL } },
                                         { QUERY_EXTERNAL, QUERY_EQ, 0, { NULL } },
                                         { QUERY_RENTABLE, QUERY_EQ, 1, { NULL } } };
    static char wheres[QUERY_COUNT][600];

    for (int i = 0; i < QUERY_COUNT; i++) {
        const struct row *row = &rows[i];
        struct query query = query_default();
        struct query_value *next = values[i];

        query.ask = (struct offer_ask){ .type = row->is_bid ? OFFER_BID : OFFER_ON_DEMAND,
                                        .disk_milligb = 8000 };
        query.order[0] = (struct query_order){ row->order, row->is_descending };
        for (int j = 0; j < 3 && !row->is_plain; j++)
            add(&query, &next, &usual[j], machine_id);
        for (int j = 0; j < CONDITIONS_MAX && row->lines[j].field != 0; j++)
            add(&query, &next, &row->lines[j], machine_id);
        (void)snprintf(wheres[i], sizeof wheres[i], "%sdisk_space >= 8 AND %s",
                       row->is_plain ? "" : "verified = 1 AND external = 0 AND rentable = 1 AND ",
                       row->where);
        if (i == 10)
            (void)snprintf(wheres[i], sizeof wheres[i], "disk_space >= 8 AND machine_id = %lld",
                           (long long)machine_id);
        ret[i] = (struct bench_query){ row->name, query, wheres[i], row->sql_order };
    }
}
