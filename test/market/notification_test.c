/* SPDX-License-Identifier: Apache-2.0 */
#include "market/notification.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void test_every_kind_is_found_by_its_key_and_nothing_else_is(void **state)
{
    char key[128];

    (void)state;
    for (int i = 0; i < NOTIFICATION_COUNT; i++) {
        const struct notification_kind *kind = notification_kind((enum notification)i);

        (void)snprintf(key, sizeof key, "%s:%s", kind->context, kind->slug);
        CHECK_TEXT(kind->key, key);
        CHECK_INT(notification_find(key), i);
        key[strlen(key) - 1] = '\0';
        CHECK_INT(notification_find(key), NOTIFICATION_COUNT);
        CHECK_INT(notification_find(kind->slug), NOTIFICATION_COUNT);
        CHECK(strlen(kind->topic) > 0 && strlen(kind->display) > 0);
    }
    CHECK_INT(notification_find(""), NOTIFICATION_COUNT);
}

static void test_mails_are_on_unless_turned_off_and_those_about_security_stay(void **state)
{
    (void)state;
    CHECK(notification_default().email);
    CHECK(!notification_default().webhooks);
    for (int i = 0; i < NOTIFICATION_COUNT; i++)
        CHECK(notification_kind((enum notification)i)->is_mandatory ==
              (i == NOTIFICATION_SECURITY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_found_by_its_key_and_nothing_else_is),
        cmocka_unit_test(test_mails_are_on_unless_turned_off_and_those_about_security_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
