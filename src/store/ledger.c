/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/ledger_rows.h"

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

bool ledger_post(struct db *db, const struct journal *journal, struct instant now,
                 enum ledger_outcome *ret_outcome, struct error *err)
{
    struct ledger_entries entries = { .count = 0 };
    char hash[HEX_SIZE(HASH_SIZE)];
    int64_t journal_id;
    bool is_new, has_row;

    assert(journal_is_balanced(journal));
    for (size_t i = 0; i < journal->leg_count; i++)
        if (!ledger_entries_add(&entries, &journal->legs[i]))
            return db_fail(db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err,
                           "too much for one journal");
    ledger_body_hash(journal, hash);
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
    if (!ledger_entries_find(db, &entries, now, err) ||
        !ledger_insert_legs(db, journal_id, journal, &entries, err) ||
        !ledger_entries_post(db, &entries, err))
        return error_context(err, "post %s", journal->key);
    *ret_outcome = LEDGER_POSTED;
    return true;
}

/* The balance of an account of a renter's, which is never on the wrong side. What a hold sets aside
 * counts as spent, and what it announces not at all: the query adds it to the right side. */
static bool read_fund(struct db_rows *row, struct renter_funds *funds, struct error *err)
{
    struct money debits = db_column_money(row, 1), credits = db_column_money(row, 2);
    const struct ledger_account *account = ledger_account(db_column_int(row, 0));

    assert(account != NULL); /* the query names three of the chart */
    if (!ledger_is_within_limits(account->flags, debits, credits))
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

/* One row each by its own key: SQLite makes a table of what IN lists, each time anew. */
#define FUND                                                                                       \
    "SELECT code, dr_posted + CASE WHEN flags & 1 <> 0 THEN dr_pending ELSE 0 END, "               \
    "cr_posted + CASE WHEN flags & 2 <> 0 THEN cr_pending ELSE 0 END FROM account "                \
    "WHERE owner_id = $1 AND sub_id = 0 AND code = "

bool ledger_load_funds(struct db *db, int64_t renter_id, struct renter_funds *ret_funds,
                       struct error *err)
{
    struct renter_funds funds = { .promo = { 0 } };
    auto_db_rows struct db_rows rows =
        db_query(db, FUND "$2 UNION ALL " FUND "$3 UNION ALL " FUND "$4",
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
    sums->held_debits = db_column_money(row, 2);
    sums->held_credits = db_column_money(row, 3);
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
              "(SELECT COALESCE(sum(amount), 0) FROM transfer WHERE cr = account.id), 0, 0 "
              "FROM account WHERE code = $1 AND owner_id = $2 AND sub_id = $3"
            : "SELECT dr_posted, cr_posted, dr_pending, cr_pending FROM account "
              "WHERE code = $1 AND owner_id = $2 AND sub_id = $3";
    if (!db_query_one(db, sql, DB_ARGS(db_int(key.code), db_int(key.owner_id), db_int(key.sub_id)),
                      read_sums, &sums, &has_row, err))
        return error_context(err, "sum up %s", account->name);
    *ret_sums = sums;
    return true;
}

static bool read_amount(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

#define EARNED                                                                                     \
    "SELECT cr_posted - dr_posted FROM account WHERE owner_id = $1 AND sub_id = 0 AND code = "

bool ledger_load_earnings(struct db *db, int64_t host_id, struct money *ret, struct error *err)
{
    bool has;

    /* Two of them fit: the limits keep each sum below 4e18. */
    if (!db_query_one(
            db, "SELECT COALESCE((" EARNED "$2), 0) + COALESCE((" EARNED "$3), 0)",
            DB_ARGS(db_int(host_id), db_int(LEDGER_HOST_ACCRUED), db_int(LEDGER_HOST_PAYABLE)),
            read_amount, ret, &has, err))
        return error_context(err, "sum up what %lld has earned", (long long)host_id);
    return true;
}

struct money ledger_free(enum ledger_code code, const struct ledger_sums *sums)
{
    enum ledger_kind kind = ledger_account(code)->kind;
    bool is_debit_normal = kind == LEDGER_ASSET || kind == LEDGER_EXPENSE;
    struct money balance = ledger_balance(kind, sums->debits, sums->credits);
    struct money held = is_debit_normal ? sums->held_credits : sums->held_debits;

    /* The limits keep each sum below 4e18, so that the difference of a difference fits. */
    return (struct money){ balance.nanodollars - held.nanodollars };
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
