/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/support.h"

enum { RENTER = 7, HOST = 9 };
static const struct instant now = { 1790000000000000 };

/* One closure for everything that these tests ask of the ledger. */
struct post {
    const struct journal *journal;
    enum ledger_outcome outcome;
};

static bool post_work(struct db *db, void *context, struct error *err)
{
    struct post *post = context;

    return ledger_post(db, post->journal, now, &post->outcome, err);
}

static enum ledger_outcome post(struct support *support, const struct journal *journal)
{
    struct post work = { .journal = journal };

    support_write(support, post_work, &work);
    return work.outcome;
}

static bool funds_work(struct db *db, void *context, struct error *err)
{
    return ledger_load_funds(db, RENTER, context, err);
}

static struct renter_funds funds_of(struct support *support)
{
    struct renter_funds funds = { .promo = { -1 } };

    support_read(support, funds_work, &funds);
    return funds;
}

struct sums_wanted {
    struct ledger_key key;
    struct ledger_sums sums;
};

static bool sums_work(struct db *db, void *context, struct error *err)
{
    struct sums_wanted *wanted = context;

    return ledger_load_sums(db, wanted->key, &wanted->sums, err);
}

static struct ledger_sums sums_of(struct support *support, enum ledger_code code, int64_t owner_id)
{
    struct sums_wanted wanted = { .key = { .code = code, .owner_id = owner_id } };

    support_read(support, sums_work, &wanted);
    return wanted.sums;
}

static struct journal deposit_of(const char *key, int64_t nanodollars,
                                 const struct renter_funds *funds)
{
    struct journal_credit credit = {
        .key = key,
        .renter_id = RENTER,
        .ref_id = 17,
        .ref_kind = JOURNAL_REF_DEPOSIT,
        .occurred = now,
        .amount = { nanodollars },
        .from = LEDGER_STRIPE,
    };
    struct renter_funds after;
    struct journal journal;

    CHECK_INT(journal_deposit(&credit, funds, &journal, &after), JOURNAL_BUILT);
    return journal;
}

static struct journal usage_of(int64_t number, int64_t gross, const struct renter_funds *funds,
                               struct renter_funds *ret_after)
{
    struct journal_usage usage = {
        .contract_id = 41,
        .renter_id = RENTER,
        .host_id = HOST,
        .number = number,
        .occurred = now,
    };
    struct journal journal;

    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        int64_t part = i == 0 ? gross : gross / 10;

        usage.charges[i] =
            (struct meter_charge){ { part }, { part * 3 / 4 }, { part - part * 3 / 4 } };
    }
    CHECK_INT(journal_usage(&usage, funds, &journal, ret_after), JOURNAL_BUILT);
    return journal;
}

static bool read_newest(struct db *db, void *context, struct error *err)
{
    return ledger_newest(db, context, err);
}

static int64_t newest_of(struct support *support)
{
    int64_t number = -1;

    support_read(support, read_newest, &number);
    return number;
}

static void test_a_journal_is_posted_once(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } };
    struct journal journal = deposit_of("dep:17", 5000000000, &none);

    CHECK_INT(newest_of(support), 0);
    CHECK_INT(post(support, &journal), LEDGER_POSTED);
    CHECK_INT(newest_of(support), 1);
    CHECK_INT(post(support, &journal), LEDGER_EXISTS);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 5000000000);

    struct journal other = deposit_of("dep:17", 5000000001, &none);
    CHECK_INT(post(support, &other), LEDGER_DIFFERS);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 5000000000);
    CHECK_INT(sums_of(support, LEDGER_STRIPE, 0).debits.nanodollars, 5000000000);
    CHECK_INT(sums_of(support, LEDGER_DEPOSITS, 0).debits.nanodollars, 5000000000);
    CHECK_INT(sums_of(support, LEDGER_DEPOSITS, 0).credits.nanodollars, 5000000000);
}

/* The body is what was asked, not which pocket paid. */
static void test_a_retry_after_the_balance_moved_is_the_same(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } }, rich = { .prepaid = { 900 } }, after;
    struct journal in_debt = usage_of(1, 1000, &none, &after);
    struct journal half_paid = usage_of(1, 1000, &rich, &after);

    CHECK_INT(post(support, &in_debt), LEDGER_POSTED);
    CHECK_INT(post(support, &half_paid), LEDGER_EXISTS);
    CHECK_INT(funds_of(support).receivable.nanodollars, 1300);
}

