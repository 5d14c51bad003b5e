/* SPDX-License-Identifier: Apache-2.0 */
#include "store/wallet.h"

#include "store/ledger.h"
#include "store/support_rows.h"

static void post(struct scene *scene, const char *key, enum journal_kind kind, struct leg leg,
                 int64_t seconds)
{
    struct journal_moves moves = { .key = key,
                                   .kind = kind,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = 77,
                                   .occurred = scene_at(seconds),
                                   .legs = &leg,
                                   .leg_count = 1 };
    struct journal journal;
    enum ledger_outcome outcome;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene->db, &journal, scene_at(seconds), &outcome, &scene->err),
             &scene->err);
    CHECK_INT(outcome, LEDGER_POSTED);
}

static void test_what_came_and_went_by_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_key prepaid = { LEDGER_RENTER_PREPAID, scene.ada, 0 };
    struct ledger_key other = { LEDGER_RENTER_PREPAID, scene.bob, 0 };
    struct ledger_key accrued = { LEDGER_HOST_ACCRUED, scene.ada, 0 };
    struct ledger_key payable = { LEDGER_HOST_PAYABLE, scene.ada, 0 };
    struct ledger_key transit = { LEDGER_PAYOUT_TRANSIT, scene.ada, 5 };
    struct ledger_key bank = { .code = LEDGER_BANK }, given = { .code = LEDGER_PROMO_GRANTED };
    struct wallet_entry *entries;
    size_t count;

    post(&scene, "a", JOURNAL_PROMO,
         (struct leg){ given, { LEDGER_RENTER_PROMO, scene.ada, 0 }, { 3 }, LEG_GRANTED }, 1);
    post(&scene, "b", JOURNAL_ADJUSTMENT, (struct leg){ bank, prepaid, { 10 }, LEG_TRANSFER }, 2);
    post(&scene, "c", JOURNAL_ADJUSTMENT, (struct leg){ prepaid, other, { 4 }, LEG_TRANSFER }, 3);
    post(&scene, "d", JOURNAL_ADJUSTMENT, (struct leg){ bank, accrued, { 50 }, LEG_TRANSFER }, 4);
    post(&scene, "e", JOURNAL_HOST_INVOICE, (struct leg){ accrued, payable, { 50 }, LEG_INVOICED },
         5);
    post(&scene, "f", JOURNAL_PAYOUT, (struct leg){ payable, transit, { 40 }, LEG_PAYOUT }, 6);
    post(&scene, "g", JOURNAL_PAYOUT, (struct leg){ transit, bank, { 40 }, LEG_SENT }, 7);

    static const struct {
        enum journal_kind kind;
        int64_t amount;
        bool is_out;
    } rows[] = {
        { JOURNAL_PROMO, 3, false },     { JOURNAL_ADJUSTMENT, 10, false },
        { JOURNAL_ADJUSTMENT, 4, true }, { JOURNAL_HOST_INVOICE, 50, true },
        { JOURNAL_PAYOUT, 40, true },
    };
    CHECK_OK(wallet_list(scene.db, scene.ada, scene_at(1), scene_at(7), &scene.arena, &entries,
                         &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 5);
    for (size_t i = 0; i < count; i++) {
        check_row("row %zu", i);
        CHECK_INT(entries[i].kind, rows[i].kind);
        CHECK_INT(entries[i].amount.nanodollars, rows[i].amount);
        CHECK_INT(entries[i].is_out, rows[i].is_out);
        CHECK_INT(entries[i].ref_id, 77);
    }
    CHECK_OK(wallet_list(scene.db, scene.ada, scene_at(2), scene_at(3), &scene.arena, &entries,
                         &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_OK(wallet_list(scene.db, scene.bob, scene_at(0), scene_at(9), &scene.arena, &entries,
                         &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_and_went_by_time),
    };

    return SUPPORT_RUN(tests);
}
