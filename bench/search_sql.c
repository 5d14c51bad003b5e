/* SPDX-License-Identifier: Apache-2.0 */
#include "search_sql.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_SIZE = 4096, ROW_SIZE = 1024 };

/* What the searches read, in every covering index. */
#define COLUMNS                                                                                    \
    "num_gpus, gpu_ram, gpu_total_ram, reliability, inet_down, inet_up, country, datacenter, "     \
    "static_ip, display, disk_space, cpu_effective, cpu_ram, cpu_ghz, cuda, ports, compute_cap, "  \
    "dlperf, pcie_bw, price, min_bid, disk_month, traffic, worth, end_date, id"

static const char table[] =
    "CREATE TABLE offer (id BIGINT NOT NULL, machine_id BIGINT NOT NULL, gpu_name TEXT NOT NULL, "
    "num_gpus INTEGER NOT NULL, gpu_ram INTEGER NOT NULL, gpu_total_ram INTEGER NOT NULL, "
    "reliability DOUBLE PRECISION NOT NULL, inet_down DOUBLE PRECISION NOT NULL, "
    "inet_up DOUBLE PRECISION NOT NULL, country TEXT NOT NULL, verified INTEGER NOT NULL, "
    "external INTEGER NOT NULL, rentable INTEGER NOT NULL, datacenter INTEGER NOT NULL, "
    "static_ip INTEGER NOT NULL, display INTEGER NOT NULL, disk_space INTEGER NOT NULL, "
    "cpu_effective DOUBLE PRECISION NOT NULL, cpu_ram BIGINT NOT NULL, "
    "cpu_ghz DOUBLE PRECISION NOT NULL, cuda DOUBLE PRECISION NOT NULL, ports INTEGER NOT NULL, "
    "compute_cap INTEGER NOT NULL, dlperf DOUBLE PRECISION NOT NULL, "
    "pcie_bw DOUBLE PRECISION NOT NULL, price DOUBLE PRECISION NOT NULL, "
    "min_bid DOUBLE PRECISION NOT NULL, disk_month DOUBLE PRECISION NOT NULL, "
    "traffic DOUBLE PRECISION NOT NULL, worth DOUBLE PRECISION NOT NULL, "
    "end_date DOUBLE PRECISION NOT NULL)";

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-search: %s: %s\n", what, why);
    exit(1);
}

/* TOTAL, SCORE and VALUE written out, for 8 GB of disk. */
static void write_out(char *sql, const char *text)
{
    static const char *const words[][2] = {
        { "TOTAL", "(price + disk_month * 8 / 720.0)" },
        { "SCORE", "(worth / (price + disk_month * 8 / 720.0 + traffic))" },
        { "VALUE", "(dlperf / (price + disk_month * 8 / 720.0))" },
    };
    size_t length = strlen(sql);

    while (*text != '\0' && length < SQL_SIZE - 128) {
        size_t i = 0;

        while (i < 3 && strncmp(text, words[i][0], 5) != 0)
            i++;
        if (i < 3) {
            length += (size_t)snprintf(sql + length, SQL_SIZE - length, "%s", words[i][1]);
            text += 5;
        } else {
            sql[length++] = *text++;
        }
    }
    sql[length] = '\0';
}

static const char *select_of(const struct bench_query *query)
{
    static char sql[SQL_SIZE];

    sql[0] = '\0';
    write_out(sql, "SELECT id, TOTAL FROM offer WHERE ");
    write_out(sql, query->where);
    write_out(sql, " ORDER BY ");
    write_out(sql, query->order);
    write_out(sql, ", TOTAL, id LIMIT 64");
    return sql;
}

