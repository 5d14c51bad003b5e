/* SPDX-License-Identifier: Apache-2.0 */
/* How many journals a second are durable, against loops that do the same by hand; and what one hot
 * account costs.
 *
 * A journal is one posting of usage: its row, three legs, and the balances of a renter and a
 * host, for one of 2,000 contracts. We post each by store_write(), from so many threads at once,
 * through the ledger: key and body hash, accounts found, limits kept. The peers are loops in plain
 * SQLite and libpq on the same schema, with the ids known beforehand and nothing checked, in the
 * same groups: on SQLite one loop with STORE_BATCH_MAX journals a commit, beside twice as many
 * threads of ours; on PostgreSQL STORE_CONNECTIONS_MAX connections, a thread each, with one journal
 * a commit, beside as many threads of ours, and then beside a crowd of them, which share the same
 * connections. Their rows are ours, number for number, and as durable; in the end both databases
 * hold every journal that was counted.
 *
 * The house's accounts are hot: every journal posts to them. The same journals with 64 houses,
 * one a client, are what they are compared with. We and they alternate in one run; the medians
 * count. `bench-ledger sqlite`, `postgresql` or `hot-postgresql` is a part of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger_clients.h"
#include "ledger_peers.h"
#include "store/support_postgres.h"
#include "sys/crypto.h"

enum {
    CLIENTS = 2 * STORE_BATCH_MAX, /* one batch is written while the next comes together */
    HOUSES = 64,
    HOT_ROUNDS = 16,
};

static char directory[128];
static struct postgres_server server;

_Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-ledger: %s: %s\n", what, why);
    if (server.pid > 0)
        postgres_server_stop(&server);
    exit(1);
}

double now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* CPU time of this process, all threads. */
static double cpu(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int64_t posted_by_us, posted_by_them;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_result(const char *name, double mine[static ROUNDS], const char *peer_name,
                         double peer[static ROUNDS])
{
    qsort(mine, ROUNDS, sizeof mine[0], compare);
    qsort(peer, ROUNDS, sizeof peer[0], compare);
    (void)printf("RESULT %s %.0f journals/s vs %s %.0f ratio %.2f better=higher\n", name,
                 mine[ROUNDS / 2], peer_name, peer[ROUNDS / 2],
                 mine[ROUNDS / 2] / peer[ROUNDS / 2]);
    (void)fflush(stdout);
}

/* That below which so many of `of` parts of them are. */
static double quantile(double values[static HOT_ROUNDS], int part, int of)
{
    qsort(values, HOT_ROUNDS, sizeof values[0], compare);
    return values[HOT_ROUNDS * part / of];
}

/* 64 clients on the house's accounts, and on a house each. Neighbours are compared, each of the two
 * first as often as the other: what a disk does in ten seconds is in both. */
static void bench_hot(const char *name, struct store *store, struct client clients[static HOUSES])
{
    double hot[HOT_ROUNDS], spread[HOT_ROUNDS], ratios[HOT_ROUNDS];

    (void)clients_run(store, clients, HOUSES, HOUSES, &posted_by_us);
    for (int i = 0; i < HOT_ROUNDS; i++) {
        bool is_hot_first = i % 2 == 0;

        if (is_hot_first)
            hot[i] = clients_run(store, clients, HOUSES, ONE_HOUSE, &posted_by_us);
        spread[i] = clients_run(store, clients, HOUSES, HOUSES, &posted_by_us);
        if (!is_hot_first)
            hot[i] = clients_run(store, clients, HOUSES, ONE_HOUSE, &posted_by_us);
        ratios[i] = hot[i] / spread[i];
    }
    (void)printf("%s: %.2f %.2f %.2f of neighbours (quarters)\n", name, quantile(ratios, 1, 4),
                 quantile(ratios, 2, 4), quantile(ratios, 3, 4));
    (void)printf("RESULT %s %.0f journals/s vs many-accounts %.0f ratio %.2f better=higher\n", name,
                 quantile(hot, 1, 2), quantile(spread, 1, 2), quantile(ratios, 1, 2));
    (void)fflush(stdout);
}

static void bench_sqlite(const struct log *log)
{
    static struct client clients[CLIENTS];
    double mine[ROUNDS], peer[ROUNDS];
    char path[192];

    (void)snprintf(path, sizeof path, "%s/ours", directory);
    struct store *store = clients_open_store(path, log);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    struct store *prepared = clients_open_store(path, log);
    store_close(&prepared);
    (void)snprintf(path, sizeof path, "%s/theirs/berth.sqlite", directory);
    struct bare_sqlite *bare = bare_sqlite_open(path);
    (void)clients_run(store, clients, CLIENTS, ONE_HOUSE, &posted_by_us);
    (void)bare_sqlite_run(bare, &posted_by_them);
    double mine_cpu = 0, peer_cpu = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu();
        mine[i] = clients_run(store, clients, CLIENTS, ONE_HOUSE, &posted_by_us);
        double middle = cpu();
        peer[i] = bare_sqlite_run(bare, &posted_by_them);
        mine_cpu += (middle - begin) / mine[i] / (ROUND_MS / 1e3);
        peer_cpu += (cpu() - middle) / peer[i] / (ROUND_MS / 1e3);
    }
    (void)printf("sqlite: CPU a journal: %.0f us, by hand %.0f us\n", mine_cpu / ROUNDS * 1e6,
                 peer_cpu / ROUNDS * 1e6);
    struct store_totals totals = store_totals(store);
    (void)printf("sqlite: %.1f journals a commit\n",
                 (double)totals.writes / (double)totals.commits);
    bare_sqlite_close(bare);
    print_result("ledger-sqlite", mine, "bare-loop", peer);
    bench_hot("ledger-hot-account-sqlite", store, clients);
    clients_check_rows(store, posted_by_us);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    clients_check_rows(clients_open_store(path, log), posted_by_them);
}

