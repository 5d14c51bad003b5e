/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum {
    NUMBER_SIZE = 1 + ENCODE_REAL_SIZE, /* of the longest, with a comma */
    SHORT_TEXT_MAX = 100,
    DECIMALS_MAX = 18,
    DIGITS_MAX = 20,       /* of 64 bits */
    REAL_DIGITS = 17,      /* enough for any double */
    DECIMALS_OF_REAL = 27, /* so many decimals are 17 digits of real_min */
};

/* Smaller ones, which nothing here measures or costs, are written with an exponent. */
static const double real_min = 1e-11, real_max = 9007199254740992.0; /* 2^53 */

static const char digit_pairs[201] = "00010203040506070809"
                                     "10111213141516171819"
                                     "20212223242526272829"
                                     "30313233343536373839"
                                     "40414243444546474849"
                                     "50515253545556575859"
                                     "60616263646566676869"
                                     "70717273747576777879"
                                     "80818283848586878889"
                                     "90919293949596979899";

/* 10^0 to 10^19, and 5^0 to 5^27. */
#define E9(n) ((n)*UINT64_C(1000000000))
static const uint64_t powers_of_ten[DIGITS_MAX] = {
    1,          10,          100,          1000,          10000,     100000,     1000000,
    10000000,   100000000,   E9(1),        E9(10),        E9(100),   E9(1000),   E9(10000),
    E9(100000), E9(1000000), E9(10000000), E9(100000000), E9(E9(1)), E9(E9(10)),
};
#undef E9
#define P9(n) ((n)*UINT64_C(1953125))
static const uint64_t powers_of_five[DECIMALS_OF_REAL + 1] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    P9(1),
    P9(5),
    P9(25),
    P9(125),
    P9(625),
    P9(3125),
    P9(15625),
    P9(78125),
    P9(390625),
    P9(P9(1)),
    P9(P9(5)),
    P9(P9(25)),
    P9(P9(125)),
    P9(P9(625)),
    P9(P9(3125)),
    P9(P9(15625)),
    P9(P9(78125)),
    P9(P9(390625)),
    P9(P9(P9(1))),
};
#undef P9

struct encoder encoder_of(struct buf *out)
{
    struct encoder json = { .out = out };

    json.is_array[0] = true; /* of one value */
    return json;
}

/* What goes between this value and what came before it: writes a comma, or nothing, and returns
 * how much that was. */
static size_t separate(struct encoder *json, char *at)
{
    bool needs_comma = json->has_item[json->depth] && !json->has_key;

    assert(json->has_key || json->is_array[json->depth]); /* in an object, a key comes first */
    assert(json->depth > 0 || !json->has_item[0]);        /* a document is one value */
    json->has_key = false;
    json->has_item[json->depth] = true;
    *at = ',';
    return needs_comma ? 1 : 0;
}

/* Take what was written to `start`: the buffer's own room or, close to its limit, `scratch`. */
static void finish(struct buf *out, const char *start, const char *scratch, size_t length)
{
    if (start == scratch)
        buf_append(out, scratch, length);
    else
        buf_claim(out, length);
}

static void begin(struct encoder *json, char bracket, bool is_array)
{
    char text[2];
    size_t length = separate(json, text);

    assert(json->depth + 1 < ENCODE_DEPTH_MAX);
    text[length++] = bracket;
    json->depth++;
    json->is_array[json->depth] = is_array;
    json->has_item[json->depth] = false;
    buf_append(json->out, text, length);
}

void encode_object(struct encoder *json)
{
    begin(json, '{', false);
}

void encode_array(struct encoder *json)
{
    begin(json, '[', true);
}

void encode_end(struct encoder *json)
{
    assert(json->depth > 0 && !json->has_key);
    buf_append(json->out, json->is_array[json->depth] ? "]" : "}", 1);
    json->depth--;
}

