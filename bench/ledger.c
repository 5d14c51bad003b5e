/* SPDX-License-Identifier: Apache-2.0 */
/* How many journals a second are durable, against loops that do the same by hand; and what one hot
 * account costs.
 *
 * A journal is one posting of usage: its row, three legs, and the balances of a renter and a
 * host, for one of 2,000 contracts. We post each by store_write(), from so many threads at once,
 * through the ledger: key and body hash, accounts found, limits kept. The peers are loops in plain
 * SQLite and libpq on the same schema, with the ids known beforehand and nothing checked, in the
 * same groups: on SQLite one loop with STORE_BATCH_MAX journals a commit, on PostgreSQL
 * STORE_CONNECTIONS_MAX connections with one journal a commit each. Their rows are ours, number for
 * number, and as durable; in the end both databases hold every journal that was counted.
 *
 * The house's accounts are hot: every journal posts to them. The same journals with 64 houses,
 * one a client, are what they are compared with. We and they alternate in one run; the medians
 * count. */
#include "store/ledger.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger_peers.h"
#include "store/store.h"
#include "store/support_postgres.h"
#include "sys/clock.h"
#include "sys/crypto.h"

enum {
    CLIENTS = 2 * STORE_BATCH_MAX, /* one batch is written while the next comes together */
    HOUSES = 64,
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

/* splitmix64, a state a thread. */
static uint64_t draw(uint64_t *state, uint64_t limit)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

static atomic_int_fast64_t charges_made;

struct charge next_charge(uint64_t *random)
{
    return (struct charge){ (int64_t)draw(random, RENTERS), (int64_t)draw(random, HOSTS),
                            ++charges_made };
}

/* Ours. */

struct client {
    struct store *store;
    pthread_t thread;
    uint64_t random;
    int64_t house, posted; /* house 0: everybody's */
    double until;
    struct journal journal;
};

/* Where the client has a house of its own, its turnover and fees go there. */
static void move_house(struct ledger_key *key, int64_t house)
{
    if (key->owner_id == 0)
        key->owner_id = house;
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    struct client *client = context;
    enum ledger_outcome outcome;

    return ledger_post(db, &client->journal, (struct instant){ 1790000000000000 }, &outcome, err);
}

static void *run_client(void *context)
{
    static const struct renter_funds rich = { .prepaid = { 1000000000000000 } };
    struct client *client = context;
    struct renter_funds after;
    struct error err;

    while (now() < client->until) {
        struct charge charge = next_charge(&client->random);
        struct journal_usage usage = {
            .contract_id = FIRST_USER + charge.renter,
            .renter_id = FIRST_USER + charge.renter,
            .host_id = FIRST_HOST + charge.host,
            .number = charge.number,
            .occurred = { 1790000000000000 },
            .charges = { { { 1000003 }, { 750002 }, { 250001 } } },
        };

        if (journal_usage(&usage, &rich, &client->journal, &after) != JOURNAL_BUILT)
            fail("post", "no journal");
        for (size_t i = 0; i < client->journal.leg_count; i++) {
            move_house(&client->journal.legs[i].debit, client->house);
            move_house(&client->journal.legs[i].credit, client->house);
        }
        if (!store_write(client->store, post_work, client, &err))
            fail("post", err.text);
        client->posted++;
    }
    return NULL;
}

static bool deposit_work(struct db *db, void *context, struct error *err)
{
    struct renter_funds none = { .promo = { 0 } }, after;
    struct journal journal;
    enum ledger_outcome outcome;
    char key[32];

    (void)context;
    for (int64_t renter = FIRST_USER; renter < FIRST_USER + RENTERS; renter++) {
        struct journal_credit credit = { .key = key,
                                         .renter_id = renter,
                                         .ref_id = renter,
                                         .ref_kind = JOURNAL_REF_DEPOSIT,
                                         .amount = { 1000000000000000 },
                                         .from = LEDGER_STRIPE };

        (void)snprintf(key, sizeof key, "dep:%" PRId64, renter);
        if (journal_deposit(&credit, &none, &journal, &after) != JOURNAL_BUILT ||
            !ledger_post(db, &journal, (struct instant){ 1 }, &outcome, err))
            return false;
    }
    /* So that the host and house accounts are there for the peers, which look nothing up. */
    for (int64_t host = 0; host < HOSTS; host++) {
        struct journal_usage usage = { .contract_id = 1,
                                       .renter_id = FIRST_USER,
                                       .host_id = FIRST_HOST + host,
                                       .number = host + 1,
                                       .charges = { { { 4 }, { 3 }, { 1 } } } };
        struct renter_funds rich = { .prepaid = { 1000000000000000 } };

        if (journal_usage(&usage, &rich, &journal, &after) != JOURNAL_BUILT ||
            !ledger_post(db, &journal, (struct instant){ 1 }, &outcome, err))
            return false;
    }
    return true;
}

static struct store *open_store(const char *location, const struct log *log)
{
    struct store *store;
    struct error err;

