/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/each_due.h"

#include <string.h>

#include "support.h"

/* What the jobs of this test see and do: they are given no context of their own. */
static struct {
    int64_t ids[8];
    size_t count, looks;
    int64_t dealt[8];
    size_t dealt_count;
    int64_t undone; /* it turns out not to be due */
    int64_t fails;
    struct instant now;
} play;

static bool find(struct db *db, struct instant now, int64_t *ret_ids, size_t max, size_t *ret_count,
                 struct error *err)
{
    (void)db;
    (void)err;
    play.looks++;
    play.now = now;
    *ret_count = 0;
    for (size_t i = 0; i < play.count && *ret_count < max; i++)
        ret_ids[(*ret_count)++] = play.ids[i];
    return true;
}

static bool walk(struct db *db, int64_t after, int64_t *ret_ids, size_t max, size_t *ret_count,
                 struct error *err)
{
    (void)db;
    (void)err;
    play.looks++;
    *ret_count = 0;
    for (size_t i = 0; i < play.count && *ret_count < max; i++)
        if (play.ids[i] > after)
            ret_ids[(*ret_count)++] = play.ids[i];
    return true;
}

static bool deal(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                 struct error *err)
{
    (void)db;
    CHECK_INT(instant_compare(now, WORLD_START), 0);
    CHECK(!*ret_is_done);
    if (id == play.fails)
        return error_set(err, ERROR_CORRUPT, "no such thing");
    play.dealt[play.dealt_count++] = id;
    *ret_is_done = id != play.undone;
    return true;
}

static void test_some_of_those_that_are_found_are_dealt_with(void **state)
{
    static const struct due_job job = {
        .seeks = "things", .deed = "deal with", .find = find, .deal = deal, .max = 2
    };
    struct world world;
    struct error err;
    size_t count;

    world_open(&world, *state);
    memset(&play, 0, sizeof play);
    CHECK_OK(each_due(&world.flow, &job, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    play.count = 3;
    memcpy(play.ids, (int64_t[]){ 3, 5, 7 }, sizeof(int64_t[3]));
    play.undone = 5;
    CHECK_OK(each_due(&world.flow, &job, &count, &err), &err);
    CHECK_INT((int64_t)count, 2); /* found: so whoever calls asks again */
    CHECK_INT((int64_t)play.looks, 2);
    CHECK_INT((int64_t)play.dealt_count, 2);
    CHECK_INT(play.dealt[0], 3);
    CHECK_INT(play.dealt[1], 5);
    CHECK_INT(instant_compare(play.now, WORLD_START), 0);
    world_close(&world);
}

static void test_a_walk_passes_by_all_of_them_once(void **state)
{
    static const struct due_job job = {
        .seeks = "things", .deed = "deal with", .walk = walk, .deal = deal, .max = 2
    };
    struct world world;
    struct error err;
    size_t count;

    world_open(&world, *state);
    memset(&play, 0, sizeof play);
    play.count = 4;
    memcpy(play.ids, (int64_t[]){ 3, 5, 7, 9 }, sizeof(int64_t[4]));
    play.undone = 5;
    CHECK_OK(each_due(&world.flow, &job, &count, &err), &err);
    CHECK_INT((int64_t)count, 3); /* dealt with */
    CHECK_INT((int64_t)play.looks, 3);
    CHECK_INT((int64_t)play.dealt_count, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(play.dealt[i], play.ids[i]);
    world_close(&world);
}

static void test_the_first_failure_ends_it_and_says_where(void **state)
{
    static const struct due_job job = {
        .seeks = "things", .deed = "deal with thing", .find = find, .deal = deal, .max = 8
    };
    struct world world;
    struct error err;
    size_t count = 77;

    world_open(&world, *state);
    memset(&play, 0, sizeof play);
    play.count = 3;
    memcpy(play.ids, (int64_t[]){ 3, 5, 7 }, sizeof(int64_t[3]));
    play.fails = 5;
    CHECK(!each_due(&world.flow, &job, &count, &err));
    CHECK_TEXT(err.text, "deal with thing 5: no such thing");
    CHECK_INT((int64_t)count, 77);
    CHECK_INT((int64_t)play.dealt_count, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_of_those_that_are_found_are_dealt_with),
        cmocka_unit_test(test_a_walk_passes_by_all_of_them_once),
        cmocka_unit_test(test_the_first_failure_ends_it_and_says_where),
    };
    return SUPPORT_RUN(tests);
}
