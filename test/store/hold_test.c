/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hold.h"

#include "store/ledger.h"
#include "store/support_rows.h"

/* $10 of bought credit, and $8 that a host is owed. */
static void fund(struct scene *scene)
{
    struct leg legs[] = {
        { { LEDGER_BANK, 0, 0 }, { LEDGER_RENTER_PREPAID, scene->ada, 0 }, { 1000 }, LEG_TRANSFER },
        { { LEDGER_BANK, 0, 0 }, { LEDGER_HOST_PAYABLE, scene->host, 0 }, { 800 }, LEG_TRANSFER },
    };
    struct journal_moves moves = { .key = "adj:fund",
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = 1,
                                   .occurred = scene_at(1),
                                   .legs = legs,
                                   .leg_count = 2 };
    struct journal journal;
    enum ledger_outcome outcome;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene->db, &journal, scene_at(1), &outcome, &scene->err), &scene->err);
}

static struct hold_row a_hold(const struct scene *scene, enum hold_kind kind, int64_t amount)
{
    return (struct hold_row){ .key = "credit:t1",
                              .kind = kind,
                              .user_id = kind == HOLD_EARNINGS ? scene->host : scene->ada,
                              .amount = { amount },
                              .note = "why",
                              .created = scene_at(2),
                              .expires = scene_at(9) };
}

static enum hold_placing place(struct scene *scene, struct hold_row *hold)
{
    enum hold_placing placing;

    CHECK_OK(hold_place(scene->db, hold, &placing, &scene->err), &scene->err);
    return placing;
}

static struct hold_row load(struct scene *scene, int64_t id)
{
    struct hold_row hold;
    bool has;

    CHECK_OK(hold_load(scene->db, id, &scene->arena, &hold, &has, &scene->err), &scene->err);
    CHECK(has);
    return hold;
}

static struct ledger_sums sums_of(struct scene *scene, enum ledger_code code, int64_t owner_id)
{
    struct ledger_sums sums;

    CHECK_OK(
        ledger_load_sums(scene->db, (struct ledger_key){ code, owner_id, 0 }, &sums, &scene->err),
        &scene->err);
    return sums;
}

static int64_t prepaid(struct scene *scene)
{
    struct renter_funds funds;

    CHECK_OK(ledger_load_funds(scene->db, scene->ada, &funds, &scene->err), &scene->err);
    return funds.prepaid.nanodollars;
}

static int64_t sum(struct scene *scene, int64_t user_id, enum hold_kind kind)
{
    struct hold_sums found;

    CHECK_OK(hold_sums(scene->db, user_id, &found, &scene->err), &scene->err);
    return (kind == HOLD_DEPOSIT  ? found.deposits
            : kind == HOLD_CREDIT ? found.credit
                                  : found.earnings)
        .nanodollars;
}

