/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "sys/crypto.h"

enum {
    ACCOUNTS_MAX = 2 * JOURNAL_LEGS_MAX,
    LOOKUP_MAX = 12, /* accounts of a query: as many as usage of all kinds touches */
};

/* An account that the journal touches, and what it adds to it. */
struct entry {
    struct ledger_key key;
    int64_t id; /* 0: not known yet */
    struct money debits, credits;
};

/* Every account once; and which of them each leg debits and credits. */
struct entries {
    struct entry items[ACCOUNTS_MAX];
    size_t count;
    size_t debits[JOURNAL_LEGS_MAX], credits[JOURNAL_LEGS_MAX];
};

static size_t entry_of(struct entries *entries, struct ledger_key key)
{
    for (size_t i = 0; i < entries->count; i++)
        if (ledger_key_equals(entries->items[i].key, key))
            return i;
    assert(entries->count < ACCOUNTS_MAX);
    entries->items[entries->count] = (struct entry){ .key = key };
    return entries->count++;
}

static bool add_legs(struct entries *entries, const struct journal *journal)
{
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        entries->debits[i] = entry_of(entries, leg->debit);
        entries->credits[i] = entry_of(entries, leg->credit);
        struct entry *debit = &entries->items[entries->debits[i]];
        struct entry *credit = &entries->items[entries->credits[i]];
        if (!money_add(debit->debits, leg->amount, &debit->debits) ||
            !money_add(credit->credits, leg->amount, &credit->credits))
            return false;
    }
    return true;
}

/* Each alternative is a search in the index of the keys, on both databases. There are few such
 * statements, so that they stay prepared: an account may well be asked for twice. */
#define KEY(a, b, c) "(code = $" #a " AND owner_id = $" #b " AND sub_id = $" #c ")"
#define OR           " OR "
#define KEYS_4       KEY(1, 2, 3) OR KEY(4, 5, 6) OR KEY(7, 8, 9) OR KEY(10, 11, 12)
#define KEYS_8       KEYS_4 OR KEY(13, 14, 15) OR KEY(16, 17, 18) OR KEY(19, 20, 21) OR KEY(22, 23, 24)
#define KEYS_12      KEYS_8 OR KEY(25, 26, 27) OR KEY(28, 29, 30) OR KEY(31, 32, 33) OR KEY(34, 35, 36)
#define FIND         "SELECT id, code, owner_id, sub_id FROM account WHERE "

static bool find_some(struct db *db, struct entries *entries, const size_t *unknown, size_t count,
                      struct error *err)
{
    struct db_value values[3 * LOOKUP_MAX];
    size_t places = count <= 4 ? 4 : count <= 8 ? 8 : LOOKUP_MAX;
    const char *sql = places == 4 ? FIND KEYS_4 : places == 8 ? FIND KEYS_8 : FIND KEYS_12;

    for (size_t i = 0; i < places; i++) {
        struct ledger_key key = entries->items[unknown[i < count ? i : 0]].key;

        values[3 * i] = db_int(key.code);
        values[3 * i + 1] = db_int(key.owner_id);
        values[3 * i + 2] = db_int(key.sub_id);
    }
    auto_db_rows struct db_rows rows = db_query(db, sql, (struct db_args){ values, 3 * places });
    while (db_next(&rows, err)) {
        struct ledger_key key = { .code = (enum ledger_code)db_column_int(&rows, 1),
                                  .owner_id = db_column_int(&rows, 2),
                                  .sub_id = db_column_int(&rows, 3) };
        struct entry *entry = &entries->items[entry_of(entries, key)];

        entry->id = db_column_int(&rows, 0);
        account_ids_learn(&db->accounts, key, entry->id);
    }
    return !rows.has_failed;
}

static bool create(struct db *db, struct entry *entry, struct instant now, struct error *err)
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

/* Most are remembered; the others are looked for, and made where there are none. */
static bool find_or_create(struct db *db, struct entries *entries, struct instant now,
                           struct error *err)
{
    size_t unknown[ACCOUNTS_MAX], unknown_count = 0;

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
        struct entry *entry = &entries->items[unknown[i]];

        if (entry->id == 0 && !create(db, entry, now, err))
            return false;
    }
    return true;
}

static bool keeps_balance(const struct entry *entry)
{
    return (ledger_account(entry->key.code)->flags & LEDGER_S) == 0;
}

