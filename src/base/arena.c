/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t bytes[]; /* `size` bytes, zeroed until handed out */
};

struct arena arena_of(size_t limit)
{
    assert(limit < SIZE_MAX / 2);
    return (struct arena){ .limit = limit };
}

void arena_release(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
    *arena = arena_of(arena->limit);
}

/* A block of its own for what is large; else one to share. */
static void push_block(struct arena *arena, size_t length)
{
    size_t size = length > BLOCK_SIZE ? length : BLOCK_SIZE;
    struct arena_block *block = calloc(1, sizeof *block + size);

    if (block == NULL)
        abort();
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
}

/* `length` zeroed bytes at a multiple of `alignment`; padding counts as used. */
static void *take(struct arena *arena, size_t length, size_t alignment)
{
    struct arena_block *block = arena->blocks;
    size_t padding = block == NULL ? 0 : -block->used & (alignment - 1);

    if (block == NULL || padding > block->size - block->used ||
        length > block->size - block->used - padding) {
        if (length > arena->limit - arena->used)
            return NULL;
        push_block(arena, length);
        block = arena->blocks;
        padding = 0;
    }
    if (padding + length > arena->limit - arena->used)
        return NULL;

    char *bytes = (char *)block->bytes + block->used + padding;
    block->used += padding + length;
    arena->used += padding + length;
    return bytes;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t length;

    if (__builtin_mul_overflow(count, size, &length) || length > arena->limit)
        return NULL;
    return take(arena, length, ALIGNMENT);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = length < arena->limit ? take(arena, length + 1, 1) : NULL;

    if (copy != NULL && length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    assert(length >= 0);

    char *text = (size_t)length < arena->limit ? take(arena, (size_t)length + 1, 1) : NULL;
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