static int64_t captured(struct scene *scene, int64_t user_id, enum hold_kind kind, int64_t seconds)
{
    struct money found;

    CHECK_OK(hold_captured(scene->db, user_id, kind, scene_at(seconds), &found, &scene->err),
             &scene->err);
    return found.nanodollars;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 300), back;
    bool has;

    fund(&scene);
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    back = load(&scene, hold.id);
    CHECK_TEXT(back.key, "credit:t1");
    CHECK_INT(back.kind, HOLD_CREDIT);
    CHECK_INT(back.user_id, scene.ada);
    CHECK_INT(back.amount.nanodollars, 300);
    CHECK_TEXT(back.note, "why");
    CHECK_INT(back.created.microseconds, scene_at(2).microseconds);
    CHECK_INT(back.expires.microseconds, scene_at(9).microseconds);
    CHECK_INT(back.state, HOLD_OPEN);
    CHECK_INT(back.resolved.microseconds, 0);
    CHECK_INT(back.journal_id, 0);
    CHECK_OK(hold_find(scene.db, "credit:t1", &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(has && back.id == hold.id);
    CHECK_OK(hold_find(scene.db, "credit:t2", &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(hold_load(scene.db, hold.id + 1, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(!has);
    struct hold_row forever = a_hold(&scene, HOLD_CREDIT, 1);
    forever.key = "credit:t2";
    forever.expires = INSTANT_NEVER;
    CHECK_INT(place(&scene, &forever), HOLD_PLACED);
    CHECK_INT(load(&scene, forever.id).expires.microseconds, INT64_MAX);
    CHECK_INT(scene_number(&scene, "SELECT id FROM hold WHERE expires_us IS NULL"), forever.id);
}

static void test_what_is_held_is_not_free(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row credit = a_hold(&scene, HOLD_CREDIT, 300);
    struct hold_row deposit = a_hold(&scene, HOLD_DEPOSIT, 77);
    struct hold_row earnings = a_hold(&scene, HOLD_EARNINGS, 500);

    fund(&scene);
    deposit.key = "dep:1";
    earnings.key = "earnings:t";
    CHECK_INT(place(&scene, &credit), HOLD_PLACED);
    CHECK_INT(place(&scene, &deposit), HOLD_PLACED);
    CHECK_INT(place(&scene, &earnings), HOLD_PLACED);
    CHECK_INT(prepaid(&scene), 700);
    struct ledger_sums sums = sums_of(&scene, LEDGER_RENTER_PREPAID, scene.ada);
    CHECK_INT(sums.credits.nanodollars, 1000);
    CHECK_INT(sums.debits.nanodollars, 0);
    CHECK_INT(sums.held_debits.nanodollars, 300);
    CHECK_INT(sums.held_credits.nanodollars, 77);
    CHECK_INT(ledger_free(LEDGER_RENTER_PREPAID, &sums).nanodollars, 700);
    sums = sums_of(&scene, LEDGER_HOST_PAYABLE, scene.host);
    CHECK_INT(ledger_free(LEDGER_HOST_PAYABLE, &sums).nanodollars, 300);
    struct money earned;
    CHECK_OK(ledger_load_earnings(scene.db, scene.host, &earned, &scene.err), &scene.err);
    CHECK_INT(earned.nanodollars, 800); /* what is held back is not lost */
    /* The bank is summed on demand: it keeps neither what is posted nor what is pending. */
    sums = sums_of(&scene, LEDGER_BANK, 0);
    CHECK_INT(sums.held_credits.nanodollars, 0);
    CHECK_INT(scene_number(&scene, "SELECT dr_pending + cr_pending FROM account WHERE code = 1010"),
              0);
    CHECK_INT(sum(&scene, scene.ada, HOLD_CREDIT), 300);
    CHECK_INT(sum(&scene, scene.ada, HOLD_DEPOSIT), 77);
    CHECK_INT(sum(&scene, scene.ada, HOLD_EARNINGS), 0);
    CHECK_INT(sum(&scene, scene.host, HOLD_EARNINGS), 500);
}

static void test_an_asset_is_free_less_what_its_credits_hold(void **state)
{
    struct ledger_sums sums = { { 100 }, { 30 }, { 7 }, { 20 } };

    (void)state;
    CHECK_INT(ledger_free(LEDGER_HOST_RECEIVABLE, &sums).nanodollars, 50);
    CHECK_INT(ledger_free(LEDGER_CHARGEBACKS, &sums).nanodollars, 50);
    CHECK_INT(ledger_free(LEDGER_HOST_PAYABLE, &sums).nanodollars, -77);
}

static void test_the_same_key_holds_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 300), again = hold, other = hold;

    fund(&scene);
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    CHECK_INT(place(&scene, &again), HOLD_EXISTS);
    CHECK_INT(again.id, hold.id);
    other.amount.nanodollars = 301;
    CHECK_INT(place(&scene, &other), HOLD_DIFFERS);
    other = hold;
    other.user_id = scene.bob;
    CHECK_INT(place(&scene, &other), HOLD_DIFFERS);
    other = hold;
    other.kind = HOLD_DEPOSIT;
    CHECK_INT(place(&scene, &other), HOLD_DIFFERS);
    CHECK_INT(prepaid(&scene), 700);
    CHECK_INT(scene_number(&scene, "SELECT count(*) FROM hold"), 1);
}

/* Both sides of the edge: all of it, and a nanodollar more. */
static void test_more_than_there_is_cannot_be_held(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 1000), more = hold;
    enum hold_placing placing;

    fund(&scene);
    more.amount.nanodollars = 1001;
    CHECK_REFUSED(&scene, hold_place(scene.db, &more, &placing, &scene.err));
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    CHECK_INT(prepaid(&scene), 0);
    more = hold;
    more.key = "credit:t2";
    more.amount.nanodollars = 1;
    CHECK_REFUSED(&scene, hold_place(scene.db, &more, &placing, &scene.err));
}

static void test_letting_go_frees_all_of_it_once(void **state)
{
    static const enum hold_state ends[] = { HOLD_RELEASED, HOLD_EXPIRED };
    auto_scene struct scene scene = scene_open(*state);

    fund(&scene);
    for (size_t i = 0; i < 2; i++) {
        struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 300), back;

        check_row("row %zu", i);
        hold.key = i == 0 ? "credit:a" : "dep:7";
        hold.kind = i == 0 ? HOLD_CREDIT : HOLD_DEPOSIT;
        CHECK_INT(place(&scene, &hold), HOLD_PLACED);
        CHECK_OK(hold_end(scene.db, &hold, ends[i], scene_at(5), &scene.err), &scene.err);
        back = load(&scene, hold.id);
        CHECK_INT(back.state, ends[i]);
        CHECK_INT(back.resolved.microseconds, scene_at(5).microseconds);
        CHECK_INT(back.journal_id, 0);
        CHECK_INT(scene_number(&scene, "SELECT max(dr_pending + cr_pending) FROM account"), 0);
        CHECK_REFUSED(&scene, hold_end(scene.db, &hold, ends[i], scene_at(5), &scene.err));
        CHECK_INT(scene_number(&scene, "SELECT max(dr_pending + cr_pending) FROM account"), 0);
    }
}

static struct journal taking(const struct hold_row *hold, int64_t amount)
{
    struct leg leg = hold_leg(hold->kind, hold->user_id, (struct money){ amount });
    struct journal journal;

    CHECK_INT(hold_take(hold->id, &leg, scene_at(6), &journal), JOURNAL_BUILT);
    return journal;
}

static void test_capturing_takes_some_and_frees_the_rest(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 1000), back;

    fund(&scene);
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    struct journal journal = taking(&hold, 400);
    CHECK_OK(hold_capture(scene.db, &hold, &journal, scene_at(6), &scene.err), &scene.err);
    back = load(&scene, hold.id);
    CHECK_INT(back.state, HOLD_CAPTURED);
    CHECK_INT(back.resolved.microseconds, scene_at(6).microseconds);
    CHECK_INT(back.journal_id,
              scene_number(&scene, "SELECT id FROM journal WHERE idem_key LIKE 'hold:%'"));
    CHECK_INT(prepaid(&scene), 600);
    CHECK_INT(captured(&scene, scene.ada, HOLD_CREDIT, 5), 1000);
    CHECK_INT(captured(&scene, scene.ada, HOLD_CREDIT, 6), 0);
    CHECK_INT(captured(&scene, scene.ada, HOLD_EARNINGS, 5), 0);
    CHECK_INT(captured(&scene, scene.bob, HOLD_CREDIT, 5), 0);
    CHECK_INT(scene_number(&scene, "SELECT max(dr_pending + cr_pending) FROM account"), 0);
    CHECK_REFUSED(&scene, hold_capture(scene.db, &hold, &journal, scene_at(7), &scene.err));
    CHECK_REFUSED(&scene, hold_end(scene.db, &hold, HOLD_RELEASED, scene_at(7), &scene.err));
    CHECK_INT(prepaid(&scene), 600);
}

