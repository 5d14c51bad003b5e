/* SPDX-License-Identifier: Apache-2.0 */
/* Many journals at once: what store/ledger.h does one after another, in few ways to the database
 * and back. Each must be new: a key that has been posted before is ERROR_CORRUPT, and the
 * transaction is to be given up. What several of them add to an account is written once. */

#ifndef BERTH_STORE_LEDGER_MANY_H
#define BERTH_STORE_LEDGER_MANY_H

#include "market/journal.h"
#include "store/db.h"

enum { LEDGER_MANY_MAX = 64 }; /* on one way; of more, so many after one another */

NODISCARD bool ledger_post_many(struct db *db, const struct journal *journals, size_t count,
                                struct instant now, struct error *err);

#endif