static void test_what_was_posted_is_read_back(void **state)
{
    struct support *support = *state;
    struct renter_funds funds = { .promo = { 0 } }, after;
    struct journal deposit = deposit_of("dep:1", 1100, &funds), read;
    struct instant posted;
    struct error err;
    bool has;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    funds.prepaid.nanodollars = 1100;
    struct journal journal = usage_of(3, 1000, &funds, &after);
    CHECK_INT(post(support, &journal), LEDGER_POSTED);

    struct db *db = support_connect(support);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    CHECK_OK(ledger_load_journal(db, "use:41:3", &read, &posted, &has, &err), &err);
    CHECK(has);
    CHECK_INT(posted.microseconds, now.microseconds);
    CHECK_INT(read.kind, journal.kind);
    CHECK_INT(read.ref_kind, journal.ref_kind);
    CHECK_INT(read.ref_id, journal.ref_id);
    CHECK_INT(read.corrects, 0);
    CHECK_INT(read.occurred.microseconds, journal.occurred.microseconds);
    CHECK_INT((int64_t)read.leg_count, (int64_t)journal.leg_count);
    for (size_t i = 0; i < read.leg_count; i++) {
        check_row("leg %zu", i);
        CHECK(ledger_key_equals(read.legs[i].debit, journal.legs[i].debit));
        CHECK(ledger_key_equals(read.legs[i].credit, journal.legs[i].credit));
        CHECK_INT(read.legs[i].amount.nanodollars, journal.legs[i].amount.nanodollars);
        CHECK_INT(read.legs[i].code, journal.legs[i].code);
    }
    CHECK_OK(ledger_load_journal(db, "use:41:4", &read, &posted, &has, &err), &err);
    CHECK(!has);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

static void test_nobody_has_nothing(void **state)
{
    struct support *support = *state;

    CHECK_INT(funds_of(support).promo.nanodollars, 0);
    CHECK_INT(funds_of(support).receivable.nanodollars, 0);
    CHECK_INT(sums_of(support, LEDGER_HOST_ACCRUED, HOST).credits.nanodollars, 0);
    CHECK_INT(sums_of(support, LEDGER_GROSS_GPU, 0).credits.nanodollars, 0);
}

/* Many usages and deposits: what the books say is what arithmetic says. */
static void test_balances_are_the_sums_of_what_was_posted(void **state)
{
    enum { STEPS = 120 };
    struct support *support = *state;
    struct renter_funds funds = { .promo = { 0 } };
    int64_t host = 0, fee = 0, stripe = 0;

    for (int i = 1; i <= STEPS; i++) {
        struct renter_funds after;
        struct journal journal;
        char key[32];

        check_row("step %d", i);
        if (check_random(4) == 0) {
            int64_t amount = 1 + (int64_t)check_random(5000000000);
            struct journal_credit credit = { .key = key,
                                             .renter_id = RENTER,
                                             .ref_id = i,
                                             .ref_kind = JOURNAL_REF_DEPOSIT,
                                             .occurred = now,
                                             .amount = { amount },
                                             .from = LEDGER_STRIPE };
            (void)snprintf(key, sizeof key, "dep:%d", i);
            CHECK_INT(journal_deposit(&credit, &funds, &journal, &after), JOURNAL_BUILT);
            stripe += amount;
        } else {
            journal = usage_of(i, 1 + (int64_t)check_random(1500000000), &funds, &after);
            for (size_t leg = 0; leg < journal.leg_count; leg++) {
                host += journal.legs[leg].code % 10 == LEG_HOST_SHARE
                            ? journal.legs[leg].amount.nanodollars
                            : 0;
                fee += journal.legs[leg].code == 10 + LEG_FEE ? journal.legs[leg].amount.nanodollars
                                                              : 0;
            }
        }
        CHECK_INT(post(support, &journal), LEDGER_POSTED);
        funds = after;
    }
    struct renter_funds stored = funds_of(support);
    CHECK_INT(stored.promo.nanodollars, funds.promo.nanodollars);
    CHECK_INT(stored.prepaid.nanodollars, funds.prepaid.nanodollars);
    CHECK_INT(stored.receivable.nanodollars, funds.receivable.nanodollars);
    CHECK_INT(sums_of(support, LEDGER_HOST_ACCRUED, HOST).credits.nanodollars, host);
    CHECK_INT(sums_of(support, LEDGER_FEE_GPU, 0).credits.nanodollars, fee);
    CHECK_INT(sums_of(support, LEDGER_STRIPE, 0).debits.nanodollars, stripe);
    struct ledger_sums gross = sums_of(support, LEDGER_GROSS_DISK, 0);
    CHECK_INT(gross.debits.nanodollars, gross.credits.nanodollars);
}

/* Everybody posts to the house's accounts, so nobody waits for their rows. */
static bool kept_work(struct db *db, void *context, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT sum(dr_posted + cr_posted), count(*) FROM account WHERE owner_id = 0",
                 DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    CHECK(db_column_int(&rows, 1) > 0);
    *(int64_t *)context = db_column_int(&rows, 0);
    return true;
}

static void test_the_house_keeps_no_balances(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } }, after;
    struct journal deposit = deposit_of("dep:1", 999, &none), debt = usage_of(1, 10, &none, &after);
    int64_t kept = -1;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    CHECK_INT(post(support, &debt), LEDGER_POSTED);
    support_read(support, kept_work, &kept);
    CHECK_INT(kept, 0);
}

