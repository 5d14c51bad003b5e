/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gzip.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

enum {
    MATCH_MIN = 4, /* a reference to three bytes is about as long as they are */
    MATCH_MAX = 258,
    PUT_MAX = 8, /* bytes that one put_bits() may touch */
};

/* Bits, the lowest first, into bytes. */
struct bits {
    char *at, *end;
    uint64_t held;
    unsigned count; /* below 32 */
    bool is_full;
};

/* At most 32 of them. */
static inline void put_bits(struct bits *bits, uint64_t value, unsigned count)
{
    bits->held |= value << bits->count;
    bits->count += count;
    if (bits->count < 32)
        return;
    if (bits->end - bits->at < PUT_MAX) {
        bits->is_full = true;
    } else {
        uint32_t word = (uint32_t)bits->held;

        memcpy(bits->at, &word, sizeof word);
        bits->at += sizeof word;
    }
    bits->held >>= 32;
    bits->count -= 32;
}

/* Fills up the last byte. */
static void put_rest(struct bits *bits)
{
    for (unsigned left = bits->count; left > 0; left = left > 8 ? left - 8 : 0) {
        if (bits->end == bits->at) {
            bits->is_full = true;
            return;
        }
        *bits->at++ = (char)bits->held;
        bits->held >>= 8;
    }
    bits->count = 0;
}

/* Codes are written with their highest bit first. */
static unsigned reversed(unsigned code, unsigned count)
{
    code = (code & 0x55u) << 1 | (code >> 1 & 0x55u);
    code = (code & 0x33u) << 2 | (code >> 2 & 0x33u);
    code = (code & 0x0fu) << 4 | (code >> 4 & 0x0fu);
    return code >> (8 - count);
}

static void put_literals(struct bits *bits, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned byte = (unsigned char)text[i];

        /* From 144 on they have nine bits, the first of which is 1. */
        if (byte < 144)
            put_bits(bits, reversed(0x30 + byte, 8), 8);
        else
            put_bits(bits, 1 | reversed(byte - 144 + 0x90, 8) << 1, 9);
    }
}

static unsigned log2_of(unsigned number)
{
    return 31u - (unsigned)__builtin_clz(number);
}

/* From 3 to 258 bytes, from 1 to 32768 back. */
static void put_match(struct bits *bits, size_t length, size_t distance)
{
    unsigned long_by = (unsigned)length - 3, back = (unsigned)distance - 1;
    unsigned extra = long_by < 8 ? 0 : log2_of(long_by) - 2;
    unsigned symbol = length == MATCH_MAX ? 29 : 1 + 4 * extra + (long_by >> extra);

    if (length == MATCH_MAX)
        extra = 0;
    /* Symbols 256 to 279 have seven bits, those behind them eight. */
    if (symbol < 24)
        put_bits(bits, reversed(symbol, 7), 7);
    else
        put_bits(bits, reversed(0xc0 + symbol - 24, 8), 8);
    put_bits(bits, long_by & ((1u << extra) - 1), extra);
    extra = back < 4 ? 0 : log2_of(back) - 1;
    put_bits(bits, reversed(2 * extra + (back >> extra), 5), 5);
    put_bits(bits, back & ((1u << extra) - 1), extra);
}

/* How many bytes at the front are the same. */
static size_t same(const char *a, const char *b, size_t length)
{
    size_t i = 0;

    for (; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) {
        uint64_t one, other;

        memcpy(&one, a + i, sizeof one);
        memcpy(&other, b + i, sizeof other);
        if (one != other)
            return i + (size_t)__builtin_ctzll(one ^ other) / 8;
    }
    while (i < length && a[i] == b[i])
        i++;
    return i;
}

/* Where the next member begins: from `at` on. */
static size_t next_member(const char *text, size_t at, size_t length)
{
    while (at + 1 < length && (text[at] != ',' || text[at + 1] != '"'))
        at++;
    return at + 1 < length ? at : length;
}