static void test_one_that_has_ended_is_not_captured(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 400), other = hold;

    fund(&scene);
    other.key = "credit:t2";
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    CHECK_INT(place(&scene, &other), HOLD_PLACED);
    CHECK_OK(hold_end(scene.db, &hold, HOLD_RELEASED, scene_at(5), &scene.err), &scene.err);
    struct journal journal = taking(&hold, 400);
    CHECK_REFUSED(&scene, hold_capture(scene.db, &hold, &journal, scene_at(6), &scene.err));
    CHECK_INT(prepaid(&scene), 600);
    CHECK_INT(sum(&scene, scene.ada, HOLD_CREDIT), 400);
}

/* All of it may be taken, a nanodollar more may not; nor nothing, nor what was held elsewhere. */
static void test_a_capture_is_covered_by_its_hold(void **state)
{
    static const struct {
        int64_t amounts[2];   /* from where it was held; 0: no such leg */
        int64_t from_another; /* from what a host is owed */
        bool is_covered;
    } rows[] = {
        { { 401, 0 }, 0, false },
        { { 1, 400 }, 0, false },
        { { 0, 0 }, 400, false },
        { { 1, 399 }, 7, true },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 400);
    struct leg held = hold_leg(HOLD_CREDIT, scene.ada, hold.amount);

    fund(&scene);
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct leg legs[3];
        struct journal_moves moves = { .key = "hold:x",
                                       .kind = JOURNAL_HOLD,
                                       .ref_kind = JOURNAL_REF_HOLD,
                                       .ref_id = hold.id,
                                       .occurred = scene_at(6),
                                       .legs = legs };
        struct journal journal;

        check_row("row %zu", i);
        for (size_t part = 0; part < 2; part++)
            if (rows[i].amounts[part] > 0) {
                legs[moves.leg_count] = held;
                legs[moves.leg_count++].amount.nanodollars = rows[i].amounts[part];
            }
        if (rows[i].from_another > 0)
            legs[moves.leg_count++] = (struct leg){ { LEDGER_HOST_PAYABLE, scene.host, 0 },
                                                    { LEDGER_BANK, 0, 0 },
                                                    { rows[i].from_another },
                                                    LEG_TRANSFER };
        CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
        if (rows[i].is_covered)
            CHECK_OK(hold_capture(scene.db, &hold, &journal, scene_at(6), &scene.err), &scene.err);
        else
            CHECK_REFUSED_WITH(ERROR_OUT_OF_RANGE, &scene,
                               hold_capture(scene.db, &hold, &journal, scene_at(6), &scene.err));
    }
    CHECK_INT(prepaid(&scene), 600);
    CHECK_INT(sums_of(&scene, LEDGER_HOST_PAYABLE, scene.host).debits.nanodollars, 7);
}

