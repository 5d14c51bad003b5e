/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy_carry.h"

#include <string.h>

#include "check.h"

static void test_the_last_whole_line_of_progress_is_told(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: there is none */
    } rows[] = {
        { "\r              0   0%    0.00kB/s    0:00:00  ", "0 %, 0 bytes, 0.00kB/s" },
        { "\r  1  1%  1kB/s 0:00:01\r  1,234,567  42%   35.00MB/s    0:00:12 (xfr#5, to-chk=1/9)",
          "42 %, 1,234,567 bytes, 35.00MB/s" },
        { "\r  5  7%  1kB/s 0:00:01\r  1,234", "7 %, 5 bytes, 1kB/s" },
        { "\r  5  100%  1kB/s", "100 %, 5 bytes, 1kB/s" },
        { "\r  5  101%  1kB/s", NULL },
        { "\r  5  7%", NULL },
        { "\r  x5  7%  1kB/s", NULL },
        { "\r  5  7%x  1kB/s", NULL },
        { "  5  7%  1kB/s", NULL },
        { "", NULL },
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].text);
        memcpy(text, "as it was", sizeof "as it was");
        CHECK_INT(copy_progress(rows[i].text, strlen(rows[i].text), text, sizeof text),
                  rows[i].want != NULL);
        CHECK_TEXT(text, rows[i].want != NULL ? rows[i].want : "as it was");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_whole_line_of_progress_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