static void put_run(struct bits *bits, const char *text, size_t length, size_t distance)
{
    while (length >= MATCH_MIN && distance >= 1 && distance <= GZIP_DISTANCE_MAX) {
        size_t part = length < MATCH_MAX ? length : MATCH_MAX;

        put_match(bits, part, distance);
        text += part;
        length -= part;
    }
    put_literals(bits, text, length);
}

/* Equal runs are references; from where the two differ to the next member, all is written out. */
static void put_part(struct bits *bits, const struct gzip_part *part)
{
    size_t at = 0, last_at = 0;

    while (at < part->length && last_at < part->last_length) {
        size_t left = part->length - at, last_left = part->last_length - last_at;
        size_t run =
            same(part->text + at, part->last + last_at, left < last_left ? left : last_left);

        put_run(bits, part->text + at, run, part->distance + at - last_at);
        at += run;
        last_at += run;
        size_t next = next_member(part->text, at, part->length);
        last_at = next_member(part->last, last_at, part->last_length);
        put_literals(bits, part->text + at, next - at);
        at = next;
    }
    put_literals(bits, part->text + at, part->length - at);
}

size_t gzip_compare(const struct gzip_part *parts, size_t count, char *out, size_t room)
{
    struct bits bits = { .at = out, .end = out + room };

    put_bits(&bits, 2, 3); /* a block that is not the last, with codes that are known */
    for (size_t i = 0; i < count; i++)
        put_part(&bits, &parts[i]);
    put_bits(&bits, 0, 7); /* its end */
    put_bits(&bits, 0, 3); /* a block that is stored: what lies behind the row */
    put_rest(&bits);
    return bits.is_full ? 0 : (size_t)(bits.at - out);
}

uint32_t gzip_crc(uint32_t crc, const char *text, size_t length)
{
    return (uint32_t)crc32_z(crc, (const unsigned char *)text, length);
}

uint32_t gzip_shift(size_t text_length)
{
    return (uint32_t)crc32_combine_gen((z_off_t)text_length);
}

uint32_t gzip_join(uint32_t crc, const struct gzip_known *known)
{
    return (uint32_t)crc32_combine_op(crc, known->crc, known->shift);
}

static void append_number(struct buf *out, uint32_t number, size_t size)
{
    char bytes[sizeof number];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(number >> 8 * i);
    buf_append(out, bytes, size);
}

/* What stands behind the head of a stored block. */
static void append_stored(struct gzip *gzip, const char *text, size_t length)
{
    assert(length <= GZIP_STORED_MAX);
    append_number(gzip->out, (uint32_t)length | ~(uint32_t)length << 16, 4);
    buf_append(gzip->out, text, length);
    gzip->length += (uint32_t)length;
}

static void add_stored(struct gzip *gzip, const char *text, size_t length)
{
    append_stored(gzip, text, length);
    gzip->crc = gzip_crc(gzip->crc, text, length);
}

struct gzip gzip_of(struct buf *out, const char *text, size_t length, uint32_t crc)
{
    /* Deflate, no name, no time, by nobody in particular; and the head of a stored block. */
    static const char head[] = { '\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff', 0 };
    struct gzip gzip = { .out = out, .crc = crc };

    buf_append(out, head, sizeof head);
    append_stored(&gzip, text, length);
    return gzip;
}

void gzip_row(struct gzip *gzip, const struct gzip_known *known, const char *tail, size_t length)
{
    buf_append(gzip->out, known->bytes, known->length);
    gzip->crc = gzip_join(gzip->crc, known);
    gzip->length += (uint32_t)known->text_length;
    add_stored(gzip, tail, length);
}

void gzip_end(struct gzip *gzip, const char *text, size_t length)
{
    append_number(gzip->out, 1, 1); /* the last block, stored */
    add_stored(gzip, text, length);
    append_number(gzip->out, gzip->crc, 4);
    append_number(gzip->out, gzip->length, 4);
}
