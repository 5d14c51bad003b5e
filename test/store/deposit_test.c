/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deposit.h"

#include <stdio.h>
#include <string.h>

#include "market/billing.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/support_rows.h"

static void test_a_deposit_arrives_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row again = deposit, other = deposit;
    bool is_new;

    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK(is_new && deposit.id > 0);
    CHECK_OK(deposit_arrive(scene.db, &again, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(!is_new);
    CHECK_INT(again.id, deposit.id);
    other.provider = "other";
    CHECK_OK(deposit_arrive(scene.db, &other, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(is_new && other.id != deposit.id);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM deposit WHERE state = 2"), 2);
}

static void test_a_name_stands_for_one_deposit(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    bool is_new;

    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    deposit.amount.nanodollars = 501;
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err));
    deposit.amount.nanodollars = 500;
    deposit.user_id = scene.bob;
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err));
}

static int64_t state_of(struct scene *scene)
{
    return scene_number(scene, "SELECT state FROM deposit");
}

static void test_what_was_announced_arrives_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row again = deposit;
    bool is_new;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK(is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ON_ITS_WAY);
    CHECK_OK(deposit_expect(scene.db, &again, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(!is_new && again.id == deposit.id);
    again.amount.nanodollars++;
    CHECK_REFUSED(&scene, deposit_expect(scene.db, &again, scene_at(2), &is_new, &scene.err));
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &again, scene_at(2), &is_new, &scene.err));
    for (int i = 0; i < 2; i++) {
        again = deposit;
        CHECK_OK(deposit_arrive(scene.db, &again, scene_at(3 + i), &is_new, &scene.err),
                 &scene.err);
        CHECK(is_new == (i == 0) && again.id == deposit.id);
        CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
        CHECK_INT(scene_number(&scene, "SELECT settled_us FROM deposit"), scene_at(3).microseconds);
        CHECK_OK(deposit_cancel(scene.db, deposit.id, scene_at(5), &scene.err), &scene.err);
    }
    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(6), &is_new, &scene.err), &scene.err);
    CHECK(!is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
}

static void test_one_that_was_given_up_may_arrive(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    bool is_new;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_cancel(scene.db, deposit.id, scene_at(5), &scene.err), &scene.err);
    CHECK_INT(state_of(&scene), DEPOSIT_CANCELLED);
    CHECK_INT(scene_number(&scene, "SELECT settled_us FROM deposit"), scene_at(5).microseconds);
    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(7), &is_new, &scene.err), &scene.err);
    CHECK(is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
}

