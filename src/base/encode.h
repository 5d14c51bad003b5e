/* SPDX-License-Identifier: Apache-2.0 */
/* JSON out, streamed into a bounded buffer: no tree, no copies.
 *
 *     struct encoder json = encoder_of(&body);
 *     encode_object(&json);
 *     encode_key(&json, "id");
 *     encode_int(&json, 7001);
 *     encode_end(&json);
 *
 * Commas, nesting and escapes are the encoder's. Misuse (a key in an array, an end too
 * many) is a bug and asserts; running past the buffer's limit overflows the buffer, and
 * is looked at once, at the end. Strings must be UTF-8; bytes that are not come out as
 * U+FFFD, so the output always parses. Controls come out as escapes, those that JSON would let pass
 * too, so it is safe to look at. */

#ifndef BERTH_BASE_ENCODE_H
#define BERTH_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/money.h"

enum { ENCODE_DEPTH_MAX = 32 };

struct encoder {
    struct buf *out; /* borrowed */
    int depth;
    bool is_array[ENCODE_DEPTH_MAX];
    bool has_item[ENCODE_DEPTH_MAX];
    bool has_key; /* a key was written and waits for its value */
};

struct encoder encoder_of(struct buf *out);

void encode_object(struct encoder *json);
void encode_array(struct encoder *json);
void encode_end(struct encoder *json); /* of the innermost object or array */
void encode_key(struct encoder *json, const char *key);

void encode_null(struct encoder *json);
void encode_bool(struct encoder *json, bool value);
void encode_int(struct encoder *json, int64_t value);
void encode_uint(struct encoder *json, uint64_t value);
void encode_text(struct encoder *json, const char *text); /* NULL writes null */
void encode_bytes(struct encoder *json, const char *bytes, size_t length);

/* `value` / 10^decimals, exactly and without trailing zeros: (1500, 3) is 1.5. */
void encode_fixed(struct encoder *json, int64_t value, int decimals);

/* Dollars as a JSON number, exact to the nanodollar. */
void encode_money(struct encoder *json, struct money amount);

/* Text that reads back as the same double, and between 10^-11 and 2^53, where scores live, the
 * shortest one; not finite writes null. For scores and measurements; money never passes through
 * here. */
void encode_real(struct encoder *json, double value);

/* The texts of encode_fixed() and encode_real() without an encoder, for who puts them between texts
 * that are ready. They return its length; there is no NUL. */
enum { ENCODE_FIXED_SIZE = 24, ENCODE_REAL_SIZE = 40 };
size_t encode_fixed_text(char text[static ENCODE_FIXED_SIZE], int64_t value, int decimals);
size_t encode_real_text(char text[static ENCODE_REAL_SIZE], double value);

/* One value that is JSON already. */
void encode_raw(struct encoder *json, const char *text, size_t length);

/* The same, written in place: room for up to `length` bytes, and what was used of it. NULL: the
 * buffer's limit would not allow that many, and nothing was begun. */
char *encode_raw_room(struct encoder *json, size_t length);
void encode_raw_claim(struct encoder *json, size_t length);

/* Members of the innermost object that are JSON already: one or more, without its brackets. */
void encode_members(struct encoder *json, const char *text, size_t length);

/* Key and value in one line, for the common types. */
void encode_field_int(struct encoder *json, const char *key, int64_t value);
void encode_field_bool(struct encoder *json, const char *key, bool value);
void encode_field_text(struct encoder *json, const char *key, const char *text);
void encode_field_money(struct encoder *json, const char *key, struct money amount);
/* As a text, to the nanodollar: whoever reads a number may round it. */
void encode_field_exact(struct encoder *json, const char *key, struct money amount);
void encode_field_real(struct encoder *json, const char *key, double value);

#endif
