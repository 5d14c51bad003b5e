/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include "check.h"

static void test_takes_all_or_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        uint64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "007", true, 7 },
        { "18446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, 0 },
        { "99999999999999999999", false, 0 },
        { "", false, 0 },
        { " 1", false, 0 },
        { "1\n", false, 0 },
        { "+1", false, 0 },
        { "-1", false, 0 },
        { "0x10", false, 0 },
        { "1e3", false, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 42;

        check_row("'%s'", rows[i].text);
        CHECK(parse_u64(rows[i].text, &value) == rows[i].is_number);
        CHECK(value == (rows[i].is_number ? rows[i].value : 42));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
