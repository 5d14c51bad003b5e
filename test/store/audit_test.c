/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/support.h"

/* So many journals, each with three legs, of a few contracts in turn. */
static void fill(struct support *support, int journals)
{
    static char script[1 << 20];
    size_t used =
        (size_t)snprintf(script, sizeof script,
                         "-- postgres:\nALTER TABLE usage_line DISABLE TRIGGER ALL;\n"
                         "-- end\nINSERT INTO account (id, code, created_us) VALUES (1, 1, 1), "
                         "(2, 2, 1), (3, 3, 1);\n");

    for (int i = 1; i <= journals; i++)
        used += (size_t)snprintf(
            script + used, sizeof script - used,
            "INSERT INTO journal (id, idem_key, body_hash, kind, occurred_us, posted_us, ref_kind,"
            " ref_id) VALUES (%d, 'key %d', 'hash %d', 1, %d, 2, 1, %d);\n"
            "INSERT INTO transfer VALUES (%d, 1, 1, 2, 5, 11), (%d, 2, 2, 3, 6, 12), "
            "(%d, 3, 1, 3, 7, 13);\n"
            "INSERT INTO usage_line VALUES (%d, 20, 1, 1, %d, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "
            "(%d, 20, 2, 1, %d, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "
            "(%d, 20, 2, 2, %d, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1);\n",
            i, i, i, 1000 + i, 1 + i % 7, i, i, i, i % 7, i, i % 7, i, i % 7, i);
    CHECK(used < sizeof script);
    support_script(support, script);
}

static size_t key_count(enum audit_table table)
{
    if (table == AUDIT_LINES)
        return 5;
    if (table == AUDIT_LEGS || table == AUDIT_TRANSFERS)
        return 2;
    return table == AUDIT_JOURNALS || table == AUDIT_ACCOUNTS ? 1 : 3;
}

/* Walk it all: strictly upwards, and as many as there are. */
static void walk(struct support *support, enum audit_table table, uint64_t count)
{
    struct db *db = support_connect(support);
    struct audit_row last = { .at = { INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN } };
    const struct audit_row *row = NULL, *again = NULL;
    struct error err;

    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    struct audit_stream stream = audit_open(db, table);
    for (;; audit_take(&stream)) {
        CHECK_OK(audit_see(&stream, &row, &err), &err);
        CHECK_OK(audit_see(&stream, &again, &err), &err);
        CHECK(row == again);
        if (row == NULL)
            break;
        size_t i = 0;
        while (i + 1 < key_count(table) && row->at[i] == last.at[i])
            i++;
        CHECK(row->at[i] > last.at[i]);
        last = *row;
    }
    CHECK_INT((int64_t)stream.taken, (int64_t)count);
    audit_close(&stream);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

static void test_every_row_comes_once_and_in_order(void **state)
{
    static const int journals[] = {
        0, 1, AUDIT_PAGE / 3, AUDIT_PAGE - 1, AUDIT_PAGE, AUDIT_PAGE + 1, 2 * AUDIT_PAGE
    };
    struct support *support = *state;

    for (size_t i = 0; i < sizeof journals / sizeof journals[0]; i++) {
        uint64_t count = (uint64_t)journals[i];

        check_row("%d journals", journals[i]);
        support_script(support,
                       "-- sqlite:\nDROP TRIGGER IF EXISTS transfer_no_delete;\n"
                       "DROP TRIGGER IF EXISTS journal_no_delete;\n-- postgres:\n"
                       "DROP TRIGGER IF EXISTS transfer_no_change ON transfer;\n"
                       "DROP TRIGGER IF EXISTS journal_no_change ON journal;\n-- end\n"
                       "DELETE FROM usage_line; DELETE FROM transfer; DELETE FROM journal; "
                       "DELETE FROM account;");
        fill(support, journals[i]);
        walk(support, AUDIT_ACCOUNTS, 3);
        walk(support, AUDIT_JOURNALS, count);
        walk(support, AUDIT_LEGS, 3 * count);
        walk(support, AUDIT_TRANSFERS, 3 * count);
        walk(support, AUDIT_LINES, 3 * count);
        walk(support, AUDIT_METERS, 0);
        walk(support, AUDIT_EPOCHS, 0);
        walk(support, AUDIT_CONTRACTS, 0);
        walk(support, AUDIT_INTERVALS, 0);
        walk(support, AUDIT_CLAIMS, 0);
        walk(support, AUDIT_GPUS, 0);
        walk(support, AUDIT_DEBTORS, 0);
        walk(support, AUDIT_HOLD_DEBITS, 0);
        walk(support, AUDIT_HOLD_CREDITS, 0);
    }
}

static void test_columns_and_texts_are_those_of_the_row(void **state)
{
    struct support *support = *state;
    const struct audit_row *row;
    struct error err;

    fill(support, 1);
    struct db *db = support_connect(support);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    auto_audit struct audit_stream journals = audit_open(db, AUDIT_JOURNALS);
    CHECK_OK(audit_see(&journals, &row, &err), &err);
    CHECK_TEXT(row->key, "key 1");
    CHECK_TEXT(row->hash, "hash 1");
    CHECK_INT(row->at[2], 1001);
    CHECK_INT(row->at[6], AUDIT_NULL);
    auto_audit struct audit_stream transfers = audit_open(db, AUDIT_TRANSFERS);
    CHECK_OK(audit_see(&transfers, &row, &err), &err);
    CHECK_INT(row->at[0], 1);
    CHECK_INT(row->at[2], 11);
    CHECK_INT(row->at[3], 5);
    CHECK_INT(row->at[4], 1);
    CHECK_INT(row->at[5], 2);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

static void test_more_legs_than_there_may_be_are_counted(void **state)
{
    struct journal journal = { .leg_count = 0 };
    struct db *db = support_connect(*state);
    struct error err;
    size_t count;

    fill(*state, 1);
    support_script(*state,
                   "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) WITH RECURSIVE\n"
                   "  n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 20)\n"
                   "  SELECT 1, i, 1, 2, 7, 11 FROM n;");
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    struct audit_stream legs = audit_open(db, AUDIT_LEGS);
    CHECK_OK(audit_take_legs(&legs, 1, &journal, &count, &err), &err);
    CHECK_INT((int64_t)count, 20);
    CHECK_INT((int64_t)journal.leg_count, JOURNAL_LEGS_MAX);
    CHECK_INT(journal.legs[JOURNAL_LEGS_MAX - 1].amount.nanodollars, 7);
    audit_close(&legs);
    db_rollback(db);
    db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_legs_than_there_may_be_are_counted),
        cmocka_unit_test(test_every_row_comes_once_and_in_order),
        cmocka_unit_test(test_columns_and_texts_are_those_of_the_row),
    };
    return SUPPORT_RUN(tests);
}
