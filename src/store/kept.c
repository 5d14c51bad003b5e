/* SPDX-License-Identifier: Apache-2.0 */
#include "store/kept.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char name[KEPT_NAME_MAX];
    size_t name_length; /* 0: it is empty */
    struct buf bytes;
};

struct kept {
    int64_t version;
    struct place places[KEPT_PLACES];
};

/* FNV-1a: names come from hashes and from our own numbers, and nobody gains from two that meet. */
static size_t place_of(struct kept_name name)
{
    const unsigned char *bytes = name.bytes;
    uint64_t hash = UINT64_C(14695981039346656037);

    assert(name.length > 0 && name.length <= KEPT_NAME_MAX);
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (hash ^ hash >> 32) % KEPT_PLACES;
}

static bool is_of(const struct place *place, struct kept_name name)
{
    return place->name_length == name.length && memcmp(place->name, name.bytes, name.length) == 0;
}

bool kept_find(const struct kept *kept, int64_t version, struct kept_name name, struct buf *out)
{
    if (kept == NULL || kept->version != version)
        return false;
    const struct place *place = &kept->places[place_of(name)];
    if (!is_of(place, name))
        return false;
    buf_append(out, place->bytes.bytes, place->bytes.length);
    return true;
}

static void empty(struct place *place)
{
    buf_release(&place->bytes);
    place->name_length = 0;
}

static void empty_all(struct kept *kept)
{
    for (size_t i = 0; i < KEPT_PLACES; i++)
        if (kept->places[i].name_length > 0)
            empty(&kept->places[i]);
}

void kept_put(struct kept **kept, int64_t version, struct kept_name name, const struct buf *bytes)
{
    if (bytes->has_overflowed || bytes->length == 0 || bytes->length > KEPT_BYTES_MAX)
        return;
    if (*kept == NULL)
        *kept = calloc(1, sizeof **kept);
    if (*kept == NULL)
        abort();
    if ((*kept)->version != version)
        empty_all(*kept);
    (*kept)->version = version;
    struct place *place = &(*kept)->places[place_of(name)];
    empty(place);
    memcpy(place->name, name.bytes, name.length);
    place->name_length = name.length;
    place->bytes = buf_of(KEPT_BYTES_MAX);
    buf_append(&place->bytes, bytes->bytes, bytes->length);
}

void kept_release(struct kept **kept)
{
    if (*kept == NULL)
        return;
    empty_all(*kept);
    free(*kept);
    *kept = NULL;
}
