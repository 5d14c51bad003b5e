/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <string.h>

#include "check.h"

enum { IDS = 400, STEPS = 200000 };

/* Few ids, far apart and next to each other, so that there are crowds and gaps. */
static int64_t id_of(size_t i)
{
    return i % 4 == 0 ? INT64_MIN + (int64_t)i : (int64_t)(i % 4 == 1 ? i << 40 : i);
}

/* After any sequence of changes it holds what a plain array holds. */
static void test_a_map_is_an_array(void **state)
{
    static uint32_t places[IDS];
    struct idmap map = { .entries = NULL };
    size_t count = 0;

    (void)state;
    memset(places, 0xff, sizeof places);
    for (int step = 0; step < STEPS; step++) {
        size_t i = check_random(IDS);
        bool is_there = places[i] != IDMAP_NONE;

        check_row("step %d", step);
        CHECK_INT(idmap_find(&map, id_of(i)), places[i]);
        if (check_random(step / 1000 % 2 == 0 ? 3 : 2) > 0) {
            places[i] = (uint32_t)check_random(IDMAP_NONE);
            idmap_put(&map, id_of(i), places[i]);
            count += is_there ? 0 : 1;
        } else {
            places[i] = IDMAP_NONE;
            idmap_remove(&map, id_of(i));
            count -= is_there ? 1 : 0;
        }
        CHECK(map.count == count);
    }
    for (size_t i = 0; i < IDS; i++)
        CHECK_INT(idmap_find(&map, id_of(i)), places[i]);
    idmap_release(&map);
    CHECK(map.count == 0 && idmap_find(&map, 1) == IDMAP_NONE);
}

static void test_an_empty_map_has_nothing(void **state)
{
    struct idmap map = { .entries = NULL };

    (void)state;
    CHECK(idmap_find(&map, 0) == IDMAP_NONE);
    idmap_remove(&map, 0);
    idmap_put(&map, 0, 7);
    CHECK_INT(idmap_find(&map, 0), 7);
    idmap_put(&map, 0, 8);
    CHECK_INT(idmap_find(&map, 0), 8);
    CHECK(map.count == 1);
    idmap_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_is_an_array),
        cmocka_unit_test(test_an_empty_map_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
