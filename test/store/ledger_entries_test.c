/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_entries.h"

#include "store/driver.h"
#include "store/support_rows.h"

static struct leg leg_of(enum ledger_code debit, int64_t owner, enum ledger_code credit,
                         int64_t other, int64_t amount)
{
    return (struct leg){ { debit, owner, 0 }, { credit, other, 0 }, { amount }, LEG_TRANSFER };
}

static void add(struct ledger_entries *entries, struct leg leg)
{
    CHECK(ledger_entries_add(entries, &leg));
}

/* Three legs between three accounts, one of them a house's. */
static struct ledger_entries some(void)
{
    struct ledger_entries entries = { .count = 0 };

    add(&entries, leg_of(LEDGER_BANK, 0, LEDGER_RENTER_PREPAID, 5, 100));
    add(&entries, leg_of(LEDGER_RENTER_PREPAID, 5, LEDGER_HOST_ACCRUED, 6, 30));
    add(&entries, leg_of(LEDGER_RENTER_PREPAID, 5, LEDGER_BANK, 0, 9));
    return entries;
}

static void test_an_account_is_there_once(void **state)
{
    struct ledger_entries entries = some();

    (void)state;
    CHECK_INT((int64_t)entries.count, 3);
    CHECK_INT((int64_t)entries.leg_count, 3);
    CHECK_INT((int64_t)entries.debits[0], 0);
    CHECK_INT((int64_t)entries.credits[0], 1);
    CHECK_INT((int64_t)entries.debits[1], 1);
    CHECK_INT((int64_t)entries.credits[1], 2);
    CHECK_INT((int64_t)entries.credits[2], 0);
    CHECK_INT(entries.items[0].debits.nanodollars, 100);
    CHECK_INT(entries.items[0].credits.nanodollars, 9);
    CHECK_INT(entries.items[1].debits.nanodollars, 39);
    CHECK_INT(entries.items[1].credits.nanodollars, 100);
    CHECK_INT(entries.items[2].credits.nanodollars, 30);
}

static void test_more_than_money_holds_is_refused(void **state)
{
    struct leg large = leg_of(LEDGER_BANK, 0, LEDGER_RENTER_PREPAID, 5, INT64_MAX);
    struct leg to_it = leg_of(LEDGER_PAYPAL, 0, LEDGER_RENTER_PREPAID, 5, 1);
    struct leg from_it = leg_of(LEDGER_BANK, 0, LEDGER_RENTER_PREPAID, 6, 1);
    struct ledger_entries entries = { .count = 0 };

    (void)state;
    CHECK(ledger_entries_add(&entries, &large));
    CHECK(!ledger_entries_add(&entries, &to_it));
    entries = (struct ledger_entries){ .count = 0 };
    CHECK(ledger_entries_add(&entries, &large));
    CHECK(!ledger_entries_add(&entries, &from_it));
}

static int64_t on(struct scene *scene, const char *sql)
{
    return scene_number(scene, sql);
}

static void test_what_is_posted_and_pending_is_kept_apart(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_entries entries = some(), again = some();

    CHECK_OK(ledger_entries_find(scene.db, &entries, scene_at(3), &scene.err), &scene.err);
    CHECK_INT(on(&scene, "SELECT count(*) FROM account WHERE created_us > 0"), 3);
    for (size_t i = 0; i < 3; i++)
        CHECK(entries.items[i].id > 0);
    CHECK_OK(ledger_entries_post(scene.db, &entries, &scene.err), &scene.err);
    CHECK_OK(ledger_entries_pend(scene.db, &entries, 1, &scene.err), &scene.err);
    CHECK_INT(on(&scene, "SELECT dr_posted FROM account WHERE code = 2010"), 39);
    CHECK_INT(on(&scene, "SELECT cr_posted FROM account WHERE code = 2010"), 100);
    CHECK_INT(on(&scene, "SELECT dr_pending FROM account WHERE code = 2010"), 39);
    CHECK_INT(on(&scene, "SELECT cr_pending FROM account WHERE code = 2010"), 100);
    CHECK_INT(on(&scene, "SELECT cr_posted FROM account WHERE code = 2110"), 30);
    CHECK_INT(on(&scene, "SELECT dr_posted + cr_posted + dr_pending + cr_pending FROM account "
                         "WHERE code = 1010"),
              0);
    scene_keep(&scene);
    /* They are known by now, and have the same ids. */
    CHECK_OK(ledger_entries_find(scene.db, &again, scene_at(4), &scene.err), &scene.err);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(again.items[i].id, entries.items[i].id);
    CHECK_OK(ledger_entries_pend(scene.db, &again, -1, &scene.err), &scene.err);
    CHECK_INT(on(&scene, "SELECT max(dr_pending + cr_pending) FROM account"), 0);
    CHECK_INT(on(&scene, "SELECT cr_posted FROM account WHERE code = 2010"), 100);
}

