/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of an SQLite database into a PostgreSQL one that has the same schema, and none. */

#ifndef BERTH_STORE_MOVE_H
#define BERTH_STORE_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct move_counts {
    int64_t tables, rows;
};

/* `directory`/berth.sqlite into the database at `url`, in one transaction on either side: all of it
 * arrives, or nothing. Both must be at this program's schema, and nobody may write the first
 * meanwhile. Afterwards either side has as many rows in each table, and PostgreSQL's ids go on
 * where SQLite's end. ERROR_CONFLICT: the target has rows already. */
NODISCARD bool move_to_postgres(const char *directory, const char *url, struct move_counts *ret,
                                struct error *err);

/* The file is called berth.sqlite.moved from then on, and so are its log and index (-wal, -shm), so
 * that nothing takes it for the market's books; whoever wants it back names them as they were. */
NODISCARD bool move_retire(const char *directory, struct error *err);

/* Whether books were moved away from there, and there are no others. */
bool move_has_left(const char *directory);

#endif
