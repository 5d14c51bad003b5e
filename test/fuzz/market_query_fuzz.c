/* SPDX-License-Identifier: Apache-2.0 */
/* Any query object: refused with a reason, or within its limits and fit to search with; twice the
 * same search finds the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "market/catalog_search.h"
#include "market/query_parse.h"

enum { MACHINES = 3, OFFERS = 9 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct catalog *a_catalog(void)
{
    static struct machine machines[MACHINES]; /* the catalog borrows them */
    static struct offer offers[OFFERS];
    static struct catalog_stock stocks[OFFERS];

    for (int i = 0; i < MACHINES; i++)
        machines[i] = (struct machine){
            .id = i + 1,
            .host_id = 1,
            .hostname = "box",
            .os_version = "22.04",
            .cpu_name = "CPU",
            .cpu_arch = "amd64",
            .disk_name = "",
            .public_ip = "",
            .driver_version = i == 0 ? "" : "570.86.15",
            .gpu_name = i == 0 ? "" : "RTX 4090",
            .geolocation = i == 1 ? "Oslo, NO" : "",
            .gpu_count = i == 0 ? 0 : 4,
            .gpu_ram_mb = 24000,
            .cpu_cores = 8,
            .ram_mb = 64000,
            .disk_gb = 1000,
            .is_connected = true,
            .gpus_free = 4,
            .disk_free_gb = 900,
            .fp32_gflops = 1000 * i,
        };
    for (int i = 0; i < OFFERS; i++)
        offers[i] = (struct offer){
            .id = i + 1,
            .machine = &machines[i % MACHINES],
            .terms = { .num_gpus = i % MACHINES == 0 ? 0 : 1 + i % 4,
                       .gpu_hour = { 1000000 * (i / 2) },
                       .disk_gb = 250,
                       .end = { INT64_MAX } },
        };
    for (int i = 0; i < OFFERS; i++)
        stocks[i] = (struct catalog_stock){ offers[i].machine->id, &offers[i], 1 };
    return catalog_of(stocks, OFFERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct catalog *catalog;
    struct catalog_hit hits[OFFERS], again[OFFERS];
    auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
    auto_json json_t *root = NULL;
    struct query_caller caller = { { 1000000 }, 1 };
    struct query query;
    struct error err;

    if (catalog == NULL)
        catalog = a_catalog();
    if (!json_parse((const char *)bytes, size, &root, &err))
        return 0;
    if (!query_parse(root, &arena, &query, &err)) {
        assert(*err.text != '\0');
        return 0;
    }
    assert(query.limit >= 1 && query.limit <= QUERY_LIMIT_MAX);
    assert(query.ask.disk_milligb >= 0 && query.ask.disk_milligb <= QUERY_STORAGE_MAX);
    query.limit = query.limit < OFFERS ? query.limit : OFFERS;
    size_t count = catalog_search(catalog, &query, &caller, hits);
    size_t count_again = catalog_search(catalog, &query, &caller, again);
    assert(count == count_again && count <= query.limit);
    for (size_t i = 0; i < count; i++)
        assert(hits[i].offer == again[i].offer);
    return 0;
}