static void test_no_limit_is_passed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_entries entries = { .count = 0 };

    add(&entries, leg_of(LEDGER_RENTER_PREPAID, 5, LEDGER_BANK, 0, 1));
    CHECK_OK(ledger_entries_find(scene.db, &entries, scene_at(3), &scene.err), &scene.err);
    CHECK_REFUSED(&scene, ledger_entries_pend(scene.db, &entries, 1, &scene.err) &&
                              db_count(scene.db, "UPDATE account SET flags = flags WHERE id = 0",
                                       DB_NO_ARGS, &(int64_t){ 0 }, &scene.err));
    CHECK_REFUSED(&scene, ledger_entries_post(scene.db, &entries, &scene.err) &&
                              db_count(scene.db, "UPDATE account SET flags = flags WHERE id = 0",
                                       DB_NO_ARGS, &(int64_t){ 0 }, &scene.err));
    CHECK_REFUSED(&scene, ledger_entries_pend(scene.db, &entries, -1, &scene.err) &&
                              db_count(scene.db, "UPDATE account SET flags = flags WHERE id = 0",
                                       DB_NO_ARGS, &(int64_t){ 0 }, &scene.err));
}

/* More accounts than one question asks for, on a connection that has never heard of them: each is
 * found, and none is made again. */
static void test_all_of_many_are_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_entries made = { .count = 0 }, found = { .count = 0 };
    struct db *other = support_connect(*state);

    for (int64_t i = 0; i < JOURNAL_LEGS_MAX; i++) {
        struct leg leg = leg_of(LEDGER_HOST_ACCRUED, 100 + i, LEDGER_HOST_PAYABLE, 200 + i, 5);

        add(&made, leg);
        add(&found, leg);
    }
    CHECK_INT((int64_t)made.count, LEDGER_ENTRIES_MAX);
    CHECK_OK(ledger_entries_find(scene.db, &made, scene_at(1), &scene.err), &scene.err);
    scene_keep(&scene);
    CHECK_OK(db_begin(other, TRANSACTION_READ, &scene.err), &scene.err);
    CHECK_OK(ledger_entries_find(other, &found, scene_at(2), &scene.err), &scene.err);
    db_rollback(other);
    db_close(&other);
    for (size_t i = 0; i < made.count; i++)
        CHECK(made.items[i].id > 0 && found.items[i].id == made.items[i].id);
}

/* In whatever order the legs name them, each account gets what is its own. */
static void test_all_of_many_are_posted(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_entries there = { .count = 0 }, back = { .count = 0 };

    for (int64_t i = 0; i < JOURNAL_LEGS_MAX; i++) {
        int64_t j = JOURNAL_LEGS_MAX - 1 - i;

        add(&there, leg_of(LEDGER_RENTER_RECEIVABLE, 100 + i, LEDGER_HOST_ACCRUED, 200 + i, 5));
        add(&back, leg_of(LEDGER_RENTER_RECEIVABLE, 100 + j, LEDGER_HOST_ACCRUED, 200 + j, 5 + j));
    }
    CHECK_OK(ledger_entries_find(scene.db, &there, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(ledger_entries_find(scene.db, &back, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(ledger_entries_post(scene.db, &back, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM account WHERE code = 1210 "
                                   "AND dr_posted = owner_id - 95 AND cr_posted = 0"),
              JOURNAL_LEGS_MAX);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM account WHERE code = 2110 "
                                   "AND cr_posted = owner_id - 195 AND dr_posted = 0"),
              JOURNAL_LEGS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_many_are_found),
        cmocka_unit_test(test_all_of_many_are_posted),
        cmocka_unit_test(test_an_account_is_there_once),
        cmocka_unit_test(test_more_than_money_holds_is_refused),
        cmocka_unit_test(test_what_is_posted_and_pending_is_kept_apart),
        cmocka_unit_test(test_no_limit_is_passed),
    };

    return SUPPORT_RUN(tests);
}
