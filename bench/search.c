/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the catalog finds offers, against databases and against memory itself.
 *
 * Twelve kinds of search on markets of 20 thousand, 200 thousand and 1 million offers, one by one
 * and in rotation, one client on one core; SQLite in memory and PostgreSQL answer the same searches
 * in turn, in the same run, and must find the same offers. "memory-bandwidth" is the time that one
 * core needs to read the columns of a search's conditions and order once, all of them, from where a
 * set of that size lies; bounds of blocks let a search read less than that. Medians.
 *
 *     bench-search [20k] [200k] [1m]      without sizes, all */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "market/catalog_search.h"
#include "market/column.h"
#include "search_sql.h"

enum { ROUNDS = 5, PEERS = 2, SEARCH_MS = 20, MIX_MS = 250 };

struct run {
    const char *size_name;
    struct market market;
    struct bench_query queries[QUERY_COUNT];
    struct catalog *catalog;
    struct sql_peer sqlite, postgres;
    char *memory; /* as large as the columns of the widest search */
    size_t memory_size;
};

typedef void (*searcher)(const struct run *run, int number);

static double now_us(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static volatile size_t sink;

static size_t find_ours(const struct run *run, int number, int64_t ids[static SQL_HITS_MAX])
{
    static struct catalog_hit hits[SQL_HITS_MAX];
    const struct query_caller caller = { BENCH_NOW, 0 };
    size_t count = catalog_search(run->catalog, &run->queries[number].query, &caller, hits);

    for (size_t i = 0; i < count; i++)
        ids[i] = hits[i].id;
    return count;
}

static void ours(const struct run *run, int number)
{
    int64_t ids[SQL_HITS_MAX];

    sink = find_ours(run, number, ids);
}

static void sqlite(const struct run *run, int number)
{
    int64_t ids[SQL_HITS_MAX];

    sink = sqlite_search(&run->sqlite, number, ids);
}

static void postgres(const struct run *run, int number)
{
    int64_t ids[SQL_HITS_MAX];

    sink = postgres_search(&run->postgres, number, ids);
}

static size_t bytes_of(const struct run *run, int number)
{
    const struct query_caller caller = { BENCH_NOW, 0 };

    return catalog_search_effort(run->catalog, &run->queries[number].query, &caller).column_bytes;
}

/* Reads as much as the columns of the search hold. */
static size_t memory_bytes[QUERY_COUNT];
static void memory(const struct run *run, int number)
{
    const struct column_scan *scan = column_scan_best();
    size_t sum = 0;

    for (size_t at = 0; at < memory_bytes[number]; at += COLUMN_ROWS)
        sum += scan->count((const uint8_t *)run->memory + at);
    sink = sum;
}

static const searcher searchers[] = { ours, sqlite, postgres, memory };
static const char *const names[] = { "ours", "sqlite", "postgresql", "memory-bandwidth" };
enum { SEARCHERS = 4 };

/* Microseconds a search. */
static double time_one(const struct run *run, searcher search, int number)
{
    double begin = now_us(), end = begin;
    int count = 0;

    for (int batch = 1; end - begin < SEARCH_MS * 1e3; batch *= 2) {
        for (int i = 0; i < batch; i++)
            search(run, number);
        count += batch;
        end = now_us();
    }
    return (end - begin) / count;
}

/* Microseconds a search, the twelve in rotation. */
static double time_mix(const struct run *run, searcher search)
{
    double begin = now_us(), end = begin;
    int count = 0;

    for (int batch = 1; end - begin < MIX_MS * 1e3; batch *= 2) {
        for (int i = 0; i < batch * QUERY_COUNT; i++)
            search(run, i % QUERY_COUNT);
        count += batch * QUERY_COUNT;
        end = now_us();
    }
    return (end - begin) / count;
}

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median(double times[static ROUNDS])
{
    qsort(times, ROUNDS, sizeof times[0], compare_doubles);
    return times[ROUNDS / 2];
}

static void print(const struct run *run, const char *what, const double times[static SEARCHERS])
{
    for (int i = 1; i < SEARCHERS; i++)
        printf("RESULT search-%s-%s %.2f us vs %s %.2f ratio %.2f better=higher\n", run->size_name,
               what, times[0], names[i], times[i], times[i] / times[0]);
    (void)fflush(stdout);
}

/* Whatever the peers round otherwise may change places: nearly all must be the same. */
static void check_same(const struct run *run)
{
    for (int number = 0; number < QUERY_COUNT; number++) {
        int64_t got[SQL_HITS_MAX], of[PEERS][SQL_HITS_MAX];
        size_t count = find_ours(run, number, got);
        size_t counts[PEERS] = { sqlite_search(&run->sqlite, number, of[0]),
                                 postgres_search(&run->postgres, number, of[1]) };

        for (int peer = 0; peer < PEERS; peer++) {
            size_t common = 0;

            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < counts[peer]; j++)
                    common += got[i] == of[peer][j] ? 1 : 0;
            }
            if (counts[peer] != count || common + 2 < count) {
                (void)fprintf(stderr, "bench-search: %s: %zu found, %s finds %zu, %zu the same\n",
                              run->queries[number].name, count, names[1 + peer], counts[peer],
                              common);
                exit(1);
            }
        }
    }
}

