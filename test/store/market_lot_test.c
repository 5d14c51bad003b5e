/* SPDX-License-Identifier: Apache-2.0 */
#include "store/market_lot.h"

#include <stdio.h>

#include "store/support_rows.h"

static struct market_lot_row row_of(int64_t hour, const char *name, int64_t gpus)
{
    struct market_lot_row row = { .hour = hour,
                                  .lot = { .gpus = gpus,
                                           .size = 2 * gpus,
                                           .gpu_hour = { 7 * gpus },
                                           .is_rented = gpus == 1,
                                           .is_verified = gpus == 2,
                                           .is_datacenter = gpus == 3 },
                                  .lots = 100 + gpus };

    (void)snprintf(row.lot.gpu_name, sizeof row.lot.gpu_name, "%s", name);
    return row;
}

static void begin(struct scene *scene, int64_t hour, bool is_first)
{
    bool was_first;

    CHECK_OK(market_look_begin(scene->db, hour, scene_at(hour), &was_first, &scene->err),
             &scene->err);
    CHECK_INT(was_first, is_first);
}

static size_t list(struct scene *scene, int64_t first, int64_t last, int64_t step,
                   struct market_lot_row **ret)
{
    const struct market_lot_range range = { "RTX 4090", first, last, step };
    size_t count;

    CHECK_OK(market_lot_list(scene->db, &range, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_what_is_kept_is_found_by_model_and_hour(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct market_lot_row *rows;

    for (int64_t hour = 10; hour < 13; hour++) {
        begin(&scene, hour, true);
        begin(&scene, hour, false);
        for (int64_t gpus = 3; gpus > 0; gpus--) {
            struct market_lot_row row = row_of(hour, gpus < 3 ? "RTX 4090" : "H200", gpus);

            CHECK_OK(market_lot_insert(scene.db, &row, &scene.err), &scene.err);
        }
    }
    CHECK_COUNT(list(&scene, 10, 12, 1, &rows), 6);
    for (int64_t i = 0; i < 6; i++) {
        const struct market_lot_row want = row_of(10 + i / 2, "RTX 4090", 1 + i % 2);

        CHECK_INT(rows[i].hour, want.hour);
        CHECK_INT(rows[i].at.microseconds, scene_at(want.hour).microseconds);
        CHECK_TEXT(rows[i].lot.gpu_name, "RTX 4090");
        CHECK_INT(rows[i].lot.gpus, want.lot.gpus);
        CHECK_INT(rows[i].lot.size, want.lot.size);
        CHECK_INT(rows[i].lot.gpu_hour.nanodollars, want.lot.gpu_hour.nanodollars);
        CHECK_INT(rows[i].lot.is_rented, want.lot.is_rented);
        CHECK_INT(rows[i].lot.is_verified, want.lot.is_verified);
        CHECK_INT(rows[i].lot.is_datacenter, false);
        CHECK_INT(rows[i].lots, want.lots);
    }
    CHECK_COUNT(list(&scene, 10, 12, 2, &rows), 4);
    CHECK_COUNT(list(&scene, 13, 99, 1, &rows), 0);
    CHECK_OK(market_look_forget(scene.db, 12, &scene.err), &scene.err);
    CHECK_COUNT(list(&scene, 10, 12, 1, &rows), 2);
    begin(&scene, 11, true);
    begin(&scene, 12, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept_is_found_by_model_and_hour),
    };

    return SUPPORT_RUN(tests);
}
