/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_entries.h"

#include <assert.h>
#include <stdlib.h>

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

/* Of one or several journals, those whose id is not remembered. An account that several have is
 * looked for once. */
struct unknown {
    struct ledger_entry **items;
    size_t count;
};

static bool find_some(struct db *db, struct ledger_entry *const *unknown, size_t count,
                      struct error *err)
{
    struct db_value values[3 * LOOKUP_MAX];
    size_t places = count <= 4 ? 4 : count <= 8 ? 8 : LOOKUP_MAX;
    const char *sql = places == 4 ? FIND KEYS_4 : places == 8 ? FIND KEYS_8 : FIND KEYS_12;

    for (size_t i = 0; i < places; i++) {
        const struct ledger_entry *entry = unknown[i < count ? i : 0];

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

        int64_t id = db_column_int(&rows, 0);

        for (size_t i = 0; i < count; i++)
            if (ledger_key_equals(unknown[i]->key, key))
                unknown[i]->id = id;
    }
    return !rows.has_failed;
}

static bool create_later(struct db *db, struct ledger_entry *entry, struct instant now,
                         struct error *err)
{
    const struct ledger_account *account = ledger_account(entry->key.code);

    assert(account != NULL);
    return db_insert_later(db,
                           "INSERT INTO account (code, owner_id, sub_id, flags, created_us) "
                           "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                           DB_ARGS(db_int(entry->key.code), db_int(entry->key.owner_id),
                                   db_int(entry->key.sub_id), db_int(account->flags),
                                   db_instant(now)),
                           &entry->id, err);
}

static bool find_or_make(struct db *db, const struct unknown *unknown, struct instant now,
                         struct error *err)
{
    bool makes_some = false;

    for (size_t from = 0; from < unknown->count; from += LOOKUP_MAX) {
        size_t rest = unknown->count - from;

        if (!find_some(db, unknown->items + from, rest < LOOKUP_MAX ? rest : LOOKUP_MAX, err))
            return false;
    }
    for (size_t i = 0; i < unknown->count; i++)
        if (unknown->items[i]->id == 0) {
            makes_some = true;
            if (!create_later(db, unknown->items[i], now, err))
                return false;
        }
    if (makes_some && !db_settle(db, err))
        return false;
    for (size_t i = 0; i < unknown->count; i++)
        if (unknown->items[i]->id <= 0)
            return db_fail(db, DB_FAILURE_FINAL, ERROR_CORRUPT, err, "an account without an id");
    for (size_t i = 0; i < unknown->count; i++)
        account_ids_learn(&db->accounts, unknown->items[i]->key, unknown->items[i]->id);
    return true;
}

/* The one of the unknown with that key; NULL: none. */
static struct ledger_entry *with_key(const struct unknown *unknown, struct ledger_key key)
{
    for (size_t i = 0; i < unknown->count; i++)
        if (ledger_key_equals(unknown->items[i]->key, key))
            return unknown->items[i];
    return NULL;
}

bool ledger_entries_find_all(struct db *db, struct ledger_entries *entries, size_t count,
                             struct instant now, struct error *err)
{
    struct unknown unknown = { calloc(count * LEDGER_ENTRIES_MAX, sizeof *unknown.items), 0 };

    if (unknown.items == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < entries[i].count; k++) {
            struct ledger_entry *entry = &entries[i].items[k];

            entry->id = account_ids_find(&db->accounts, entry->key);
            if (entry->id == 0 && with_key(&unknown, entry->key) == NULL)
                unknown.items[unknown.count++] = entry;
        }
    bool is_ok = find_or_make(db, &unknown, now, err);
    for (size_t i = 0; i < count && is_ok; i++)
        for (size_t k = 0; k < entries[i].count; k++)
            if (entries[i].items[k].id == 0)
                entries[i].items[k].id = with_key(&unknown, entries[i].items[k].key)->id;
    free(unknown.items);
    return is_ok;
}

bool ledger_entries_find(struct db *db, struct ledger_entries *entries, struct instant now,
                         struct error *err)
{
    return ledger_entries_find_all(db, entries, 1, now, err);
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

bool ledger_account_post(struct db *db, int64_t account_id, struct money debits,
                         struct money credits, struct error *err)
{
    return db_exec(db,
                   "UPDATE account SET dr_posted = dr_posted + $2, cr_posted = cr_posted + $3 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(account_id), db_money(debits), db_money(credits)), err);
}

bool ledger_entries_post(struct db *db, const struct ledger_entries *entries, struct error *err)
{
    const struct ledger_entry *sorted[LEDGER_ENTRIES_MAX];
    size_t count = sort(entries, sorted);

    for (size_t i = 0; i < count; i++)
        if (!ledger_account_post(db, sorted[i]->id, sorted[i]->debits, sorted[i]->credits, err))
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
