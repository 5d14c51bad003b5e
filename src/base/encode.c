/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum {
    NUMBER_SIZE = 40, /* of the longest: a comma, a sign, 0., 21 zeros and digits */
    SHORT_TEXT_MAX = 100,
    DECIMALS_MAX = 18,
    REAL_DIGITS = 17, /* enough for any double */
};

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

/* Copies what is clean; returns how much was. */
static size_t copy_clean(char *to, const char *text, size_t length)
{
    size_t i = 0;

    for (; i < length && is_clean((unsigned char)text[i]); i++)
        to[i] = text[i];
    return i;
}

/* Comma, quotes and `tail` around the text; nearly all are short and clean, and are one copy. */
static void append_quoted(struct encoder *json, const char *text, size_t length, const char *tail)
{
    char quoted[SHORT_TEXT_MAX + sizeof ",\"\":"];
    size_t tail_length = strlen(tail);
    size_t start = separate(json, quoted);

    quoted[start++] = '"';
    if (length <= SHORT_TEXT_MAX && copy_clean(quoted + start, text, length) == length) {
        memcpy(quoted + start + length, tail, tail_length);
        buf_append(json->out, quoted, start + length + tail_length);
        return;
    }
    buf_append(json->out, quoted, start);
    append_text(json->out, text, length);
    buf_append(json->out, tail, tail_length);
}

void encode_key(struct encoder *json, const char *key)
{
    assert(json->depth > 0 && !json->is_array[json->depth] && !json->has_key);
    /* What separate() is told: a key follows its neighbours as a value in a list does. */
    json->is_array[json->depth] = true;
    append_quoted(json, key, strlen(key), "\":");
    json->is_array[json->depth] = false;
    json->has_key = true;
}

void encode_bytes(struct encoder *json, const char *bytes, size_t length)
{
    append_quoted(json, bytes, length, "\"");
}

void encode_text(struct encoder *json, const char *text)
{
    if (text == NULL)
        encode_null(json);
    else
        append_quoted(json, text, strlen(text), "\"");
}

void encode_raw(struct encoder *json, const char *text, size_t length)
{
    char comma[1];

    assert(length > 0);
    buf_append(json->out, comma, separate(json, comma));
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
    size_t count = digit_count(magnitude);
    size_t whole = count > decimals ? count - decimals : 0;
    char digits[NUMBER_SIZE];
    char *start = at;

    if (decimals == 0) {
        put_digits(at, magnitude, count);
        return count;
    }
    put_digits(digits, magnitude, count);
    memcpy(at, whole > 0 ? digits : "0", whole > 0 ? whole : 1);
    at += whole > 0 ? whole : 1;
    *at++ = '.';
    for (size_t zeros = decimals - (count - whole); zeros > 0; zeros--)
        *at++ = '0';
    memcpy(at, digits + whole, count - whole);
    return (size_t)(at - start) + count - whole;
}

static void append_number(struct encoder *json, bool is_negative, uint64_t magnitude,
                          size_t decimals)
{
    char text[NUMBER_SIZE];
    size_t length = separate(json, text);

    while (decimals > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals--;
    }
    if (is_negative)
        text[length++] = '-';
    length += put_decimal(text + length, magnitude, decimals);
    assert(length <= sizeof text);
    buf_append(json->out, text, length);
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

/* The number with the fewest digits that is nearer to `value` than to any other double, as an
 * integer and how many of its digits are decimals. `value` is in [0.00001, 2^53).
 *
 * value = significand * 2^-shift, and what lies within half a step of it reads back as it. All of
 * that is scaled by four, to make the half steps (and, below a power of two, where steps are half
 * as long, the quarter steps) whole, and by a power of ten that makes 17 digits of it. The
 * product stays below 2^55 * 10^21 < 2^125, so everything here is exact. */
static uint64_t shortest_digits(double value, size_t *ret_decimals)
{
    int exponent;
    uint64_t significand = (uint64_t)ldexp(frexp(value, &exponent), DBL_MANT_DIG);
    int shift = DBL_MANT_DIG - exponent + 2;
    bool is_power_of_two = (significand & (significand - 1)) == 0;
    uint128 scale = 1;
    size_t decimals = 0;

    assert(value >= 1e-5 && value < 9007199254740992.0);
    while ((4 * significand * scale) >> shift < UINT64_C(10000000000000000)) {
        scale *= 10;
        decimals++;
    }

    uint128 below = (4 * (uint128)significand - (is_power_of_two ? 1 : 2)) * scale;
    uint128 above = (4 * (uint128)significand + 2) * scale;
    uint128 middle = 4 * (uint128)significand * scale;
    uint64_t low = (uint64_t)(below >> shift) + 1; /* the edges themselves are left out */
    uint64_t high = (uint64_t)((above - 1) >> shift);
    uint64_t unit = 1;

    while (decimals > 0 && high / (unit * 10) * (unit * 10) >= low) {
        unit *= 10;
        decimals--;
    }

    /* Of the multiples of `unit` between low and high, the one nearest to the middle. */
    uint64_t nearest = (uint64_t)((middle + ((uint128)unit << shift) / 2) >> shift) / unit * unit;
    nearest = nearest < low ? nearest + unit : nearest > high ? nearest - unit : nearest;
    *ret_decimals = decimals;
    return nearest / unit;
}

void encode_real(struct encoder *json, double value)
{
    double magnitude = fabs(value);
    size_t decimals;

    if (!isfinite(value)) {
        encode_null(json);
    } else if (trunc(magnitude) == magnitude && magnitude < 9007199254740992.0) {
        append_number(json, value < 0, (uint64_t)magnitude, 0);
    } else if (magnitude >= 1e-5 && magnitude < 9007199254740992.0) {
        uint64_t digits = shortest_digits(magnitude, &decimals);
        append_number(json, value < 0, digits, decimals);
    } else {
        char text[NUMBER_SIZE];
        int length = snprintf(text, sizeof text, "%.*g", REAL_DIGITS, value);

        assert(length > 0 && (size_t)length < sizeof text);
        encode_raw(json, text, (size_t)length);
    }
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

void encode_field_real(struct encoder *json, const char *key, double value)
{
    encode_key(json, key);
    encode_real(json, value);
}
