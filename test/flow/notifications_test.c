/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notifications.h"

#include "flow/credentials.h"
#include "flow/notice.h"
#include "support_teams.h"

struct telling {
    int64_t user_id;
    enum notification kind;
};

static bool tell_work(struct db *db, void *context, struct error *err)
{
    const struct telling *telling = context;
    const struct notice_event event = { .user_id = telling->user_id,
                                        .kind = telling->kind,
                                        .template = "low_credit",
                                        .members = "\"left\":\"1 h\"" };

    return notice_tell(db, &event, WORLD_START, err);
}

static void tell(struct world *world, struct caller who, enum notification kind)
{
    struct telling telling = { who.user_id, kind };

    support_write(world->support, tell_work, &telling);
}

static int64_t mails(struct world *world)
{
    return world_number(world, "SELECT COUNT(*) FROM outbox WHERE provider = 'mail'");
}

static void choose(struct world *world, struct caller who, struct notifications chosen)
{
    struct error err;

    CHECK_OK(flow_notifications_set(&world->flow, &who, &chosen, &err), &err);
}

static void test_mails_come_unless_they_are_turned_off(void **state)
{
    struct notifications chosen = notifications_default(), read;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    tell(&world, ada, NOTIFICATION_LOW_CREDIT);
    CHECK_INT(mails(&world), 1);
    chosen.choices[NOTIFICATION_LOW_CREDIT].email = false;
    choose(&world, ada, chosen);
    tell(&world, ada, NOTIFICATION_LOW_CREDIT);
    CHECK_INT(mails(&world), 1);
    tell(&world, ada, NOTIFICATION_RECLAIM);
    tell(&world, bob, NOTIFICATION_LOW_CREDIT);
    CHECK_INT(mails(&world), 3);
    CHECK_OK(flow_notifications(&world.flow, &ada, &read, &err), &err);
    CHECK(!read.choices[NOTIFICATION_LOW_CREDIT].email);
    CHECK(read.choices[NOTIFICATION_RECLAIM].email);
    /* What is chosen takes the place of all that was. */
    choose(&world, ada, notifications_default());
    tell(&world, ada, NOTIFICATION_LOW_CREDIT);
    CHECK_INT(mails(&world), 4);
    world_close(&world);
}

static void test_mails_about_security_always_come(void **state)
{
    struct notifications chosen = notifications_default();
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    for (int i = 0; i < NOTIFICATION_COUNT; i++) {
        chosen.choices[i].email = i == NOTIFICATION_SECURITY;
        CHECK(notifications_are_good(&chosen));
    }
    choose(&world, ada, chosen);
    for (int i = 0; i < NOTIFICATION_COUNT; i++)
        tell(&world, ada, (enum notification)i);
    CHECK_INT(mails(&world), 1);
    chosen.choices[NOTIFICATION_SECURITY].email = false;
    CHECK(!notifications_are_good(&chosen));
    /* Whatever stands in the database. */
    CHECK_INT(world_number(&world, "SELECT email FROM notification_choice "
                                   "WHERE kind = 'client:security'"),
              1);
    support_script(world.support, "UPDATE notification_choice SET email = 0");
    tell(&world, ada, NOTIFICATION_SECURITY);
    CHECK_INT(mails(&world), 2);
    world_close(&world);
}

static void test_a_team_is_told_by_its_owner(void **state)
{
    struct teams scene;

    teams_open(&scene, state);
    tell(&scene.world, scene.crew, NOTIFICATION_RECLAIM);
    CHECK_INT(
        world_number(&scene.world, "SELECT COUNT(*) FROM outbox WHERE path = 'ada@berth.test'"), 1);
    teams_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mails_come_unless_they_are_turned_off),
        cmocka_unit_test(test_mails_about_security_always_come),
        cmocka_unit_test(test_a_team_is_told_by_its_owner),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
