/* SPDX-License-Identifier: Apache-2.0 */
#include "market/gpu_gauge.h"

#include <string.h>

#include "check.h"

static void test_each_brake_has_a_name(void **state)
{
    (void)state;
    for (enum gpu_brake brake = 0; brake < GPU_BRAKES; brake++) {
        CHECK(gpu_brake_name(brake) != NULL && gpu_brake_name(brake)[0] != '\0');
        for (enum gpu_brake other = 0; other < brake; other++)
            CHECK(strcmp(gpu_brake_name(brake), gpu_brake_name(other)) != 0);
    }
}

/* Both sides of each edge, upwards and downwards; and known and unknown are far apart. */
static void test_what_hardly_moves_is_no_news(void **state)
{
    static const struct {
        size_t offset;
        int64_t step;
    } rows[] = {
        { offsetof(struct gpu_gauge, permille), 100 },
        { offsetof(struct gpu_gauge, memory_used_mb), 512 },
        { offsetof(struct gpu_gauge, temperature_c), 3 },
        { offsetof(struct gpu_gauge, power_w), 20 },
        { offsetof(struct gpu_gauge, core_mhz), 150 },
        { offsetof(struct gpu_gauge, memory_mhz), 150 },
        { offsetof(struct gpu_gauge, brakes), 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gpu_gauge before = gpu_gauge_unknown("GPU-a"), now = before;
        int64_t *value = (int64_t *)((char *)&now + rows[i].offset);
        int64_t *old = (int64_t *)((char *)&before + rows[i].offset);

        check_row("row %zu", i);
        CHECK(!gpu_gauge_is_news(&before, &now));
        *value = 0;
        CHECK(gpu_gauge_is_news(&before, &now) && gpu_gauge_is_news(&now, &before));
        *old = 20;
        *value = 20 + rows[i].step - 1;
        CHECK(!gpu_gauge_is_news(&before, &now) && !gpu_gauge_is_news(&now, &before));
        *value = 20 + rows[i].step;
        CHECK(gpu_gauge_is_news(&before, &now) && gpu_gauge_is_news(&now, &before));
    }
    struct gpu_gauge a = gpu_gauge_unknown("GPU-a"), b = gpu_gauge_unknown("GPU-b");
    CHECK(gpu_gauge_is_news(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_brake_has_a_name),
        cmocka_unit_test(test_what_hardly_moves_is_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
