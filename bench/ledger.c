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
#include <libpq-fe.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "store/support_postgres.h"
#include "sys/clock.h"
#include "sys/crypto.h"

enum {
    ROUNDS = 7,
    ROUND_MS = 1500,
    RENTERS = 2000,
    HOSTS = 300,
    CLIENTS = 2 * STORE_BATCH_MAX, /* one batch is written while the next comes together */
    HOUSES = 64,
    FIRST_USER = 1000,
    FIRST_HOST = 2 * FIRST_USER + RENTERS,
};

static const char body_hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static char directory[128];
static struct postgres_server server;

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-ledger: %s: %s\n", what, why);
    if (server.pid > 0)
        postgres_server_stop(&server);
    exit(1);
}

static double now(void)
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

/* What one journal charges: whose contract, and at which host. A contract is its renter's only
 * one, and has his number. */
struct charge {
    int64_t renter, host, number;
};

static atomic_int_fast64_t charges_made;

static struct charge next_charge(uint64_t *random)
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

/* The peers know their accounts by number. */
struct ids {
    int64_t renters[RENTERS], hosts[HOSTS], gross, fee;
};

static struct ids ids;

static void keep_id(int64_t id, int64_t code, int64_t owner)
{
    if (code == LEDGER_RENTER_PREPAID)
        ids.renters[owner - FIRST_USER] = id;
    if (code == LEDGER_HOST_ACCRUED)
        ids.hosts[owner - FIRST_HOST] = id;
    if (code == LEDGER_GROSS_GPU)
        ids.gross = id;
    if (code == LEDGER_FEE_GPU)
        ids.fee = id;
}

enum { SQL_JOURNAL, SQL_LEG, SQL_DEBIT, SQL_CREDIT, SQL_COUNT };
static const char *const statements[SQL_COUNT] = {
    [SQL_JOURNAL] = "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                    "ref_kind, ref_id) VALUES ($1, $2, 1, $3, $3, 1, $4) RETURNING id",
    [SQL_LEG] = "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
    [SQL_DEBIT] = "UPDATE account SET dr_posted = dr_posted + $2 WHERE id = $1",
    [SQL_CREDIT] = "UPDATE account SET cr_posted = cr_posted + $2 WHERE id = $1",
};

/* The numbers of one journal, made the same way for both peers. */
struct numbers {
    char key[48];
    int64_t occurred, contract, legs[3][6], debit[2], credit[2];
};

static struct numbers numbers_of(uint64_t *random)
{
    struct charge charge = next_charge(random);
    int64_t renter = ids.renters[charge.renter], host = ids.hosts[charge.host];
    struct numbers numbers = {
        .occurred = 1790000000000000,
        .contract = FIRST_USER + charge.renter,
        .legs = { { 0, 1, renter, ids.gross, 1000003, 11 },
                  { 0, 2, ids.gross, host, 750002, 12 },
                  { 0, 3, ids.gross, ids.fee, 250001, 13 } },
        .debit = { renter, 1000003 },
        .credit = { host, 750002 },
    };

    (void)snprintf(numbers.key, sizeof numbers.key, "use:%" PRId64 ":%" PRId64, numbers.contract,
                   charge.number);
    return numbers;
}

/* SQLite by hand. */

struct bare_sqlite {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_COUNT], *begin, *commit;
    uint64_t random;
};

static void step(struct bare_sqlite *bare, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code != SQLITE_DONE && code != SQLITE_ROW)
        fail("sqlite", sqlite3_errmsg(bare->handle));
    (void)sqlite3_reset(statement);
}

static void open_bare_sqlite(struct bare_sqlite *bare, const char *path)
{
    sqlite3_stmt *accounts;

    if (sqlite3_open(path, &bare->handle) != SQLITE_OK ||
        sqlite3_exec(bare->handle,
                     "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
                     "PRAGMA secure_delete=OFF;PRAGMA cache_size=-16384;"
                     "PRAGMA wal_autocheckpoint=4096;",
                     NULL, NULL, NULL) != SQLITE_OK)
        fail(path, sqlite3_errmsg(bare->handle));
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(bare->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &bare->statements[i], NULL) != SQLITE_OK)
            fail(statements[i], sqlite3_errmsg(bare->handle));
    (void)sqlite3_prepare_v2(bare->handle, "BEGIN IMMEDIATE", -1, &bare->begin, NULL);
    (void)sqlite3_prepare_v2(bare->handle, "COMMIT", -1, &bare->commit, NULL);
    (void)sqlite3_prepare_v2(bare->handle, "SELECT id, code, owner_id FROM account", -1, &accounts,
                             NULL);
    while (sqlite3_step(accounts) == SQLITE_ROW)
        keep_id(sqlite3_column_int64(accounts, 0), sqlite3_column_int64(accounts, 1),
                sqlite3_column_int64(accounts, 2));
    (void)sqlite3_finalize(accounts);
}

