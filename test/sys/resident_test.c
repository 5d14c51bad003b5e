/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/resident.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MORE = 64 << 20 };

static void test_what_is_written_to_is_counted(void **state)
{
    int64_t before = resident_bytes();
    char *more = malloc(MORE);

    (void)state;
    CHECK(more != NULL && before > 0);
    memset(more, 7, MORE);
    int64_t after = resident_bytes();
    CHECK(after - before > MORE / 2 && after - before < 2 * (int64_t)MORE);
    CHECK_INT(more[MORE / 3], 7);
    free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_to_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
