/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payment.h"

#include "store/ledger.h"
#include "store/support_rows.h"

static void test_an_installation_keeps_its_name(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    char name[INSTALLATION_SIZE];
    struct instant at;

    CHECK_OK(installation_name(scene.db, "first", name, &scene.err), &scene.err);
    CHECK_TEXT(name, "first");
    CHECK_OK(installation_name(scene.db, "second", name, &scene.err), &scene.err);
    CHECK_TEXT(name, "first");
    CHECK_OK(setting_time(scene.db, "swept", &at, &scene.err), &scene.err);
    CHECK_INT(at.microseconds, 0);
    for (int i = 1; i < 3; i++) {
        CHECK_OK(setting_set_time(scene.db, "swept", scene_at(i), &scene.err), &scene.err);
        CHECK_OK(setting_time(scene.db, "swept", &at, &scene.err), &scene.err);
        CHECK_INT(at.microseconds, scene_at(i).microseconds);
    }
}

static void test_a_user_has_one_name_at_a_provider(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const char *name;
    int64_t user_id;
    bool has;

    CHECK_OK(customer_of(scene.db, "stripe", scene.ada, &scene.arena, &name, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(customer_set(scene.db, "stripe", scene.ada, "cus_1", &scene.err), &scene.err);
    CHECK_OK(customer_set(scene.db, "stripe", scene.ada, "cus_2", &scene.err), &scene.err);
    CHECK_OK(customer_of(scene.db, "stripe", scene.ada, &scene.arena, &name, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_TEXT(name, "cus_1");
    CHECK_OK(customer_find(scene.db, "stripe", "cus_1", &user_id, &has, &scene.err), &scene.err);
    CHECK(has && user_id == scene.ada);
    CHECK_OK(customer_find(scene.db, "paypal", "cus_1", &user_id, &has, &scene.err), &scene.err);
    CHECK(!has);
    scene_keep(&scene);
    CHECK_REFUSED(&scene, customer_set(scene.db, "stripe", scene.bob, "cus_1", &scene.err) &&
                              customer_of(scene.db, "stripe", scene.bob, &scene.arena, &name, &has,
                                          &scene.err));
}

static void test_a_card_that_was_removed_stays_so(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct card_row card = { 0,      scene.ada, "stripe", "pm_1", "visa",
                             "4242", "fp",      12,       2030,   scene_at(1) };
    struct card_row *rows;
    int64_t changed;
    size_t count;

    for (int i = 0; i < 2; i++) {
        card.year = 2030 + i;
        CHECK_OK(card_put(scene.db, &card, &scene.err), &scene.err);
    }
    CHECK_OK(card_list(scene.db, scene.ada, &scene.arena, &rows, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].year, 2031);
    CHECK_TEXT(rows[0].last4, "4242");
    CHECK_OK(card_remove(scene.db, scene.bob, rows[0].id, scene_at(2), &changed, &scene.err),
             &scene.err);
    CHECK_INT(changed, 0);
    for (int i = 1; i >= 0; i--) {
        CHECK_OK(card_remove(scene.db, scene.ada, rows[0].id, scene_at(2), &changed, &scene.err),
                 &scene.err);
        CHECK_INT(changed, i);
    }
    CHECK_OK(card_put(scene.db, &card, &scene.err), &scene.err);
    CHECK_OK(card_list(scene.db, scene.ada, &scene.arena, &rows, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
}

static void test_a_page_for_a_card_only_goes_on(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct card_page_row page = { .user_id = scene.ada,
                                  .provider = "stripe",
                                  .created = scene_at(5) };
    struct card_page_row found;
    bool has;

    CHECK_OK(card_page_insert(scene.db, &page, &scene.err), &scene.err);
    CHECK_OK(
        card_page_newest(scene.db, scene.ada, scene_at(6), &scene.arena, &found, &has, &scene.err),
        &scene.err);
    CHECK(!has);
    CHECK_OK(card_page_set(scene.db, page.id, CARD_PAGE_OPEN, "cs_1", "https://x/", &scene.err),
             &scene.err);
    CHECK_OK(
        card_page_newest(scene.db, scene.ada, scene_at(5), &scene.arena, &found, &has, &scene.err),
        &scene.err);
    CHECK(has && found.state == CARD_PAGE_OPEN);
    CHECK_TEXT(found.url, "https://x/");
    CHECK_OK(card_page_set(scene.db, page.id, CARD_PAGE_OVER, "", "", &scene.err), &scene.err);
    CHECK_OK(card_page_set(scene.db, page.id, CARD_PAGE_OPEN, "cs_2", "", &scene.err), &scene.err);
    CHECK_OK(card_page_load(scene.db, page.id, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has && found.state == CARD_PAGE_OVER);
    CHECK_OK(
        card_page_newest(scene.db, scene.ada, scene_at(5), &scene.arena, &found, &has, &scene.err),
        &scene.err);
    CHECK(!has);
}

static bool give(struct scene *scene, int64_t user, const char *card, const char *mailbox)
{
    const struct test_credit_row row = { user, card, mailbox, { 5 }, scene_at(3) };
    bool is_new;

    CHECK_OK(test_credit_insert(scene->db, &row, &is_new, &scene->err), &scene->err);
    return is_new;
}

static void test_test_credit_is_once_for_account_card_and_mailbox(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct money amount;
    int64_t ids[4];
    size_t count;
    bool has;

    CHECK(give(&scene, scene.ada, "fp_1", "ada@x"));
    CHECK(!give(&scene, scene.ada, "fp_2", "other@x"));
    CHECK(!give(&scene, scene.bob, "fp_1", "bob@x"));
    CHECK(!give(&scene, scene.bob, "fp_2", "ada@x"));
    CHECK(give(&scene, scene.bob, "fp_2", "bob@x"));
    CHECK_OK(test_credit_due(scene.db, scene_at(2), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(test_credit_due(scene.db, scene_at(3), ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_OK(test_credit_load(scene.db, scene.ada, &amount, &has, &scene.err), &scene.err);
    CHECK(has && amount.nanodollars == 5);
    CHECK_OK(test_credit_expire(scene.db, scene.ada, scene_at(4), &scene.err), &scene.err);
    CHECK_OK(test_credit_load(scene.db, scene.ada, &amount, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK(!give(&scene, scene.ada, "fp_3", "third@x"));
}

static void test_a_transaction_is_in_one_journal(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct leg leg = {
        { .code = LEDGER_STRIPE }, { .code = LEDGER_SUSPENSE }, { 7 }, LEG_TRANSFER
    };
    struct journal_moves moves = {
        "psp:stripe:txn_1", JOURNAL_PROVIDER, JOURNAL_REF_USER, 0, scene_at(1), &leg, 1
    };
    const struct provider_txn_row row = { "stripe", "txn_1", LEDGER_STRIPE, { 7 }, scene_at(1) };
    struct provider_txn_row other = row;
    struct journal journal;
    enum ledger_outcome outcome;
    bool has;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene.db, &journal, scene_at(1), &outcome, &scene.err), &scene.err);
    CHECK_OK(provider_txn_exists(scene.db, "stripe", "txn_1", &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(provider_txn_insert(scene.db, &row, journal.key, &scene.err), &scene.err);
    CHECK_OK(provider_txn_exists(scene.db, "stripe", "txn_1", &has, &scene.err), &scene.err);
    CHECK(has);
    scene_keep(&scene);
    other.id = "txn_2"; /* the journal has another */
    CHECK_REFUSED(&scene, provider_txn_insert(scene.db, &other, journal.key, &scene.err) &&
                              provider_txn_exists(scene.db, "stripe", "x", &has, &scene.err));
    CHECK_REFUSED(&scene, provider_txn_insert(scene.db, &other, "no such journal", &scene.err) &&
                              provider_txn_exists(scene.db, "stripe", "x", &has, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_installation_keeps_its_name),
        cmocka_unit_test(test_a_user_has_one_name_at_a_provider),
        cmocka_unit_test(test_a_card_that_was_removed_stays_so),
        cmocka_unit_test(test_a_page_for_a_card_only_goes_on),
        cmocka_unit_test(test_test_credit_is_once_for_account_card_and_mailbox),
        cmocka_unit_test(test_a_transaction_is_in_one_journal),
    };

    return SUPPORT_RUN(tests);
}
