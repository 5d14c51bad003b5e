/* SPDX-License-Identifier: Apache-2.0 */
#include "market/relaying.h"

#include "check.h"

#define SSH                                                                                        \
    {                                                                                              \
        .has_ssh = true                                                                            \
    }
#define NOTEBOOK                                                                                   \
    {                                                                                              \
        .has_ssh = true, .has_jupyter = true                                                       \
    }
#define ARGS                                                                                       \
    {                                                                                              \
        .is_args = true                                                                            \
    }

static const struct {
    struct launch_mode mode;
    bool wants_proxy, is_behind_nat;
    struct launch_port ports[4];
    size_t port_count;
    struct relaying_want wants[4];
    size_t want_count;
} asks[] = {
    { SSH, false, false, { { 8081, false } }, 1, { { 0, 0, RELAYING_TCP } }, 0 },
    { SSH, true, false, { { 8081, false } }, 1, { { 22, 1, RELAYING_TCP } }, 1 },
    { SSH, false, true, { { 0, false } }, 0, { { 22, 1, RELAYING_TCP } }, 1 },
    { SSH,
      true,
      true,
      { { 8081, false }, { 53, true }, { 9000, false } },
      3,
      { { 22, 1, RELAYING_TCP },
        { 8081, 1, RELAYING_TCP },
        { 53, 1, RELAYING_UDP },
        { 9000, 1, RELAYING_TCP } },
      4 },
    /* The same number twice, for each protocol once. */
    { SSH,
      false,
      true,
      { { 53, true }, { 53, false }, { 53, true } },
      3,
      { { 22, 1, RELAYING_TCP }, { 53, 1, RELAYING_UDP }, { 53, 1, RELAYING_TCP } },
      3 },
    { ARGS, false, true, { { 80, false } }, 1, { { 80, 1, RELAYING_TCP } }, 1 },
    { ARGS, true, false, { { 80, false } }, 1, { { 0, 0, RELAYING_TCP } }, 0 },
    { NOTEBOOK,
      true,
      false,
      { { 0, false } },
      0,
      { { 22, 2, RELAYING_TCP }, { 8080, 1, RELAYING_HTTPS } },
      2 },
    /* Browsers take it without a warning nowhere else. */
    { NOTEBOOK, false, false, { { 9000, false } }, 1, { { 8080, 1, RELAYING_HTTPS } }, 1 },
    { NOTEBOOK,
      false,
      true,
      { { 8080, false }, { 9000, false } },
      2,
      { { 22, 2, RELAYING_TCP }, { 8080, 1, RELAYING_HTTPS }, { 9000, 1, RELAYING_TCP } },
      3 },
    /* Without a notebook the same port is as any. */
    { SSH,
      false,
      true,
      { { 8080, false } },
      1,
      { { 22, 1, RELAYING_TCP }, { 8080, 1, RELAYING_TCP } },
      2 },
    /* SSH's own port is the front's, and one that is to be the same on both sides is as any. */
    { SSH,
      false,
      true,
      { { 22, false }, { 70000, false } },
      2,
      { { 22, 1, RELAYING_TCP }, { 70000, 1, RELAYING_TCP } },
      2 },
    { ARGS, false, true, { { 22, false } }, 1, { { 22, 1, RELAYING_TCP } }, 1 },
};

static void test_who_gets_which_ports(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        const struct relaying_ask ask = { .mode = asks[i].mode,
                                          .wants_proxy = asks[i].wants_proxy,
                                          .is_behind_nat = asks[i].is_behind_nat,
                                          .port_count = asks[i].port_count,
                                          .ports = asks[i].ports };
        struct relaying_want wants[RELAYING_WANTS_MAX];

        check_row("%zu", i);
        CHECK_INT((int64_t)relaying_wants(&ask, wants), (int64_t)asks[i].want_count);
        for (size_t k = 0; k < asks[i].want_count; k++) {
            CHECK_INT(wants[k].inside, asks[i].wants[k].inside);
            CHECK_INT(wants[k].run, asks[i].wants[k].run);
            CHECK_INT(wants[k].protocol, asks[i].wants[k].protocol);
        }
    }
}

static void test_the_first_gap_that_is_wide_enough(void **state)
{
    const struct {
        int64_t first, last, run;
        int64_t taken[6];
        size_t count;
        bool is_cut;
        int64_t want;
    } rows[] = {
        { 100, 109, 1, { 0 }, 0, false, 100 },
        { 100, 109, 1, { 100 }, 1, false, 101 },
        { 100, 109, 1, { 100, 101, 103 }, 3, false, 102 },
        { 100, 109, 2, { 100, 102, 105 }, 3, false, 103 },
        { 100, 109, 2, { 101, 103, 105, 107, 109 }, 5, false, 0 },
        { 100, 101, 2, { 0 }, 0, false, 100 },
        { 100, 101, 2, { 101 }, 1, false, 0 },
        { 101, 101, 2, { 0 }, 0, false, 0 },
        { 100, 102, 1, { 100, 101, 102 }, 3, false, 0 },
        /* Nothing is known of what is above the last one that was read. */
        { 100, 109, 1, { 100, 101 }, 2, true, 0 },
        { 100, 109, 1, { 100, 102 }, 2, true, 101 },
        { 100, 109, 2, { 100, 103 }, 2, true, 101 },
        { 100, 109, 3, { 100, 103 }, 2, true, 0 },
        /* Taken ones below the range are of another time. */
        { 100, 109, 1, { 98, 99, 100 }, 3, false, 101 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct relaying_window window = { rows[i].first, rows[i].last, rows[i].taken,
                                                rows[i].count, rows[i].is_cut };

        check_row("%zu", i);
        CHECK_INT(relaying_pick(&window, rows[i].run), rows[i].want);
    }
}

/* Whatever is taken: what is picked is free, and nothing lower would have done. */
static void test_a_pick_is_the_lowest_that_is_free(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        enum { SIZE = 24 };
        bool is_taken[SIZE + 4] = { false };
        int64_t taken[SIZE], run = 1 + (int64_t)check_random(3), want = 0;
        size_t count = 0;

        for (int i = 0; i < SIZE; i++)
            if ((is_taken[i] = check_random(3) != 0))
                taken[count++] = 1000 + i;
        for (int64_t at = 0; want == 0 && at + run <= SIZE; at++) {
            bool is_free = true;
            for (int64_t k = 0; k < run; k++)
                is_free = is_free && !is_taken[at + k];
            want = is_free ? 1000 + at : 0;
        }
        const struct relaying_window window = { 1000, 1000 + SIZE - 1, taken, count, false };
        CHECK_INT(relaying_pick(&window, run), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_gets_which_ports),
        cmocka_unit_test(test_the_first_gap_that_is_wide_enough),
        cmocka_unit_test(test_a_pick_is_the_lowest_that_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
