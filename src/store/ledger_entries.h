/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts that some legs touch, and what they add to each: found or made once, and written in
 * one order, so that no two wait for each other. Accounts that are summed on demand (flag S) keep
 * neither what is posted nor what is pending. Inside src/store/ only. */

#ifndef BERTH_STORE_LEDGER_ENTRIES_H
#define BERTH_STORE_LEDGER_ENTRIES_H

#include "market/journal.h"
#include "store/db.h"

enum { LEDGER_ENTRIES_MAX = 2 * JOURNAL_LEGS_MAX };

struct ledger_entry {
    struct ledger_key key;
    int64_t id; /* 0: not known yet */
    struct money debits, credits;
};

/* Every account once; and which of them each leg debits and credits. Begins as zeros. */
struct ledger_entries {
    struct ledger_entry items[LEDGER_ENTRIES_MAX];
    size_t count, leg_count;
    size_t debits[JOURNAL_LEGS_MAX], credits[JOURNAL_LEGS_MAX];
};

/* False where they come to more than money holds. */
NODISCARD bool ledger_entries_add(struct ledger_entries *entries, const struct leg *leg);

/* The ids: most are remembered; the others are looked for, and made where there are none. */
NODISCARD bool ledger_entries_find(struct db *db, struct ledger_entries *entries,
                                   struct instant now, struct error *err);

/* The same for those of several journals, in fewer ways there and back: an account may be in more
 * than one of them. */
NODISCARD bool ledger_entries_find_all(struct db *db, struct ledger_entries *entries, size_t count,
                                       struct instant now, struct error *err);

NODISCARD bool ledger_account_post(struct db *db, int64_t account_id, struct money debits,
                                   struct money credits, struct error *err);

/* Add to what is posted; or, with sign 1 or -1, to what is pending. The database refuses what an
 * account's limits do not allow (ERROR_CONFLICT). */
NODISCARD bool ledger_entries_post(struct db *db, const struct ledger_entries *entries,
                                   struct error *err);
NODISCARD bool ledger_entries_pend(struct db *db, const struct ledger_entries *entries, int sign,
                                   struct error *err);

#endif
