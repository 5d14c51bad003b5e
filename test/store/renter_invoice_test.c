/* SPDX-License-Identifier: Apache-2.0 */
#include "store/renter_invoice.h"

#include "market/billing.h"
#include "store/support_rows.h"
#include "store/usage_line.h"

enum { MONTH = 24322 }; /* 2026-11 */

static int64_t due(struct scene *scene, int64_t month, int64_t seconds)
{
    int64_t ids[8];
    size_t count;

    CHECK_OK(renter_invoice_due(scene->db, month, scene_at(seconds), ids, 8, &count, &scene->err),
             &scene->err);
    return (int64_t)count;
}

static bool is_due(struct scene *scene, int64_t owner_id, int64_t month, int64_t seconds)
{
    int64_t billed = 7;
    bool ret;

    CHECK_OK(renter_invoice_is_due(scene->db, owner_id, month, scene_at(seconds), &ret, &billed,
                                   &scene->err),
             &scene->err);
    CHECK(ret ? billed == 0 : billed == 7);
    return ret;
}

static void test_an_account_is_due_once_all_of_it_is_posted(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t users = scene_number(&scene, "SELECT COUNT(*) FROM users");

    scene_run(&scene, "UPDATE contract SET started_us = 1, posted_us = $1",
              DB_ARGS(db_instant(scene_at(50))));
    CHECK(users >= 3);
    CHECK_INT(due(&scene, MONTH, 50), users); /* up to the very end of it */
    CHECK_INT(due(&scene, MONTH, 51), users - 2);
    CHECK(!is_due(&scene, scene.ada, MONTH, 51));
    CHECK(is_due(&scene, scene.ada, MONTH, 50));
    /* What never began, and what is destroyed, is waited for no more. */
    scene_run(&scene, "UPDATE contract SET started_us = 0", DB_NO_ARGS);
    CHECK(is_due(&scene, scene.ada, MONTH, 51));
    scene_run(&scene, "UPDATE contract SET started_us = 1, state = 8, destroyed_us = $1",
              DB_ARGS(db_instant(scene_at(60))));
    CHECK(is_due(&scene, scene.ada, MONTH, 51));
    CHECK_OK(renter_invoice_set_billed(scene.db, scene.ada, MONTH, &scene.err), &scene.err);
    CHECK(!is_due(&scene, scene.ada, MONTH, 51));
    CHECK_INT(due(&scene, MONTH, 51), users - 1);
    CHECK_INT(due(&scene, MONTH + 1, 51), users);
}

static void add_line(struct scene *scene, int64_t owner_id, int64_t day, int64_t gross)
{
    struct usage_line line = { .contract_id = scene->contract,
                               .owner_id = owner_id,
                               .host_id = scene->host,
                               .machine_id = scene->machine,
                               .day = day,
                               .component = COMPONENT_GPU,
                               .kind = gross > 0 ? USAGE_USED : USAGE_REFUNDED,
                               .rate = { 5 },
                               .quantity = 1,
                               .used = 1,
                               .gross = { gross } };

    CHECK_OK(usage_line_add(scene->db, &line, &scene->err), &scene->err);
}

static void test_a_months_lines_are_those_of_its_days_and_owner(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const struct {
        int64_t from, until, gross, next;
    } rows[] = {
        { 100, 130, 1 + 10 - 3, 100 }, { 101, 130, 10 - 3, 110 }, { 100, 129, 1 + 10, 100 },
        { 110, 110, 10, 110 },         { 111, 129, 0, 130 },      { 131, 999, 0, INT64_MAX },
    };

    add_line(&scene, scene.ada, 100, 1);
    add_line(&scene, scene.ada, 110, 10);
    add_line(&scene, scene.ada, 130, -3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money gross;
        int64_t day;

        check_row("days %lld to %lld", (long long)rows[i].from, (long long)rows[i].until);
        CHECK_OK(renter_invoice_gross(scene.db, scene.ada, rows[i].from, rows[i].until, &gross,
                                      &scene.err),
                 &scene.err);
        CHECK_INT(gross.nanodollars, rows[i].gross);
        CHECK_OK(renter_invoice_next_day(scene.db, scene.ada, rows[i].from, &day, &scene.err),
                 &scene.err);
        CHECK_INT(day, rows[i].next);
        CHECK_OK(renter_invoice_gross(scene.db, scene.bob, rows[i].from, rows[i].until, &gross,
                                      &scene.err),
                 &scene.err);
        CHECK_INT(gross.nanodollars, 0);
    }
    check_row(" ");
}

static void test_what_was_made_is_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct renter_invoice_row invoice = { .owner_id = scene.ada,
                                          .number = "INV-2026-000001",
                                          .month = MONTH,
                                          .gross = { 1015000000 },
                                          .total = { 1020000000 },
                                          .made = scene_at(3) };
    struct renter_invoice_row back = { .id = -1 }, *list;
    size_t count;
    bool has;

    CHECK_OK(renter_invoice_insert(scene.db, &invoice, &scene.err), &scene.err);
    invoice.number = "INV-2026-000002";
    invoice.month++;
    CHECK_OK(renter_invoice_insert(scene.db, &invoice, &scene.err), &scene.err);
    CHECK_OK(renter_invoice_load(scene.db, scene.ada, MONTH, &scene.arena, &back, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_TEXT(back.number, "INV-2026-000001");
    CHECK_INT(back.owner_id, scene.ada);
    CHECK_INT(back.month, MONTH);
    CHECK_INT(back.gross.nanodollars, 1015000000);
    CHECK_INT(back.total.nanodollars, 1020000000);
    CHECK_INT(back.made.microseconds, scene_at(3).microseconds);
    CHECK_OK(
        renter_invoice_load(scene.db, scene.ada, MONTH + 2, &scene.arena, &back, &has, &scene.err),
        &scene.err);
    CHECK(!has);
    CHECK_OK(renter_invoice_list(scene.db, scene.ada, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(list[0].month, MONTH + 1);
    CHECK_OK(renter_invoice_list(scene.db, scene.bob, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 0);
}

static void test_a_month_is_billed_once_and_rounded_to_whole_cents(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const struct {
        int64_t month, gross, total;
    } rows[] = {
        { MONTH, 0, 0 },
        { MONTH + 1, 1015000000, 1015000000 },
        { MONTH + 1, 1014999999, 1020000000 },
        { 0, 0, 0 },
    };
    struct renter_invoice_row invoice = { .owner_id = scene.ada,
                                          .number = "INV-2026-000001",
                                          .month = MONTH };

    CHECK_OK(renter_invoice_insert(scene.db, &invoice, &scene.err), &scene.err);
    invoice.number = "INV-2026-000002";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        invoice.month = rows[i].month;
        invoice.gross.nanodollars = rows[i].gross;
        invoice.total.nanodollars = rows[i].total;
        CHECK_REFUSED(&scene, renter_invoice_insert(scene.db, &invoice, &scene.err));
    }
    invoice.month = MONTH + 1;
    invoice.number = "INV-2026-000001";
    CHECK_REFUSED(&scene, renter_invoice_insert(scene.db, &invoice, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_is_due_once_all_of_it_is_posted),
        cmocka_unit_test(test_a_months_lines_are_those_of_its_days_and_owner),
        cmocka_unit_test(test_what_was_made_is_found),
        cmocka_unit_test(test_a_month_is_billed_once_and_rounded_to_whole_cents),
    };

    return SUPPORT_RUN(tests);
}
