/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query_operand.h"

#include <math.h>
#include <string.h>

#include "market/machine.h"

enum { DIGITS_MAX = 18 };

/* Decimal text such as "24", ".98" or "-1.5". Up to 15 digits give the nearest double: both the
 * digits and the power of ten are exact, and one division rounds once. */
static bool read_decimal(const char *text, double *ret)
{
    bool is_negative = *text == '-';
    int64_t digits = 0;
    int count = 0, decimals = 0;
    bool is_behind_point = false;

    for (text += is_negative ? 1 : 0; *text != '\0'; text++) {
        if (*text == '.' && !is_behind_point) {
            is_behind_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || count == DIGITS_MAX)
            return false;
        digits = digits * 10 + (*text - '0');
        decimals += is_behind_point ? 1 : 0;
        count++;
    }
    if (count == 0)
        return false;

    double value = (double)digits / pow(10, decimals);
    *ret = is_negative ? -value : value;
    return true;
}

bool query_operand_number(const json_t *operand, double *ret)
{
    if (json_is_number(operand)) {
        *ret = json_number_value(operand);
        return true;
    }
    if (json_is_boolean(operand)) {
        *ret = json_is_true(operand) ? 1 : 0;
        return true;
    }
    return json_is_string(operand) && read_decimal(json_string_value(operand), ret);
}

bool query_operand_flag(const json_t *operand, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = { { "true", 1 },  { "True", 1 },  { "1", 1 },
                 { "false", 0 }, { "False", 0 }, { "0", 0 } };
    const char *text = json_string_value(operand);

    if (text == NULL)
        return query_operand_number(operand, ret) && (*ret == 0 || *ret == 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].text, text) == 0) {
            *ret = rows[i].value;
            return true;
        }
    }
    return false;
}

/* "570.86.15", or a number that stands for such: 570 and 570086 are 570.0.0 and 570.86.0. */
bool query_operand_version(const json_t *operand, double *ret)
{
    const char *text = json_string_value(operand);

    if (text != NULL && strchr(text, '.') != NULL) {
        *ret = (double)machine_driver_number(text);
        return *ret != 0;
    }
    if (!query_operand_number(operand, ret) || *ret <= 0)
        return false;
    while (*ret < 1e6)
        *ret *= 1e3;
    return true;
}
