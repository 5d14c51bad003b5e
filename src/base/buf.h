/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, up to a limit.
 *
 * Whatever an outsider can make longer has a limit from its first byte. A buffer
 * that is pushed past its limit has overflowed, and stays so: it drops what it
 * holds and ignores what follows. So a whole document can be written without
 * looking, and looked at once, at the end:
 *
 *     auto_buf struct buf body = buf_of(REPLY_SIZE_MAX);
 *
 *     offers_write(&body, offers, offer_count);
 *     if (body.has_overflowed)
 *         return error_set(err, ERROR_OUT_OF_RANGE, "the reply is too long");
 *
 * Running out of memory is not an error that anyone handles: the process ends, and
 * its supervisor starts it again from what is stored. */

#ifndef BERTH_BASE_BUF_H
#define BERTH_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Read the fields; let buf_...() change them. */
struct buf {
    char *bytes;   /* owned; ends in a NUL that `length` leaves out; NULL until written to */
    size_t length; /* never above `limit` */
    size_t limit;
    size_t capacity;
    bool has_overflowed;
};

#define auto_buf __attribute__((cleanup(buf_release)))

/* An empty buffer for up to `limit` bytes. Allocates nothing. */
struct buf buf_of(size_t limit);

/* Free what the buffer owns, and leave it empty for use again. */
void buf_release(struct buf *buf);

/* What is added must not be part of the buffer itself, which may move. */
void buf_append(struct buf *buf, const char *bytes, size_t length);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* In decimal: what buf_printf() would write, in a tenth of the time. */
void buf_int(struct buf *buf, int64_t number);

/* Where up to `length` bytes may be written in place, behind what is there, for buf_claim() to
 * take. NULL, and nothing changed, where the limit would not allow that many. */
char *buf_make_room(struct buf *buf, size_t length);

static inline char *buf_room(struct buf *buf, size_t length)
{
    bool has_room = length < buf->capacity - buf->length && length <= buf->limit - buf->length;

    return has_room ? buf->bytes + buf->length : buf_make_room(buf, length);
}

/* Take the first `length` bytes of the room that buf_room() just gave. */
static inline void buf_claim(struct buf *buf, size_t length)
{
    buf->length += length;
    buf->bytes[buf->length] = '\0';
}

/* Hand the bytes over to the caller, who frees them, and leave the buffer empty. An
 * empty buffer hands over an empty string; an overflowed one must not be asked. */
NODISCARD char *buf_take(struct buf *buf);

#endif
