/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of messages share: random texts, and documents that are changed in one place. */

#ifndef BERTH_TEST_PROTO_SUPPORT_H
#define BERTH_TEST_PROTO_SUPPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

/* The document in `text`, which must parse. Owned by the caller. */
json_t *support_parse(const struct buf *text);

/* Set the member at `path`, such as "facts.gpus.0.uuid", to the JSON in `value`; "" removes it. */
void support_set(json_t *root, const char *path, const char *value);

/* A text of up to `length_max` bytes, sometimes with quotes, letters beyond ASCII and, unless
 * it is a line, newlines. Lives in `arena`. */
const char *support_text(struct arena *arena, size_t length_min, size_t length_max, bool is_line);

/* The same into an array of `size` bytes. */
void support_chars(char *chars, size_t size);

/* From low to high, the ends more often than by chance. */
int64_t support_int(int64_t low, int64_t high);

/* A number of a document, and what it may be. */
struct support_edge {
    const char *path;
    int64_t low, high;
};

/* `check` sets a member to the JSON in `value` and wants the document refused, or not: each number
 * is taken at both its ends, and out of range beyond them. */
void support_edges(const struct support_edge *edges, size_t count,
                   void (*check)(const char *path, const char *value, enum error_code want));

/* `count` characters as a JSON text. Lives in `arena`. */
const char *support_long(struct arena *arena, size_t count);

#endif
