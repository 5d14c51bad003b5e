/* SPDX-License-Identifier: Apache-2.0 */
/* The same market and searches in SQLite, in memory, and in PostgreSQL, warm: typed columns,
 * indexes that cover the searches, statements prepared, one core. */

#ifndef BERTH_BENCH_SEARCH_SQL_H
#define BERTH_BENCH_SEARCH_SQL_H

#include "search_market.h"
#include "store/support_postgres.h"

enum { SQL_HITS_MAX = 64 };

struct sql_peer {
    const char *name;
    void *connection;
    void *statements[QUERY_COUNT];
};

struct sql_peer sqlite_peer(const struct market *market, const struct bench_query *queries);
struct sql_peer postgres_peer(const struct postgres_server *server, const struct market *market,
                              const struct bench_query *queries);
void sqlite_peer_close(struct sql_peer *peer);
void postgres_peer_close(struct sql_peer *peer);

/* One search; the ids found, best first. Returns how many. */
size_t sqlite_search(const struct sql_peer *peer, int number, int64_t ids[static SQL_HITS_MAX]);
size_t postgres_search(const struct sql_peer *peer, int number, int64_t ids[static SQL_HITS_MAX]);

#endif