/* Bytes that a text may hold as they are: all of ASCII but controls, quote and backslash. */
static bool is_clean(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

/* The length of the UTF-8 sequence at the front, or 0 where there is none: overlong forms,
 * surrogates and what is past U+10FFFF are none. */
static size_t sequence_length(const unsigned char *at, size_t length)
{
    unsigned char first = at[0];
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if (first < 0xc2 || first > 0xf4 || length < wanted)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return wanted;
}

/* Write what stands for the byte at the front, which is not clean, and return how many bytes
 * of the text that covers. */
static size_t append_unclean(struct buf *out, const unsigned char *at, size_t length)
{
    static const char escapes[' '] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    size_t sequence = *at < 0x80 ? 1 : sequence_length(at, length);

    /* JSON lets U+007F to U+009F pass; terminals, where JSON is looked at, obey them. */
    if (*at == 0x7f || (sequence == 2 && at[0] == 0xc2 && at[1] < 0xa0))
        buf_printf(out, "\\u%04x", *at == 0x7f ? *at : at[1]);
    else if (sequence == 0)
        buf_append(out, "\xef\xbf\xbd", 3); /* U+FFFD */
    else if (sequence > 1)
        buf_append(out, (const char *)at, sequence);
    else if (*at < ' ' && escapes[*at] == 0)
        buf_printf(out, "\\u%04x", *at);
    else
        buf_append(out, (const char[]){ '\\', *at < ' ' ? escapes[*at] : (char)*at }, 2);
    return sequence > 0 ? sequence : 1;
}

/* The text between its quotes: clean runs are copied whole. */
static void append_text(struct buf *out, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    for (size_t i = 0; i < length;) {
        size_t run = i;

        while (run < length && is_clean(bytes[run]))
            run++;
        if (run > i)
            buf_append(out, text + i, run - i);
        i = run;
        if (i < length)
            i += append_unclean(out, bytes + i, length - i);
    }
}

/* Whether all eight bytes are clean: each test leaves the high bit of a byte that fails it, and may
 * leave those of bytes above one that does. */
static bool are_clean(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, text, sizeof word);
    uint64_t quotes = word ^ ones * '"', slashes = word ^ ones * '\\';
    uint64_t unclean = (word - ones * ' ') | (quotes - ones) | (slashes - ones) |
                       (word + ones) /* of 0x7f */ | word;
    return (unclean & ones * 0x80) == 0;
}

/* Copies a text as long as it is clean; returns how much was. */
static size_t copy_clean(char *to, const char *text, size_t length)
{
    size_t i = 0;

    for (; i + 8 <= length && are_clean(text + i); i += 8)
        memcpy(to + i, text + i, 8);
    /* The last eight again, with what is left among them. */
    if (i > 0 && i + 8 > length && are_clean(text + length - 8)) {
        memcpy(to + length - 8, text + length - 8, 8);
        return length;
    }
    for (; i < length && is_clean((unsigned char)text[i]); i++)
        to[i] = text[i];
    return i;
}

/* Comma, quotes and `tail` around the text; nearly all are short and clean, and are one copy. */
static void append_quoted(struct encoder *json, const char *text, size_t length, const char *tail,
                          size_t tail_length)
{
    char scratch[SHORT_TEXT_MAX + sizeof ",\"\":"];
    char *room = length <= SHORT_TEXT_MAX ? buf_room(json->out, sizeof scratch) : NULL;
    char *quoted = room != NULL ? room : scratch;
    size_t start = separate(json, quoted);

    quoted[start++] = '"';
    if (length <= SHORT_TEXT_MAX && copy_clean(quoted + start, text, length) == length) {
        memcpy(quoted + start + length, tail, tail_length);
        finish(json->out, quoted, scratch, start + length + tail_length);
        return;
    }
    finish(json->out, quoted, scratch, start);
    append_text(json->out, text, length);
    buf_append(json->out, tail, tail_length);
}

void encode_key(struct encoder *json, const char *key)
{
    assert(json->depth > 0 && !json->is_array[json->depth] && !json->has_key);
    /* What separate() is told: a key follows its neighbours as a value in a list does. */
    json->is_array[json->depth] = true;
    append_quoted(json, key, strlen(key), "\":", 2);
    json->is_array[json->depth] = false;
    json->has_key = true;
}

void encode_bytes(struct encoder *json, const char *bytes, size_t length)
{
    append_quoted(json, bytes, length, "\"", 1);
}

void encode_text(struct encoder *json, const char *text)
{
    if (text == NULL)
        encode_null(json);
    else
        append_quoted(json, text, strlen(text), "\"", 1);
}