static void print_effort(const struct run *run)
{
    const struct query_caller caller = { BENCH_NOW, 0 };

    for (int i = 0; i < QUERY_COUNT; i++) {
        struct catalog_effort effort =
            catalog_search_effort(run->catalog, &run->queries[i].query, &caller);
        printf("# search-%s-%s reads %zu KB of %zu KB in columns, %zu blocks, prices %zu offers\n",
               run->size_name, run->queries[i].name, effort.bytes_scanned / 1024,
               effort.column_bytes / 1024, effort.blocks_scanned, effort.offers_priced);
    }
}

static void measure(const struct run *run)
{
    double times[SEARCHERS][ROUNDS], medians[SEARCHERS];

    for (int number = 0; number < QUERY_COUNT; number++) {
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < SEARCHERS; i++)
                times[i][round] = time_one(run, searchers[i], number);
        }
        for (int i = 0; i < SEARCHERS; i++)
            medians[i] = median(times[i]);
        print(run, run->queries[number].name, medians);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SEARCHERS; i++)
            times[i][round] = time_mix(run, searchers[i]);
    }
    for (int i = 0; i < SEARCHERS; i++)
        medians[i] = median(times[i]);
    print(run, "mix", medians);
    print_effort(run);
}

static void run_size(const char *name, size_t count, const struct postgres_server *server)
{
    struct run run = { .size_name = name, .market = market_of(count) };

    bench_queries((int64_t)run.market.machine_count / 2, run.queries);
    run.catalog = catalog_of(run.market.stocks, run.market.machine_count);
    run.sqlite = sqlite_peer(&run.market, run.queries);
    run.postgres = postgres_peer(server, &run.market, run.queries);
    for (int i = 0; i < QUERY_COUNT; i++) {
        /* What is looked up reads nothing to speak of. */
        memory_bytes[i] = (bytes_of(&run, i) + COLUMN_ROWS - 1) / COLUMN_ROWS * COLUMN_ROWS;
        if (memory_bytes[i] > run.memory_size)
            run.memory_size = memory_bytes[i];
    }
    run.memory = aligned_alloc(64, run.memory_size);
    memset(run.memory, 1, run.memory_size);
    check_same(&run);
    measure(&run);
    free(run.memory);
    sqlite_peer_close(&run.sqlite);
    postgres_peer_close(&run.postgres);
    catalog_release(&run.catalog);
    market_release(&run.market);
}

static struct postgres_server server = { .shared_buffers = "2GB" };

/* Also where a peer gives up. */
static void stop_server(void)
{
    postgres_server_stop(&server);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        size_t count;
    } sizes[] = { { "20k", 20000 }, { "200k", 200000 }, { "1m", 1000000 } };
    char directory[64];

    if (!postgres_server_is_installed(&server))
        return 1;
    (void)snprintf(directory, sizeof directory, "/tmp/berth-bench-search-%d", (int)getpid());
    postgres_server_start(&server, directory, false);
    (void)atexit(stop_server);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bool is_asked = argc == 1;

        for (int j = 1; j < argc; j++)
            is_asked = is_asked || strcmp(argv[j], sizes[i].name) == 0;
        if (is_asked)
            run_size(sizes[i].name, sizes[i].count, &server);
    }
    return 0;
}