static void bench_postgres(const struct log *log, bool is_hot_alone)
{
    static struct client clients[CLIENTS];
    double mine[ROUNDS], crowd[ROUNDS], peer[ROUNDS], again[ROUNDS];
    char url[256], path[192];

    if (!postgres_server_is_installed(&server))
        exit(1);
    (void)snprintf(path, sizeof path, "%s/pg", directory);
    postgres_server_start(&server, path, true);
    postgres_server_create(&server, "ours", NULL);
    postgres_server_create(&server, "theirs", NULL);
    postgres_server_url(&server, "theirs", url, sizeof url);
    struct store *prepared = clients_open_store(url, log);
    store_close(&prepared);
    struct bare_postgres *bare = bare_postgres_open(url);
    postgres_server_url(&server, "ours", url, sizeof url);
    struct store *store = clients_open_store(url, log);
    (void)clients_run(store, clients, CLIENTS, ONE_HOUSE, &posted_by_us);
    (void)bare_postgres_run(bare, &posted_by_them);
    for (int i = 0; !is_hot_alone && i < ROUNDS; i++) {
        mine[i] = clients_run(store, clients, STORE_CONNECTIONS_MAX, ONE_HOUSE, &posted_by_us);
        again[i] = peer[i] = bare_postgres_run(bare, &posted_by_them);
        crowd[i] = clients_run(store, clients, CLIENTS, ONE_HOUSE, &posted_by_us);
    }
    struct store_totals totals = store_totals(store);
    (void)printf("postgresql: %.4f retries a journal\n",
                 (double)totals.retries / (double)totals.writes);
    bare_postgres_close(bare);
    if (!is_hot_alone) {
        print_result("ledger-postgresql", mine, "bare-pipeline", peer);
        print_result("ledger-postgresql-crowd", crowd, "bare-pipeline", again);
    }
    bench_hot("ledger-hot-account-postgresql", store, clients);
    clients_check_rows(store, posted_by_us);
    postgres_server_url(&server, "theirs", url, sizeof url);
    clients_check_rows(clients_open_store(url, log), posted_by_them);
    postgres_server_stop(&server);
}

int main(int argc, char **argv)
{
    struct log log = log_silent();
    char command[160];

    crypto_start();
    (void)snprintf(directory, sizeof directory, "/tmp/berth-bench-%d", (int)getpid());
    if (mkdir(directory, 0711) != 0)
        fail(directory, "cannot be made");
    if (argc < 2 || strcmp(argv[1], "sqlite") == 0)
        bench_sqlite(&log);
    posted_by_us = posted_by_them = 0;
    if (argc < 2 || strcmp(argv[1], "postgresql") == 0)
        bench_postgres(&log, false);
    else if (strcmp(argv[1], "hot-postgresql") == 0)
        bench_postgres(&log, true);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : 1;
}
