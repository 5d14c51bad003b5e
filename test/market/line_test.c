/* SPDX-License-Identifier: Apache-2.0 */
#include "market/line.h"

#include "check.h"

#define AT(n) ((struct instant){ (n)*INT64_C(1000000) })
#define ONES(...)                                                                                  \
    (const struct line_one[])                                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void check_place(struct line_place got, struct line_place want)
{
    CHECK_INT(got.position, want.position);
    CHECK_INT(got.length, want.length);
    CHECK_INT(got.firms_ahead, want.firms_ahead);
    CHECK_INT(got.bids_ahead, want.bids_ahead);
    CHECK_INT(got.free_by.microseconds, want.free_by.microseconds);
}

/* The eighth of the worked cases: all GPUs are rented on demand, and one of theirs comes back. */
static void test_one_that_comes_back_is_told_its_place_and_the_earliest_end(void **state)
{
    const struct line_one *ones =
        ONES({ 1, 4, 0, true, AT(1), AT(900) }, { 2, 2, 0, true, AT(2), AT(500) },
             { 3, 2, 0, true, AT(3), AT(300) }, { 4, 2, 0, false, AT(10), AT(2000) });
    (void)state;
    check_place(line_find(ones, 4, 3, 8), (struct line_place){ 1, 1, 3, 0, AT(300) });
}

static void test_a_large_one_waits_for_as_many_as_it_takes(void **state)
{
    struct line_one ones[] = { { 1, 4, 0, true, AT(1), AT(900) },
                               { 2, 2, 0, true, AT(2), AT(500) },
                               { 3, 2, 0, true, AT(3), AT(300) },
                               { 4, 0, 0, false, AT(10), AT(2000) } };
    static const int64_t by[] = { 300, 300, 500, 500, 900, 900, 900, 900 };

    (void)state;
    for (int64_t gpus = 1; gpus <= 8; gpus++) {
        check_row("%lld GPUs", (long long)gpus);
        ones[3].gpus = gpus;
        CHECK_INT(line_find(ones, 4, 3, 8).free_by.microseconds, AT(by[gpus - 1]).microseconds);
    }
    /* What is free already counts. */
    ones[3].gpus = 4;
    CHECK_INT(line_find(ones, 4, 3, 10).free_by.microseconds, AT(300).microseconds);
    check_row(" ");
}

static void test_what_has_no_end_frees_nothing(void **state)
{
    const struct line_one *ones =
        ONES({ 1, 1, 0, true, AT(1), INSTANT_NEVER }, { 2, 1, 0, false, AT(2), AT(9) });

    (void)state;
    check_place(line_find(ones, 2, 1, 1), (struct line_place){ 1, 1, 1, 0, INSTANT_NEVER });
}

static void test_the_line_is_in_the_order_of_service(void **state)
{
    /* In the order in which they are served. */
    const struct line_one *ones =
        ONES({ 7, 1, 0, false, AT(1), AT(99) }, { 5, 1, 0, false, AT(2), AT(99) },
             { 6, 1, 0, false, AT(2), AT(99) }, { 3, 1, 200, false, AT(9), AT(99) },
             { 4, 1, 100, false, AT(3), AT(99) }, { 1, 1, 100, false, AT(4), AT(99) },
             { 2, 1, 100, false, AT(4), AT(99) });

    (void)state;
    for (size_t i = 0; i < 7; i++)
        check_place(line_find(ones, 7, i, 1),
                    (struct line_place){ (int64_t)i + 1, 7, 0, 0, AT(0) });
}

/* It displaces lower bids, and keeps out of the way of all on demand. */
static void test_a_bid_waits_for_those_it_cannot_outbid(void **state)
{
    const struct line_one *ones =
        ONES({ 1, 1, 0, true, AT(1), AT(700) }, { 2, 1, 200, true, AT(2), AT(600) },
             { 3, 1, 100, true, AT(3), AT(500) }, { 4, 1, 90, true, AT(3), AT(400) },
             { 5, 1, 100, false, AT(4), AT(999) }, { 6, 1, 0, false, AT(5), AT(999) });

    (void)state;
    check_place(line_find(ones, 6, 4, 3), (struct line_place){ 2, 2, 1, 2, AT(500) });
    check_place(line_find(ones, 6, 5, 1), (struct line_place){ 1, 2, 1, 0, AT(700) });
}

/* Places are those of a sort, and by `free_by` there is room, a moment before there is not. */
static void test_laws(void **state)
{
    enum { COUNT = 12 };

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct line_one ones[COUNT];
        bool is_taken[COUNT + 1] = { false };
        int64_t gpu_count = 1 + (int64_t)check_random(16);

        for (size_t i = 0; i < COUNT; i++)
            ones[i] = (struct line_one){ .id = (int64_t)i + 1,
                                         .gpus = 1 + (int64_t)check_random(4),
                                         .ticks = (int64_t)check_random(3),
                                         .is_running = check_random(2) == 0,
                                         .since = AT((int64_t)check_random(3)),
                                         .end = AT(1 + (int64_t)check_random(9)) };
        for (size_t i = 0; i < COUNT; i++) {
            if (ones[i].is_running)
                continue;
            struct line_place place = line_find(ones, COUNT, i, gpu_count);
            CHECK(place.position >= 1 && place.position <= place.length);
            CHECK(!is_taken[place.position]);
            is_taken[place.position] = true;
            for (int64_t at = 0; at < 10; at++) {
                int64_t held = 0;

                for (size_t j = 0; j < COUNT; j++)
                    if (ones[j].is_running && AT(at).microseconds < ones[j].end.microseconds &&
                        (ones[j].ticks == 0 ||
                         (ones[i].ticks > 0 && ones[j].ticks >= ones[i].ticks)))
                        held += ones[j].gpus;
                CHECK((gpu_count - held >= ones[i].gpus) ==
                      (instant_compare(place.free_by, AT(at)) <= 0));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_comes_back_is_told_its_place_and_the_earliest_end),
        cmocka_unit_test(test_a_large_one_waits_for_as_many_as_it_takes),
        cmocka_unit_test(test_what_has_no_end_frees_nothing),
        cmocka_unit_test(test_the_line_is_in_the_order_of_service),
        cmocka_unit_test(test_a_bid_waits_for_those_it_cannot_outbid),
        cmocka_unit_test(test_laws),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
