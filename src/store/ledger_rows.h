/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a journal, for who posts one and for who posts many. Inside src/store/ only. */

#ifndef BERTH_STORE_LEDGER_ROWS_H
#define BERTH_STORE_LEDGER_ROWS_H

#include "base/hex.h"
#include "store/ledger_entries.h"
#include "sys/crypto.h"

/* The hash of what was asked, which tells a repetition from another thing under the same key. */
void ledger_body_hash(const struct journal *journal, char hex[static HEX_SIZE(HASH_SIZE)]);

/* `entries` are those of the journal's legs, with their ids. */
NODISCARD bool ledger_insert_legs(struct db *db, int64_t journal_id, const struct journal *journal,
                                  const struct ledger_entries *entries, struct error *err);

/* The same of several journals, which have ids of their own: on PostgreSQL LEDGER_LEGS_MAX legs are
 * a statement, which costs more to begin and to end than a row does. */
enum { LEDGER_LEGS_MAX = 128 };
NODISCARD bool ledger_insert_all_legs(struct db *db, const int64_t *journal_ids,
                                      const struct journal *journals,
                                      const struct ledger_entries *entries, size_t count,
                                      struct error *err);

#endif
