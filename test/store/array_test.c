/* SPDX-License-Identifier: Apache-2.0 */
#include "store/array.h"

#include <stdio.h>

#include "check.h"

static void write_item(const void *items, size_t item, int column, struct buf *out)
{
    const int *numbers = items;

    buf_printf(out, "%d", column == 0 ? numbers[item] : -10 * numbers[item]);
}

static void check_value(const struct db_value *value, const char *want)
{
    char text[64];

    CHECK(value->type == DB_TEXT && value->length < sizeof text);
    (void)snprintf(text, sizeof text, "%.*s", (int)value->length, (const char *)value->bytes);
    CHECK_TEXT(text, want);
}

static void test_each_column_is_an_array(void **state)
{
    static const struct {
        size_t count;
        const char *first, *second;
    } rows[] = {
        { 0, "{}", "{}" },
        { 1, "{7}", "{-70}" },
        { 3, "{7,8,1234567}", "{-70,-80,-12345670}" },
    };
    static const int numbers[] = { 7, 8, 1234567 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf buf = buf_of(64);
        struct db_value values[2];

        check_row("%zu", i);
        array_values(&buf, write_item, numbers, rows[i].count, values, 2);
        check_value(&values[0], rows[i].first);
        check_value(&values[1], rows[i].second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_column_is_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
