/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payout.h"

#include "store/support_rows.h"

static struct payout_row a_payout(const struct scene *scene, int64_t week)
{
    return (struct payout_row){ .host_id = scene->ada,
                                .cut = scene_at(week * 604800),
                                .amount = { 12340000000 },
                                .state = PAYOUT_CREATED,
                                .provider = "manual",
                                .reference = "",
                                .reason = "",
                                .created = scene_at(5),
                                .state_at = scene_at(6) };
}

static int64_t insert(struct scene *scene, const struct payout_row *payout)
{
    int64_t id;

    CHECK_OK(payout_insert_later(scene->db, payout, &id, &scene->err) &&
                 db_settle(scene->db, &scene->err),
             &scene->err);
    return id;
}

static struct payout_row load(struct scene *scene, int64_t id)
{
    struct payout_row payout;
    bool has;

    CHECK_OK(payout_load(scene->db, id, &scene->arena, &payout, &has, &scene->err), &scene->err);
    CHECK(has);
    return payout;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row payout = a_payout(&scene, 1), back;
    bool has;

    int64_t id = insert(&scene, &payout);
    back = load(&scene, id);
    CHECK_INT(back.host_id, scene.ada);
    CHECK_INT(back.cut.microseconds, payout.cut.microseconds);
    CHECK_INT(back.amount.nanodollars, 12340000000);
    CHECK_INT(back.state, PAYOUT_CREATED);
    CHECK_TEXT(back.provider, "manual");
    CHECK_INT(back.created.microseconds, scene_at(5).microseconds);
    CHECK_INT(back.state_at.microseconds, scene_at(6).microseconds);
    CHECK_OK(payout_load(scene.db, id + 1, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(!has);
}

static void test_one_a_host_and_week(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row payout = a_payout(&scene, 1);
    int64_t id;

    (void)insert(&scene, &payout);
    scene_keep(&scene);
    CHECK_REFUSED(&scene, payout_insert_later(scene.db, &payout, &id, &scene.err) &&
                              db_settle(scene.db, &scene.err));
    payout.amount.nanodollars = 0;
    payout.cut = scene_at(9);
    CHECK_REFUSED(&scene, payout_insert_later(scene.db, &payout, &id, &scene.err) &&
                              db_settle(scene.db, &scene.err));
}

static void test_it_moves_from_the_state_that_it_is_in(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row payout = a_payout(&scene, 1);

    payout.id = insert(&scene, &payout);
    payout.state = PAYOUT_PAID;
    payout.reference = "wire 1";
    payout.reason = "r";
    payout.state_at = scene_at(7);
    CHECK_REFUSED(&scene, payout_update(scene.db, &payout, PAYOUT_SUBMITTED, &scene.err));
    CHECK_INT(load(&scene, payout.id).state, PAYOUT_CREATED);
}

static void test_what_moved_is_stored(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row payout = a_payout(&scene, 1), back;

    payout.id = insert(&scene, &payout);
    payout.state = PAYOUT_PAID;
    payout.reference = "wire 1";
    payout.reason = "r";
    payout.state_at = scene_at(7);
    CHECK_OK(payout_update(scene.db, &payout, PAYOUT_CREATED, &scene.err), &scene.err);
    back = load(&scene, payout.id);
    CHECK_INT(back.state, PAYOUT_PAID);
    CHECK_TEXT(back.reference, "wire 1");
    CHECK_TEXT(back.reason, "r");
    CHECK_INT(back.state_at.microseconds, scene_at(7).microseconds);
}

static void test_lists_are_filtered(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row *payouts;
    int64_t ids[3];
    size_t count;

    for (int i = 0; i < 3; i++) {
        struct payout_row payout = a_payout(&scene, i);

        payout.host_id = i == 1 ? scene.host : scene.ada;
        payout.state = i == 2 ? PAYOUT_FAILED : PAYOUT_CREATED;
        ids[i] = insert(&scene, &payout);
    }
    const struct {
        struct payout_filter filter;
        int64_t count, first;
    } rows[] = {
        { { .max = 9 }, 3, ids[0] },
        { { .max = 2 }, 2, ids[0] },
        { { .max = 9, .after = ids[0] }, 2, ids[1] },
        { { .max = 9, .host_id = scene.ada }, 2, ids[0] },
        { { .max = 9, .state = PAYOUT_FAILED }, 1, ids[2] },
        { { .max = 9, .host_id = scene.host, .state = PAYOUT_CREATED }, 1, ids[1] },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_OK(payout_list(scene.db, &rows[i].filter, &scene.arena, &payouts, &count, &scene.err),
                 &scene.err);
        CHECK_INT((int64_t)count, rows[i].count);
        CHECK_INT(payouts[0].id, rows[i].first);
    }
}

/* Whatever order they were made in. */
static void test_a_hosts_newest_come_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    static const int cuts[] = { 3, 1, 4, 2 };
    struct payout_row *payouts;
    int64_t ids[5];
    size_t count;

    for (int i = 0; i < 4; i++) {
        struct payout_row payout = a_payout(&scene, cuts[i]);

        payout.host_id = scene.ada;
        ids[cuts[i]] = insert(&scene, &payout);
    }
    struct payout_row other = a_payout(&scene, 3);
    other.host_id = scene.host;
    (void)insert(&scene, &other);
    const struct instant cut_3 = a_payout(&scene, 3).cut;
    const struct {
        struct instant before;
        size_t max;
        int64_t count, first;
    } rows[] = {
        { INSTANT_NEVER, 9, 4, 4 },         { INSTANT_NEVER, 4, 4, 4 },
        { INSTANT_NEVER, 3, 3, 4 },         { cut_3, 9, 2, 2 },
        { instant_add(cut_3, 1), 9, 3, 3 }, { a_payout(&scene, 1).cut, 9, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct payout_range range = { scene.ada, rows[i].before, rows[i].max };

        check_row("row %zu", i);
        CHECK_OK(payout_latest(scene.db, &range, &scene.arena, &payouts, &count, &scene.err),
                 &scene.err);
        CHECK_INT((int64_t)count, rows[i].count);
        for (size_t j = 0; j < count; j++)
            CHECK_INT(payouts[j].id, ids[rows[i].first - (int64_t)j]);
    }
}

static void waits(struct scene *scene, int64_t count, struct instant since)
{
    struct payout_waiting waiting = { .count = 77 };

    CHECK_OK(payout_waiting(scene->db, &waiting, &scene->err), &scene->err);
    CHECK_INT(waiting.count, count);
    CHECK_INT(waiting.since.microseconds, since.microseconds);
}

static void test_what_is_on_its_way_is_counted_from_its_cut_on(void **state)
{
    static const enum payout_state ends[] = { PAYOUT_PAID, PAYOUT_FAILED, PAYOUT_RETURNED,
                                              PAYOUT_CANCELLED };
    auto_scene struct scene scene = scene_open(*state);
    struct payout_row first = a_payout(&scene, 1), second = a_payout(&scene, 2);

    waits(&scene, 0, (struct instant){ 0 });
    second.id = insert(&scene, &second);
    waits(&scene, 1, second.cut);
    first.id = insert(&scene, &first);
    waits(&scene, 2, first.cut);
    first.state = PAYOUT_SUBMITTED;
    CHECK_OK(payout_update(scene.db, &first, PAYOUT_CREATED, &scene.err), &scene.err);
    waits(&scene, 2, first.cut);
    first.state = PAYOUT_IN_TRANSIT;
    CHECK_OK(payout_update(scene.db, &first, PAYOUT_SUBMITTED, &scene.err), &scene.err);
    waits(&scene, 2, first.cut);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        enum payout_state before = first.state;

        check_row("end %zu", i);
        first.state = ends[i];
        CHECK_OK(payout_update(scene.db, &first, before, &scene.err), &scene.err);
        waits(&scene, 1, second.cut);
    }
}

static void comes_to(struct scene *scene, int64_t host_id, int64_t nanodollars)
{
    struct money sum = { 77 };

    CHECK_OK(payout_sum(scene->db, host_id, &sum, &scene->err), &scene->err);
    CHECK_INT(sum.nanodollars, nanodollars);
}

static void test_what_did_not_come_back_is_summed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    comes_to(&scene, scene.ada, 0);
    for (int i = PAYOUT_CREATED; i <= PAYOUT_CANCELLED; i++) {
        struct payout_row payout = a_payout(&scene, i);

        payout.state = (enum payout_state)i;
        payout.amount.nanodollars = INT64_C(1) << i;
        (void)insert(&scene, &payout);
    }
    comes_to(&scene, scene.ada,
             (1 << PAYOUT_CREATED) + (1 << PAYOUT_SUBMITTED) + (1 << PAYOUT_IN_TRANSIT) +
                 (1 << PAYOUT_PAID));
    comes_to(&scene, scene.host, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_on_its_way_is_counted_from_its_cut_on),
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_one_a_host_and_week),
        cmocka_unit_test(test_it_moves_from_the_state_that_it_is_in),
        cmocka_unit_test(test_what_moved_is_stored),
        cmocka_unit_test(test_lists_are_filtered),
        cmocka_unit_test(test_a_hosts_newest_come_first),
        cmocka_unit_test(test_what_did_not_come_back_is_summed),
    };

    return SUPPORT_RUN(tests);
}
