/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_money.h"

#include "flow/support_check.h"

/* A deposit of $5 over Stripe that arrived, whole: its row, its journal as the program would post
 * it, and Stripe's word for it. */
#define JOURNAL_OF_7                                                                               \
    "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, ref_kind, ref_id)\n"  \
    "  VALUES ('dep:7', '', 2, 1, 1, 3, 7);"
#define DEPOSIT_7(state, settled)                                                                  \
    "INSERT INTO deposit (id, user_id, provider, object_id, amount, state, created_us,\n"          \
    "  settled_us) SELECT 7, min(id), 'stripe', 'pi_7', 5, " state ", 1, " settled " FROM users;"
#define TXN(id, code, amount)                                                                      \
    "INSERT INTO provider_txn (id, provider, txn_id, code, amount, at_us, journal_id)\n"           \
    "  VALUES (" id ", 'stripe', 'txn_" id "', " code ", " amount ", 1, " id ");"

static const struct plant plants[] = {
    /* A transaction that our books know nothing of, and one of another amount. */
    { "I-12", TXN("1", "1110", "5"), "DELETE FROM provider_txn;" },
    { "I-12", TXN("1", "1120", "5"), "DELETE FROM provider_txn;" },
    /* Money at a provider that the provider never reported. */
    { "I-12", "UPDATE account SET code = 1110 WHERE code = 5020;",
      "UPDATE account SET code = 5020 WHERE code = 1110;" },
    { "I-12", "UPDATE account SET code = 1120 WHERE code = 5020;",
      "UPDATE account SET code = 5020 WHERE code = 1120;" },
    /* A fee that has lain in suspense since long before the newest journal. */
    { "I-12",
      "UPDATE account SET code = 2310 WHERE code = 4010;\n"
      "UPDATE journal SET posted_us = posted_us + 86500000000 WHERE id = (SELECT max(id)\n"
      "  FROM journal);",
      "UPDATE account SET code = 4010 WHERE code = 2310;\n"
      "UPDATE journal SET posted_us = posted_us - 86500000000 WHERE id = (SELECT max(id)\n"
      "  FROM journal);" },
    /* Nothing lies in suspense that has not been claimed, but for what came today. */
    { "I-12", "UPDATE account SET code = 2310 WHERE code = 4010;\n" TXN("1", "1110", "5"),
      "UPDATE account SET code = 4010 WHERE code = 2310;\nDELETE FROM provider_txn;" },
    /* A transaction that is as its journal says, in an account that another one claims. */
    { "I-12",
      "UPDATE account SET code = 1110 WHERE code = 5020;\n"
      "INSERT INTO provider_txn (id, provider, txn_id, code, amount, at_us, journal_id)\n"
      "  SELECT j, 'stripe', 'txn_' || j, 1110, amount, 1, j FROM (SELECT t.journal_id AS j,\n"
      "  t.amount AS amount FROM transfer t JOIN account a ON a.id = t.dr WHERE a.code = 1110) x\n"
      "  WHERE j = 1;",
      "UPDATE account SET code = 5020 WHERE code = 1110;\nDELETE FROM provider_txn;" },
    { "I-13", DEPOSIT_7("2", "1"), "DELETE FROM deposit;" },
    /* One that was made, of which nothing is held, but another sum. */
    { "I-13",
      DEPOSIT_7(
          "0",
          "NULL") "\n"
                  "INSERT INTO hold (idem_key, dr, cr, amount) SELECT 'dep:7', fee, fee, 4 FROM "
                  "spot;",
      "DELETE FROM deposit;\nDELETE FROM hold;" },
    { "I-13", DEPOSIT_7("0", "NULL") "\n" JOURNAL_OF_7,
      "DELETE FROM journal WHERE ref_kind = 3;\nDELETE FROM deposit;" },
    /* Whose journal has another's key; and one that is all right, beside one that is not. */
    { "I-13",
      DEPOSIT_7("2", "1") "\n" JOURNAL_OF_7
                          "\nUPDATE journal SET idem_key = 'dep:8' WHERE idem_key = 'dep:7';",
      "DELETE FROM journal WHERE ref_kind = 3;\nDELETE FROM deposit;" },
    { "I-13",
      DEPOSIT_7("2", "1") "\n" JOURNAL_OF_7 "\nINSERT INTO transfer (journal_id, leg, dr, cr, "
                          "amount, code) SELECT j.id, 1, fee, fee, 5,\n"
                          "  52 FROM spot, journal j WHERE j.idem_key = 'dep:7';\n"
                          "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                          "ref_kind, ref_id)\n"
                          "  VALUES ('dep:9', '', 2, 1, 1, 3, 9);",
      "DELETE FROM transfer WHERE code = 52;\nDELETE FROM journal WHERE ref_kind = 3;\n"
      "DELETE FROM deposit;" },
    { "I-13", JOURNAL_OF_7, "DELETE FROM journal WHERE ref_kind = 3;" },
    { "I-13", DEPOSIT_7("1", "NULL") "\n" JOURNAL_OF_7,
      "DELETE FROM journal WHERE ref_kind = 3;\nDELETE FROM deposit;" },
    { "I-13", DEPOSIT_7("2", "1") "\n" JOURNAL_OF_7,
      "DELETE FROM journal WHERE ref_kind = 3;\nDELETE FROM deposit;" },
    /* One that is on its way, and nothing is pending; and one that has ended, and something is. */
    { "I-13", DEPOSIT_7("1", "NULL"), "DELETE FROM deposit;" },
    { "I-13",
      DEPOSIT_7(
          "4",
          "1") "\n"
               "INSERT INTO hold (idem_key, dr, cr, amount) SELECT 'dep:7', fee, fee, 5 FROM spot;",
      "DELETE FROM deposit;\nDELETE FROM hold;" },
    /* Somebody runs whose end came an hour ago; and one who has nothing, and no end. */
    { "I-16",
      "UPDATE users SET credit_limit = t_zero_us WHERE t_zero_us < 9000000000000000000;\n"
      "UPDATE users SET t_zero_us = t_zero_us - 36000000000000 WHERE credit_limit > 0;",
      "UPDATE users SET t_zero_us = credit_limit, credit_limit = 0 WHERE credit_limit > 0;" },
    { "I-16", "UPDATE account SET dr_posted = dr_posted + 90000000000 WHERE code = 2020;",
      "UPDATE account SET dr_posted = dr_posted - 90000000000 WHERE code = 2020;" },
    { "I-16",
      "UPDATE account SET created_us = dr_posted, dr_posted = cr_posted WHERE code = 2020 AND\n"
      "  cr_posted = 1000000000;\n"
      "INSERT INTO account (code, owner_id, flags, dr_posted, created_us) SELECT 1210, owner_id, "
      "2,\n"
      "  5000000000, 1 FROM account WHERE code = 2020 AND cr_posted = 1000000000;",
      "DELETE FROM account WHERE code = 1210;\n"
      "UPDATE account SET dr_posted = created_us WHERE code = 2020 AND cr_posted = 1000000000;" },
    { "I-16", "UPDATE run_interval SET owner_id = owner_id + 1000 WHERE end_us IS NULL;",
      "UPDATE run_interval SET owner_id = owner_id - 1000 WHERE end_us IS NULL;" },
    /* Credit that went for no reason, that came from nowhere, and that expired twice. */
    { "I-18", "UPDATE transfer SET code = 69 " FIRST_CHARGE,
      "UPDATE transfer SET code = 11 WHERE code = 69;" },
    { "I-18", "UPDATE transfer SET code = 52 WHERE journal_id = 1;",
      "UPDATE transfer SET code = 53 WHERE journal_id = 1;" },
};

static void test_every_fault_in_what_comes_in_is_found(void **state)
{
    check_plants(*state, plants, sizeof plants / sizeof plants[0]);
}

/* Whose credit has ended this moment is about to be stopped. */
static void test_an_end_that_has_just_come_is_no_finding(void **state)
{
    static struct world world;

    world_open(&world, *state);
    check_live(&world);
    check_is_clean(*state);
    support_script(*state, "UPDATE users SET t_zero_us = (SELECT max(alive_until_us) FROM\n"
                           "  server_liveness) - 10000000 WHERE t_zero_us < 9000000000000000000;");
    check_is_clean(*state);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_in_what_comes_in_is_found),
        cmocka_unit_test(test_an_end_that_has_just_come_is_no_finding),
    };
    return SUPPORT_RUN(tests);
}
