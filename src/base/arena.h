/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once.
 *
 * For what lives as long as one request, one transaction or one plan: rows loaded,
 * texts copied, lists of unknown length. Nothing is freed singly; releasing the arena
 * frees it all. The limit bounds what an outsider can make us hold: an allocation past
 * it returns NULL, and the caller says ERROR_OUT_OF_RANGE. Running out of memory
 * itself ends the process (see base/buf.h). */

#ifndef BERTH_BASE_ARENA_H
#define BERTH_BASE_ARENA_H

#include <stddef.h>

#include "base/compiler.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned */
    size_t used;                /* bytes handed out and padding, never above `limit` */
    size_t limit;
};

#define auto_arena __attribute__((cleanup(arena_release)))

/* An empty arena for up to `limit` bytes. Allocates nothing. */
struct arena arena_of(size_t limit);
void arena_release(struct arena *arena);

/* `count` zeroed elements of `size` bytes, aligned for any type; NULL past the limit.
 * A count of zero gives a valid pointer to nothing. */
NODISCARD void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* A copy of `text`, of `length` bytes with a NUL behind them; NULL past the limit. */
NODISCARD char *arena_copy(struct arena *arena, const char *text, size_t length);
NODISCARD char *arena_text(struct arena *arena, const char *text);

/* Formatted text; NULL past the limit. */
NODISCARD char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
