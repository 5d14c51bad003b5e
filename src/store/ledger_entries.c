/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_entries.h"

#include <assert.h>

#include "store/driver.h"

enum { LOOKUP_MAX = 12 }; /* accounts of a query: as many as usage of all kinds touches */

static size_t entry_of(struct ledger_entries *entries, struct ledger_key key)
{
    for (size_t i = 0; i < entries->count; i++)
        if (ledger_key_equals(entries->items[i].key, key))
            return i;
    assert(entries->count < LEDGER_ENTRIES_MAX);
    entries->items[entries->count] = (struct ledger_entry){ .key = key };
    return entries->count++;
}

bool ledger_entries_add(struct ledger_entries *entries, const struct leg *leg)
{
    size_t at = entries->leg_count;

    assert(at < JOURNAL_LEGS_MAX);
    entries->debits[at] = entry_of(entries, leg->debit);
    entries->credits[at] = entry_of(entries, leg->credit);
    entries->leg_count++;
    struct ledger_entry *debit = &entries->items[entries->debits[at]];
    struct ledger_entry *credit = &entries->items[entries->credits[at]];
    return money_add(debit->debits, leg->amount, &debit->debits) &&
           money_add(credit->credits, leg->amount, &credit->credits);
}

/* Each alternative is a search in the index of the keys, on both databases. There are few such
 * statements, so that they stay prepared: an account may well be asked for twice. */
#define KEY(a, b, c) "(code = $" #a " AND owner_id = $" #b " AND sub_id = $" #c ")"
#define OR           " OR "
#define KEYS_4       KEY(1, 2, 3) OR KEY(4, 5, 6) OR KEY(7, 8, 9) OR KEY(10, 11, 12)
#define KEYS_8       KEYS_4 OR KEY(13, 14, 15) OR KEY(16, 17, 18) OR KEY(19, 20, 21) OR KEY(22, 23, 24)
#define KEYS_12      KEYS_8 OR KEY(25, 26, 27) OR KEY(28, 29, 30) OR KEY(31, 32, 33) OR KEY(34, 35, 36)
#define FIND         "SELECT id, code, owner_id, sub_id FROM account WHERE "

static bool find_some(struct db *db, struct ledger_entries *entries, const size_t *unknown,
                      size_t count, struct error *err)
{
    struct db_value values[3 * LOOKUP_MAX];
    size_t places = count <= 4 ? 4 : count <= 8 ? 8 : LOOKUP_MAX;
    const char *sql = places == 4 ? FIND KEYS_4 : places == 8 ? FIND KEYS_8 : FIND KEYS_12;

    for (size_t i = 0; i < places; i++) {
        const struct ledger_entry *entry = &entries->items[unknown[i < count ? i : 0]];

        assert(entry->id == 0);
        values[3 * i] = db_int(entry->key.code);
        values[3 * i + 1] = db_int(entry->key.owner_id);
        values[3 * i + 2] = db_int(entry->key.sub_id);
    }
    auto_db_rows struct db_rows rows = db_query(db, sql, (struct db_args){ values, 3 * places });
    while (db_next(&rows, err)) {
        struct ledger_key key = { .code = (enum ledger_code)db_column_int(&rows, 1),
                                  .owner_id = db_column_int(&rows, 2),
                                  .sub_id = db_column_int(&rows, 3) };
        struct ledger_entry *entry = &entries->items[entry_of(entries, key)];

        entry->id = db_column_int(&rows, 0);
        account_ids_learn(&db->accounts, key, entry->id);
    }
    return !rows.has_failed;
}

static bool create(struct db *db, struct ledger_entry *entry, struct instant now, struct error *err)
{
    const struct ledger_account *account = ledger_account(entry->key.code);

    assert(account != NULL);
    if (!db_insert(db,
                   "INSERT INTO account (code, owner_id, sub_id, flags, created_us) "
                   "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                   DB_ARGS(db_int(entry->key.code), db_int(entry->key.owner_id),
                           db_int(entry->key.sub_id), db_int(account->flags), db_instant(now)),
                   &entry->id, err))
        return false;
    account_ids_learn(&db->accounts, entry->key, entry->id);
    return true;
}

bool ledger_entries_find(struct db *db, struct ledger_entries *entries, struct instant now,
                         struct error *err)
{
    size_t unknown[LEDGER_ENTRIES_MAX], unknown_count = 0;

    for (size_t i = 0; i < entries->count; i++) {
        entries->items[i].id = account_ids_find(&db->accounts, entries->items[i].key);
        if (entries->items[i].id == 0)
            unknown[unknown_count++] = i;
    }
    for (size_t from = 0; from < unknown_count; from += LOOKUP_MAX) {
        size_t rest = unknown_count - from;

        if (!find_some(db, entries, unknown + from, rest < LOOKUP_MAX ? rest : LOOKUP_MAX, err))
            return false;
    }
    for (size_t i = 0; i < unknown_count; i++) {
        struct ledger_entry *entry = &entries->items[unknown[i]];

        if (entry->id == 0 && !create(db, entry, now, err))
            return false;
    }
    return true;
}

static bool keeps_balance(const struct ledger_entry *entry)
{
    return (ledger_account(entry->key.code)->flags & LEDGER_S) == 0;
}

/* In the order of their ids, so that no two wait for each other. */
static size_t sort(const struct ledger_entries *entries,
                   const struct ledger_entry *sorted[static LEDGER_ENTRIES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < entries->count; i++) {
        size_t at = count;

        if (!keeps_balance(&entries->items[i]))
            continue;
        for (; at > 0 && sorted[at - 1]->id > entries->items[i].id; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &entries->items[i];
        count++;
    }
    return count;
}

bool ledger_entries_post(struct db *db, const struct ledger_entries *entries, struct error *err)
{
    const struct ledger_entry *sorted[LEDGER_ENTRIES_MAX];
    size_t count = sort(entries, sorted);

    for (size_t i = 0; i < count; i++)
        if (!db_exec(db,
                     "UPDATE account SET dr_posted = dr_posted + $2, cr_posted = cr_posted + $3 "
                     "WHERE id = $1",
                     DB_ARGS(db_int(sorted[i]->id), db_money(sorted[i]->debits),
                             db_money(sorted[i]->credits)),
                     err))
            return false;
    return true;
}

bool ledger_entries_pend(struct db *db, const struct ledger_entries *entries, int sign,
                         struct error *err)
{
    const struct ledger_entry *sorted[LEDGER_ENTRIES_MAX];
    size_t count = sort(entries, sorted);

    for (size_t i = 0; i < count; i++)
        if (!db_exec(db,
                     "UPDATE account SET dr_pending = dr_pending + $2, "
                     "cr_pending = cr_pending + $3 WHERE id = $1",
                     DB_ARGS(db_int(sorted[i]->id), db_int(sign * sorted[i]->debits.nanodollars),
                             db_int(sign * sorted[i]->credits.nanodollars)),
                     err))
            return false;
    return true;
}
