/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

bool parse_u64(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
        if (__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
    }

    *ret_value = value;
    return true;
}