/* The numbers of an offer in the table's order, with texts between them. */
static void row_of(const struct offer *offer, char row[static ROW_SIZE], const char *comma)
{
    const struct machine *m = offer->machine;
    const struct quote quote = offer_quote(offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND });
    const char *quote_mark = comma[0] == ',' ? "'" : "";
    char code[3];

    machine_country(m->geolocation, code);
    (void)snprintf(
        row, ROW_SIZE,
        "%" PRId64 "%s%" PRId64 "%s%s%s%s%s%" PRId64 "%s%" PRId64 "%s%" PRId64
        "%s%.6f%s%.3f%s%.3f%s%s%s%s%s%d%s%d%s%d%s%d%s%d%s%d%s%" PRId64 "%s%.3f%s%" PRId64
        "%s%.3f%s%.1f%s%" PRId64 "%s%" PRId64 "%s%.3f%s%.3f%s%.9f%s%.9f%s%.9f%s%.17g%s%.17g%s%.6f",
        offer->id, comma, m->id, comma, quote_mark, m->gpu_name, quote_mark, comma,
        offer->terms.num_gpus, comma, m->gpu_ram_mb, comma, m->gpu_ram_mb * offer->terms.num_gpus,
        comma, (double)m->reliability_ppm / 1e6, comma, (double)m->inet_down_kbps / 1e3, comma,
        (double)m->inet_up_kbps / 1e3, comma, quote_mark, code, quote_mark, comma,
        m->verification == VERIFICATION_VERIFIED, comma, m->is_external, comma,
        offer_is_rentable(offer, BENCH_NOW), comma, m->is_datacenter, comma, m->has_static_ip,
        comma, m->has_display, comma, offer_disk_gb(offer), comma,
        (double)machine_share(m, offer->terms.num_gpus).cpu_millis / 1e3, comma, m->ram_mb, comma,
        (double)m->cpu_mhz / 1e3, comma, (double)m->cuda_version / 10, comma, m->port_count, comma,
        m->compute_cap, comma, quote.dlperf, comma, (double)m->pcie_mbs / 1e3, comma,
        offer_dollars(offer->terms.gpu_hour), comma, offer_dollars(offer->terms.min_bid_hour),
        comma, offer_dollars(offer->terms.disk_month), comma, offer_traffic(offer), comma,
        offer->merit * offer->lasting, comma, (double)offer->terms.end.microseconds / 1e6);
}

static void sqlite_do(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(db));
}

struct sql_peer sqlite_peer(const struct market *market, const struct bench_query *queries)
{
    struct sql_peer peer = { .name = "sqlite" };
    static char sql[ROW_SIZE + 64], row[ROW_SIZE];
    sqlite3 *db;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        fail("sqlite", "cannot be opened");
    sqlite_do(db, table);
    sqlite_do(db, "BEGIN");
    for (size_t i = 0; i < market->offer_count; i++) {
        row_of(&market->offers[i], row, ", ");
        (void)snprintf(sql, sizeof sql, "INSERT INTO offer VALUES (%s)", row);
        sqlite_do(db, sql);
    }
    sqlite_do(db, "COMMIT");
    sqlite_do(db, "CREATE INDEX by_model ON offer (gpu_name, " COLUMNS
                  ", verified, external, rentable)");
    sqlite_do(db, "CREATE INDEX by_default ON offer (verified, external, rentable, " COLUMNS ")");
    sqlite_do(db, "CREATE INDEX by_place ON offer (rentable, static_ip, country, price, "
                  "disk_space, inet_up, inet_down, disk_month, id)");
    sqlite_do(db, "CREATE INDEX by_machine ON offer (machine_id)");
    sqlite_do(db, "ANALYZE");
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_stmt *statement;

        if (sqlite3_prepare_v2(db, select_of(&queries[i]), -1, &statement, NULL) != SQLITE_OK)
            fail(queries[i].name, sqlite3_errmsg(db));
        peer.statements[i] = statement;
    }
    peer.connection = db;
    return peer;
}

size_t sqlite_search(const struct sql_peer *peer, int number, int64_t ids[static SQL_HITS_MAX])
{
    sqlite3_stmt *statement = peer->statements[number];
    size_t count = 0;

    while (sqlite3_step(statement) == SQLITE_ROW && count < SQL_HITS_MAX)
        ids[count++] = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return count;
}

