/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_call.h"

#include <string.h>

#include "support.h"

struct work {
    struct pay_call call;
    const char *email;
    bool renews;
};

static bool leave_work(struct db *db, void *context, struct error *err)
{
    const struct work *work = context;
    const struct stripe_customer customer = { "inst", work->email, "", 7 };
    struct psp_call bytes = stripe_customer(&customer);

    return work->renews ? pay_call_renew(db, &work->call, &bytes, WORLD_START, err)
                        : pay_call_leave(db, &work->call, &bytes, WORLD_START, err);
}

static void test_a_call_is_left_once_and_a_renewed_one_when_none_waits(void **state)
{
    struct world world;
    struct work work = { { PAY_CUSTOMER, 7, 1, NULL }, "a@x", false };
    struct error err;

    world_open(&world, *state);
    support_write(world.support, leave_work, &work);
    support_write(world.support, leave_work, &work);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM outbox"), 1);
    work.email = "b@x";
    CHECK_FAILS(store_write(world.support->store, leave_work, &work, &err), &err, ERROR_CONFLICT);
    work.renews = true;
    support_write(world.support, leave_work, &work); /* one waits */
    CHECK_INT(world_number(&world, "SELECT count(*) FROM outbox"), 1);
    support_script(world.support, "UPDATE outbox SET state = 2;");
    support_write(world.support, leave_work, &work);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM outbox WHERE "
                                   "idem_key = 'stripe:customer:7:2' AND state = 0"),
              1);
    world_close(&world);
}

static void test_keys_are_read_back_and_nothing_else_is(void **state)
{
    static const char *const none[] = {
        "",
        "stripe",
        "stripe:page:7",
        "stripe:page:7:",
        "stripe:page::1",
        "stripe:page:7:1:2",
        "stripe:nothing:7:1",
        "paypal:page:7:1",
        "stripe:batch:7:1",
        "stripe:page:x:1",
        "stripe:page:-7:1",
        "stripe:page:9223372036854775808:1",
        "mail:0123456789012345678901234567890123456789",
    };
    struct outbox_item item = { .id = 12, .provider = "stripe", .account = "acct_1" };
    char key[PAY_KEY_SIZE];
    struct pay_call call;

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        item.key = none[i];
        check_row("%s", none[i]);
        CHECK(!pay_call_read(&item, &call));
    }
    for (int i = 0; i < PAY_PURPOSE_COUNT; i++) {
        char text[PAY_KEY_SIZE];

        item.provider = i == PAY_BATCH ? "paypal" : "stripe";
        (void)snprintf(text, sizeof text, "%s:%s:9223372036854775807:3", item.provider,
                       pay_purpose_name((enum pay_purpose)i));
        item.key = text;
        check_row("%s", text);
        CHECK(pay_call_read(&item, &call));
        CHECK(call.purpose == (enum pay_purpose)i && call.ref == INT64_MAX && call.group == 3);
        CHECK_TEXT(call.account, "acct_1");
        CHECK_TEXT(pay_call_key(&item, "inst", key), "berth:inst:12:3");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_is_left_once_and_a_renewed_one_when_none_waits),
        cmocka_unit_test(test_keys_are_read_back_and_nothing_else_is),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