/* A bug that would overdraw is stopped by the database, and leaves nothing. */
static void test_no_account_passes_its_limit(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } }, dream = { .prepaid = { 1000000 } }, after;
    struct journal deposit = deposit_of("dep:1", 999, &none);
    struct journal overdraft = usage_of(1, 1000, &dream, &after);
    struct post work = { .journal = &overdraft };
    struct error err;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    CHECK_FAILS(store_write(support->store, post_work, &work, &err), &err, ERROR_CONFLICT);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 999);
    CHECK_INT(sums_of(support, LEDGER_GROSS_GPU, 0).credits.nanodollars, 0);
    CHECK_INT(sums_of(support, LEDGER_HOST_ACCRUED, HOST).credits.nanodollars, 0);
}

static void test_a_closed_account_takes_nothing(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } };
    struct journal deposit = deposit_of("dep:1", 999, &none), more = deposit_of("dep:2", 1, &none);
    struct post work = { .journal = &more };
    struct error err;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    support_script(support, "UPDATE account SET flags = flags + 4 WHERE code = 2010;");
    CHECK_FAILS(store_write(support->store, post_work, &work, &err), &err, ERROR_CONFLICT);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 999);
}

/* Posts, and then fails: what it learned of accounts that came into being goes with it. */
static bool post_and_fail(struct db *db, void *context, struct error *err)
{
    return post_work(db, context, err) && error_set(err, ERROR_CONFLICT, "on purpose");
}

static bool make_account(struct db *db, void *context, struct error *err)
{
    int64_t *owner = context;

    return db_exec(db, "INSERT INTO account (code, owner_id, created_us) VALUES (2110, $1, 1)",
                   DB_ARGS(db_int(*owner)), err);
}

static void test_accounts_of_a_lost_transaction_are_forgotten(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } };
    struct journal deposit = deposit_of("dep:1", 999, &none);
    struct post work = { .journal = &deposit };
    struct error err;

    for (int i = 0; i < 3; i++)
        CHECK_FAILS(store_write(support->store, post_and_fail, &work, &err), &err, ERROR_CONFLICT);
    /* Other accounts take the ids that were free again. */
    for (int64_t owner = 1; owner <= 4; owner++)
        support_write(support, make_account, &owner);
    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 999);
    CHECK_INT(sums_of(support, LEDGER_STRIPE, 0).debits.nanodollars, 999);
    for (int64_t owner = 1; owner <= 4; owner++)
        CHECK_INT(sums_of(support, LEDGER_HOST_ACCRUED, owner).debits.nanodollars, 0);
}

struct loading {
    const char *key;
    struct journal journal;
    struct instant posted;
    bool has;
};

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct loading *loading = context;

    return ledger_load_journal(db, loading->key, &loading->journal, &loading->posted, &loading->has,
                               err);
}

