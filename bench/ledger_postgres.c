/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger_peers.h"
#include "store/store.h"

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
        PGresult *result =
            PQprepare(bare->connection, name, ledger_statements[i], counts[i], types[i]);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail(ledger_statements[i], PQerrorMessage(bare->connection));
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
        ids_keep(atoll(PQgetvalue(result, i, 0)), atoll(PQgetvalue(result, i, 1)),
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
    const char *values[] = { numbers.key, ledger_peer_hash, occurred, contract };

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

double bare_postgres_run(struct bare_postgres *bare, int64_t *ret_posted)
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
    *ret_posted += posted;
    return (double)posted / (now() - begin);
}

struct bare_postgres *bare_postgres_open(const char *url)
{
    struct bare_postgres *bare = calloc(STORE_CONNECTIONS_MAX, sizeof *bare);

    if (bare == NULL)
        fail(url, "no memory");
    load_ids_postgres(url);
    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++) {
        bare[i].random = (uint64_t)i;
        open_bare_postgres(&bare[i], url);
    }
    return bare;
}

void bare_postgres_close(struct bare_postgres *bare)
{
    for (int i = 0; i < STORE_CONNECTIONS_MAX; i++)
        PQfinish(bare[i].connection);
    free(bare);
}
