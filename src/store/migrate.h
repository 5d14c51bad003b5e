/* SPDX-License-Identifier: Apache-2.0 */
/* Brings a database to the schema of this program: forward only, each step in a transaction of
 * its own, remembered with the SHA-256 of its text in the table `migration`.
 *
 * What has been applied must still be what this program has: an edited step, or one that this
 * program does not know, is ERROR_CONFLICT, and the database is left as it was. */

#ifndef BERTH_STORE_MIGRATE_H
#define BERTH_STORE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/driver.h"

struct migration {
    int64_t version; /* 1, 2, 3, ... without a gap */
    const char *name;
    const char *text; /* as dialect.h describes */
};

struct migration_list {
    const struct migration *items;
    size_t count;
};

/* src/store/schema/, in order. */
struct migration_list migrate_schema(void);

/* Apply those of `list` that are missing. Safe from several processes at once. */
NODISCARD bool migrate(struct db *db, struct migration_list list, size_t *ret_applied,
                       struct error *err);

#endif
