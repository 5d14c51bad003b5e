/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/releases.h"
#include "check.h"
#include "support_home.h"

static void said_is(const char *want)
{
    size_t length = 0;
    char *text = NULL;
    struct error err;
    FILE *out = open_memstream(&text, &length);

    CHECK(out != NULL);
    CHECK_OK(status_print(out, home_path(), &err), &err);
    CHECK_INT(fclose(out), 0);
    CHECK_TEXT(text, want);
    free(text);
}

static void test_a_new_host_says_little(void **state)
{
    (void)state;
    said_is("not enrolled yet\nagent: runs\n0 instances\n");
}

static void test_what_came_of_releases(void **state)
{
    static const uint8_t bytes[PUBLIC_KEY_SIZE];
    auto_releases struct releases releases = { .dir = -1 };
    struct releases_state updates = { 0 };
    char key[BASE64_SIZE(PUBLIC_KEY_SIZE)];
    struct error err;

    (void)state;
    CHECK_OK(
        releases_open(home_path(), base64_format(bytes, PUBLIC_KEY_SIZE, key), &releases, &err),
        &err);
    said_is("not enrolled yet\nagent: runs\n0 instances\n");
    (void)snprintf(updates.confirmed, sizeof updates.confirmed, "1.2.0");
    releases_count(&updates, "1.2.0", 1);
    releases_count(&updates, "1.2.0", -RELEASES_TRIES);
    releases_count(&updates, "1.3.0", RELEASES_TRIES);
    releases_count(&updates, "1.4.0", 1);
    CHECK_OK(releases_save(&releases, &updates, &err), &err);
    said_is("not enrolled yet\nagent: runs\n"
            "updates: release 1.2.0 confirmed\n"
            "updates: release 1.3.0 failed 3 of 3 trials, given up\n"
            "updates: release 1.4.0 failed 1 of 3 trials\n"
            "0 instances\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_new_host_says_little, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_what_came_of_releases, home_setup, home_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