void encode_raw(struct encoder *json, const char *text, size_t length)
{
    char comma[1];

    assert(length > 0);
    buf_append(json->out, comma, separate(json, comma));
    buf_append(json->out, text, length);
}

char *encode_raw_room(struct encoder *json, size_t length)
{
    char *room = buf_room(json->out, length + 1);

    if (room == NULL)
        return NULL;
    size_t comma = separate(json, room);
    if (comma > 0)
        buf_claim(json->out, comma);
    return room + comma;
}

void encode_raw_claim(struct encoder *json, size_t length)
{
    assert(length > 0);
    buf_claim(json->out, length);
}

void encode_members(struct encoder *json, const char *text, size_t length)
{
    assert(length > 0 && json->depth > 0 && !json->is_array[json->depth] && !json->has_key);
    if (json->has_item[json->depth])
        buf_append(json->out, ",", 1);
    json->has_item[json->depth] = true;
    buf_append(json->out, text, length);
}

void encode_null(struct encoder *json)
{
    encode_raw(json, "null", 4);
}

void encode_bool(struct encoder *json, bool value)
{
    encode_raw(json, value ? "true" : "false", value ? 4 : 5);
}

static size_t digit_count(uint64_t value)
{
    size_t count = 1;

    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Exactly `count` digits, with zeros in front. */
static void put_digits(char *at, uint64_t value, size_t count)
{
    for (; count >= 2; count -= 2) {
        memcpy(at + count - 2, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (count == 1)
        at[0] = (char)('0' + value % 10);
}

/* magnitude / 10^decimals, which has no trailing zero; returns the length. */
static size_t put_decimal(char *at, uint64_t magnitude, size_t decimals)
{
    bool is_below_one = decimals >= DIGITS_MAX; /* whatever the digits */
    uint64_t power = is_below_one ? 0 : powers_of_ten[decimals];
    uint64_t whole = is_below_one ? 0 : decimals == 0 ? magnitude : magnitude / power;
    size_t whole_count = digit_count(whole);

    put_digits(at, whole, whole_count);
    if (decimals == 0)
        return whole_count;
    at[whole_count] = '.';
    put_digits(at + whole_count + 1, magnitude - whole * power, decimals);
    return whole_count + 1 + decimals;
}

static size_t put_number(char *text, bool is_negative, uint64_t magnitude, size_t decimals)
{
    size_t length = 0;

    for (; decimals >= 3 && magnitude % 1000 == 0; decimals -= 3)
        magnitude /= 1000;
    for (; decimals > 0 && magnitude % 10 == 0; decimals--)
        magnitude /= 10;
    if (is_negative)
        text[length++] = '-';
    return length + put_decimal(text + length, magnitude, decimals);
}

static void append_number(struct encoder *json, bool is_negative, uint64_t magnitude,
                          size_t decimals)
{
    char scratch[NUMBER_SIZE];
    char *room = buf_room(json->out, sizeof scratch);
    char *text = room != NULL ? room : scratch;
    size_t length = separate(json, text);

    length += put_number(text + length, is_negative, magnitude, decimals);
    assert(length <= sizeof scratch);
    finish(json->out, text, scratch, length);
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

void encode_int(struct encoder *json, int64_t value)
{
    append_number(json, value < 0, magnitude_of(value), 0);
}

void encode_uint(struct encoder *json, uint64_t value)
{
    append_number(json, false, value, 0);
}

void encode_fixed(struct encoder *json, int64_t value, int decimals)
{
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    append_number(json, value < 0, magnitude_of(value), (size_t)decimals);
}

void encode_money(struct encoder *json, struct money amount)
{
    static_assert(NANODOLLARS_PER_DOLLAR == 1000000000, "it has nine zeros");
    encode_fixed(json, amount.nanodollars, 9);
}

size_t encode_fixed_text(char text[static ENCODE_FIXED_SIZE], int64_t value, int decimals)
{
    /* At most a sign, 19 digits, a point and a zero before it. */
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    return put_number(text, value < 0, magnitude_of(value), (size_t)decimals);
}

/* A finite double above zero, taken apart: significand * 2^exponent, normal. */
static uint64_t significand_of(double value, int *ret_exponent)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    *ret_exponent = (int)(bits >> (DBL_MANT_DIG - 1)) - (DBL_MAX_EXP - 1) - (DBL_MANT_DIG - 1);
    return (bits & ((UINT64_C(1) << (DBL_MANT_DIG - 1)) - 1)) | UINT64_C(1) << (DBL_MANT_DIG - 1);
}

/* The number with the fewest digits that is nearer to `value` than to any other double, as an
 * integer and how many of its digits are decimals. `value` is in [real_min, real_max).
 *
 * value = significand * 2^-shift, and what lies within half a step of it reads back as it; below a
 * power of two steps are half as long. All of that is scaled by four, to make those whole, and by a
 * power of ten that makes 17 or 18 digits of it: by that of five, and the rest is shifted less. The
 * product stays below 2^55 * 5^27 < 2^118, so everything here is exact. */
static uint64_t shortest_digits(double value, size_t *ret_decimals)
{
    int exponent;
    uint64_t significand = significand_of(value, &exponent);

    /* log10(2) is 1233/4096, near enough for the whole part of the logarithm, or one less. */
    int magnitude = ((exponent + DBL_MANT_DIG - 1) * 1233) >> 12;
    size_t decimals = magnitude > -11 ? (size_t)(16 - magnitude) : DECIMALS_OF_REAL;
    int shift = 2 - exponent - (int)decimals;

    assert(value >= real_min && value < real_max && magnitude <= 16 && shift > 0);
    uint64_t scale = powers_of_five[decimals];
    bool is_power = significand == UINT64_C(1) << (DBL_MANT_DIG - 1);
    uint128 middle = 4 * (uint128)significand * scale, above = 2 * (uint128)scale;
    uint128 below = is_power ? scale : above;
    uint64_t low = (uint64_t)((middle - below) >> shift) + 1;
    uint64_t high = (uint64_t)((middle + above - 1) >> shift); /* both edges are left out */
    uint64_t unit = 1;

    while (decimals > 0 && (low + 9) / 10 <= high / 10) {
        low = (low + 9) / 10;
        high /= 10;
        unit *= 10;
        decimals--;
    }

    /* Of what lies between low and high, the nearest to the middle; of two, the even one. */
    uint64_t nearest = (uint64_t)(middle >> shift) / unit;
    uint128 rest = middle - (((uint128)nearest * unit) << shift);
    uint128 half = (uint128)unit << (shift - 1);
    nearest += rest > half || (rest == half && nearest % 2 == 1);
    *ret_decimals = decimals;
    return nearest < low ? low : nearest > high ? high : nearest;
}

size_t encode_real_text(char text[static ENCODE_REAL_SIZE], double value)
{
    double magnitude = fabs(value);
    size_t decimals = 0;

    if (!isfinite(value)) {
        memcpy(text, "null", 4);
        return 4;
    }
    if (magnitude < real_max && trunc(magnitude) == magnitude)
        return put_number(text, value < 0, (uint64_t)magnitude, 0);
    if (magnitude >= real_min && magnitude < real_max) {
        uint64_t digits = shortest_digits(magnitude, &decimals);

        return put_number(text, value < 0, digits, decimals);
    }
    int length = snprintf(text, ENCODE_REAL_SIZE, "%.*g", REAL_DIGITS, value);

    assert(length > 0 && length < ENCODE_REAL_SIZE);
    return (size_t)length;
}

void encode_real(struct encoder *json, double value)
{
    char text[ENCODE_REAL_SIZE];

    encode_raw(json, text, encode_real_text(text, value));
}

void encode_field_int(struct encoder *json, const char *key, int64_t value)
{
    encode_key(json, key);
    encode_int(json, value);
}

void encode_field_bool(struct encoder *json, const char *key, bool value)
{
    encode_key(json, key);
    encode_bool(json, value);
}

void encode_field_text(struct encoder *json, const char *key, const char *text)
{
    encode_key(json, key);
    encode_text(json, text);
}

void encode_field_money(struct encoder *json, const char *key, struct money amount)
{
    encode_key(json, key);
    encode_money(json, amount);
}

void encode_field_exact(struct encoder *json, const char *key, struct money amount)
{
    char text[MONEY_TEXT_SIZE];

    encode_field_text(json, key, money_format(amount, text));
}

void encode_field_real(struct encoder *json, const char *key, double value)
{
    encode_key(json, key);
    encode_real(json, value);
}