/* In the order of their ids, so that no two wait for each other. */
static bool add_to_balances(struct db *db, const struct entries *entries, struct error *err)
{
    const struct entry *sorted[ACCOUNTS_MAX];
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

#define LEG(a, b, c, d, e) "($1, $" #a ", $" #b ", $" #c ", $" #d ", $" #e ")"
#define INSERT_LEGS        "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) VALUES "
#define LEGS_1             LEG(2, 3, 4, 5, 6)
#define LEGS_3             LEGS_1 ", " LEG(7, 8, 9, 10, 11) ", " LEG(12, 13, 14, 15, 16)

/* Three in a statement where there are three: a component charged, shared out, and its fee. */
static bool insert_legs(struct db *db, int64_t journal_id, const struct journal *journal,
                        const struct entries *entries, struct error *err)
{
    for (size_t from = 0, count; from < journal->leg_count; from += count) {
        struct db_value values[1 + 3 * 5] = { db_int(journal_id) };

        count = journal->leg_count - from >= 3 ? 3 : 1;
        for (size_t i = 0; i < count; i++) {
            const struct leg *leg = &journal->legs[from + i];
            struct db_value *value = &values[1 + 5 * i];

            value[0] = db_int((int64_t)(from + i) + 1);
            value[1] = db_int(entries->items[entries->debits[from + i]].id);
            value[2] = db_int(entries->items[entries->credits[from + i]].id);
            value[3] = db_money(leg->amount);
            value[4] = db_int(leg->code);
        }
        if (!db_exec(db, count == 3 ? INSERT_LEGS LEGS_3 : INSERT_LEGS LEGS_1,
                     (struct db_args){ values, 1 + 5 * count }, err))
            return false;
    }
    return true;
}

static bool read_id(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

static bool read_sameness(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(enum ledger_outcome *)context = db_column_int(row, 0) ? LEDGER_EXISTS : LEDGER_DIFFERS;
    return true;
}

static void hash_body(const struct journal *journal, char hex[static HEX_SIZE(HASH_SIZE)])
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);

    journal_body(&body, journal);
    assert(!body.has_overflowed);
    struct hash hash = crypto_sha256(body.bytes, body.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, hex);
}

bool ledger_post(struct db *db, const struct journal *journal, struct instant now,
                 enum ledger_outcome *ret_outcome, struct error *err)
{
    struct entries entries = { .count = 0 };
    char hash[HEX_SIZE(HASH_SIZE)];
    int64_t journal_id;
    bool is_new, has_row;

    assert(journal_is_balanced(journal));
    if (!add_legs(&entries, journal))
        return db_fail(db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err, "too much for one journal");
    hash_body(journal, hash);
    if (!db_query_one(db,
                      "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                      "ref_kind, ref_id, corrects) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                      "ON CONFLICT (idem_key) DO NOTHING RETURNING id",
                      DB_ARGS(db_text(journal->key), db_text(hash), db_int(journal->kind),
                              db_instant(journal->occurred), db_instant(now),
                              db_int(journal->ref_kind), db_int(journal->ref_id),
                              journal->corrects != 0 ? db_int(journal->corrects) : db_null()),
                      read_id, &journal_id, &is_new, err))
        return error_context(err, "post %s", journal->key);
    if (!is_new)
        return db_query_one(db, "SELECT body_hash = $2 FROM journal WHERE idem_key = $1",
                            DB_ARGS(db_text(journal->key), db_text(hash)), read_sameness,
                            ret_outcome, &has_row, err);
    if (!find_or_create(db, &entries, now, err) ||
        !insert_legs(db, journal_id, journal, &entries, err) || !add_to_balances(db, &entries, err))
        return error_context(err, "post %s", journal->key);
    *ret_outcome = LEDGER_POSTED;
    return true;
}

/* The balance of an account of a renter's, which is never on the wrong side. */
static bool read_fund(struct db_rows *row, struct renter_funds *funds, struct error *err)
{
    struct money debits = db_column_money(row, 1), credits = db_column_money(row, 2);
    const struct ledger_account *account = ledger_account(db_column_int(row, 0));

    if (account == NULL || !ledger_is_within_limits(account->flags, debits, credits))
        return error_set(err, ERROR_CORRUPT, "an account beyond its limits");
    struct money balance = ledger_balance(account->kind, debits, credits);
    if (account->code == LEDGER_RENTER_PROMO)
        funds->promo = balance;
    else if (account->code == LEDGER_RENTER_PREPAID)
        funds->prepaid = balance;
    else
        funds->receivable = balance;
    return true;
}

bool ledger_load_funds(struct db *db, int64_t renter_id, struct renter_funds *ret_funds,
                       struct error *err)
{
    struct renter_funds funds = { .promo = { 0 } };
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT code, dr_posted, cr_posted FROM account "
                 "WHERE code IN ($2, $3, $4) AND owner_id = $1 AND sub_id = 0",
                 DB_ARGS(db_int(renter_id), db_int(LEDGER_RENTER_PROMO),
                         db_int(LEDGER_RENTER_PREPAID), db_int(LEDGER_RENTER_RECEIVABLE)));

    while (db_next(&rows, err))
        if (!read_fund(&rows, &funds, err))
            return error_context(err, "the funds of %lld", (long long)renter_id);
    if (rows.has_failed)
        return false;
    if (!renter_funds_are_valid(&funds))
        return error_set(err, ERROR_CORRUPT, "%lld has funds and debt at once",
                         (long long)renter_id);
    *ret_funds = funds;
    return true;
}

