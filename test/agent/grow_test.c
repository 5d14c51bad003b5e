/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused; what is done is in disk_engine_test.c. */
#include "agent/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static void test_a_folder_without_a_limit_of_its_own_is_left_alone(void **state)
{
    char dir[] = "/var/tmp/berth-grow-XXXXXX", note[64];
    struct error err;

    (void)state;
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(note, sizeof note, "%s/note", dir);
    /* The limit of everybody's project would be everybody's. */
    CHECK(!grow_xfs(dir, "/dev/null", 1 << 30, &err));
    CHECK(strstr(err.text, dir) != NULL);
    CHECK(!grow_xfs(note, "/dev/null", 1 << 30, &err));
    /* And what the engine reads at the next start stays as it was. */
    CHECK(!grow_btrfs(dir, note, 1 << 30, &err));
    CHECK(access(note, F_OK) != 0);
    CHECK_INT(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_without_a_limit_of_its_own_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
