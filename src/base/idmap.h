/* SPDX-License-Identifier: Apache-2.0 */
/* From an id to the number of a place: a hash table that keeps nothing else.
 *
 * Open addressing, at most two thirds full; what is removed leaves no gap behind, so that a map
 * that is always changing stays as fast as a new one. Running out of memory ends the process (see
 * base/buf.h). */

#ifndef BERTH_BASE_IDMAP_H
#define BERTH_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_entry {
    int64_t id;
    uint32_t place;
    bool is_used;
};

/* All zeros is an empty one. */
struct idmap {
    struct idmap_entry *entries; /* owned */
    size_t capacity;             /* 0 or a power of two */
    size_t count;
};

#define IDMAP_NONE UINT32_MAX

void idmap_release(struct idmap *map);

/* IDMAP_NONE: not there. */
uint32_t idmap_find(const struct idmap *map, int64_t id);

/* Its entry is looked for soon: the memory for it is asked for, and not waited for. */
void idmap_ask(const struct idmap *map, int64_t id);

/* What was there before is replaced. */
void idmap_put(struct idmap *map, int64_t id, uint32_t place);
void idmap_remove(struct idmap *map, int64_t id); /* nothing where it is not there */

#endif
