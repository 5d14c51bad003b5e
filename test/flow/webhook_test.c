/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/webhook.h"

#include <string.h>

#include "flow/notice.h"
#include "flow/notifications.h"
#include "support.h"

struct scene {
    struct world world;
    struct caller ada, bob;
};

static void scene_open(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 0);
    scene->bob = world_user(&scene->world, "bob@berth.test", 0);
}

/* One of Ada's that asks for credit that ends. */
static struct webhook_reply create(struct scene *scene)
{
    bool events[NOTIFICATION_COUNT] = { [NOTIFICATION_LOW_CREDIT] = true };
    const struct webhook_request request = { .name = "ops",
                                             .url = "https://example.org/",
                                             .events = events };
    struct webhook_reply reply;
    struct error err;

    CHECK_OK(flow_webhook_create(&scene->world.flow, &scene->ada, &request, &scene->world.arena,
                                 &reply, &err),
             &err);
    return reply;
}

static bool target(struct scene *scene, int64_t id, struct webhook_target *ret)
{
    struct error err;
    bool has;

    CHECK_OK(flow_webhook_target(&scene->world.flow, id, &scene->world.arena, ret, &has, &err),
             &err);
    return has;
}

static void result(struct scene *scene, int64_t id, bool has_arrived)
{
    struct error err;

    CHECK_OK(flow_webhook_result(&scene->world.flow, id, has_arrived, &err), &err);
}

static bool tell_work(struct db *db, void *context, struct error *err)
{
    const struct notice_event *event = context;

    return notice_tell(db, event, WORLD_START, err);
}

static void tell(struct scene *scene, enum notification kind, const char *key)
{
    struct notice_event event = {
        .user_id = scene->ada.user_id, .kind = kind, .template = "low_credit", .key = key
    };

    support_write(scene->world.support, tell_work, &event);
}

static int64_t items(struct scene *scene)
{
    return world_number(&scene->world, "SELECT COUNT(*) FROM outbox WHERE provider = 'webhook'");
}

static void test_a_secret_is_shown_once_and_lies_sealed(void **state)
{
    struct webhook_target got;
    struct webhook_row *rows;
    struct scene scene;
    struct error err;
    size_t count;

    scene_open(&scene, state);
    struct webhook_reply made = create(&scene);
    CHECK_INT(made.outcome, WEBHOOK_DONE);
    CHECK_INT((int64_t)strlen(made.secret), 64);
    CHECK_OK(
        flow_webhook_list(&scene.world.flow, &scene.ada, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(strstr(rows[0].secret, made.secret) == NULL);
    CHECK(target(&scene, made.row.id, &got));
    CHECK_TEXT(got.secret, made.secret);
    struct webhook_reply other;
    CHECK_OK(flow_webhook_rotate(&scene.world.flow, &scene.bob, made.row.id, &scene.world.arena,
                                 &other, &err),
             &err);
    CHECK_INT(other.outcome, WEBHOOK_UNKNOWN);
    CHECK_OK(flow_webhook_rotate(&scene.world.flow, &scene.ada, made.row.id, &scene.world.arena,
                                 &other, &err),
             &err);
    CHECK(strcmp(other.secret, made.secret) != 0);
    CHECK(target(&scene, made.row.id, &got));
    CHECK_TEXT(got.secret, other.secret);
    for (int i = 1; i < WEBHOOKS_MAX; i++)
        CHECK_INT(create(&scene).outcome, WEBHOOK_DONE);
    CHECK_INT(create(&scene).outcome, WEBHOOK_TOO_MANY);
    world_close(&scene.world);
}

static void test_it_is_told_what_it_asks_for_once(void **state)
{
    struct notifications chosen;
    enum webhook_outcome outcome;
    struct scene scene;
    struct error err;

    scene_open(&scene, state);
    tell(&scene, NOTIFICATION_LOW_CREDIT, "before");
    struct webhook_reply made = create(&scene);
    tell(&scene, NOTIFICATION_LOW_CREDIT, "one");
    tell(&scene, NOTIFICATION_LOW_CREDIT, "one");
    tell(&scene, NOTIFICATION_RECLAIM, "other");
    CHECK_INT(items(&scene), 1);
    CHECK_OK(flow_notifications(&scene.world.flow, &scene.ada, &chosen, &err), &err);
    CHECK(chosen.choices[NOTIFICATION_LOW_CREDIT].webhooks);
    CHECK(!chosen.choices[NOTIFICATION_RECLAIM].webhooks);
    chosen.choices[NOTIFICATION_LOW_CREDIT].webhooks = false;
    CHECK_OK(flow_notifications_set(&scene.world.flow, &scene.ada, &chosen, &err), &err);
    tell(&scene, NOTIFICATION_LOW_CREDIT, "two");
    CHECK_INT(items(&scene), 1);
    CHECK_OK(flow_webhook_test(&scene.world.flow, &scene.ada, made.row.id, &outcome, &err), &err);
    CHECK_INT(outcome, WEBHOOK_DONE);
    CHECK_INT(items(&scene), 2);
    CHECK_OK(flow_webhook_test(&scene.world.flow, &scene.bob, made.row.id, &outcome, &err), &err);
    CHECK_INT(outcome, WEBHOOK_UNKNOWN);
    CHECK_OK(flow_webhook_delete(&scene.world.flow, &scene.bob, made.row.id, &outcome, &err), &err);
    CHECK_INT(outcome, WEBHOOK_UNKNOWN);
    CHECK_OK(flow_webhook_delete(&scene.world.flow, &scene.ada, made.row.id, &outcome, &err), &err);
    CHECK_INT(outcome, WEBHOOK_DONE);
    struct webhook_target got;
    CHECK(!target(&scene, made.row.id, &got));
    world_close(&scene.world);
}

static void test_one_that_takes_nothing_for_long_is_turned_off(void **state)
{
    const struct webhook_request again = { .is_enabled = true };
    struct webhook_target got;
    struct webhook_reply reply;
    struct scene scene;
    struct error err;

    scene_open(&scene, state);
    struct webhook_reply made = create(&scene);
    result(&scene, made.row.id, false);
    world_silence(&scene.world, WEBHOOK_FAILING_SECONDS * US_PER_SECOND - 1);
    result(&scene, made.row.id, false);
    CHECK(target(&scene, made.row.id, &got));
    /* What arrives in between makes it good. */
    result(&scene, made.row.id, true);
    world_silence(&scene.world, 1);
    result(&scene, made.row.id, false);
    world_silence(&scene.world, WEBHOOK_FAILING_SECONDS * US_PER_SECOND);
    CHECK(target(&scene, made.row.id, &got));
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM outbox WHERE provider = 'mail'"), 0);
    result(&scene, made.row.id, false);
    CHECK(!target(&scene, made.row.id, &got));
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM outbox WHERE provider = 'mail' "
                                         "AND path = 'ada@berth.test'"),
              1);
    result(&scene, made.row.id, false);
    tell(&scene, NOTIFICATION_LOW_CREDIT, "off");
    CHECK_INT(items(&scene), 0);
    CHECK_OK(flow_webhook_update(&scene.world.flow, &scene.ada, made.row.id, &again,
                                 &scene.world.arena, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, WEBHOOK_DONE);
    CHECK(target(&scene, made.row.id, &got));
    CHECK_TEXT(got.secret, made.secret);
    result(&scene, made.row.id, false);
    CHECK(target(&scene, made.row.id, &got));
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_is_shown_once_and_lies_sealed),
        cmocka_unit_test(test_it_is_told_what_it_asks_for_once),
        cmocka_unit_test(test_one_that_takes_nothing_for_long_is_turned_off),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
