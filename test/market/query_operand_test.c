/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query_operand.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static json_t *json_of(const char *text)
{
    json_t *root;
    char whole[128];

    (void)snprintf(whole, sizeof whole, "[%s]", text);
    root = json_loads(whole, JSON_DECODE_ANY, NULL);
    CHECK(root != NULL);
    return root;
}

typedef bool reader(const json_t *operand, double *ret);

static const struct {
    reader *read;
    const char *text;
    double value; /* NAN: none */
} rows[] = {
    { query_operand_number, "2", 2 },
    { query_operand_number, "2.5", 2.5 },
    { query_operand_number, "\"2\"", 2 },
    { query_operand_number, "\".98\"", 0.98 },
    { query_operand_number, "\"-1.5\"", -1.5 },
    { query_operand_number, "\"7.\"", 7 },
    { query_operand_number, "\"999999999999999999\"", 999999999999999999.0 },
    { query_operand_number, "\"1999999999999999999\"", NAN },
    { query_operand_number, "true", 1 },
    { query_operand_number, "\"\"", NAN },
    { query_operand_number, "\"-\"", NAN },
    { query_operand_number, "\"nan\"", NAN },
    { query_operand_number, "\"1e3\"", NAN },
    { query_operand_number, "\" 1\"", NAN },
    { query_operand_number, "null", NAN },
    { query_operand_number, "[]", NAN },
    { query_operand_flag, "true", 1 },
    { query_operand_flag, "\"True\"", 1 },
    { query_operand_flag, "\"0\"", 0 },
    { query_operand_flag, "0", 0 },
    { query_operand_flag, "2", NAN },
    { query_operand_flag, "\"yes\"", NAN },
    { query_operand_version, "\"570.86.15\"", 570086015 },
    { query_operand_version, "570086015", 570086015 },
    { query_operand_version, "\"570\"", 570000000 },
    { query_operand_version, "570086", 570086000 },
    { query_operand_version, "\"x.y\"", NAN },
    { query_operand_version, "0", NAN },
    { query_operand_version, "-570", NAN },
};

static void test_operands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].text);
        double value = -77;
        bool is_read = rows[i].read(json_array_get(root, 0), &value);

        check_row("row %zu, %s", i, rows[i].text);
        CHECK(is_read == !isnan(rows[i].value));
        if (is_read)
            CHECK(value == rows[i].value);
    }
}

/* Any decimal text of up to 15 digits is the double that the C library reads. */
static void test_decimal_text_is_the_nearest_double(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[32], quoted[40];
        int decimals = (int)check_random(8);
        double value = -1;

        (void)snprintf(text, sizeof text, "%s%llu.%0*llu", check_random(2) == 0 ? "-" : "",
                       (unsigned long long)check_random(10000000), decimals + 1,
                       (unsigned long long)check_random(10));
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", text);
        auto_json json_t *root = json_of(quoted);
        check_row("%s", text);
        CHECK(query_operand_number(json_array_get(root, 0), &value));
        CHECK(value == strtod(text, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_decimal_text_is_the_nearest_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
