/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prepared.h"

#include <assert.h>
#include <string.h>

#include "store/driver.h"

enum { FIRST_PLACES = 64 };

static struct prepared_entry *make_places(size_t count)
{
    struct prepared_entry *entries = calloc(count, sizeof *entries);

    if (entries == NULL)
        abort();
    return entries;
}

struct prepared prepared_of(size_t count_max)
{
    assert(count_max > 0);
    return (struct prepared){ .entries = make_places(FIRST_PLACES),
                              .place_count = FIRST_PLACES,
                              .count_max = count_max };
}

void prepared_release(struct prepared *prepared)
{
    free(prepared->entries);
    *prepared = (struct prepared){ 0 };
}

static size_t hash_of(const char *sql, const uint64_t types[2])
{
    uint64_t hash = (uint64_t)(uintptr_t)sql ^ types[0] ^ (types[1] << 1);

    hash *= 0x9e3779b97f4a7c15;
    return (size_t)(hash >> 20);
}

/* Of every byte, eight at a time. */
static uint64_t digest_of(const char *sql)
{
    size_t length = strlen(sql);
    uint64_t digest = length, word;

    for (; length >= sizeof word; sql += sizeof word, length -= sizeof word) {
        memcpy(&word, sql, sizeof word);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15;
        digest ^= digest >> 32;
    }
    word = 0;
    memcpy(&word, sql, length);
    return (digest ^ word) * 0x9e3779b97f4a7c15;
}

/* Where it is, or would be: there is always a free place. */
static struct prepared_entry *place_of(const struct prepared *prepared, const char *sql,
                                       const uint64_t types[2])
{
    for (size_t at = hash_of(sql, types);; at++) {
        struct prepared_entry *entry = &prepared->entries[at & (prepared->place_count - 1)];

        if (entry->sql == NULL ||
            (entry->sql == sql && memcmp(entry->types, types, sizeof entry->types) == 0))
            return entry;
    }
}

/* At most three of four places are taken, so that a search soon meets a free one. */
static bool is_full(const struct prepared *prepared)
{
    return prepared->count >= prepared->place_count / 4 * 3;
}

static void grow(struct prepared *prepared)
{
    struct prepared old = *prepared;

    prepared->place_count = 2 * old.place_count;
    prepared->entries = make_places(prepared->place_count);
    for (size_t i = 0; i < old.place_count; i++)
        if (old.entries[i].sql != NULL)
            *place_of(prepared, old.entries[i].sql, old.entries[i].types) = old.entries[i];
    free(old.entries);
}

struct prepared_entry *prepared_find(struct prepared *prepared, const char *sql,
                                     struct db_args args)
{
    uint64_t types[2] = { 0, 0 };

    static_assert(DB_ARGS_MAX <= 64, "two bits a parameter, in 128");
    for (size_t i = 0; i < args.count; i++)
        types[i / 32] |= (uint64_t)args.values[i].type << (2 * (i % 32));

    struct prepared_entry *entry = place_of(prepared, sql, types);
    if (entry->sql != NULL) {
        assert(entry->digest == digest_of(sql)); /* else it is no literal */
        return entry;
    }
    if (prepared->count == prepared->count_max)
        return NULL;
    if (is_full(prepared)) {
        grow(prepared);
        entry = place_of(prepared, sql, types);
    }
    *entry = (struct prepared_entry){ .sql = sql, .digest = digest_of(sql) };
    memcpy(entry->types, types, sizeof types);
    prepared->count++;
    return entry;
}

void prepared_each(struct prepared *prepared, void (*each)(void *statement))
{
    for (size_t i = 0; i < prepared->place_count; i++)
        if (prepared->entries[i].statement != NULL)
            each(prepared->entries[i].statement);
}
