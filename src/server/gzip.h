/* SPDX-License-Identifier: Apache-2.0 */
/* A gzip stream out of texts that follow one another and are much alike.
 *
 * A library that compresses looks for what repeats itself; whoever writes rows of the same shape
 * knows: each row repeats the last one but for some values. So a row is compared with the last one
 * member by member, and what is equal is a reference to it (RFC 1951, with the codes that need no
 * table). What that comes to depends on the two texts and how far apart they lie, and on nothing
 * else in the stream: it begins and ends on a byte, and may be kept and used again.
 *
 *     struct gzip gzip = gzip_of(&body, "[{\"id\":7}", 9, gzip_crc(0, "[{\"id\":7}", 9));
 *     for each row: gzip_row(&gzip, &known, "0.25},", 6);
 *     gzip_end(&gzip, "]}", 2);
 *
 * `known` is what gzip_compare() made of the row's text, without the few bytes behind it that are
 * others each time: those are stored as they are. What is decoded is the texts, byte for byte. */

#ifndef BERTH_SERVER_GZIP_H
#define BERTH_SERVER_GZIP_H

#include <stdint.h>

#include "base/buf.h"

enum {
    GZIP_DISTANCE_MAX = 32768, /* from a text back to where it repeats another */
    GZIP_STORED_MAX = 65535,   /* bytes behind a row, or at the end */
};

/* A part of a row, and the part of the last row that may be like it, which began so many bytes of
 * text before this one does. No last one: its length is 0. Members begin with ," in both. */
struct gzip_part {
    const char *text, *last;
    size_t length, last_length, distance;
};

/* Writes the row's parts, in order. Returns how many bytes that are, or 0 where `room` is too
 * small; 2 * (length of the parts) + 16 is always enough. */
size_t gzip_compare(const struct gzip_part *parts, size_t count, char *out, size_t room);

/* A row's text as gzip_compare() wrote it. */
struct gzip_known {
    const char *bytes;
    size_t length;
    size_t text_length;
    uint32_t crc;   /* of the text: gzip_crc() */
    uint32_t shift; /* gzip_shift() of its length */
};

uint32_t gzip_crc(uint32_t crc, const char *text, size_t length); /* of nothing, it is 0 */
uint32_t gzip_shift(size_t text_length);
/* Of a text with this CRC and the known one behind it. */
uint32_t gzip_join(uint32_t crc, const struct gzip_known *known);

struct gzip {
    struct buf *out; /* borrowed */
    uint32_t crc, length;
};

/* Begins with a text that is stored, with this gzip_crc(). */
struct gzip gzip_of(struct buf *out, const char *text, size_t length, uint32_t crc);
void gzip_row(struct gzip *gzip, const struct gzip_known *known, const char *tail, size_t length);
void gzip_end(struct gzip *gzip, const char *text, size_t length);

#endif
