/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct catalog {
    struct arena arena; /* holds all that follows */
    size_t machine_count, offer_count;
    struct machine *machines; /* by id */
    struct offer *offers;     /* by id */
};

/* Memory that the market's own rows decide on: running out of it ends the process. */
static void *hold(struct catalog *catalog, size_t count, size_t size)
{
    void *memory = arena_alloc(&catalog->arena, count, size);

    assert(memory != NULL);
    return memory;
}

static void keep_text(struct catalog *catalog, const char **text)
{
    *text = arena_text(&catalog->arena, *text);
    assert(*text != NULL);
}

static void keep_texts(struct catalog *catalog, struct machine *machine)
{
    keep_text(catalog, &machine->hostname);
    keep_text(catalog, &machine->os_version);
    keep_text(catalog, &machine->cpu_name);
    keep_text(catalog, &machine->cpu_arch);
    keep_text(catalog, &machine->disk_name);
    keep_text(catalog, &machine->public_ip);
    keep_text(catalog, &machine->driver_version);
    keep_text(catalog, &machine->gpu_name);
    keep_text(catalog, &machine->geolocation);
}

static int compare_ids(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_machines(const void *a, const void *b)
{
    return compare_ids(((const struct machine *)a)->id, ((const struct machine *)b)->id);
}

static int compare_offers(const void *a, const void *b)
{
    return compare_ids(((const struct offer *)a)->id, ((const struct offer *)b)->id);
}

struct catalog *catalog_of(const struct machine *machines, size_t machine_count,
                           const struct offer *offers, size_t offer_count)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);

    if (catalog == NULL)
        abort();
    catalog->arena = arena_of(SIZE_MAX / 4);
    catalog->machine_count = machine_count;
    catalog->offer_count = offer_count;
    catalog->machines = hold(catalog, machine_count, sizeof *machines);
    catalog->offers = hold(catalog, offer_count, sizeof *offers);

    for (size_t i = 0; i < machine_count; i++) {
        catalog->machines[i] = machines[i];
        keep_texts(catalog, &catalog->machines[i]);
    }
    qsort(catalog->machines, machine_count, sizeof *machines, compare_machines);
    for (size_t i = 0; i < offer_count; i++) {
        catalog->offers[i] = offers[i];
        catalog->offers[i].machine = bsearch(offers[i].machine, catalog->machines, machine_count,
                                             sizeof *machines, compare_machines);
        assert(catalog->offers[i].machine != NULL);
    }
    qsort(catalog->offers, offer_count, sizeof *offers, compare_offers);
    return catalog;
}

void catalog_release(struct catalog **catalog)
{
    if (*catalog == NULL)
        return;
    arena_release(&(*catalog)->arena);
    free(*catalog);
    *catalog = NULL;
}

size_t catalog_offer_count(const struct catalog *catalog)
{
    return catalog->offer_count;
}

const struct offer *catalog_offer(const struct catalog *catalog, int64_t id)
{
    struct offer wanted = { .id = id };

    return bsearch(&wanted, catalog->offers, catalog->offer_count, sizeof wanted, compare_offers);
}

/* The best so far: a heap whose first is the worst of them, so that it is the one to beat. */
struct search {
    const struct query *query;
    const struct query_caller *caller;
    struct catalog_hit *hits;
    size_t count;
};

static bool is_worse(const struct search *search, const struct catalog_hit *a,
                     const struct catalog_hit *b)
{
    struct query_subject of_a = { a->offer, &a->quote }, of_b = { b->offer, &b->quote };

    return query_compare(search->query, &of_a, &of_b, search->caller) > 0;
}

static void swap(struct catalog_hit *a, struct catalog_hit *b)
{
    struct catalog_hit kept = *a;

    *a = *b;
    *b = kept;
}

static void sift_up(struct search *search, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (!is_worse(search, &search->hits[at], &search->hits[parent]))
            return;
        swap(&search->hits[at], &search->hits[parent]);
        at = parent;
    }
}

static void sift_down(struct search *search, size_t count)
{
    size_t at = 0;

    for (;;) {
        size_t worst = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_worse(search, &search->hits[child], &search->hits[worst]))
                worst = child;
        }
        if (worst == at)
            return;
        swap(&search->hits[at], &search->hits[worst]);
        at = worst;
    }
}

static void consider(struct search *search, const struct catalog_hit *hit)
{
    if (search->count < search->query->limit) {
        search->hits[search->count] = *hit;
        sift_up(search, search->count++);
    } else if (is_worse(search, &search->hits[0], hit)) {
        search->hits[0] = *hit;
        sift_down(search, search->count);
    }
}

size_t catalog_search(const struct catalog *catalog, const struct query *query,
                      const struct query_caller *caller, struct catalog_hit *hits)
{
    struct search search = { query, caller, hits, 0 };

    assert(query->limit >= 1 && query->limit <= QUERY_LIMIT_MAX);
    for (size_t i = 0; i < catalog->offer_count; i++) {
        const struct offer *offer = &catalog->offers[i];
        struct catalog_hit hit = { offer, offer_quote(offer, &query->ask) };
        struct query_subject subject = { offer, &hit.quote };

        if (query_matches(query, &subject, caller))
            consider(&search, &hit);
    }
    /* The worst of what is left goes behind it, until they stand best first. */
    for (size_t left = search.count; left > 1; left--) {
        swap(&search.hits[0], &search.hits[left - 1]);
        sift_down(&search, left - 1);
    }
    return search.count;
}
