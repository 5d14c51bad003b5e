/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf_ints.h"

#include <inttypes.h>

#include "check.h"

static void test_lines_of_numbers_are_what_is_printed(void **state)
{
    static const int64_t edges[] = { 0,         9,         10,
                                     -1,        99,        100,
                                     INT64_MAX, INT64_MIN, 1000000000000000000 };
    enum { COUNT = sizeof edges / sizeof edges[0] };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        auto_buf struct buf line = buf_of(1000), printed = buf_of(1000);
        int64_t numbers[] = { edges[i], edges[(i + 1) % COUNT], edges[(i + 2) % COUNT] };

        buf_ints(&line, numbers, ". \n");
        buf_printf(&printed, "%" PRId64 ".%" PRId64 " %" PRId64 "\n", numbers[0], numbers[1],
                   numbers[2]);
        CHECK_TEXT(line.bytes, printed.bytes);
    }
    auto_buf struct buf small = buf_of(4), none = buf_of(4);
    buf_ints(&small, (const int64_t[]){ 1, 2 }, " \n");
    CHECK_TEXT(small.bytes, "1 2\n");
    buf_ints(&small, edges, " ");
    CHECK(small.has_overflowed);
    buf_ints(&none, NULL, "");
    CHECK_INT((int64_t)none.length, 0);
    int64_t many[BUF_INTS_MAX];
    auto_buf struct buf long_line = buf_of(1000);
    for (size_t i = 0; i < BUF_INTS_MAX; i++)
        many[i] = INT64_MIN;
    buf_ints(&long_line, many, "................");
    CHECK_INT((int64_t)long_line.length, BUF_INTS_MAX * 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_numbers_are_what_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
