/* SPDX-License-Identifier: Apache-2.0 */
#include "store/psp_event.h"

#include "store/support_rows.h"

static const struct psp_event_row told = { "stripe", "evt_1",     "x.done", "pi_1",
                                           "acct_1", "{\"a\":1}", 0 };

static size_t due(struct scene *scene, int64_t at_s, struct psp_event_row **ret)
{
    size_t count;

    CHECK_OK(psp_event_due(scene->db, scene_at(at_s), 10, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return count;
}

static void test_an_event_is_kept_once_and_looked_at_until_it_is_done(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct psp_event_row *rows, other = told;
    struct instant next = { 0 };
    bool is_new, has;

    CHECK_OK(psp_event_next(scene.db, &next, &has, &scene.err), &scene.err);
    CHECK(!has);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(psp_event_insert(scene.db, &told, scene_at(5), &is_new, &scene.err), &scene.err);
        CHECK(is_new == (i == 0));
    }
    other.provider = "paypal";
    CHECK_OK(psp_event_insert(scene.db, &other, scene_at(6), &is_new, &scene.err), &scene.err);
    CHECK(is_new);
    CHECK_COUNT(due(&scene, 4, &rows), 0);
    CHECK_COUNT(due(&scene, 5, &rows), 1);
    CHECK_TEXT(rows[0].id, "evt_1");
    CHECK_TEXT(rows[0].type, "x.done");
    CHECK_TEXT(rows[0].object_id, "pi_1");
    CHECK_TEXT(rows[0].account, "acct_1");
    CHECK_TEXT(rows[0].body, "{\"a\":1}");
    CHECK_INT(rows[0].attempts, 0);
    CHECK_OK(psp_event_finish(scene.db, &rows[0], PSP_EVENT_WAITS, scene_at(9), &scene.err),
             &scene.err);
    CHECK_COUNT(due(&scene, 8, &rows), 1); /* the other */
    CHECK_OK(psp_event_finish(scene.db, &rows[0], PSP_EVENT_DONE, scene_at(9), &scene.err),
             &scene.err);
    CHECK_OK(psp_event_next(scene.db, &next, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(next.microseconds, scene_at(9).microseconds);
    CHECK_COUNT(due(&scene, 9, &rows), 1);
    CHECK_INT(rows[0].attempts, 1);
    CHECK_OK(psp_event_finish(scene.db, &rows[0], PSP_EVENT_GIVEN_UP, scene_at(9), &scene.err),
             &scene.err);
    CHECK_COUNT(due(&scene, 99, &rows), 0);
    /* What has ended stays so. */
    CHECK_OK(psp_event_finish(scene.db, &told, PSP_EVENT_WAITS, scene_at(9), &scene.err),
             &scene.err);
    CHECK_COUNT(due(&scene, 99, &rows), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_is_kept_once_and_looked_at_until_it_is_done),
    };

    return SUPPORT_RUN(tests);
}