/* What has arrived has a receipt, once; of the year that it arrives in. */
static void test_what_arrives_has_a_receipt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row later = deposit, back;
    bool is_new, has;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    scene_keep(&scene);
    CHECK_REFUSED_WITH(ERROR_CORRUPT, &scene,
                       deposit_number(scene.db, deposit.id, scene_at(1), &scene.err));
    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_load(scene.db, deposit.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "");
    /* The last microsecond of a year, and the first of the next. */
    struct instant year_end = { INT64_C(1798761600000000) };
    CHECK_OK(deposit_number(scene.db, deposit.id, instant_add(year_end, -1), &scene.err),
             &scene.err);
    CHECK_OK(deposit_load(scene.db, deposit.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "REC-2026-000001");
    scene_keep(&scene);
    CHECK_REFUSED_WITH(ERROR_CORRUPT, &scene,
                       deposit_number(scene.db, deposit.id, year_end, &scene.err));
    later.object_id = "wire 2";
    CHECK_OK(deposit_arrive(scene.db, &later, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_number(scene.db, later.id, year_end, &scene.err), &scene.err);
    CHECK_OK(deposit_load(scene.db, later.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "REC-2027-000001");
}

static void bring_up_to_date(struct scene *scene, const char *name)
{
    struct migration_list all = migrate_schema();
    auto_buf struct buf sql = buf_of(1 << 16);
    size_t i = 0;

    while (i < all.count && strstr(all.items[i].name, name) == NULL)
        i++;
    CHECK(i < all.count);
    CHECK_OK(dialect_write(all.items[i].text,
                           scene->db->is_postgres ? DIALECT_POSTGRES : DIALECT_SQLITE, &sql,
                           &scene->err),
             &scene->err);
    CHECK_OK(db_script(scene->db, sql.bytes, &scene->err), &scene->err);
}

static int64_t arrived(struct scene *scene, int64_t state, int64_t at_us)
{
    int64_t id;

    CHECK_OK(db_insert(scene->db,
                       "INSERT INTO deposit (user_id, provider, amount, state, created_us, "
                       "settled_us) VALUES ($1, 'stripe', 500, $2, 1, $3) RETURNING id",
                       DB_ARGS(db_int(scene->ada), db_int(state), db_int(at_us)), &id, &scene->err),
             &scene->err);
    return id;
}

static void check_receipt(struct scene *scene, int64_t id, const char *want)
{
    struct deposit_row row;
    bool has;

    CHECK_OK(deposit_load(scene->db, id, &scene->arena, &row, &has, &scene->err), &scene->err);
    CHECK(has);
    CHECK_TEXT(row.receipt, want);
}

/* Behind those that the year has, in the order of arrival; and of what did not arrive, none. */
static void test_what_arrived_before_gets_a_receipt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const int64_t year_end = INT64_C(1798761600000000), second = 1000000;
    int64_t has_one = arrived(&scene, DEPOSIT_ARRIVED, year_end - 9 * second);
    int64_t last = arrived(&scene, DEPOSIT_ARRIVED, year_end - 1);
    int64_t earlier = arrived(&scene, DEPOSIT_ARRIVED, year_end - second);
    int64_t next = arrived(&scene, DEPOSIT_ARRIVED, year_end);
    int64_t lost = arrived(&scene, DEPOSIT_FAILED, year_end - 2 * second);

    CHECK_OK(deposit_number(scene.db, has_one, (struct instant){ year_end - 1 }, &scene.err),
             &scene.err);
    bring_up_to_date(&scene, "old_receipts");
    check_receipt(&scene, has_one, "REC-2026-000001");
    check_receipt(&scene, earlier, "REC-2026-000002");
    check_receipt(&scene, last, "REC-2026-000003");
    check_receipt(&scene, next, "REC-2027-000001");
    check_receipt(&scene, lost, "");
    /* And the next one goes on from there. */
    int64_t fresh = arrived(&scene, DEPOSIT_ARRIVED, year_end - 1);
    CHECK_OK(deposit_number(scene.db, fresh, (struct instant){ year_end - 1 }, &scene.err),
             &scene.err);
    check_receipt(&scene, fresh, "REC-2026-000004");
}

/* Nor has what did not arrive: a number that nothing bears would be a gap. */
static void test_nothing_gets_two_receipts(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[] = { arrived(&scene, DEPOSIT_ARRIVED, 1), arrived(&scene, DEPOSIT_FAILED, 1) };

    CHECK_OK(deposit_number(scene.db, ids[0], scene_at(1), &scene.err), &scene.err);
    for (size_t i = 0; i < 2; i++) {
        scene_keep(&scene);
        CHECK_FAILS(deposit_number(scene.db, ids[i], scene_at(2), &scene.err), &scene.err,
                    ERROR_CORRUPT);
        db_rollback(scene.db);
        CHECK_OK(db_begin(scene.db, TRANSACTION_WRITE, &scene.err), &scene.err);
    }
}

/* Whatever day it was: the year is that of the calendar, and a number has six digits or more. */
static void test_the_years_of_old_receipts_are_those_of_the_calendar(void **state)
{
    enum { DEPOSITS = 400, DAYS = 40000 };
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[DEPOSITS], days[DEPOSITS];
    char want[24];
    bool has;

    for (int64_t i = 0; i < DEPOSITS; i++) {
        /* Every New Year of a century on both sides, and days of all kinds. */
        int64_t year = 1970 + i / 2 % 110;

        days[i] =
            i < 220 ? (year - 1970) * 365 + (year - 1969) / 4 - i % 2 : (int64_t)check_random(DAYS);
        days[i] += days[i] < 1;
        ids[i] = arrived(&scene, DEPOSIT_ARRIVED, days[i] * BILLING_DAY_US + 1);
    }
    scene_run(&scene, "INSERT INTO bill_series (series, year, last) VALUES ('REC', 2030, 999998)",
              DB_NO_ARGS);
    bring_up_to_date(&scene, "old_receipts");
    for (int64_t i = 0; i < DEPOSITS; i++) {
        struct deposit_row row;

        check_row("day %lld", (long long)days[i]);
        (void)snprintf(want, sizeof want, "REC-%04lld-", (long long)billing_date(days[i]).year);
        CHECK_OK(deposit_load(scene.db, ids[i], &scene.arena, &row, &has, &scene.err), &scene.err);
        CHECK(strncmp(row.receipt, want, strlen(want)) == 0);
        CHECK(strlen(row.receipt) >= strlen("REC-2026-000001"));
    }
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM bill_series s WHERE s.series = 'REC' AND "
                                   "s.year <> 2030 AND s.last <> (SELECT COUNT(*) FROM deposit d "
                                   "WHERE substr(d.receipt, 5, 4) = '' || s.year)"),
              0);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM deposit WHERE receipt IS NULL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deposit_arrives_once),
        cmocka_unit_test(test_a_name_stands_for_one_deposit),
        cmocka_unit_test(test_what_was_announced_arrives_once),
        cmocka_unit_test(test_one_that_was_given_up_may_arrive),
        cmocka_unit_test(test_what_arrives_has_a_receipt),
        cmocka_unit_test(test_what_arrived_before_gets_a_receipt),
        cmocka_unit_test(test_nothing_gets_two_receipts),
        cmocka_unit_test(test_the_years_of_old_receipts_are_those_of_the_calendar),
    };

    return SUPPORT_RUN(tests);
}
