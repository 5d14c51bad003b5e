/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

json_t *support_parse(const struct buf *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK(!text->has_overflowed);
    CHECK_OK(json_parse(text->bytes, text->length, &root, &err), &err);
    return root;
}

static json_t *step(json_t *at, const char *name, size_t length)
{
    char text[64];

    assert(length < sizeof text);
    memcpy(text, name, length);
    text[length] = '\0';
    return json_is_array(at) ? json_array_get(at, (size_t)strtol(text, NULL, 10))
                             : json_object_get(at, text);
}

void support_set(json_t *root, const char *path, const char *value)
{
    json_t *at = root;

    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        at = step(at, path, (size_t)(dot - path));
        assert(at != NULL);
    }
    if (*value == '\0') {
        int status = json_object_del(at, path);
        assert(status == 0);
        return;
    }

    json_t *item = json_loads(value, JSON_DECODE_ANY, NULL);
    assert(item != NULL);
    int status = json_is_array(at) ? json_array_set_new(at, (size_t)strtol(path, NULL, 10), item)
                                   : json_object_set_new(at, path, item);
    assert(status == 0);
}

const char *support_text(struct arena *arena, size_t length_min, size_t length_max, bool is_line)
{
    static const char *const pieces[] = { "a", "Z9", " ", "\"", "\\", "/", "é", "→", "😀", "=" };
    static const char *const breaks[] = { "\n", "\t", "\x01", "\x7f" };
    size_t target = length_min + check_random(length_max - length_min + 1);
    char *text = arena_alloc(arena, target + 1, 1);
    size_t length = 0;

    while (length < target) {
        const char *piece = pieces[check_random(sizeof pieces / sizeof pieces[0])];
        if (!is_line && check_random(8) == 0)
            piece = breaks[check_random(sizeof breaks / sizeof breaks[0])];
        if (length + strlen(piece) > target)
            piece = "x";
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return text;
}

void support_chars(char *chars, size_t size)
{
    auto_arena struct arena arena = arena_of(4096);
    const char *text = support_text(&arena, 0, size - 1, true);

    memset(chars, 0, size);
    memcpy(chars, text, strlen(text));
}

int64_t support_int(int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low;

    switch (check_random(4)) {
    case 0:
        return low;
    case 1:
        return high;
    default:
        return (int64_t)((uint64_t)low + check_random(span == UINT64_MAX ? span : span + 1));
    }
}

const char *support_long(struct arena *arena, size_t count)
{
    char *text = arena_alloc(arena, count + 3, 1);

    memset(text, 'x', count + 2);
    text[0] = '"';
    text[count + 1] = '"';
    return text;
}

static void check_number(const char *path, int64_t number, enum error_code want,
                         void (*check)(const char *path, const char *value, enum error_code want))
{
    char value[32];

    (void)snprintf(value, sizeof value, "%" PRId64, number);
    check(path, value, want);
}

void support_edges(const struct support_edge *edges, size_t count,
                   void (*check)(const char *path, const char *value, enum error_code want))
{
    for (size_t i = 0; i < count; i++) {
        const struct support_edge *edge = &edges[i];

        check_number(edge->path, edge->low, ERROR_NONE, check);
        check_number(edge->path, edge->low - 1, ERROR_OUT_OF_RANGE, check);
        check_number(edge->path, edge->high, ERROR_NONE, check);
        if (edge->high < INT64_MAX)
            check_number(edge->path, edge->high + 1, ERROR_OUT_OF_RANGE, check);
    }
}