static void test_a_journal_from_before_captures_nothing(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold = a_hold(&scene, HOLD_CREDIT, 400);
    enum ledger_outcome outcome;

    fund(&scene);
    CHECK_INT(place(&scene, &hold), HOLD_PLACED);
    struct journal journal = taking(&hold, 400);
    CHECK_OK(ledger_post(scene.db, &journal, scene_at(5), &outcome, &scene.err), &scene.err);
    CHECK_REFUSED_WITH(ERROR_CORRUPT, &scene,
                       hold_capture(scene.db, &hold, &journal, scene_at(6), &scene.err));
    CHECK_INT(load(&scene, hold.id).state, HOLD_OPEN);
    CHECK_INT(prepaid(&scene), 200);
}

/* By hand, past every check of the program. */
static void test_the_database_keeps_what_has_ended(void **state)
{
    static const char *const harms[] = {
        "UPDATE hold SET state = 0, resolved_us = NULL WHERE state = 2",
        "UPDATE hold SET amount = amount + 1 WHERE state = 0",
        "UPDATE hold SET dr = cr, cr = dr WHERE state = 0",
        "UPDATE hold SET idem_key = 'x' WHERE state = 0",
        "UPDATE hold SET resolved_us = 5 WHERE state = 0",
        "UPDATE hold SET state = 1 WHERE state = 0",
        "DELETE FROM hold WHERE state = 2",
    };

    auto_scene struct scene scene = scene_open(*state);

    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        struct hold_row hold = a_hold(&scene, HOLD_DEPOSIT, 300), other = hold;

        check_row("%s", harms[i]);
        hold.key = arena_printf(&scene.arena, "a%zu", i);
        other.key = arena_printf(&scene.arena, "b%zu", i);
        CHECK_INT(place(&scene, &hold), HOLD_PLACED);
        CHECK_INT(place(&scene, &other), HOLD_PLACED);
        CHECK_OK(hold_end(scene.db, &hold, HOLD_RELEASED, scene_at(5), &scene.err), &scene.err);
        CHECK_REFUSED(&scene, db_exec(scene.db, harms[i], DB_NO_ARGS, &scene.err));
    }
}

