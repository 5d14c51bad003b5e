/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host_invoice.h"

#include "store/support_rows.h"

static void test_numbers_have_no_gaps(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    char number[BILL_NUMBER_SIZE];
    static const struct {
        const char *series;
        int64_t year;
        const char *number;
    } rows[] = {
        { "HINV", 2026, "HINV-2026-000001" }, { "HINV", 2026, "HINV-2026-000002" },
        { "INV", 2026, "INV-2026-000001" },   { "HINV", 2027, "HINV-2027-000001" },
        { "HINV", 2026, "HINV-2026-000003" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_OK(bill_number(scene.db, rows[i].series, rows[i].year, number, &scene.err),
                 &scene.err);
        CHECK_TEXT(number, rows[i].number);
    }
    /* The longest series that fits, and one letter more. */
    CHECK_OK(bill_number(scene.db, "SERIES-OF-27-LETTERS-EXACTL", 2026, number, &scene.err),
             &scene.err);
    CHECK_TEXT(number, "SERIES-OF-27-LETTERS-EXACTL-2026-000001");
    CHECK_FAILS(bill_number(scene.db, "SERIES-OF-27-LETTERS-EXACTLY", 2026, number, &scene.err),
                &scene.err, ERROR_OUT_OF_RANGE);
}

static int64_t due_in(struct scene *scene, int64_t seconds, int64_t first, int64_t last)
{
    const struct bill_span span = { first, last };
    int64_t ids[8];
    size_t count;

    CHECK_OK(host_invoice_due(scene->db, scene_at(seconds), &span, ids, 8, &count, &scene->err),
             &scene->err);
    for (size_t i = 0; i < count; i++)
        CHECK(ids[i] >= first && ids[i] <= last && (i == 0 || ids[i] > ids[i - 1]));
    return (int64_t)count;
}

static int64_t due(struct scene *scene, int64_t seconds)
{
    return due_in(scene, seconds, 0, INT64_MAX);
}

static void test_a_host_is_due_until_it_is_billed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t owner = scene_number(&scene, "SELECT MIN(owner_id) FROM machine");
    int64_t owners = scene_number(&scene, "SELECT COUNT(DISTINCT owner_id) FROM machine");

    CHECK_INT(due(&scene, 100), owners);
    CHECK_OK(host_invoice_set_billed(scene.db, &owner, 1, scene_at(100), &scene.err), &scene.err);
    CHECK_INT(due(&scene, 100), owners - 1);
    CHECK_INT(due(&scene, 101), owners);
    /* Never back. */
    CHECK_OK(host_invoice_set_billed(scene.db, &owner, 1, scene_at(50), &scene.err), &scene.err);
    CHECK_INT(due(&scene, 100), owners - 1);
}

/* On both sides of what a statement takes; of whom there is none nothing is set. */
static void test_many_hosts_are_billed_at_once(void **state)
{
    static const size_t counts[] = { 1, HOST_INVOICE_SET_MAX, HOST_INVOICE_SET_MAX + 1,
                                     2 * HOST_INVOICE_SET_MAX + 1 };
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[2 * HOST_INVOICE_SET_MAX + 1];
    int64_t owner = scene_number(&scene, "SELECT MIN(owner_id) FROM machine");
    int64_t machines = scene_number(&scene, "SELECT COUNT(*) FROM machine");
    int64_t owned = scene_number(&scene, "SELECT COUNT(*) FROM machine WHERE owner_id = "
                                         "(SELECT MIN(owner_id) FROM machine)");

    CHECK_OK(host_invoice_set_billed(scene.db, ids, 0, scene_at(1), &scene.err), &scene.err);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct instant cut = scene_at(100 + (int64_t)i);

        check_row("%zu hosts", counts[i]);
        for (size_t k = 0; k < counts[i]; k++)
            ids[k] = 1000000 + (int64_t)k;
        ids[counts[i] - 1] = owner;
        CHECK_OK(host_invoice_set_billed(scene.db, ids, counts[i], cut, &scene.err), &scene.err);
        CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM machine WHERE billed_us = "
                                       "(SELECT MAX(billed_us) FROM machine)"),
                  owned);
        CHECK_INT(scene_number(&scene, "SELECT MAX(billed_us) FROM machine"), cut.microseconds);
    }
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM machine WHERE billed_us = 0"),
              machines - owned);
}

