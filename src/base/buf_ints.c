/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf_ints.h"

#include <assert.h>
#include <string.h>

enum { INT_SIZE = sizeof "-9223372036854775808" };

/* The end of it: the digits are counted first, so that they can be written where they belong. */
static char *write_int(char *at, int64_t number)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    uint64_t power = 10;

    if (number < 0)
        *at++ = '-';
    for (at++; left >= power; power *= 10)
        at++; /* 2^63 has 19 digits, and the twentieth power fits */

    char *end = at;
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    return end;
}

void buf_ints(struct buf *buf, const int64_t *numbers, const char *after)
{
    char text[BUF_INTS_MAX * INT_SIZE];
    char *at = text;

    assert(strlen(after) <= BUF_INTS_MAX);
    for (; *after != '\0'; after++) {
        at = write_int(at, *numbers++);
        *at++ = *after;
    }
    buf_append(buf, text, (size_t)(at - text));
}