static void test_those_whose_time_is_over_are_due(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const int64_t seconds[] = { 9, 7, 8, 20 };
    int64_t ids[4], due[4];
    size_t count;

    for (size_t i = 0; i < 4; i++) {
        struct hold_row hold = a_hold(&scene, HOLD_DEPOSIT, 1);

        hold.key = arena_printf(&scene.arena, "dep:%zu", i);
        hold.expires = i == 3 ? INSTANT_NEVER : scene_at(seconds[i]);
        CHECK_INT(place(&scene, &hold), HOLD_PLACED);
        ids[i] = hold.id;
    }
    struct hold_row first = load(&scene, ids[1]);
    CHECK_OK(hold_due(scene.db, scene_at(8), due, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(due[0], ids[1]);
    CHECK_INT(due[1], ids[2]);
    CHECK_OK(hold_end(scene.db, &first, HOLD_EXPIRED, scene_at(8), &scene.err), &scene.err);
    CHECK_OK(hold_due(scene.db, scene_at(100), due, 1, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(due[0], ids[2]);
    CHECK_OK(hold_due(scene.db, scene_at(100), due, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
}

static void test_lists_are_filtered(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row *holds;
    int64_t ids[4];
    size_t count;

    fund(&scene);
    for (size_t i = 0; i < 4; i++) {
        struct hold_row hold = a_hold(&scene, i == 2 ? HOLD_EARNINGS : HOLD_DEPOSIT, 1);

        hold.key = arena_printf(&scene.arena, "k:%zu", i);
        CHECK_INT(place(&scene, &hold), HOLD_PLACED);
        if (i == 3)
            CHECK_OK(hold_end(scene.db, &hold, HOLD_EXPIRED, scene_at(9), &scene.err), &scene.err);
        ids[i] = hold.id;
    }
    const struct {
        struct hold_filter filter;
        int64_t count, first;
    } rows[] = {
        { { .state = -1, .max = 9 }, 4, ids[0] },
        { { .state = -1, .max = 2 }, 2, ids[0] },
        { { .state = -1, .max = 9, .after = ids[1] }, 2, ids[2] },
        { { .state = -1, .max = 9, .user_id = scene.host }, 1, ids[2] },
        { { .state = -1, .max = 9, .kind = HOLD_DEPOSIT }, 3, ids[0] },
        { { .state = HOLD_OPEN, .max = 9 }, 3, ids[0] },
        { { .state = HOLD_EXPIRED, .max = 9 }, 1, ids[3] },
        { { .state = HOLD_CAPTURED, .max = 9 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_OK(hold_list(scene.db, &rows[i].filter, &scene.arena, &holds, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, rows[i].count);
        CHECK(count == 0 || holds[0].id == rows[i].first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_what_is_held_is_not_free),
        cmocka_unit_test(test_an_asset_is_free_less_what_its_credits_hold),
        cmocka_unit_test(test_the_same_key_holds_once),
        cmocka_unit_test(test_more_than_there_is_cannot_be_held),
        cmocka_unit_test(test_letting_go_frees_all_of_it_once),
        cmocka_unit_test(test_capturing_takes_some_and_frees_the_rest),
        cmocka_unit_test(test_one_that_has_ended_is_not_captured),
        cmocka_unit_test(test_a_capture_is_covered_by_its_hold),
        cmocka_unit_test(test_a_journal_from_before_captures_nothing),
        cmocka_unit_test(test_the_database_keeps_what_has_ended),
        cmocka_unit_test(test_those_whose_time_is_over_are_due),
        cmocka_unit_test(test_lists_are_filtered),
    };

    return SUPPORT_RUN(tests);
}