static void close_bare_sqlite(struct bare_sqlite *bare)
{
    for (int i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(bare->statements[i]);
    (void)sqlite3_finalize(bare->begin);
    (void)sqlite3_finalize(bare->commit);
    (void)sqlite3_close(bare->handle);
}

/* $1 is the first parameter of each statement, $2 the second, and so on: in order. */
static void post_bare_sqlite(struct bare_sqlite *bare)
{
    struct numbers numbers = numbers_of(&bare->random);
    sqlite3_stmt *journal = bare->statements[SQL_JOURNAL], *leg = bare->statements[SQL_LEG];
    sqlite3_stmt *debit = bare->statements[SQL_DEBIT], *credit = bare->statements[SQL_CREDIT];

    (void)sqlite3_bind_text(journal, 1, numbers.key, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(journal, 2, body_hash, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(journal, 3, numbers.occurred);
    (void)sqlite3_bind_int64(journal, 4, numbers.contract);
    if (sqlite3_step(journal) != SQLITE_ROW)
        fail("sqlite", sqlite3_errmsg(bare->handle));
    int64_t id = sqlite3_column_int64(journal, 0);
    step(bare, journal);
    for (int i = 0; i < 3; i++) {
        numbers.legs[i][0] = id;
        for (int j = 0; j < 6; j++)
            (void)sqlite3_bind_int64(leg, j + 1, numbers.legs[i][j]);
        step(bare, leg);
    }
    for (int j = 0; j < 2; j++) {
        /* In the updates $2 stands before $1. */
        (void)sqlite3_bind_int64(debit, 2 - j, numbers.debit[j]);
        (void)sqlite3_bind_int64(credit, 2 - j, numbers.credit[j]);
    }
    step(bare, debit);
    step(bare, credit);
}

static double theirs_sqlite(struct bare_sqlite *bare)
{
    double begin = now(), until = begin + ROUND_MS / 1e3;
    int64_t posted = 0;

    for (; now() < until; posted += STORE_BATCH_MAX) {
        step(bare, bare->begin);
        for (int i = 0; i < STORE_BATCH_MAX; i++)
            post_bare_sqlite(bare);
        step(bare, bare->commit);
    }
    posted_by_them += posted;
    return (double)posted / (now() - begin);
}

/* libpq by hand: two round trips a journal, the second pipelined. */

struct bare_postgres {
    PGconn *connection;
    pthread_t thread;
    uint64_t random;
    int64_t posted;
    double until;
};

static void open_bare_postgres(struct bare_postgres *bare, const char *url)
{
    static const int counts[SQL_COUNT] = { 4, 6, 2, 2 };
    static const Oid types[SQL_COUNT][6] = {
        { 25, 25, 20, 20 }, { 20, 20, 20, 20, 20, 20 }, { 20, 20 }, { 20, 20 }
    };

    bare->connection = PQconnectdb(url);
    for (int i = 0; i < SQL_COUNT; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "s%d", i);
        PGresult *result = PQprepare(bare->connection, name, statements[i], counts[i], types[i]);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail(statements[i], PQerrorMessage(bare->connection));
        PQclear(result);
    }
    if (PQenterPipelineMode(bare->connection) != 1)
        fail("libpq", PQerrorMessage(bare->connection));
}

static void load_ids_postgres(const char *url)
{
    PGconn *connection = PQconnectdb(url);
    PGresult *result = PQexec(connection, "SELECT id, code, owner_id FROM account");

    for (int i = 0; i < PQntuples(result); i++)
        keep_id(atoll(PQgetvalue(result, i, 0)), atoll(PQgetvalue(result, i, 1)),
                atoll(PQgetvalue(result, i, 2)));
    PQclear(result);
    PQfinish(connection);
}

static void send_numbers(struct bare_postgres *bare, int statement, const int64_t *numbers,
                         int count)
{
    char texts[6][24], name[8];
    const char *values[6];

    for (int i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%" PRId64, numbers[i]);
        values[i] = texts[i];
    }
    (void)snprintf(name, sizeof name, "s%d", statement);
    if (PQsendQueryPrepared(bare->connection, name, count, values, NULL, NULL, 0) != 1)
        fail("libpq", PQerrorMessage(bare->connection));
}

static void send_words(struct bare_postgres *bare, const char *words)
{
    if (PQsendQueryParams(bare->connection, words, 0, NULL, NULL, NULL, NULL, 0) != 1)
        fail("libpq", PQerrorMessage(bare->connection));
}

/* The next result, of which there must be one; the number in it, if it has rows. */
static int64_t receive(struct bare_postgres *bare)
{
    PGresult *result = PQgetResult(bare->connection);
    ExecStatusType status = PQresultStatus(result);
    int64_t number = 0;

    if (status == PGRES_TUPLES_OK)
        number = atoll(PQgetvalue(result, 0, 0));
    else if (status != PGRES_COMMAND_OK)
        fail("libpq", PQerrorMessage(bare->connection));
    PQclear(result);
    PQclear(PQgetResult(bare->connection));
    return number;
}

static void post_bare_postgres(struct bare_postgres *bare)
{
    struct numbers numbers = numbers_of(&bare->random);
    char occurred[24], contract[24];
    const char *values[] = { numbers.key, body_hash, occurred, contract };

    (void)snprintf(occurred, sizeof occurred, "%" PRId64, numbers.occurred);
    (void)snprintf(contract, sizeof contract, "%" PRId64, numbers.contract);
    send_words(bare, "BEGIN");
    (void)PQsendQueryPrepared(bare->connection, "s0", 4, values, NULL, NULL, 0);
    (void)PQsendFlushRequest(bare->connection);
    (void)PQflush(bare->connection);
    (void)receive(bare);
    int64_t id = receive(bare);
    for (int i = 0; i < 3; i++) {
        numbers.legs[i][0] = id;
        send_numbers(bare, SQL_LEG, numbers.legs[i], 6);
    }
    /* In the order of their ids, or two of these would wait for each other. */
    bool is_debit_first = numbers.debit[0] < numbers.credit[0];
    send_numbers(bare, is_debit_first ? SQL_DEBIT : SQL_CREDIT,
                 is_debit_first ? numbers.debit : numbers.credit, 2);
    send_numbers(bare, is_debit_first ? SQL_CREDIT : SQL_DEBIT,
                 is_debit_first ? numbers.credit : numbers.debit, 2);
    send_words(bare, "COMMIT");
    if (PQpipelineSync(bare->connection) != 1)
        fail("libpq", PQerrorMessage(bare->connection));
    for (int i = 0; i < 6; i++)
        (void)receive(bare);
    PQclear(PQgetResult(bare->connection));
}

static void *run_bare_postgres(void *context)
{
    struct bare_postgres *bare = context;

    for (; now() < bare->until; bare->posted++)
        post_bare_postgres(bare);
    return NULL;
}

static double theirs_postgres(struct bare_postgres bare[static STORE_CONNECTIONS_MAX])
{
    double begin = now();
    int64_t posted = 0;

    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++) {
        bare[i].until = begin + ROUND_MS / 1e3;
        bare[i].posted = 0;
        if (pthread_create(&bare[i].thread, NULL, run_bare_postgres, &bare[i]) != 0)
            fail("thread", "cannot be started");
    }
    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++) {
        (void)pthread_join(bare[i].thread, NULL);
        posted += bare[i].posted;
    }
    posted_by_them += posted;
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
    struct bare_sqlite bare = { .random = 1 };
    double mine[ROUNDS], peer[ROUNDS];
    char path[192];

    (void)snprintf(path, sizeof path, "%s/ours", directory);
    struct store *store = open_store(path, log);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    struct store *prepared = open_store(path, log);
    store_close(&prepared);
    (void)snprintf(path, sizeof path, "%s/theirs/berth.sqlite", directory);
    open_bare_sqlite(&bare, path);
    (void)ours(store, clients, CLIENTS, ONE_HOUSE);
    (void)theirs_sqlite(&bare);
    double mine_cpu = 0, peer_cpu = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu();
        mine[i] = ours(store, clients, CLIENTS, ONE_HOUSE);
        double middle = cpu();
        peer[i] = theirs_sqlite(&bare);
        mine_cpu += (middle - begin) / mine[i] / (ROUND_MS / 1e3);
        peer_cpu += (cpu() - middle) / peer[i] / (ROUND_MS / 1e3);
    }
    (void)printf("sqlite: CPU a journal: %.0f us, by hand %.0f us\n", mine_cpu / ROUNDS * 1e6,
                 peer_cpu / ROUNDS * 1e6);
    struct store_totals totals = store_totals(store);
    (void)printf("sqlite: %.1f journals a commit\n",
                 (double)totals.writes / (double)totals.commits);
    close_bare_sqlite(&bare);
    print_result("ledger-sqlite", mine, "bare-loop", peer);
    bench_hot("ledger-hot-account-sqlite", store, clients);
    check_rows(store, posted_by_us);
    (void)snprintf(path, sizeof path, "%s/theirs", directory);
    check_rows(open_store(path, log), posted_by_them);
}

static void bench_postgres(const struct log *log)
{
    static struct client clients[CLIENTS];
    static struct bare_postgres bare[STORE_CONNECTIONS_MAX];
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
    load_ids_postgres(url);
    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++) {
        bare[i].random = (uint64_t)i;
        open_bare_postgres(&bare[i], url);
    }
    postgres_server_url(&server, "ours", url, sizeof url);
    struct store *store = open_store(url, log);
    (void)ours(store, clients, CLIENTS, ONE_HOUSE);
    (void)theirs_postgres(bare);
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = ours(store, clients, CLIENTS, ONE_HOUSE);
        peer[i] = theirs_postgres(bare);
    }
    struct store_totals totals = store_totals(store);
    (void)printf("postgresql: %.4f retries a journal\n",
                 (double)totals.retries / (double)totals.writes);
    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++)
        PQfinish(bare[i].connection);
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