    if (!store_open(location, log, &store, &err) || !store_write(store, deposit_work, NULL, &err))
        fail(location, err.text);
    return store;
}

enum { ONE_HOUSE = 1 };

static bool count_work(struct db *db, void *context, struct error *err)
{
    int64_t *counts = context;
    auto_db_rows struct db_rows rows = db_query(
        db, "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM transfer)", DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    counts[0] = db_column_int(&rows, 0);
    counts[1] = db_column_int(&rows, 1);
    return true;
}

/* What it says is posted must be there. Takes the store, which it closes. */
static void check_rows(struct store *store, int64_t posted)
{
    int64_t prepared = RENTERS + HOSTS, counts[2];
    struct error err;

    if (!store_read(store, count_work, counts, &err))
        fail("count", err.text);
    if (counts[0] != prepared + posted || counts[1] != 2 * RENTERS + 3 * (HOSTS + posted))
        fail("count", "there are not as many rows as were counted");
    store_close(&store);
}

static int64_t posted_by_us, posted_by_them;

static double ours(struct store *store, struct client *clients, size_t client_count,
                   int64_t house_count)
{
    double begin = now();
    int64_t posted = 0;

    for (size_t i = 0; i < client_count; i++) {
        clients[i].store = store;
        clients[i].house = house_count == ONE_HOUSE ? 0 : 1 + (int64_t)i % house_count;
        clients[i].random += i;
        clients[i].posted = 0;
        clients[i].until = begin + ROUND_MS / 1e3;
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            fail("thread", "cannot be started");
    }
    for (size_t i = 0; i < client_count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        posted += clients[i].posted;
    }
    posted_by_us += posted;
    return (double)posted / (now() - begin);
}

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

/* 64 clients on the house's accounts, and on a house each. */
static void bench_hot(const char *name, struct store *store, struct client clients[static HOUSES])
{
    double hot[ROUNDS], spread[ROUNDS];

    (void)ours(store, clients, HOUSES, HOUSES);
    for (int i = 0; i < ROUNDS; i++) {
        hot[i] = ours(store, clients, HOUSES, ONE_HOUSE);
        spread[i] = ours(store, clients, HOUSES, HOUSES);
    }
    print_result(name, hot, "many-accounts", spread);
}

static void bench_sqlite(const struct log *log)
{
    static struct client clients[CLIENTS];
    double mine[ROUNDS], peer[ROUNDS];
    char path[192];

    (void)snprintf(path, sizeof path, "%s/ours", directory);
    struct store *store = open_store(path, log);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    struct store *prepared = open_store(path, log);
    store_close(&prepared);
    (void)snprintf(path, sizeof path, "%s/theirs/berth.sqlite", directory);
    struct bare_sqlite *bare = bare_sqlite_open(path);
    (void)ours(store, clients, CLIENTS, ONE_HOUSE);
    (void)bare_sqlite_run(bare, &posted_by_them);
    double mine_cpu = 0, peer_cpu = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu();
        mine[i] = ours(store, clients, CLIENTS, ONE_HOUSE);
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
    check_rows(store, posted_by_us);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    check_rows(open_store(path, log), posted_by_them);
}

static void bench_postgres(const struct log *log)
{
    static struct client clients[CLIENTS];
    double mine[ROUNDS], peer[ROUNDS];
    char url[256], path[192];

    if (!postgres_server_is_installed(&server))
        exit(1);
    (void)snprintf(path, sizeof path, "%s/pg", directory);
    postgres_server_start(&server, path, true);
    postgres_server_create(&server, "ours", NULL);
    postgres_server_create(&server, "theirs", NULL);
    postgres_server_url(&server, "theirs", url, sizeof url);
    struct store *prepared = open_store(url, log);
    store_close(&prepared);
    struct bare_postgres *bare = bare_postgres_open(url);
    postgres_server_url(&server, "ours", url, sizeof url);
    struct store *store = open_store(url, log);
    (void)ours(store, clients, CLIENTS, ONE_HOUSE);
    (void)bare_postgres_run(bare, &posted_by_them);
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = ours(store, clients, CLIENTS, ONE_HOUSE);
        peer[i] = bare_postgres_run(bare, &posted_by_them);
    }
    struct store_totals totals = store_totals(store);
    (void)printf("postgresql: %.4f retries a journal\n",
                 (double)totals.retries / (double)totals.writes);
    bare_postgres_close(bare);
    print_result("ledger-postgresql", mine, "bare-pipeline", peer);
    bench_hot("ledger-hot-account-postgresql", store, clients);
    check_rows(store, posted_by_us);
    postgres_server_url(&server, "theirs", url, sizeof url);
    check_rows(open_store(url, log), posted_by_them);
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
        bench_postgres(&log);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : 1;
}
