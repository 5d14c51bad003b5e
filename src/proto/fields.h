/* SPDX-License-Identifier: Apache-2.0 */
/* A message as a table: each row is one member, and encoding, decoding and its limits come from
 * that row.
 *
 *     static const struct field reply_fields[] = {
 *         FIELD_INT(struct session_reply, session_epoch, 1, INT64_MAX),
 *     };
 *
 * Members that the table does not name are ignored, so that an older side understands a newer
 * one. Texts are NUL-terminated, valid UTF-8. */

#ifndef BERTH_PROTO_FIELDS_H
#define BERTH_PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"

enum field_kind {
    FIELD_KIND_INT,   /* int64_t from min to max */
    FIELD_KIND_BOOL,  /* bool */
    FIELD_KIND_CHARS, /* char[size]: one line of text, without control characters */
    FIELD_KIND_TEXT,  /* const char *, min to max bytes */
    FIELD_KIND_LINE,  /* the same, in one line without control characters */
    FIELD_KIND_BYTES, /* uint8_t[size], base64url */
    FIELD_KIND_NAMES, /* an enum, as one of the `size` texts of `names` */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool is_optional; /* a text: NULL where absent; a number: what was there before stays */
    size_t offset, size;
    int64_t min, max;
    const char *const *names;
};

/* Rows for member `m` of struct type `t`, called the same on the wire. */
#define FIELD_SIZE(t, m) sizeof(((t *)NULL)->m)
#define FIELD_ROW(t, m, k)                                                                         \
    .name = #m, .kind = (k), .offset = offsetof(t, m), .size = FIELD_SIZE(t, m)
#define FIELD_INT(t, m, low, high)                                                                 \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_INT), .min = (low), .max = (high)                               \
    }
/* Written always; documents of older programs lack it. */
#define FIELD_INT_ADDED(t, m, low, high)                                                           \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_INT), .min = (low), .max = (high), .is_optional = true          \
    }
#define FIELD_BOOL(t, m)                                                                           \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_BOOL)                                                           \
    }
#define FIELD_CHARS(t, m)                                                                          \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_CHARS)                                                          \
    }
#define FIELD_CHARS_ADDED(t, m)                                                                    \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_CHARS), .is_optional = true                                     \
    }
#define FIELD_BYTES(t, m)                                                                          \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_BYTES)                                                          \
    }
#define FIELD_TEXT(t, m, shortest, longest)                                                        \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_TEXT), .min = (shortest), .max = (longest)                      \
    }
#define FIELD_LINE(t, m, shortest, longest)                                                        \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_LINE), .min = (shortest), .max = (longest)                      \
    }
#define FIELD_TEXT_OPTIONAL(t, m, shortest, longest)                                               \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_TEXT), .min = (shortest), .max = (longest), .is_optional = true \
    }
#define FIELD_LINE_OPTIONAL(t, m, shortest, longest)                                               \
    {                                                                                              \
        FIELD_ROW(t, m, FIELD_KIND_LINE), .min = (shortest), .max = (longest), .is_optional = true \
    }
#define FIELD_NAMES(t, m, texts)                                                                   \
    {                                                                                              \
        .name = #m, .kind = FIELD_KIND_NAMES, .offset = offsetof(t, m),                            \
        .size = sizeof(texts) / sizeof((texts)[0]), .names = (texts)                               \
    }

struct field_list {
    const struct field *fields;
    size_t count;
};
#define FIELD_LIST(table)                                                                          \
    {                                                                                              \
        (table), sizeof(table) / sizeof((table)[0])                                                \
    }

/* The members of the struct at `from`, into the object that `json` has open. */
void fields_encode(struct encoder *json, const struct field_list *list, const void *from);

/* Read the members of `object` into the struct at `to`, texts copied into `arena`, or left in
 * the document where `arena` is NULL. Failing may leave `*to` half filled: decode into a local.
 * ERROR_INVALID: not an object, a member absent or of the wrong type. ERROR_OUT_OF_RANGE: past
 * its limits. */
NODISCARD bool fields_decode(const json_t *object, const struct field_list *list,
                             struct arena *arena, void *to, struct error *err);

/* One line: without control characters. */
bool fields_is_line(const char *text);

#endif