/* As many legs as there may be, each between two accounts of its own. */
static void test_the_widest_journal_comes_back_as_it_was(void **state)
{
    struct support *support = *state;
    struct leg legs[JOURNAL_LEGS_MAX];
    struct journal_moves moves = { .key = "adj:wide",
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = 3,
                                   .occurred = now,
                                   .legs = legs,
                                   .leg_count = JOURNAL_LEGS_MAX };
    struct loading loading = { .key = "adj:wide" };
    struct journal journal;

    for (int i = 0; i < JOURNAL_LEGS_MAX; i++)
        legs[i] = (struct leg){ { LEDGER_RENTER_RECEIVABLE, 100 + i, 0 },
                                { LEDGER_RENTER_PREPAID, 200 + i, i },
                                { 1000 + i },
                                LEG_TRANSFER };
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    for (int times = 0; times < 2; times++) {
        check_row("round %d", times);
        CHECK_INT(post(support, &journal), times == 0 ? LEDGER_POSTED : LEDGER_EXISTS);
        support_read(support, load_work, &loading);
        CHECK(loading.has);
        CHECK_INT(loading.posted.microseconds, now.microseconds);
        CHECK_INT((int64_t)loading.journal.leg_count, JOURNAL_LEGS_MAX);
        for (int i = 0; i < JOURNAL_LEGS_MAX; i++) {
            const struct leg *leg = &loading.journal.legs[i];

            CHECK(ledger_key_equals(leg->debit, legs[i].debit));
            CHECK(ledger_key_equals(leg->credit, legs[i].credit));
            CHECK_INT(leg->amount.nanodollars, legs[i].amount.nanodollars);
            CHECK_INT(sums_of(support, LEDGER_RENTER_RECEIVABLE, 100 + i).debits.nanodollars,
                      1000 + i);
        }
    }
    /* Legs are numbered from 1. */
    struct db *db = support_connect(support);
    struct error err;
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    {
        auto_db_rows struct db_rows rows =
            db_query(db, "SELECT min(leg), max(leg) FROM transfer", DB_NO_ARGS);
        CHECK(db_next(&rows, &err));
        CHECK_INT(db_column_int(&rows, 0), 1);
        CHECK_INT(db_column_int(&rows, 1), JOURNAL_LEGS_MAX);
    }
    db_rollback(db);
    db_close(&db);
}

static void test_an_account_beyond_its_limits_is_corrupt(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } }, funds;
    struct journal deposit = deposit_of("dep:1", 999, &none);
    struct error err;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    support_script(support,
                   "-- sqlite:\nPRAGMA ignore_check_constraints=ON;\n"
                   "-- postgres:\nALTER TABLE account DROP CONSTRAINT account_debit_limit;\n"
                   "-- end\n"
                   "UPDATE account SET dr_posted = cr_posted + 1 WHERE code = 2010;");
    CHECK_FAILS(store_read(support->store, funds_work, &funds, &err), &err, ERROR_CORRUPT);
    CHECK(strstr(err.text, "beyond its limits") != NULL);
}

/* Legs that come to more than money holds are refused before anything is written. */
static void test_too_much_for_one_journal_is_refused(void **state)
{
    struct support *support = *state;
    struct leg leg = { { LEDGER_BANK, 0, 0 }, { LEDGER_OWNER_EQUITY, 0, 0 }, { INT64_MAX }, 65 };
    struct journal journal = { .key = "adj:large",
                               .kind = JOURNAL_ADJUSTMENT,
                               .ref_kind = JOURNAL_REF_USER,
                               .ref_id = 1,
                               .leg_count = 2,
                               .legs = { leg, leg } };
    struct post work = { .journal = &journal };
    struct error err;

    CHECK_FAILS(store_write(support->store, post_work, &work, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_INT(newest_of(support), 0);
}

/* Promo credit, bought credit, debt: each in its own place. */
static void test_each_fund_is_told_apart(void **state)
{
    struct support *support = *state;
    struct renter_funds funds = { .promo = { 0 } }, after;
    struct journal_credit credit = { .key = "promo:signup:7",
                                     .renter_id = RENTER,
                                     .ref_id = RENTER,
                                     .ref_kind = JOURNAL_REF_USER,
                                     .occurred = now,
                                     .amount = { 70 },
                                     .from = LEDGER_PROMO_GRANTED };
    struct journal journal;

    CHECK_INT(journal_promo(&credit, &funds, &journal, &after), JOURNAL_BUILT);
    CHECK_INT(post(support, &journal), LEDGER_POSTED);
    struct journal deposit = deposit_of("dep:1", 999, &after);
    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    CHECK_INT(funds_of(support).promo.nanodollars, 70);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 999);
    CHECK_INT(funds_of(support).receivable.nanodollars, 0);
}

static void test_a_journal_with_too_many_legs_is_corrupt(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } };
    struct journal deposit = deposit_of("dep:1", 999, &none);
    struct loading loading = { .key = "dep:1", .has = true };
    struct error err;
    char script[256];

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    for (int leg = (int)deposit.leg_count + 1; leg <= JOURNAL_LEGS_MAX + 1; leg++) {
        support_read(support, load_work, &loading);
        CHECK_INT((int64_t)loading.journal.leg_count, leg - 1);
        (void)snprintf(script, sizeof script,
                       "INSERT INTO transfer SELECT journal_id, %d, dr, cr, amount, code "
                       "FROM transfer WHERE leg = 1;",
                       leg);
        support_script(support, script);
    }
    CHECK_FAILS(store_read(support->store, load_work, &loading, &err), &err, ERROR_CORRUPT);
    CHECK_INT((int64_t)loading.journal.leg_count, JOURNAL_LEGS_MAX);
}

