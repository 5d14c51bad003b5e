/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf_ints.h"

#include <assert.h>
#include <string.h>

enum { INT_SIZE = sizeof "-9223372036854775808" };

/* Two digits a division, from behind; the end of what it wrote. */
static char *write_int(char *at, int64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[INT_SIZE];
    size_t from = sizeof digits;

    if (number < 0)
        *at++ = '-';
    for (; left >= 100; left /= 100) {
        from -= 2;
        memcpy(&digits[from], &pairs[2 * (left % 100)], 2);
    }
    if (left >= 10) {
        from -= 2;
        memcpy(&digits[from], &pairs[2 * left], 2);
    } else {
        digits[--from] = (char)('0' + left);
    }
    memcpy(at, &digits[from], sizeof digits - from);
    return at + (sizeof digits - from);
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
