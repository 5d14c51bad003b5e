/* SPDX-License-Identifier: Apache-2.0 */
#include "store/debt.h"

#include <stdio.h>

#include "store/ledger.h"
#include "store/support_failing.h"
#include "store/support_rows.h"

static void post(struct scene *scene, const struct leg *leg, int64_t seconds)
{
    char key[JOURNAL_KEY_SIZE];
    const struct journal_moves moves = { .key = key,
                                         .kind = JOURNAL_ADJUSTMENT,
                                         .ref_kind = JOURNAL_REF_USER,
                                         .ref_id = scene->ada,
                                         .occurred = scene_at(0),
                                         .legs = leg,
                                         .leg_count = 1 };
    struct journal journal;
    enum ledger_outcome outcome;

    (void)snprintf(key, sizeof key, "adj:%lld:%lld:%lld", (long long)leg->debit.owner_id,
                   (long long)leg->credit.owner_id, (long long)seconds);
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    CHECK_OK(ledger_post(scene->db, &journal, scene_at(seconds), &outcome, &scene->err),
             &scene->err);
}

static void owe(struct scene *scene, int64_t user_id, int64_t amount, int64_t seconds)
{
    const struct leg leg = {
        { LEDGER_RENTER_RECEIVABLE, user_id, 0 }, { .code = LEDGER_BANK }, { amount }, LEG_TRANSFER
    };

    post(scene, &leg, seconds);
}

static void settle(struct scene *scene, int64_t user_id, int64_t amount, int64_t seconds, int code)
{
    const struct leg leg = {
        { .code = LEDGER_BAD_DEBT }, { LEDGER_RENTER_RECEIVABLE, user_id, 0 }, { amount }, code
    };

    post(scene, &leg, seconds);
}

static size_t due(struct scene *scene, int64_t since, int64_t part_min, int64_t ret_ids[static 2])
{
    const struct debt_due due = { scene_at(since), { part_min } };
    size_t count;

    CHECK_OK(debt_due(scene->db, &due, ret_ids, 2, &count, &scene->err), &scene->err);
    return count;
}

static void test_what_is_owed_has_an_age(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct money owed, young;

    CHECK_OK(debt_load(scene.db, scene.ada, scene_at(0), &owed, &young, &scene.err), &scene.err);
    CHECK_INT(owed.nanodollars, 0); /* who never owed anything */
    CHECK_INT(young.nanodollars, 0);
    owe(&scene, scene.ada, 100, 10);
    owe(&scene, scene.ada, 20, 20);
    owe(&scene, scene.bob, 7, 20);
    settle(&scene, scene.ada, 50, 30, LEG_TRANSFER);
    for (int i = 0; i < 2; i++) { /* what was posted at that moment is not after it */
        CHECK_OK(debt_load(scene.db, scene.ada, scene_at(19 + i), &owed, &young, &scene.err),
                 &scene.err);
        CHECK_INT(owed.nanodollars, 70);
        CHECK_INT(young.nanodollars, i == 0 ? 20 : 0);
    }
}

static void test_who_is_due_owes_something_old(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[2] = { 0, 0 };

    owe(&scene, scene.ada, 100, 10);
    owe(&scene, scene.ada, 20, 20);
    owe(&scene, scene.bob, 7, 20);
    CHECK_COUNT(due(&scene, 9, 1, ids), 0);
    CHECK_COUNT(due(&scene, 10, 100, ids), 1);
    CHECK_INT(ids[0], scene.ada);
    CHECK_COUNT(due(&scene, 10, 101, ids), 0);  /* less than the least part of a debt that grows */
    CHECK_COUNT(due(&scene, 20, 1000, ids), 2); /* all of it, however little */
    CHECK_INT(ids[0], scene.ada);
    CHECK_INT(ids[1], scene.bob);
    settle(&scene, scene.ada, 120, 30, LEG_TRANSFER);
    CHECK_COUNT(due(&scene, 20, 1000, ids), 1);
    CHECK_INT(ids[0], scene.bob);
}

static void test_what_was_written_off_is_listed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct debt_row *rows;
    size_t count;

    owe(&scene, scene.ada, 100, 10);
    settle(&scene, scene.ada, 10, 20, LEG_TRANSFER);
    settle(&scene, scene.ada, 60, 30, LEG_WRITTEN_OFF);
    settle(&scene, scene.ada, 30, 40, LEG_WRITTEN_OFF);
    CHECK_OK(debt_list_written_off(scene.db, 0, 9, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(rows[0].user_id, scene.ada);
    CHECK_INT(rows[0].amount.nanodollars, 60);
    CHECK_INT(rows[0].at.microseconds, scene_at(30).microseconds);
    int64_t first = rows[0].journal_id;
    CHECK_OK(debt_list_written_off(scene.db, first, 9, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].amount.nanodollars, 30);
    CHECK_OK(debt_list_written_off(scene.db, 0, 1, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(rows[0].journal_id, first);
}

static bool all_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    const struct debt_due due = { scene_at(9), { 1 } };
    struct money owed, young;
    struct debt_row *rows;
    int64_t ids[8];
    size_t count;

    return debt_load(db, scene->ada, scene_at(9), &owed, &young, err) &&
           debt_due(db, &due, ids, 8, &count, err) &&
           debt_list_written_off(db, 0, 8, &scene->arena, &rows, &count, err);
}

static void test_every_statement_that_fails_is_heard_of(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    CHECK_INT(support_fail_each(scene.db, all_work, &scene), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_owed_has_an_age),
        cmocka_unit_test(test_who_is_due_owes_something_old),
        cmocka_unit_test(test_what_was_written_off_is_listed),
        cmocka_unit_test(test_every_statement_that_fails_is_heard_of),
    };

    return SUPPORT_RUN(tests);
}
