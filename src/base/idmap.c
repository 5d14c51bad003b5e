/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <assert.h>
#include <stdlib.h>

static const size_t capacity_min = 16;

void idmap_release(struct idmap *map)
{
    free(map->entries);
    *map = (struct idmap){ .entries = NULL };
}

/* Ids are often neighbours: spread them over the whole table. */
static size_t home_of(const struct idmap *map, int64_t id)
{
    uint64_t hash = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(hash ^ (hash >> 32)) & (map->capacity - 1);
}

/* Where it is, or where it would go: the table is never full. */
static size_t position_of(const struct idmap *map, int64_t id)
{
    size_t at = home_of(map, id);

    while (map->entries[at].is_used && map->entries[at].id != id)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

uint32_t idmap_find(const struct idmap *map, int64_t id)
{
    if (map->count == 0)
        return IDMAP_NONE;
    const struct idmap_entry *entry = &map->entries[position_of(map, id)];

    return entry->is_used ? entry->place : IDMAP_NONE;
}

void idmap_ask(const struct idmap *map, int64_t id)
{
    if (map->count > 0)
        __builtin_prefetch(&map->entries[home_of(map, id)]);
}

static void grow(struct idmap *map)
{
    struct idmap larger = { .capacity = map->capacity > 0 ? 2 * map->capacity : capacity_min,
                            .count = map->count };

    larger.entries = calloc(larger.capacity, sizeof larger.entries[0]);
    if (larger.entries == NULL)
        abort(); /* As base/buf.h says. */
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].is_used)
            larger.entries[position_of(&larger, map->entries[i].id)] = map->entries[i];
    }
    free(map->entries);
    *map = larger;
}

void idmap_put(struct idmap *map, int64_t id, uint32_t place)
{
    assert(place != IDMAP_NONE);
    if (3 * (map->count + 1) > 2 * map->capacity)
        grow(map);
    struct idmap_entry *entry = &map->entries[position_of(map, id)];

    map->count += entry->is_used ? 0 : 1;
    *entry = (struct idmap_entry){ .id = id, .place = place, .is_used = true };
}

void idmap_remove(struct idmap *map, int64_t id)
{
    if (map->count == 0)
        return;
    size_t mask = map->capacity - 1, gap = position_of(map, id);

    if (!map->entries[gap].is_used)
        return;
    /* Whoever stands behind the gap and could not stand nearer to home moves into it. */
    for (size_t at = (gap + 1) & mask; map->entries[at].is_used; at = (at + 1) & mask) {
        size_t home = home_of(map, map->entries[at].id);

        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->entries[gap] = map->entries[at];
            gap = at;
        }
    }
    map->entries[gap].is_used = false;
    map->count--;
}