void sqlite_peer_close(struct sql_peer *peer)
{
    for (int i = 0; i < QUERY_COUNT; i++)
        (void)sqlite3_finalize(peer->statements[i]);
    (void)sqlite3_close(peer->connection);
}

static void postgres_do(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN && status != PGRES_TUPLES_OK)
        fail(sql, PQerrorMessage(connection));
    PQclear(result);
}

static void postgres_load(PGconn *connection, const struct market *market)
{
    static char row[ROW_SIZE];

    postgres_do(connection, table);
    postgres_do(connection, "COPY offer FROM STDIN");
    for (size_t i = 0; i < market->offer_count; i++) {
        row_of(&market->offers[i], row, "\t");
        size_t length = strlen(row);
        row[length++] = '\n';
        if (PQputCopyData(connection, row, (int)length) != 1)
            fail("COPY", PQerrorMessage(connection));
    }
    (void)PQputCopyEnd(connection, NULL);
    for (PGresult *result = PQgetResult(connection); result != NULL;
         result = PQgetResult(connection)) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail("COPY", PQerrorMessage(connection));
        PQclear(result);
    }
    postgres_do(connection, "SET maintenance_work_mem = '512MB'");
    postgres_do(connection, "CREATE INDEX by_model ON offer (gpu_name, num_gpus) "
                            "INCLUDE (" COLUMNS ", verified, external, rentable)");
    postgres_do(connection, "CREATE INDEX by_default ON offer (price) INCLUDE (" COLUMNS
                            ") WHERE verified = 1 AND external = 0 AND rentable = 1");
    postgres_do(connection, "CREATE INDEX by_place ON offer (static_ip, country, price) INCLUDE "
                            "(disk_space, inet_up, inet_down, disk_month, id) WHERE rentable = 1");
    postgres_do(connection, "CREATE INDEX by_machine ON offer (machine_id) INCLUDE "
                            "(price, disk_month, disk_space, id)");
    postgres_do(connection, "VACUUM ANALYZE offer");
}

struct sql_peer postgres_peer(const struct postgres_server *server, const struct market *market,
                              const struct bench_query *queries)
{
    struct sql_peer peer = { .name = "postgresql" };
    char url[256], name[16];

    postgres_server_url(server, "postgres", url, sizeof url);
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK)
        fail("postgresql", PQerrorMessage(connection));
    postgres_do(connection, "SET client_min_messages = error");
    postgres_do(connection, "DROP TABLE IF EXISTS offer");
    postgres_load(connection, market);
    postgres_do(connection, "SET max_parallel_workers_per_gather = 0");
    postgres_do(connection, "SET jit = off");
    postgres_do(connection, "SET work_mem = '64MB'");
    postgres_do(connection, "SET random_page_cost = 1.0");
    postgres_do(connection, "SET effective_cache_size = '8GB'");
    for (int i = 0; i < QUERY_COUNT; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        PGresult *result = PQprepare(connection, name, select_of(&queries[i]), 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail(queries[i].name, PQerrorMessage(connection));
        PQclear(result);
    }
    peer.connection = connection;
    return peer;
}

size_t postgres_search(const struct sql_peer *peer, int number, int64_t ids[static SQL_HITS_MAX])
{
    char name[16];
    size_t count = 0;

    (void)snprintf(name, sizeof name, "s%d", number);
    PGresult *result = PQexecPrepared(peer->connection, name, 0, NULL, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail("search", PQerrorMessage(peer->connection));
    for (; count < (size_t)PQntuples(result) && count < SQL_HITS_MAX; count++)
        ids[count] = atoll(PQgetvalue(result, (int)count, 0));
    PQclear(result);
    return count;
}

void postgres_peer_close(struct sql_peer *peer)
{
    PQfinish(peer->connection);
}
