/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of an SQLite database while others read and write it. */

#ifndef BERTH_STORE_BACKUP_H
#define BERTH_STORE_BACKUP_H

#include <stdbool.h>

#include "base/error.h"

/* `directory`/berth.sqlite, as of one moment, into the new file `target`, synced. Writers go on
 * meanwhile; the log grows by what they write until it is done. ERROR_CONFLICT: the target exists.
 */
NODISCARD bool backup_sqlite(const char *directory, const char *target, struct error *err);

#endif
