/* SPDX-License-Identifier: Apache-2.0 */
/* What bench-ledger is made of: charges, how to fail, and the peers, which post the same rows by
 * hand. A peer knows its accounts by number beforehand, and checks nothing. */

#ifndef BERTH_BENCH_LEDGER_PEERS_H
#define BERTH_BENCH_LEDGER_PEERS_H

#include <stdint.h>

enum {
    ROUNDS = 9,
    ROUND_MS = 1500,
    RENTERS = 2000,
    HOSTS = 300,
    FIRST_USER = 1000,
    FIRST_HOST = 2 * FIRST_USER + RENTERS,
};

_Noreturn void fail(const char *what, const char *why);
double now(void);

/* What one journal charges: whose contract, and at which host. A contract is its renter's only
 * one, and has his number. */
struct charge {
    int64_t renter, host, number;
};
struct charge next_charge(uint64_t *random);

/* Remember an account, of whatever owner it is. */
void ids_keep(int64_t id, int64_t code, int64_t owner);

/* The statements of a journal, and the numbers in one. In the updates $2 stands before $1. */
enum { SQL_JOURNAL, SQL_LEG, SQL_DEBIT, SQL_CREDIT, SQL_COUNT };
extern const char *const ledger_statements[SQL_COUNT];
extern const char ledger_peer_hash[];

struct numbers {
    char key[48];
    int64_t occurred, contract, legs[3][6], debit[2], credit[2];
};
struct numbers numbers_of(uint64_t *random);

/* Each runs for so long and returns journals a second; adds to `*posted`. */
struct bare_sqlite;
struct bare_sqlite *bare_sqlite_open(const char *path);
double bare_sqlite_run(struct bare_sqlite *bare, int64_t *posted);
void bare_sqlite_close(struct bare_sqlite *bare);

struct bare_postgres;
struct bare_postgres *bare_postgres_open(const char *url);
double bare_postgres_run(struct bare_postgres *all, int64_t *posted);
void bare_postgres_close(struct bare_postgres *all);

#endif
