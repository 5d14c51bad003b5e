/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to an SQLite file. Inside src/store/ only. */

#ifndef BERTH_STORE_DB_SQLITE_H
#define BERTH_STORE_DB_SQLITE_H

#include "store/driver.h"

enum db_sqlite_mode {
    DB_SQLITE_WRITER, /* makes the file where there is none */
    DB_SQLITE_READER, /* refuses to write */
    DB_SQLITE_GUEST,  /* writes beside a server, and leaves the log to its writer: 0019 */
};

NODISCARD bool db_sqlite_open(const char *path, enum db_sqlite_mode mode, struct db **ret_db,
                              struct error *err);

/* A transaction within the transaction, of which undoing leaves nothing behind, nor the failure
 * that was the reason. False: the whole transaction is lost. */
NODISCARD bool db_sqlite_savepoint(struct db *db, struct error *err);
NODISCARD bool db_sqlite_release(struct db *db, struct error *err);
NODISCARD bool db_sqlite_undo(struct db *db, struct error *err);

#endif
