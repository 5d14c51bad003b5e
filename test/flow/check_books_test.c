/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_books.h"

#include "flow/support_check.h"

static const struct plant plants[] = {
    { "I-1", "UPDATE transfer SET dr = dr + 1000000 " FIRST_CHARGE,
      "UPDATE transfer SET dr = dr - 1000000 " FIRST_CHARGE },
    { "I-2", "UPDATE transfer SET cr = cr + 1000000 " FIRST_CHARGE,
      "UPDATE transfer SET cr = cr - 1000000 " FIRST_CHARGE },
    { "I-2", "UPDATE account SET cr_posted = cr_posted + 1 WHERE code = 2110;",
      "UPDATE account SET cr_posted = cr_posted - 1 WHERE code = 2110;" },
    { "I-2", "UPDATE account SET dr_posted = dr_posted + 1 WHERE code = 2020;",
      "UPDATE account SET dr_posted = dr_posted - 1 WHERE code = 2020;" },
    { "I-2", "UPDATE account SET cr_posted = 5 WHERE code = 3010;",
      "UPDATE account SET cr_posted = 0 WHERE code = 3010;" },
    { "I-2", "UPDATE account SET cr_pending = 7 WHERE code = 2110;",
      "UPDATE account SET cr_pending = 0 WHERE code = 2110;" },
    { "I-2", "INSERT INTO hold (idem_key, dr, cr, amount) SELECT 'h', fee, funds, 5 FROM spot;",
      "DELETE FROM hold;" },
    { "I-2", "INSERT INTO hold (idem_key, dr, cr, amount) VALUES ('h', 9999, 9998, 5);",
      "DELETE FROM hold;" },
    /* One that was captured, by a journal that took nothing from it, and more than it held. */
    { "I-2",
      "INSERT INTO hold (idem_key, dr, cr, amount, state, resolved_us, resolved_journal)\n"
      "  SELECT 'h', 9999, 9998, 5, 1, 1, leg FROM spot;",
      "DELETE FROM hold;" },
    { "I-2",
      "INSERT INTO hold (idem_key, dr, cr, amount, state, resolved_us, resolved_journal)\n"
      "  SELECT 'h', t.dr, t.cr, 1, 1, 1, spot.leg FROM spot JOIN transfer t ON t.journal_id = "
      "spot.leg\n"
      "  WHERE t.code = 11;",
      "DELETE FROM hold;" },
    /* One that was captured as it should be, beside one that was not. */
    { "I-2",
      "INSERT INTO hold (idem_key, dr, cr, amount, state, resolved_us, resolved_journal)\n"
      "  SELECT 'h', t.dr, t.cr, 100 * t.amount, 1, 1, spot.leg FROM spot JOIN transfer t\n"
      "  ON t.journal_id = spot.leg WHERE t.code = 11;\n"
      "INSERT INTO hold (idem_key, dr, cr, amount, state, resolved_us, resolved_journal)\n"
      "  SELECT 'i', 9999, 9998, 5, 1, 1, min(id) FROM journal;",
      "DELETE FROM hold;" },
    { "I-3", "UPDATE transfer SET amount = amount + 1 " FIRST_CHARGE,
      "UPDATE transfer SET amount = amount - 1 " FIRST_CHARGE },
    { "I-3",
      "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, ref_kind, ref_id)\n"
      "  VALUES ('empty', '', 3, 1, 1, 2, 1);",
      "DELETE FROM journal WHERE idem_key = 'empty';" },
    { "I-4", "UPDATE account SET flags = 0 WHERE code = 2020;",
      "UPDATE account SET flags = 1 WHERE code = 2020;" },
    { "I-4", "UPDATE account SET dr_posted = cr_posted + 1 WHERE code = 2110;",
      "UPDATE account SET dr_posted = 0 WHERE code = 2110;" },
    { "I-4", "UPDATE account SET dr_pending = cr_posted + 1 WHERE code = 2110;",
      "UPDATE account SET dr_pending = 0 WHERE code = 2110;" },
    { "I-4",
      "UPDATE account SET dr_posted = 9000000000000000000, dr_pending = 9000000000000000000\n"
      "  WHERE code = 2110;",
      "UPDATE account SET dr_posted = 0, dr_pending = 0 WHERE code = 2110;" },
    { "I-4",
      "UPDATE account SET created_us = cr_posted, cr_posted = 9000000000000000000,\n"
      "  cr_pending = 9000000000000000000 WHERE code = 2110;",
      "UPDATE account SET cr_posted = created_us, cr_pending = 0 WHERE code = 2110;" },
    { "I-4",
      "INSERT INTO account (code, owner_id, sub_id, flags, cr_posted, created_us)\n"
      "  VALUES (1210, 9999, 77, 2, 5, 1);",
      "DELETE FROM account WHERE sub_id = 77;" },
    { "I-4", "UPDATE account SET code = 7777 WHERE code = 2110;",
      "UPDATE account SET code = 2110 WHERE code = 7777;" },
    { "I-5",
      "INSERT INTO account (code, owner_id, sub_id, flags, dr_posted, created_us)\n"
      "  SELECT 1210, debtor, 77, 2, 5, 1 FROM spot;",
      "DELETE FROM account WHERE sub_id = 77;" },
    /* More legs than a block holds, and more seals. */
    { "I-3",
      "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) WITH RECURSIVE n(i) AS\n"
      "  (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)\n"
      "  SELECT spot.leg, n.i, fee, fee, 1, 99 FROM spot, n;",
      "DELETE FROM transfer WHERE leg >= 1000;" },
    { "I-19",
      "INSERT INTO journal_seal (number, last_journal, journal_count, hash, sealed_us)\n"
      "  WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)\n"
      "  SELECT i, i + 1000000, 1, 'h' || i, 1 FROM n;",
      "DELETE FROM journal_seal WHERE number >= 1000;" },
    { "I-8", "UPDATE transfer SET code = 1 " FIRST_CHARGE,
      "UPDATE transfer SET code = 11 WHERE code = 1;" },
    { "I-8", "UPDATE transfer SET amount = amount + 1 " FIRST_CHARGE,
      "UPDATE transfer SET amount = amount - 1 " FIRST_CHARGE },
    { "I-15", "UPDATE journal SET corrects = id WHERE id = 2;",
      "UPDATE journal SET corrects = NULL WHERE id = 2;" },
    { "I-19", "UPDATE journal SET body_hash = 'x' || body_hash WHERE id = 1;",
      "UPDATE journal SET body_hash = substr(body_hash, 2) WHERE id = 1;" },
    { "I-19", "UPDATE journal SET ref_id = ref_id + 1 WHERE id = 1;",
      "UPDATE journal SET ref_id = ref_id - 1 WHERE id = 1;" },
    { "I-19", "UPDATE transfer SET amount = amount + 1;",
      "UPDATE transfer SET amount = amount - 1;" },
    /* What no body hash covers, and the chain does. */
    { "I-19", "UPDATE journal SET posted_us = posted_us + 1 WHERE id = 2;",
      "UPDATE journal SET posted_us = posted_us - 1 WHERE id = 2;" },
    { "I-19", "UPDATE journal SET occurred_us = occurred_us + 1 WHERE id = 2;",
      "UPDATE journal SET occurred_us = occurred_us - 1 WHERE id = 2;" },
    { "I-19", "UPDATE journal SET idem_key = 'x' || idem_key WHERE id = 2;",
      "UPDATE journal SET idem_key = substr(idem_key, 2) WHERE id = 2;" },
    { "I-19", "UPDATE account SET owner_id = owner_id + 1 WHERE code = 2110;",
      "UPDATE account SET owner_id = owner_id - 1 WHERE code = 2110;" },
    { "I-19", "UPDATE account SET code = 5060 WHERE code = 5020;",
      "UPDATE account SET code = 5020 WHERE code = 5060;" },
    { "I-19", "UPDATE journal_seal SET hash = 'x' || hash WHERE number = 1;",
      "UPDATE journal_seal SET hash = substr(hash, 2) WHERE number = 1;" },
    { "I-19", "UPDATE journal_seal SET journal_count = journal_count + 1 WHERE number = 1;",
      "UPDATE journal_seal SET journal_count = journal_count - 1 WHERE number = 1;" },
    { "I-19", "UPDATE journal_seal SET number = 7 WHERE number = 1;",
      "UPDATE journal_seal SET number = 1 WHERE number = 7;" },
    { "I-19",
      "INSERT INTO journal_seal (number, last_journal, journal_count, hash, sealed_us)\n"
      "  VALUES (2, 999999, 1, 'made up', 1);",
      "DELETE FROM journal_seal WHERE number = 2;" },
    { "I-20",
      "UPDATE transfer SET cr = (SELECT id FROM account WHERE code = 3020) WHERE code = 13;",
      "UPDATE transfer SET cr = (SELECT fee FROM spot) WHERE code = 13;" },
};

static void test_every_fault_in_the_books_is_found(void **state)
{
    check_plants(*state, plants, sizeof plants / sizeof plants[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_in_the_books_is_found),
    };
    return SUPPORT_RUN(tests);
}
