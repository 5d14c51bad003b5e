/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trial.h"

#include "store/support.h"

enum { LINES_MAX = 64 };

static bool load_work(struct db *db, void *context, struct error *err)
{
    return trial_load(db, context, err);
}

static struct ledger_sums sums_of(const struct ledger_sums *sums, enum ledger_code code)
{
    size_t count;
    const struct ledger_account *chart = ledger_chart(&count);

    for (size_t i = 0; i < count; i++)
        if (chart[i].code == code)
            return sums[i];
    CHECK(false);
    return sums[0];
}

static void test_hot_accounts_are_summed_and_others_read(void **state)
{
    struct support *support = *state;
    struct ledger_sums sums[LINES_MAX];

    support_script(support,
                   "INSERT INTO account (id, code, owner_id, flags, dr_posted, cr_posted,"
                   " created_us) VALUES (1, 2020, 5, 1, 3, 10, 1), (2, 2020, 6, 1, 4, 20, 1),"
                   " (3, 3010, 0, 8, 0, 0, 1), (4, 4010, 0, 8, 0, 0, 1);\n"
                   "INSERT INTO journal (id, idem_key, body_hash, kind, occurred_us, posted_us,"
                   " ref_kind, ref_id) VALUES (1, 'k', '', 1, 1, 1, 1, 1);\n"
                   "INSERT INTO transfer VALUES (1, 1, 1, 3, 3, 11), (1, 2, 2, 3, 4, 11),"
                   " (1, 3, 3, 4, 7, 13);");
    support_read(support, load_work, sums);
    CHECK_INT(sums_of(sums, LEDGER_RENTER_PROMO).debits.nanodollars, 7);
    CHECK_INT(sums_of(sums, LEDGER_RENTER_PROMO).credits.nanodollars, 30);
    CHECK_INT(sums_of(sums, LEDGER_GROSS_GPU).debits.nanodollars, 7);
    CHECK_INT(sums_of(sums, LEDGER_GROSS_GPU).credits.nanodollars, 7);
    CHECK_INT(sums_of(sums, LEDGER_FEE_GPU).debits.nanodollars, 0);
    CHECK_INT(sums_of(sums, LEDGER_FEE_GPU).credits.nanodollars, 7);
    CHECK_INT(sums_of(sums, LEDGER_BANK).debits.nanodollars, 0);
}

static void test_what_the_chart_lacks_is_corrupt(void **state)
{
    struct support *support = *state;
    struct ledger_sums sums[LINES_MAX];
    struct error err;

    support_script(support, "INSERT INTO account (code, created_us) VALUES (7777, 1);");
    CHECK_FAILS(store_read(support->store, load_work, sums, &err), &err, ERROR_CORRUPT);
}

static void test_more_than_money_holds_is_out_of_range(void **state)
{
    struct support *support = *state;
    struct ledger_sums sums[LINES_MAX];
    struct error err;

    support_script(support, "INSERT INTO account (code, owner_id, flags, cr_posted, created_us) "
                            "VALUES (2020, 1, 1, 4000000000000000000, 1), "
                            "(2020, 2, 1, 4000000000000000000, 1), "
                            "(2020, 3, 1, 4000000000000000000, 1);");
    CHECK(!store_read(support->store, load_work, sums, &err));
}

/* Of one code's accounts some keep their sums and some do not, which the program never makes:
 * either fits, and both together do not. */
static void test_sums_that_fit_may_overflow_together(void **state)
{
    static const char *const sides[] = {
        "UPDATE account SET dr_posted = 4000000000000000000 WHERE id <= 2;",
        "UPDATE account SET dr_posted = 0, cr_posted = 4000000000000000000 WHERE id <= 2;",
    };
    struct support *support = *state;
    struct ledger_sums sums[LINES_MAX];
    struct error err;

    support_script(
        support, "INSERT INTO account (id, code, owner_id, flags, created_us) VALUES"
                 " (1, 1010, 1, 0, 1), (2, 1010, 2, 0, 1), (3, 1010, 3, 8, 1), (4, 2310, 4, 8, 1);"
                 "INSERT INTO journal (id, idem_key, body_hash, kind, occurred_us, posted_us,"
                 " ref_kind, ref_id) VALUES (1, 'k', '', 1, 1, 1, 1, 1);\n"
                 "INSERT INTO transfer VALUES (1, 1, 3, 4, 4000000000000000000, 65),"
                 " (1, 2, 4, 3, 4000000000000000000, 65);");
    support_read(support, load_work, sums);
    CHECK_INT(sums_of(sums, LEDGER_BANK).debits.nanodollars, 4000000000000000000);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        check_row("%s", sides[i]);
        support_script(support, sides[i]);
        CHECK_FAILS(store_read(support->store, load_work, sums, &err), &err, ERROR_OUT_OF_RANGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hot_accounts_are_summed_and_others_read),
        cmocka_unit_test(test_what_the_chart_lacks_is_corrupt),
        cmocka_unit_test(test_more_than_money_holds_is_out_of_range),
        cmocka_unit_test(test_sums_that_fit_may_overflow_together),
    };
    return SUPPORT_RUN(tests);
}