static void test_who_is_due_is_found_by_spans(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t first = scene_number(&scene, "SELECT MIN(owner_id) FROM machine");
    int64_t last = scene_number(&scene, "SELECT MAX(owner_id) FROM machine");
    struct bill_span span;

    CHECK_INT(due_in(&scene, 100, first, first), 1);
    CHECK_INT(due_in(&scene, 100, 0, first - 1), 0);
    CHECK_INT(due_in(&scene, 100, first, last), due(&scene, 100));
    CHECK_INT(due_in(&scene, 100, last + 1, INT64_MAX), 0);
    CHECK_OK(host_invoice_due_span(scene.db, scene_at(100), &span, &scene.err), &scene.err);
    CHECK_INT(span.first, first);
    CHECK_INT(span.last, last);
    scene_run(&scene, "UPDATE machine SET billed_us = 9223372036854775807", DB_NO_ARGS);
    CHECK_OK(host_invoice_due_span(scene.db, scene_at(100), &span, &scene.err), &scene.err);
    CHECK_INT(span.first, 0);
    CHECK_INT(span.last, 0);
}

static void test_an_invoice_comes_back_with_its_lines(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct host_invoice_row invoice = { .host_id = scene.ada,
                                        .number = "HINV-2026-000001",
                                        .from = scene_at(0),
                                        .until = scene_at(604800),
                                        .gross = { 1000 },
                                        .total = { 750 },
                                        .drawn = { 800 },
                                        .settled = { 50 },
                                        .made = scene_at(604900) };
    struct usage_sum line = { .machine_id = scene.machine,
                              .component = COMPONENT_UP,
                              .kind = USAGE_USED,
                              .used = 17,
                              .gross = { 1000 },
                              .host = { 750 } },
                     *lines;
    struct host_invoice_row back, *all;
    size_t count;
    int64_t id;
    bool has;

    CHECK_OK(host_invoice_insert_later(scene.db, &invoice, &id, &scene.err) &&
                 db_settle(scene.db, &scene.err),
             &scene.err);
    CHECK_OK(host_invoice_add_line(scene.db, id, &line, &scene.err), &scene.err);
    CHECK_OK(host_invoice_load(scene.db, id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_TEXT(back.number, "HINV-2026-000001");
    CHECK_INT(back.host_id, scene.ada);
    CHECK_INT(back.from.microseconds, scene_at(0).microseconds);
    CHECK_INT(back.gross.nanodollars, 1000);
    CHECK_INT(back.total.nanodollars, 750);
    CHECK_INT(back.drawn.nanodollars, 800);
    CHECK_INT(back.settled.nanodollars, 50);
    CHECK_INT(back.made.microseconds, scene_at(604900).microseconds);
    CHECK_OK(host_invoice_lines(scene.db, id, &scene.arena, &lines, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(lines[0].component, COMPONENT_UP);
    CHECK_INT(lines[0].used, 17);
    CHECK_INT(lines[0].host.nanodollars, 750);
    CHECK_OK(host_invoice_list(scene.db, scene.ada, scene_at(604900), scene_at(604900),
                               &scene.arena, &all, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(host_invoice_list(scene.db, scene.ada, scene_at(604901), scene_at(700000),
                               &scene.arena, &all, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 0);
    scene_keep(&scene);
    invoice.number = "HINV-2026-000002";
    CHECK_REFUSED(&scene, host_invoice_insert_later(scene.db, &invoice, &id, &scene.err) &&
                              db_settle(scene.db, &scene.err));
}

/* So many at once are those that come one after another. */
static void test_numbers_may_be_taken_together(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const struct bill_series series = { "HINV", 2026 };
    char number[BILL_NUMBER_SIZE];
    int64_t first;

    CHECK_OK(bill_number_take(scene.db, &series, 3, &first, &scene.err), &scene.err);
    CHECK_INT(first, 1);
    CHECK_OK(bill_number(scene.db, "HINV", 2026, number, &scene.err), &scene.err);
    CHECK_TEXT(number, "HINV-2026-000004");
    CHECK_OK(bill_number_take(scene.db, &series, 2, &first, &scene.err), &scene.err);
    CHECK_INT(first, 5);
    CHECK_OK(bill_number_write(&series, 1000000, number, &scene.err), &scene.err);
    CHECK_TEXT(number, "HINV-2026-1000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_no_gaps),
        cmocka_unit_test(test_a_host_is_due_until_it_is_billed),
        cmocka_unit_test(test_many_hosts_are_billed_at_once),
        cmocka_unit_test(test_who_is_due_is_found_by_spans),
        cmocka_unit_test(test_an_invoice_comes_back_with_its_lines),
        cmocka_unit_test(test_numbers_may_be_taken_together),
    };

    return SUPPORT_RUN(tests);
}