static bool read_sums(struct db_rows *row, void *context, struct error *err)
{
    struct ledger_sums *sums = context;

    (void)err;
    sums->debits = db_column_money(row, 0);
    sums->credits = db_column_money(row, 1);
    return true;
}

bool ledger_load_sums(struct db *db, struct ledger_key key, struct ledger_sums *ret_sums,
                      struct error *err)
{
    const struct ledger_account *account = ledger_account(key.code);
    struct ledger_sums sums = { .debits = { 0 } };
    bool has_row;

    assert(account != NULL);
    const char *sql =
        account->flags & LEDGER_S
            ? "SELECT (SELECT COALESCE(sum(amount), 0) FROM transfer WHERE dr = account.id), "
              "(SELECT COALESCE(sum(amount), 0) FROM transfer WHERE cr = account.id) "
              "FROM account WHERE code = $1 AND owner_id = $2 AND sub_id = $3"
            : "SELECT dr_posted, cr_posted FROM account "
              "WHERE code = $1 AND owner_id = $2 AND sub_id = $3";
    if (!db_query_one(db, sql, DB_ARGS(db_int(key.code), db_int(key.owner_id), db_int(key.sub_id)),
                      read_sums, &sums, &has_row, err))
        return error_context(err, "sum up %s", account->name);
    *ret_sums = sums;
    return true;
}

static bool read_newest(struct db_rows *row, void *context, struct error *err)
{
    int64_t *number = context;

    (void)err;
    *number = db_column_int(row, 0);
    return true;
}

bool ledger_newest(struct db *db, int64_t *ret_number, struct error *err)
{
    int64_t number = 0;
    bool has_row;

    if (!db_query_one(db, "SELECT max(id) FROM journal", DB_NO_ARGS, read_newest, &number, &has_row,
                      err))
        return error_context(err, "find the newest journal");
    *ret_number = number;
    return true;
}

struct journal_found {
    struct journal journal;
    int64_t id;
    struct instant posted;
};

static bool read_journal(struct db_rows *row, void *context, struct error *err)
{
    struct journal_found *found = context;

    (void)err;
    found->id = db_column_int(row, 0);
    found->journal.kind = (enum journal_kind)db_column_int(row, 1);
    found->journal.occurred = db_column_instant(row, 2);
    found->posted = db_column_instant(row, 3);
    found->journal.ref_kind = (enum journal_ref)db_column_int(row, 4);
    found->journal.ref_id = db_column_int(row, 5);
    found->journal.corrects = db_column_int(row, 6);
    return true;
}

static struct ledger_key read_key(struct db_rows *row, int column)
{
    return (struct ledger_key){ .code = (enum ledger_code)db_column_int(row, column),
                                .owner_id = db_column_int(row, column + 1),
                                .sub_id = db_column_int(row, column + 2) };
}

bool ledger_load_journal(struct db *db, const char *key, struct journal *ret_journal,
                         struct instant *ret_posted, bool *ret_has, struct error *err)
{
    struct journal_found found = { .id = 0 };
    bool has;

    assert(strlen(key) < JOURNAL_KEY_SIZE);
    (void)snprintf(found.journal.key, sizeof found.journal.key, "%s", key);
    if (!db_query_one(db,
                      "SELECT id, kind, occurred_us, posted_us, ref_kind, ref_id, corrects "
                      "FROM journal WHERE idem_key = $1",
                      DB_ARGS(db_text(key)), read_journal, &found, &has, err))
        return error_context(err, "load journal %s", key);
    auto_db_rows struct db_rows rows = db_query(
        db,
        "SELECT d.code, d.owner_id, d.sub_id, c.code, c.owner_id, c.sub_id, t.amount, t.code "
        "FROM transfer t JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr "
        "WHERE t.journal_id = $1 ORDER BY t.leg",
        DB_ARGS(db_int(found.id)));
    while (db_next(&rows, err)) {
        if (found.journal.leg_count == JOURNAL_LEGS_MAX)
            return error_set(err, ERROR_CORRUPT, "journal %s has too many legs", key);
        found.journal.legs[found.journal.leg_count++] =
            (struct leg){ read_key(&rows, 0), read_key(&rows, 3), db_column_money(&rows, 6),
                          (int)db_column_int(&rows, 7) };
    }
    if (rows.has_failed)
        return error_context(err, "load journal %s", key);
    *ret_has = has;
    if (has) {
        *ret_journal = found.journal;
        *ret_posted = found.posted;
    }
    return true;
}
