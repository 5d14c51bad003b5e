/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

static void check(const struct buf *buf)
{
    assert(buf->length <= buf->limit);
    assert((buf->bytes == NULL) == (buf->capacity == 0));
    assert(buf->bytes == NULL || buf->length < buf->capacity);
    assert(!buf->has_overflowed || buf->bytes == NULL);
}

static void overflow(struct buf *buf)
{
    buf_release(buf);
    buf->has_overflowed = true;
}

/* Make room for `length` bytes more and a NUL. False where they pass the limit. */
static bool make_room(struct buf *buf, size_t length)
{
    if (buf->has_overflowed || length > buf->limit - buf->length)
        return false;

    size_t needed = buf->length + length + 1;
    if (needed <= buf->capacity)
        return true;

    size_t capacity = buf->capacity > 0 ? buf->capacity : CAPACITY_MIN;
    while (capacity < needed)
        capacity *= 2;

    char *bytes = realloc(buf->bytes, capacity);
    if (bytes == NULL)
        abort();
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

struct buf buf_of(size_t limit)
{
    assert(limit < SIZE_MAX / 2);
    return (struct buf){ .limit = limit };
}

void buf_release(struct buf *buf)
{
    free(buf->bytes);
    *buf = buf_of(buf->limit);
}

void buf_append(struct buf *buf, const char *bytes, size_t length)
{
    check(buf);
    if (!make_room(buf, length)) {
        overflow(buf);
        return;
    }

    if (length > 0)
        memcpy(buf->bytes + buf->length, bytes, length);
    buf->length += length;
    buf->bytes[buf->length] = '\0';
    check(buf);
}

void buf_int(struct buf *buf, int64_t number)
{
    char text[sizeof "-9223372036854775808"];
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        text[--at] = '-';
    buf_append(buf, text + at, sizeof text - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;

    check(buf);
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    assert(length >= 0);
    if (make_room(buf, (size_t)length)) {
        (void)vsnprintf(buf->bytes + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    } else {
        overflow(buf);
    }
    va_end(again);
    va_end(arguments);
    check(buf);
}

char *buf_make_room(struct buf *buf, size_t length)
{
    check(buf);
    return make_room(buf, length) ? buf->bytes + buf->length : NULL;
}

char *buf_take(struct buf *buf)
{
    check(buf);
    assert(!buf->has_overflowed);
    if (buf->bytes == NULL)
        buf_append(buf, "", 0);

    char *bytes = buf->bytes;
    *buf = buf_of(buf->limit);
    return bytes;
}
