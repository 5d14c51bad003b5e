/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/liveness.h"

#include "support.h"

static struct instant at(int64_t seconds)
{
    return (struct instant){ seconds * US_PER_SECOND };
}

static void test_life_goes_back_to_the_last_break(void **state)
{
    static const struct {
        struct {
            int64_t from, until;
        } alive[3];
        size_t count;
        int64_t since;
    } rows[] = {
        { { { 0, 0 } }, 0, 100 },   /* nobody */
        { { { 10, 99 } }, 1, 100 }, /* no longer */
        { { { 10, 100 } }, 1, 10 },
        { { { 10, 50 }, { 50, 105 } }, 2, 10 }, /* without a break */
        { { { 10, 50 }, { 51, 105 } }, 2, 51 },
        { { { 10, 105 }, { 20, 30 } }, 2, 10 }, /* one within another */
        { { { 10, 30 }, { 20, 60 }, { 40, 105 } }, 3, 10 },
        { { { 10, 30 }, { 40, 60 }, { 55, 105 } }, 3, 40 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span spans[3];

        for (size_t k = 0; k < rows[i].count; k++)
            spans[k] = (struct span){ at(rows[i].alive[k].from), at(rows[i].alive[k].until) };
        check_row("%zu", i);
        CHECK_INT(liveness_since(spans, rows[i].count, at(100)).microseconds,
                  at(rows[i].since).microseconds);
    }
}

static void test_a_silence_longer_than_the_beat_is_a_new_span(void **state)
{
    struct world world;
    struct error err;

    world_open(&world, *state);
    world_pass(&world, 60 * US_PER_SECOND);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM server_liveness"), 1);
    /* Alive for one beat beyond its last sign, and forgiven one more. */
    world_silence(&world, 2 * LIVENESS_SECONDS * US_PER_SECOND);
    CHECK_OK(flow_liveness(&world.flow, "test", &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM server_liveness"), 1);
    world_silence(&world, 2 * LIVENESS_SECONDS * US_PER_SECOND + 1);
    CHECK_OK(flow_liveness(&world.flow, "test", &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM server_liveness"), 2);
    CHECK_OK(flow_liveness(&world.flow, "other", &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM server_liveness"), 3);
    /* A month later the old ones are gone. */
    world_silence(&world, INT64_C(31) * 24 * US_PER_HOUR);
    CHECK_OK(flow_liveness(&world.flow, "test", &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM server_liveness"), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_goes_back_to_the_last_break),
        cmocka_unit_test(test_a_silence_longer_than_the_beat_is_a_new_span),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
