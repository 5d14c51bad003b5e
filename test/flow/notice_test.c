/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notice.h"

#include "support.h"

static bool send(struct db *db, void *context, struct error *err)
{
    const struct notice *notice = context;

    return notice_mail(db, notice, WORLD_START, err);
}

static void test_a_mail_with_a_key_is_sent_once(void **state)
{
    struct world world;
    struct notice keyed = { "ada@berth.test", "low_credit", "key:1", "\"left\":\"1 h\"" };
    struct notice free = { "ada@berth.test", "low_credit", NULL, NULL };

    world_open(&world, *state);
    support_write(world.support, send, &keyed);
    support_write(world.support, send, &keyed);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox WHERE provider = 'mail' AND path = "
                                   "'ada@berth.test' AND body = "
                                   "'{\"template\":\"low_credit\",\"left\":\"1 h\"}'"),
              1);
    support_write(world.support, send, &free);
    support_write(world.support, send, &free);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox"), 3);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_mail_with_a_key_is_sent_once) };
    return SUPPORT_RUN(tests);
}