/* What is pending for going out counts as gone; what is pending for coming in is not there yet. */
static void test_what_is_pending_is_not_free(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } };
    struct journal deposit = deposit_of("dep:1", 1000, &none);

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    support_script(support,
                   "UPDATE account SET dr_pending = 3, cr_pending = 50 WHERE code = 2010;");
    CHECK_INT(funds_of(support).prepaid.nanodollars, 997);
    support_script(support,
                   "UPDATE account SET dr_posted = 1000, dr_pending = 0 WHERE code = 2010;\n"
                   "INSERT INTO account (code, owner_id, flags, dr_posted, cr_posted, dr_pending,"
                   " cr_pending, created_us) VALUES (1210, 7, 2, 90, 20, 6, 4, 1);");
    CHECK_INT(funds_of(support).prepaid.nanodollars, 0);
    CHECK_INT(funds_of(support).receivable.nanodollars, 66);
}

static void test_impossible_funds_are_corrupt(void **state)
{
    struct support *support = *state;
    struct renter_funds none = { .promo = { 0 } }, funds, after;
    struct journal deposit = deposit_of("dep:1", 999, &none), debt = usage_of(1, 10, &none, &after);
    struct error err;

    CHECK_INT(post(support, &deposit), LEDGER_POSTED);
    CHECK_INT(post(support, &debt), LEDGER_POSTED);
    CHECK_FAILS(store_read(support->store, funds_work, &funds, &err), &err, ERROR_CORRUPT);
}

/* Everybody posts the same few journals at once. */
struct poster {
    struct store *store;
    pthread_t thread;
    int posted, existed;
    bool is_ok;
    struct error err;
};

enum { POSTERS = 8, KEYS = 12 };

static void *post_all(void *context)
{
    struct poster *poster = context;
    struct renter_funds none = { .promo = { 0 } };

    poster->is_ok = true;
    for (int i = 0; i < KEYS && poster->is_ok; i++) {
        char key[32];

        (void)snprintf(key, sizeof key, "dep:%d", i);
        struct journal journal = deposit_of(key, 100 + i, &none);
        struct post work = { .journal = &journal };
        poster->is_ok = store_write(poster->store, post_work, &work, &poster->err);
        poster->posted += poster->is_ok && work.outcome == LEDGER_POSTED;
        poster->existed += poster->is_ok && work.outcome == LEDGER_EXISTS;
    }
    return NULL;
}

static void test_of_many_that_post_the_same_one_does(void **state)
{
    struct support *support = *state;
    struct poster posters[POSTERS];
    int posted = 0, existed = 0;

    for (size_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){ .store = support->store };
        CHECK(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) == 0);
    }
    for (size_t i = 0; i < POSTERS; i++) {
        CHECK(pthread_join(posters[i].thread, NULL) == 0);
        CHECK_OK(posters[i].is_ok, &posters[i].err);
        posted += posters[i].posted;
        existed += posters[i].existed;
    }
    CHECK_INT(posted, KEYS);
    CHECK_INT(existed, (POSTERS - 1) * KEYS);
    CHECK_INT(funds_of(support).prepaid.nanodollars, 100 * KEYS + KEYS * (KEYS - 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_journal_is_posted_once),
        cmocka_unit_test(test_a_retry_after_the_balance_moved_is_the_same),
        cmocka_unit_test(test_what_was_posted_is_read_back),
        cmocka_unit_test(test_nobody_has_nothing),
        cmocka_unit_test(test_balances_are_the_sums_of_what_was_posted),
        cmocka_unit_test(test_the_house_keeps_no_balances),
        cmocka_unit_test(test_no_account_passes_its_limit),
        cmocka_unit_test(test_the_widest_journal_comes_back_as_it_was),
        cmocka_unit_test(test_an_account_beyond_its_limits_is_corrupt),
        cmocka_unit_test(test_too_much_for_one_journal_is_refused),
        cmocka_unit_test(test_a_closed_account_takes_nothing),
        cmocka_unit_test(test_accounts_of_a_lost_transaction_are_forgotten),
        cmocka_unit_test(test_each_fund_is_told_apart),
        cmocka_unit_test(test_a_journal_with_too_many_legs_is_corrupt),
        cmocka_unit_test(test_what_is_pending_is_not_free),
        cmocka_unit_test(test_impossible_funds_are_corrupt),
        cmocka_unit_test(test_of_many_that_post_the_same_one_does),
    };
    return SUPPORT_RUN(tests);
}
