/* SPDX-License-Identifier: Apache-2.0 */
#include "store/refund.h"

#include "store/ledger.h"
#include "store/support_rows.h"

static void post(struct scene *scene, const char *key, enum journal_kind kind, struct leg leg)
{
    struct ledger_key control = { .code = LEDGER_GROSS_GPU };
    bool is_charge = leg.code == 10 * COMPONENT_GPU + LEG_CHARGE;
    struct ledger_key bank = { .code = LEDGER_BANK };
    /* The other half, for the control account to come out even. */
    struct leg legs[] = { leg, is_charge
                                   ? (struct leg){ control, bank, leg.amount, LEG_TRANSFER }
                                   : (struct leg){ bank, control, leg.amount, LEG_TRANSFER } };
    struct journal_moves moves = { .key = key,
                                   .kind = kind,
                                   .ref_kind = JOURNAL_REF_CONTRACT,
                                   .ref_id = scene->contract,
                                   .occurred = scene_at(1),
                                   .legs = legs,
                                   .leg_count = 2 };
    struct journal journal;
    enum ledger_outcome outcome;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene->db, &journal, scene_at(1), &outcome, &scene->err), &scene->err);
}

static int64_t bought(struct scene *scene, enum component component)
{
    struct money left;

    CHECK_OK(refund_paid_bought(scene->db, scene->contract, component, &left, &scene->err),
             &scene->err);
    return left.nanodollars;
}

static void test_what_was_paid_and_not_taken_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct ledger_key control = { .code = LEDGER_GROSS_GPU };
    struct ledger_key debt = { LEDGER_RENTER_RECEIVABLE, scene.ada, 0 };
    int charge = 10 * COMPONENT_GPU + LEG_CHARGE, back = 10 * COMPONENT_GPU + LEG_BACK;

    CHECK_INT(bought(&scene, COMPONENT_GPU), 0);
    post(&scene, "use:1", JOURNAL_USAGE, (struct leg){ debt, control, { 100 }, charge });
    CHECK_INT(bought(&scene, COMPONENT_GPU), 100);
    CHECK_INT(bought(&scene, COMPONENT_DISK), 0);
    post(&scene, "cor:1", JOURNAL_CORRECTION, (struct leg){ control, debt, { 40 }, back });
    CHECK_INT(bought(&scene, COMPONENT_GPU), 60);
    post(&scene, "cor:2", JOURNAL_CORRECTION,
         (struct leg){ control, { LEDGER_RENTER_PROMO, scene.ada, 0 }, { 30 }, back });
    CHECK_INT(bought(&scene, COMPONENT_GPU), 60);
    post(&scene, "cor:3", JOURNAL_CORRECTION, (struct leg){ control, debt, { 60 }, back });
    CHECK_INT(bought(&scene, COMPONENT_GPU), 0);
}

static void test_a_ticket_counts_once_a_component(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct refund_row row = { .ticket = "t/1",
                              .contract_id = scene.contract,
                              .component = COMPONENT_GPU,
                              .refund = { { 5 }, 1, 7 },
                              .gross = { 4 },
                              .host = { 3 },
                              .at = scene_at(1) };

    CHECK_OK(refund_insert(scene.db, &row, &scene.err), &scene.err);
    row.component = COMPONENT_DISK;
    CHECK_OK(refund_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_REFUSED(&scene, refund_insert(scene.db, &row, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT SUM(rate * qty * used) FROM usage_refund"), 70);
}

/* Of the renter's contracts, after the moment. */
static void test_what_a_renter_got_back_since(void **state)
{
    static const struct {
        int64_t since, ada, bob;
    } rows[] = { { 0, 111, 1000 }, { 1, 110, 1000 }, { 2, 100, 0 }, { 3, 0, 0 } };
    auto_scene struct scene scene = scene_open(*state);
    struct refund_row row = { .ticket = "t/1",
                              .contract_id = scene.contract,
                              .component = COMPONENT_GPU,
                              .refund = { { 5 }, 1, 7 } };
    struct money ada, bob;

    for (int64_t at = 1; at <= 3; at++) {
        row.ticket = arena_printf(&scene.arena, "t/%d", (int)at);
        row.gross.nanodollars = at == 1 ? 1 : at == 2 ? 10 : 100;
        row.at = scene_at(at);
        CHECK_OK(refund_insert(scene.db, &row, &scene.err), &scene.err);
    }
    row.contract_id = scene.contract_bob;
    row.gross.nanodollars = 1000;
    row.at = scene_at(2);
    CHECK_OK(refund_insert(scene.db, &row, &scene.err), &scene.err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant since = scene_at(rows[i].since);

        check_row("row %zu", i);
        CHECK_OK(refund_sum(scene.db, scene.ada, since, &ada, &scene.err) &&
                     refund_sum(scene.db, scene.bob, since, &bob, &scene.err),
                 &scene.err);
        CHECK_INT(ada.nanodollars, rows[i].ada);
        CHECK_INT(bob.nanodollars, rows[i].bob);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_paid_and_not_taken_back),
        cmocka_unit_test(test_a_ticket_counts_once_a_component),
        cmocka_unit_test(test_what_a_renter_got_back_since),
    };

    return SUPPORT_RUN(tests);
}
