/* SPDX-License-Identifier: Apache-2.0 */
#include "store/autopay.h"

#include "store/deposit.h"
#include "store/ledger.h"
#include "store/payment.h"
#include "store/support_rows.h"

static size_t due(struct scene *scene, int64_t at_s, int64_t min)
{
    int64_t ids[8];
    size_t count;

    CHECK_OK(
        autopay_due(scene->db, scene_at(at_s), (struct money){ min }, ids, 8, &count, &scene->err),
        &scene->err);
    return count;
}

static void owe(struct scene *scene, int64_t user_id, int64_t amount)
{
    struct leg leg = { { LEDGER_RENTER_RECEIVABLE, user_id, 0 },
                       { .code = LEDGER_GOODWILL },
                       { amount },
                       LEG_TRANSFER };
    struct journal_moves moves = { "adj:x", JOURNAL_ADJUSTMENT, JOURNAL_REF_USER,
                                   user_id, scene_at(1),        &leg,
                                   1 };
    struct journal journal;
    enum ledger_outcome outcome;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene->db, &journal, scene_at(1), &outcome, &scene->err), &scene->err);
}

static void test_who_owes_or_has_asked_is_due_with_a_card_and_nothing_open(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct card_row card = { 0, 0, "stripe", "pm_1", "visa", "4242", "fp", 12, 2030, scene_at(1) };
    struct autopay_row row;
    struct deposit_row open = { .user_id = scene.ada,
                                .provider = "stripe",
                                .amount = { 5 },
                                .is_automatic = true,
                                .object_id = "",
                                .page = "",
                                .url = "",
                                .reason = "",
                                .created = scene_at(3) };
    struct money charged;
    struct instant first;
    int64_t count;

    owe(&scene, scene.ada, 100);
    CHECK_COUNT(due(&scene, 5, 100), 0); /* no card */
    card.user_id = scene.ada;
    CHECK_OK(card_put(scene.db, &card, &scene.err), &scene.err);
    CHECK_COUNT(due(&scene, 5, 100), 1);
    CHECK_COUNT(due(&scene, 5, 101), 0);
    CHECK_OK(autopay_load(scene.db, scene.ada, &row, &scene.err), &scene.err);
    CHECK(row.user_id == scene.ada && row.tries == 0 && row.topup.nanodollars == 0);
    row.next = scene_at(6);
    row.tries = 2;
    row.debt_day = 7;
    CHECK_OK(autopay_put(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(due(&scene, 5, 100), 0);
    CHECK_COUNT(due(&scene, 6, 100), 1);
    row.topup.nanodollars = 9;
    row.threshold.nanodollars = 4;
    CHECK_OK(autopay_put(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(due(&scene, 6, 101), 1);
    CHECK_OK(autopay_load(scene.db, scene.ada, &row, &scene.err), &scene.err);
    CHECK(row.threshold.nanodollars == 4 && row.tries == 2 && row.debt_day == 7);
    CHECK_OK(deposit_make(scene.db, &open, &scene.err), &scene.err);
    CHECK_COUNT(due(&scene, 6, 100), 0); /* one is open */
    CHECK_OK(autopay_history(scene.db, scene.ada, scene_at(3), &charged, &first, &scene.err),
             &scene.err);
    CHECK_INT(charged.nanodollars, 5);
    CHECK_INT(first.microseconds, INT64_MAX);
    open.state = DEPOSIT_ARRIVED;
    open.object_id = "pi_1";
    open.settled = scene_at(4);
    CHECK_OK(deposit_update(scene.db, &open, &count, &scene.err), &scene.err);
    CHECK_OK(autopay_history(scene.db, scene.ada, scene_at(4), &charged, &first, &scene.err),
             &scene.err);
    CHECK_INT(charged.nanodollars, 0);
    CHECK_INT(first.microseconds, scene_at(4).microseconds);
    CHECK_COUNT(due(&scene, 6, 100), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_owes_or_has_asked_is_due_with_a_card_and_nothing_open),
    };

    return SUPPORT_RUN(tests);
}
