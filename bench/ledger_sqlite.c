/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stdlib.h>

#include "ledger_peers.h"
#include "store/store.h"

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

struct bare_sqlite *bare_sqlite_open(const char *path)
{
    struct bare_sqlite *bare = calloc(1, sizeof *bare);
    sqlite3_stmt *accounts;

    if (bare == NULL)
        fail(path, "no memory");
    bare->random = 1;
    if (sqlite3_open(path, &bare->handle) != SQLITE_OK ||
        sqlite3_exec(bare->handle,
                     "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
                     "PRAGMA secure_delete=OFF;PRAGMA cache_size=-16384;"
                     "PRAGMA wal_autocheckpoint=4096;",
                     NULL, NULL, NULL) != SQLITE_OK)
        fail(path, sqlite3_errmsg(bare->handle));
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(bare->handle, ledger_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &bare->statements[i], NULL) != SQLITE_OK)
            fail(ledger_statements[i], sqlite3_errmsg(bare->handle));
    (void)sqlite3_prepare_v2(bare->handle, "BEGIN IMMEDIATE", -1, &bare->begin, NULL);
    (void)sqlite3_prepare_v2(bare->handle, "COMMIT", -1, &bare->commit, NULL);
    (void)sqlite3_prepare_v2(bare->handle, "SELECT id, code, owner_id FROM account", -1, &accounts,
                             NULL);
    while (sqlite3_step(accounts) == SQLITE_ROW)
        ids_keep(sqlite3_column_int64(accounts, 0), sqlite3_column_int64(accounts, 1),
                 sqlite3_column_int64(accounts, 2));
    (void)sqlite3_finalize(accounts);
    return bare;
}

void bare_sqlite_close(struct bare_sqlite *bare)
{
    for (int i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(bare->statements[i]);
    (void)sqlite3_finalize(bare->begin);
    (void)sqlite3_finalize(bare->commit);
    (void)sqlite3_close(bare->handle);
    free(bare);
}

/* $1 is the first parameter of each statement, $2 the second, and so on: in order. */
static void post_bare_sqlite(struct bare_sqlite *bare)
{
    struct numbers numbers = numbers_of(&bare->random);
    sqlite3_stmt *journal = bare->statements[SQL_JOURNAL], *leg = bare->statements[SQL_LEG];
    sqlite3_stmt *debit = bare->statements[SQL_DEBIT], *credit = bare->statements[SQL_CREDIT];

    (void)sqlite3_bind_text(journal, 1, numbers.key, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(journal, 2, ledger_peer_hash, -1, SQLITE_STATIC);
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

double bare_sqlite_run(struct bare_sqlite *bare, int64_t *ret_posted)
{
    double begin = now(), until = begin + ROUND_MS / 1e3;
    int64_t posted = 0;

    for (; now() < until; posted += STORE_BATCH_MAX) {
        step(bare, bare->begin);
        for (int i = 0; i < STORE_BATCH_MAX; i++)
            post_bare_sqlite(bare);
        step(bare, bare->commit);
    }
    *ret_posted += posted;
    return (double)posted / (now() - begin);
}
