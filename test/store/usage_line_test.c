/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage_line.h"

#include "store/support_rows.h"

static struct usage_line a_line(const struct scene *scene)
{
    return (struct usage_line){ .contract_id = scene->contract,
                                .owner_id = scene->ada,
                                .host_id = scene->host,
                                .machine_id = scene->machine,
                                .day = 20000,
                                .component = COMPONENT_GPU,
                                .kind = USAGE_USED,
                                .rate = { 360000000 },
                                .quantity = 1,
                                .used = 3600000000,
                                .gross = { 360000000 },
                                .host = { 270000000 },
                                .accrued = { 270000000 },
                                .from = scene_at(0),
                                .until = scene_at(3600) };
}

static void add(struct scene *scene, const struct usage_line *line)
{
    CHECK_OK(usage_line_add(scene->db, line, &scene->err), &scene->err);
}

static size_t list(struct scene *scene, int64_t from_day, int64_t until_day,
                   struct usage_line **ret)
{
    struct usage_range range = { scene->ada, from_day, until_day };
    size_t count;

    CHECK_OK(usage_line_of_renter(scene->db, &range, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_postings_of_a_day_are_one_line(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct usage_line line = a_line(&scene), *lines;

    add(&scene, &line);
    line.from = scene_at(3600);
    line.until = scene_at(7200);
    line.used = 1;
    line.gross = (struct money){ 5 };
    line.host = line.accrued = (struct money){ 3 };
    add(&scene, &line);
    CHECK_INT((int64_t)list(&scene, 20000, 20000, &lines), 1);
    CHECK_INT(lines[0].contract_id, scene.contract);
    CHECK_INT(lines[0].owner_id, scene.ada);
    CHECK_INT(lines[0].host_id, scene.host);
    CHECK_INT(lines[0].machine_id, scene.machine);
    CHECK_INT(lines[0].day, 20000);
    CHECK_INT(lines[0].component, COMPONENT_GPU);
    CHECK_INT(lines[0].kind, USAGE_USED);
    CHECK_INT(lines[0].rate.nanodollars, 360000000);
    CHECK_INT(lines[0].quantity, 1);
    CHECK_INT(lines[0].used, 3600000001);
    CHECK_INT(lines[0].gross.nanodollars, 360000005);
    CHECK_INT(lines[0].host.nanodollars, 270000003);
    CHECK_INT(lines[0].accrued.nanodollars, 270000003);
    CHECK_INT(lines[0].from.microseconds, scene_at(0).microseconds);
    CHECK_INT(lines[0].until.microseconds, scene_at(7200).microseconds);
}

static void test_days_prices_components_and_kinds_are_lines_of_their_own(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct usage_line line = a_line(&scene), *lines;
    struct usage_sum *sums;
    struct usage_rate *rates;
    struct money accrued;
    size_t count;

    add(&scene, &line);
    line.rate.nanodollars++;
    add(&scene, &line);
    line.component = COMPONENT_DISK;
    line.quantity = 10;
    add(&scene, &line);
    line = a_line(&scene);
    line.day = 20001;
    add(&scene, &line);
    line.kind = USAGE_REFUNDED;
    line.used = 1000000000;
    line.gross = (struct money){ -100000000 };
    line.host = (struct money){ -75000000 };
    line.accrued = (struct money){ -5 };
    add(&scene, &line);
    CHECK_INT((int64_t)list(&scene, 20000, 20001, &lines), 5);
    CHECK_INT((int64_t)list(&scene, 20000, 20000, &lines), 3);
    CHECK_INT((int64_t)list(&scene, 20002, 30000, &lines), 0);

    struct usage_range range = { scene.host, 20000, 20001 };
    CHECK_OK(usage_line_sum_host(scene.db, &range, false, &scene.arena, &sums, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 3);
    CHECK_INT(sums[0].gross.nanodollars, 1080000000);
    CHECK_INT(sums[0].used, 3 * INT64_C(3600000000));
    CHECK_INT(sums[1].kind, USAGE_REFUNDED);
    CHECK_INT(sums[1].host.nanodollars, -75000000);
    CHECK_INT(sums[1].accrued.nanodollars, -5);
    CHECK_INT(sums[2].component, COMPONENT_DISK);
    CHECK_OK(usage_line_sum_host(scene.db, &range, true, &scene.arena, &sums, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 4);
    CHECK_INT(sums[3].day, 20001);

    CHECK_OK(usage_line_rates(scene.db, scene.contract, COMPONENT_GPU, &scene.arena, &rates, &count,
                              &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(rates[0].rate.nanodollars, 360000001);
    CHECK_INT(rates[1].used, 2 * INT64_C(3600000000) - 1000000000);
    CHECK_OK(usage_line_accrued(scene.db, scene.host, 20001, &accrued, &scene.err), &scene.err);
    CHECK_INT(accrued.nanodollars, 270000000 - 5);
    CHECK_OK(usage_line_accrued(scene.db, scene.ada, 0, &accrued, &scene.err), &scene.err);
    CHECK_INT(accrued.nanodollars, 0);
}

/* However many, and whatever is there already. */
static void test_many_lines_are_as_one_after_another(void **state)
{
    static const size_t counts[] = { 0, 1, 2, 3, USAGE_LINES_MAX };
    auto_scene struct scene scene = scene_open(*state);
    struct usage_line lines[USAGE_LINES_MAX], *found;
    int64_t used = 0;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_row("%zu lines", counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            lines[k] = a_line(&scene);
            lines[k].day += (int64_t)k;
            lines[k].used = 1 + (int64_t)k;
            lines[k].until = scene_at(3600 + (int64_t)i);
            used += lines[k].used;
        }
        CHECK_OK(usage_line_add_all(scene.db, lines, counts[i], &scene.err), &scene.err);
        CHECK_INT(scene_number(&scene, "SELECT COALESCE(SUM(used), 0) FROM usage_line"), used);
    }
    CHECK_INT((int64_t)list(&scene, 20000, 20000 + USAGE_LINES_MAX, &found), USAGE_LINES_MAX);
    for (int64_t k = 0; k < USAGE_LINES_MAX; k++) {
        int64_t times = k == 0 ? 4 : k == 1 ? 3 : k == 2 ? 2 : 1;

        CHECK_INT(found[k].day, 20000 + k);
        CHECK_INT(found[k].used, times * (1 + k));
        CHECK_INT(found[k].gross.nanodollars, times * 360000000);
        CHECK_INT(found[k].host.nanodollars, times * 270000000);
        CHECK_INT(found[k].accrued.nanodollars, times * 270000000);
        CHECK_INT(found[k].rate.nanodollars, 360000000);
        CHECK_INT(found[k].quantity, 1);
        CHECK_INT(found[k].contract_id, scene.contract);
        CHECK_INT(found[k].owner_id, scene.ada);
        CHECK_INT(found[k].host_id, scene.host);
        CHECK_INT(found[k].machine_id, scene.machine);
        CHECK_INT(found[k].component, COMPONENT_GPU);
        CHECK_INT(found[k].kind, USAGE_USED);
        CHECK_INT(found[k].from.microseconds, scene_at(0).microseconds);
        CHECK_INT(found[k].until.microseconds, scene_at(3604).microseconds);
    }
    lines[1].host.nanodollars = lines[1].gross.nanodollars + 1;
    CHECK_REFUSED(&scene, usage_line_add_all(scene.db, lines, 3, &scene.err));
}

static void test_the_database_refuses_amounts_of_the_wrong_sign(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct usage_line line = a_line(&scene);

    line.host.nanodollars = line.gross.nanodollars + 1;
    CHECK_REFUSED(&scene, usage_line_add(scene.db, &line, &scene.err));
    line = a_line(&scene);
    line.kind = USAGE_REFUNDED;
    CHECK_REFUSED(&scene, usage_line_add(scene.db, &line, &scene.err));
    line = a_line(&scene);
    line.accrued.nanodollars--;
    CHECK_REFUSED(&scene, usage_line_add(scene.db, &line, &scene.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_postings_of_a_day_are_one_line),
        cmocka_unit_test(test_days_prices_components_and_kinds_are_lines_of_their_own),
        cmocka_unit_test(test_many_lines_are_as_one_after_another),
        cmocka_unit_test(test_the_database_refuses_amounts_of_the_wrong_sign),
    };

    return SUPPORT_RUN(tests);
}
